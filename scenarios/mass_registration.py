"""The launch with the bug: every app launch registers the device.

The story at full size: a customer of the platform launches ride-sharing in three cities. Eight and a half
million devices take up its app in a day, and an app is launched 50 times a day and device (by its user, and
by the operating system in the background). By a mistake in the integration each of these is a registration,
where each start of tracking should be: ten thousand requests a second at the peak, against 23 the day before.
The rehearsal has a twenty-fifth of all rates, and squeezes the day's curve into a minute.
"""

import sys
from dataclasses import replace

from harness.scenario import Launch, LaunchDay, Scenario, load_scenario

_REHEARSED = 1 / 25

_baseline = load_scenario("baseline_day")
_day_before = replace(_baseline.traffic, scale=_REHEARSED)
assert isinstance(_day_before.shape, LaunchDay)
_launch = Launch(devices=8_500_000, registers="app_launch", app_launches_per_day=50)

scenario = Scenario(
    name="mass_registration",
    summary="The launch with the bug: every app launch registers the device, a day's curve in a minute.",
    traffic=replace(_day_before, shape=replace(_day_before.shape, launch=_launch)),
    population=replace(_baseline.population, devices=300_000, tenant_skew=3.0),
    objectives=_baseline.objectives,
    duration_s=50.0,
    day_before=_day_before,
)

if "locust" in sys.modules:  # for `locust -f`; see harness/load/plain.py
    from harness.load.plain import rehearsal_user

    Arrivals = rehearsal_user(scenario)
