"""The same launch without the bug: a device registers when it starts tracking. What the fix saves."""

import sys
from dataclasses import replace

from harness.scenario import Launch, LaunchDay, load_scenario

_bug = load_scenario("mass_registration")
_shape = _bug.traffic.shape
assert isinstance(_shape, LaunchDay)
assert isinstance(_shape.launch, Launch)
_launch = replace(_shape.launch, registers="tracking_start")

scenario = replace(
    _bug,
    name="mass_registration_fixed",
    summary="The same launch with the bug fixed: a device registers when it starts tracking.",
    traffic=replace(_bug.traffic, shape=replace(_shape, launch=_launch)),
)

if "locust" in sys.modules:  # for `locust -f`; see harness/load/plain.py
    from harness.load.plain import rehearsal_user

    Arrivals = rehearsal_user(scenario)
