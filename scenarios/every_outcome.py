"""A smoke test: ten devices, and everything that can become of an event, in under half a minute.

Registered, archived, discarded for each reason there is, dead-lettered, superseded, redelivered,
and a request that was never answered. Run it first on a new pipeline or a new machine.
"""

import sys

from harness.objectives import Objectives
from harness.scenario import (
    FLAWS,
    LOCATION,
    LOCATION_FLUSH,
    REGISTRATION,
    City,
    Constant,
    Population,
    Scenario,
    Traffic,
)

scenario = Scenario(
    name="every_outcome",
    summary="A smoke test: ten devices, and everything that can become of an event.",
    traffic=Traffic(
        Constant(
            per_s=4.4,
            mix=((REGISTRATION, 0.6), (LOCATION, 3.5), (LOCATION_FLUSH, 0.3)),
            cadence_s=2.0,  # seven devices send one by one, three gather and flush
            flush_events=5,
        ),
        spacing="even",
        flaws=tuple((flaw, 0.04) for flaw in FLAWS),
    ),
    population=Population(
        accounts=3,
        devices=10,
        cities=(City("Lisbon", 38.7223, -9.1393, utc_offset_h=1),),
        tenant_skew=0.5,
        activities=(("drive", 1.0),),
    ),
    # Poison is dead-lettered by rule here, so that only the prediction tells what else must not be.
    objectives=Objectives.of("ledger.missing==0", "ledger.duplicated==0", "ledger.mispredicted==0"),
    duration_s=24.0,
)

if "locust" in sys.modules:  # for `locust -f`; see harness/load/plain.py
    from harness.load.plain import rehearsal_user

    Arrivals = rehearsal_user(scenario)
