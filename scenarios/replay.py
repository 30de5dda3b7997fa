"""A recording as traffic: `launchday run replay --trace FILE [--compress N]`.

Any CSV of time and place. A pickup (no vehicle column) is an app launch and then a trip; a row of a GPS
track (a vehicle column) is that device's location. The rows are as old as the recording is long, so the
pipeline is told to take them.
"""

import sys

from harness.objectives import Objectives
from harness.scenario import City, Population, Scenario, Trace, Traffic

_A_YEAR_S = 366 * 86_400

scenario = Scenario(
    name="replay",
    summary="A recording (CSV of time and place) with its rhythm and its places, sped up.",
    traffic=Traffic(Trace()),
    population=Population(
        accounts=20,
        devices=1,  # the trace says how many
        cities=(City("wherever the trace is", 0.0, 0.0, utc_offset_h=0),),
    ),
    objectives=Objectives.of(
        *("latency.p99<500ms", "throughput.achieved_share>=99%"),
        *("ledger.missing==0", "ledger.dead_lettered==0"),
    ),
    settings={"stale_after_s": str(_A_YEAR_S)},
)

if "locust" in sys.modules:  # for `locust -f`; see harness/load/plain.py
    from harness.load.plain import rehearsal_user

    Arrivals = rehearsal_user(scenario)
