"""The day before: a quiet location platform in three cities, at full size (23 requests a second at most)."""

import sys

from harness.objectives import Objectives
from harness.scenario import City, LaunchDay, Population, Scenario, Traffic

scenario = Scenario(
    name="baseline_day",
    summary="The day before the launch: the platform at its usual rate, a day's curve in a minute.",
    traffic=Traffic(LaunchDay(resident_devices=200_000, offline_share=0.1)),
    population=Population(
        accounts=200,
        devices=200_000,
        cities=(
            City("New York", 40.7306, -73.9866, utc_offset_h=-4, share=8.3),
            City("Chicago", 41.8781, -87.6298, utc_offset_h=-5, share=2.7),
            City("Los Angeles", 34.0522, -118.2437, utc_offset_h=-7, share=3.8),
        ),
    ),
    objectives=Objectives.of(
        *("latency.p99<500ms", "throughput.achieved_share>=99%"),
        *("ledger.missing==0", "ledger.duplicated==0", "ledger.dead_lettered==0"),
    ),
)

if "locust" in sys.modules:  # for `locust -f`; see harness/load/plain.py
    from harness.load.plain import rehearsal_user

    Arrivals = rehearsal_user(scenario)
