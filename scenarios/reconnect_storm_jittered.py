"""The outage of `reconnect_storm`, with devices that spread their return over fifteen seconds.

The same backlog, flushed at a fifteenth of the rate: what jitter in an SDK is worth, in latency, throttles
and shards, when the two reports lie side by side.
"""

import sys
from dataclasses import replace

from harness.objectives import Objectives
from harness.scenario import Reconnect, load_scenario

_storm = load_scenario("reconnect_storm")
assert isinstance(_storm.traffic.shape, Reconnect)

scenario = replace(
    _storm,
    name="reconnect_storm_jittered",
    summary="The same outage, with devices that spread their return over fifteen seconds.",
    traffic=replace(_storm.traffic, shape=replace(_storm.traffic.shape, within_s=15.0)),
    objectives=Objectives.of(
        *("latency.p99<500ms", "throttles.count==0", "errors.share<1%", "drain.s<30s"),
        *("throughput.achieved_share>=99%", "ledger.missing==0", "ledger.duplicated==0"),
    ),
    path=None,
)

if "locust" in sys.modules:  # for `locust -f`; see harness/load/plain.py
    from harness.load.plain import rehearsal_user

    Arrivals = rehearsal_user(scenario)
