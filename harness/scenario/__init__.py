"""A scenario: who sends what, how much of it when, and what must hold.

`load_scenario("mass_registration")` loads one; `Overrides(rate=500).apply(scenario)` makes it ready to run.
"""

from harness.scenario.loading import load_scenario, packaged_scenarios
from harness.scenario.model import FLAWS, OTHERS, POISON, Calls, Hour, Scenario, Surge, Traffic
from harness.scenario.overrides import Overrides
from harness.scenario.population import City, Population
from harness.scenario.reconnect import Reconnect
from harness.scenario.shapes import (
    LOCATION,
    LOCATION_FLUSH,
    REGISTRATION,
    STREAMS,
    Constant,
    Launch,
    LaunchDay,
    Shape,
    Stages,
)
from harness.scenario.trace import Trace, TraceEvents
from harness.scenario.watchers import BEHAVIOURS, Watchers

__all__ = [
    "BEHAVIOURS",
    "FLAWS",
    "LOCATION",
    "LOCATION_FLUSH",
    "OTHERS",
    "POISON",
    "REGISTRATION",
    "STREAMS",
    "Calls",
    "City",
    "Constant",
    "Hour",
    "Launch",
    "LaunchDay",
    "Overrides",
    "Population",
    "Reconnect",
    "Scenario",
    "Shape",
    "Stages",
    "Surge",
    "Trace",
    "TraceEvents",
    "Traffic",
    "Watchers",
    "load_scenario",
    "packaged_scenarios",
]
