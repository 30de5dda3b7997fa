"""A scenario of a few seconds: twenty requests a second, of both kinds, from the first second on."""

from harness.objectives import Objectives
from harness.scenario import LOCATION, REGISTRATION, City, Constant, Population, Scenario, Traffic

scenario = Scenario(
    name="steady",
    summary="Twenty requests a second.",
    traffic=Traffic(Constant(per_s=20, mix=((REGISTRATION, 1), (LOCATION, 3)), cadence_s=2.0)),
    population=Population(
        accounts=5, devices=1_000, cities=(City("Lisbon", 38.7223, -9.1393, utc_offset_h=1),)
    ),
    objectives=Objectives.of("ledger.missing==0", "ledger.duplicated==0"),
    duration_s=4.0,
)
