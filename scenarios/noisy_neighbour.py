"""One account surges, and the latency of all others must hold.

Twenty accounts send as on any day. After fifteen seconds the first one's app registers its devices at every
launch: seven times what the others send together. The report keeps its latency apart from theirs, and it is
theirs that the objectives are about: tenants share the entrance, the stream and the functions, and nobody is
to pay for a neighbour's bug.
"""

import sys
from dataclasses import replace

from harness.objectives import Objectives
from harness.scenario import (
    LOCATION,
    REGISTRATION,
    Constant,
    Scenario,
    Stages,
    Surge,
    Traffic,
    load_scenario,
)

_everyday = load_scenario("baseline_day").population

scenario = Scenario(
    name="noisy_neighbour",
    summary="One account surges; the latency of all others must hold.",
    traffic=Traffic(
        Constant(per_s=60.0, mix=((LOCATION, 0.9), (REGISTRATION, 0.1)), cadence_s=10.0),
        surge=Surge(account=0, shape=Stages(((15.0, 0.0), (5.0, 400.0), (20.0, 400.0), (5.0, 0.0)))),
    ),
    population=replace(_everyday, accounts=20, devices=20_000, tenant_skew=0.3),
    objectives=Objectives.of(
        *("latency[other accounts].p99<250ms", "throughput.achieved_share>=99%", "throttles.count==0"),
        *("ledger.missing==0", "ledger.duplicated==0"),
    ),
    duration_s=50.0,
)

if "locust" in sys.modules:  # for `locust -f`; see harness/load/plain.py
    from harness.load.plain import rehearsal_user

    Arrivals = rehearsal_user(scenario)
