"""A constant rate of registrations and some locations: what the generator's benchmark plans."""

from harness.scenario import LOCATION, REGISTRATION, City, Constant, Population, Scenario, Traffic

scenario = Scenario(
    name="steady",
    summary="A constant rate.",
    traffic=Traffic(Constant(per_s=5_000.0, mix=((REGISTRATION, 0.9), (LOCATION, 0.1)))),
    population=Population(
        accounts=200,
        devices=300_000,
        cities=(City("Lisbon", 38.7223, -9.1393, utc_offset_h=1),),
        tenant_skew=3.0,
    ),
)
