"""The story, whole: the launch with the bug, on the whole platform.

The launch of `mass_registration`, at a sixtieth of all rates: every app launch registers its device. Around
it everything that the platform is for goes on: back ends poll, users sign in, query and watch the map, and
customers' webhooks are told, one of them by an endpoint that fails. Does it hold, is anything lost on its
way to anybody, what breaks first, and what does the day cost beside the day before?
"""

import sys
from dataclasses import replace

from harness.objectives import Objectives
from harness.scenario import Calls, Constant, LaunchDay, Scenario, Stages, Watchers, load_scenario

_REHEARSED = 1 / 60
_BASELINE_REHEARSED = 1 / 25  # of mass_registration, which this is a part of

_surge = load_scenario("mass_registration")
assert isinstance(_surge.traffic.shape, LaunchDay)
assert _surge.day_before is not None
_part = _REHEARSED / _BASELINE_REHEARSED


_ASKED_PER_S = {  # as rehearsed; the traffic's scale is taken out again below
    "get_device": 4.0,
    "list_devices": 1.0,
    "get_history": 0.1,
    "graphql_device": 4.0,
    "graphql_devices": 1.0,
    "sign_in": 0.5,
}


def _with_the_day(per_s: float) -> Stages:
    """People look at the map when there is something to see."""
    return Stages(((15.0, per_s), (20.0, 3 * per_s), (15.0, per_s)), start_per_s=per_s / 2)


scenario = Scenario(
    name="launch_day",
    summary="The launch with the bug, on the whole platform: polls, live map and webhooks with it.",
    traffic=replace(
        _surge.traffic,
        scale=_surge.traffic.scale * _part,
        calls=tuple(Calls(kind, _with_the_day(n / _REHEARSED)) for kind, n in _ASKED_PER_S.items()),
    ),
    population=replace(_surge.population, accounts=20, devices=100_000),
    watchers=Watchers(
        device_subscribers=150,
        account_subscribers=20,
        webhooks=(("healthy", 2), ("failing", 1), ("slow", 1), ("healthy", 16)),
    ),
    objectives=Objectives.of(
        *("latency.p99<1s", "throughput.achieved_share>=99%", "errors.share<1%"),
        *("ledger.missing==0", "ledger.duplicated==0", "ledger.dead_lettered==0"),
        *("deliveries.webhook.healthy_undelivered==0", "deliveries.webhook.missing==0"),
        *("deliveries.subscription.missing==0", "deliveries.subscription.misdirected==0"),
        *("deliveries.webhook.misdirected==0", "deliveries.webhook.dead_lettered>=1"),
    ),
    day_before=replace(
        _surge.day_before,
        scale=_surge.day_before.scale * _part,
        calls=tuple(Calls(kind, Constant(n / 20 / _REHEARSED)) for kind, n in _ASKED_PER_S.items()),
    ),
    settings={"webhook_hosts": "loopback", "webhook_retry_delay_s": "1", "users": "20"},
    duration_s=50.0,
)

if "locust" in sys.modules:  # for `locust -f`; see harness/load/plain.py
    from harness.load.plain import rehearsal_user

    Arrivals = rehearsal_user(scenario)
