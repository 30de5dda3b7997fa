"""The mass registration at a constant rate: what the memory benchmark runs for minutes."""

from dataclasses import replace

from harness.scenario import LOCATION, REGISTRATION, Constant, Traffic, load_scenario

_launch = load_scenario("mass_registration")

scenario = replace(
    _launch,
    name="steady_registration",
    summary="The mass registration at a constant rate.",
    traffic=Traffic(Constant(per_s=500.0, mix=((REGISTRATION, 0.9), (LOCATION, 0.1)))),
    day_before=None,
    duration_s=600.0,
)
