"""An outage ends, and every device comes back with its backlog in the same second.

Five hundred devices track through twenty seconds without a network, and gather ten locations each. Without
jitter in their SDK they all flush within a second of its return: five thousand events at once, where the
platform had 250 a second before. What to look at: throttles and the retries that they cause, the backlog and
how long it takes to drain. `reconnect_storm_jittered` is the same outage with an SDK that takes its time.
"""

import sys
from dataclasses import replace

from harness.objectives import Objectives
from harness.scenario import Reconnect, Scenario, Traffic, load_scenario

_everyday = load_scenario("baseline_day").population

scenario = Scenario(
    name="reconnect_storm",
    summary="An outage ends, and every device flushes its backlog within a second.",
    traffic=Traffic(
        Reconnect(per_s=250.0, before_s=10.0, outage_s=20.0, after_s=20.0, within_s=1.0, cadence_s=2.0),
        spacing="even",
    ),
    population=replace(_everyday, accounts=20, devices=2_000),
    objectives=Objectives.of(
        *("latency.p99<2s", "errors.share<1%", "throughput.achieved_share>=99%", "drain.s<30s"),
        *("ledger.missing==0", "ledger.duplicated==0"),
    ),
)

if "locust" in sys.modules:  # for `locust -f`; see harness/load/plain.py
    from harness.load.plain import rehearsal_user

    Arrivals = rehearsal_user(scenario)
