"""Customers' back ends poll, and then they all poll at once.

Devices track at an even rate, as on any day. Their owners' back ends ask for one device, for a page of
devices, for an hour of history; after fifteen seconds a customer's dashboard goes viral, and the polls grow
eightfold within five. Reads and writes meet in the same table and share the account's Lambda concurrency:
what to look at is whether the entrance for devices holds its latency while the entrance for back ends is
stormed, and what polling costs beside pushing (`webhook_fanout`, `live_map`).
"""

import sys
from dataclasses import replace

from harness.objectives import Objectives
from harness.scenario import (
    LOCATION,
    REGISTRATION,
    Calls,
    Constant,
    Scenario,
    Stages,
    Traffic,
    load_scenario,
)

_everyday = load_scenario("baseline_day").population


def _storm(per_s: float) -> Stages:
    """Calm for fifteen seconds, then eight times as much."""
    return Stages(((15.0, per_s), (5.0, 8 * per_s), (15.0, 8 * per_s), (5.0, per_s)), start_per_s=per_s)


scenario = Scenario(
    name="api_poll_storm",
    summary="Customers' back ends poll for devices, pages and history, and then eight times as much.",
    traffic=Traffic(
        Constant(per_s=40.0, mix=((LOCATION, 0.95), (REGISTRATION, 0.05)), cadence_s=5.0),
        calls=(
            Calls("get_device", _storm(4.0)),
            Calls("list_devices", _storm(1.0)),
            Calls("get_history", _storm(0.1)),
        ),
    ),
    population=replace(_everyday, accounts=20, devices=2_000),
    objectives=Objectives.of(
        *("latency[POST /v1/locations].p99<500ms", "latency[GET /v1/devices/{device_id}].p99<1s"),
        *("throughput.achieved_share>=99%", "errors.share<1%"),
        *("ledger.missing==0", "ledger.duplicated==0"),
    ),
    duration_s=40.0,
)

if "locust" in sys.modules:  # for `locust -f`; see harness/load/plain.py
    from harness.load.plain import rehearsal_user

    Arrivals = rehearsal_user(scenario)
