"""What a person changes of a scenario for one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.objectives import Objective
from harness.scenario.checks import in_range, whole
from harness.scenario.model import Scenario
from harness.scenario.population import MAX_DEVICES
from harness.scenario.shapes import MAX_DURATION_S, MAX_RATE_PER_S
from harness.scenario.trace import Trace


@dataclass(frozen=True, slots=True)
class Overrides:
    """None leaves the scenario's own. `rate` is the peak in requests a second; `compress` and `trace` are
    for a replay. Raises UsageError for a value that cannot be."""

    rate: float | None = None
    duration_s: float | None = None
    seed: int | None = None
    devices: int | None = None
    trace: Path | None = None
    compress: float | None = None
    objectives: tuple[Objective, ...] = ()

    def __post_init__(self) -> None:
        if self.rate is not None:
            in_range("the rate, in requests a second,", self.rate, 0.001, MAX_RATE_PER_S)
        if self.duration_s is not None:
            in_range("the duration, in seconds,", self.duration_s, 1, MAX_DURATION_S)
        if self.seed is not None:
            whole("the seed", self.seed, 0, 2**63 - 1)
        if self.devices is not None:
            whole("the number of devices", self.devices, 1, MAX_DEVICES)
        if self.compress is not None:
            in_range("the compression of a trace", self.compress, 1, 1e7)
            if self.duration_s is not None:
                raise UsageError("Of --compress and --duration, a replay takes one: each gives the other.")

    def apply(self, scenario: Scenario) -> Scenario:
        """`scenario` with these changes, ready to run.

        Raises UsageError when they do not fit it, and when it is a replay that has no trace."""
        scenario = self._traced(scenario)
        if self.duration_s is not None:
            scenario = scenario.with_duration(self.duration_s)
        if self.rate is not None:
            scenario = scenario.with_peak(self.rate)
        population = scenario.population
        return replace(
            scenario,
            seed=scenario.seed if self.seed is None else self.seed,
            population=population if self.devices is None else replace(population, devices=self.devices),
            objectives=scenario.objectives.overridden_by(self.objectives),
        )

    def _traced(self, scenario: Scenario) -> Scenario:
        shape = scenario.traffic.shape
        if not isinstance(shape, Trace):
            for option, value in (("--trace", self.trace), ("--compress", self.compress)):
                if value is not None:
                    raise UsageError(f"{option} is for a replay; {scenario.name} has traffic of its own.")
            return scenario
        if self.devices is not None:
            raise UsageError("A replay has the devices of its trace; leave --devices out.")
        path = self.trace or shape.path
        if path is None:
            raise UsageError(f"{scenario.name} needs a trace.", "Name a CSV of time and place: --trace FILE.")
        read = shape.of(path, self.compress or shape.compress)
        in_range("the length of the replay, in seconds,", read.duration_s, 0.1, MAX_DURATION_S)
        return replace(
            scenario,
            traffic=replace(scenario.traffic, shape=read),
            population=replace(scenario.population, devices=read.events.devices),
            duration_s=read.duration_s,
        )

    def to_json(self) -> dict[str, Any]:
        """As plain values; `from_json` gives it back."""
        given: dict[str, Any] = {
            "rate": self.rate,
            "duration_s": self.duration_s,
            "seed": self.seed,
            "devices": self.devices,
            "trace": None if self.trace is None else str(self.trace),
            "compress": self.compress,
            "objectives": [str(objective) for objective in self.objectives],
        }
        return {name: value for name, value in given.items() if value not in (None, [])}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Overrides:
        """From what `to_json` gave. Raises UsageError for a name that is none of these."""
        values = dict(plain)
        trace = values.pop("trace", None)
        objectives = tuple(Objective.parse(text) for text in values.pop("objectives", ()))
        unknown = set(values) - {"rate", "duration_s", "seed", "devices", "compress"}
        if unknown:
            raise UsageError(f"A scenario cannot be overridden in {', '.join(sorted(unknown))}.")
        return cls(**values, trace=None if trace is None else Path(trace), objectives=objectives)
