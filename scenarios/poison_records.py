"""What no consumer can parse, among what it must not hold up.

One location in ten is broken on purpose: bytes that are no event at all, put into the stream past the API;
fields that cannot be; fixes from yesterday and from tomorrow; events sent twice. A record that cannot be
parsed has to end in the dead-letter queue and never block its shard, every other one has to end as the rules
say, and healthy events must not be late for it.
"""

import sys
from dataclasses import replace

from harness.objectives import Objectives
from harness.scenario import LOCATION, REGISTRATION, Constant, Scenario, Traffic, load_scenario

_everyday = load_scenario("baseline_day").population

scenario = Scenario(
    name="poison_records",
    summary="What cannot be parsed, among what must not be held up.",
    traffic=Traffic(
        Constant(per_s=150.0, mix=((LOCATION, 0.95), (REGISTRATION, 0.05)), cadence_s=4.0),
        flaws=(
            *(("poison", 0.03), ("malformed", 0.02), ("stale", 0.01), ("future", 0.01)),
            *(("accuracy", 0.01), ("duplicate", 0.01), ("resent", 0.01)),
        ),
    ),
    population=replace(_everyday, accounts=20, devices=5_000),
    objectives=Objectives.of(
        *("latency.p99<500ms", "throughput.achieved_share>=99%", "stages.accepted_to_processed.p99<5s"),
        *("iterator_age.peak_ms<5s", "ledger.missing==0", "ledger.duplicated==0", "ledger.mispredicted==0"),
        "ledger.dead_lettered>=1",
    ),
    duration_s=40.0,
)

if "locust" in sys.modules:  # for `locust -f`; see harness/load/plain.py
    from harness.load.plain import rehearsal_user

    Arrivals = rehearsal_user(scenario)
