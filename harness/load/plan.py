"""What the generator's process is told: plain data that goes through a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.scenario import Overrides, Scenario, load_scenario
from harness.scenario.checks import whole

MAX_WORKERS = 64
MAX_IN_FLIGHT = 100_000


@dataclass(frozen=True)
class LoadPlan:
    """One run's load. `outputs` are those of the deployment; `in_flight_cap` is of all workers together."""

    scenario: Path
    run_id: str
    pipeline_dir: Path
    outputs: Mapping[str, Any]
    overrides: Overrides = field(default_factory=Overrides)
    in_flight_cap: int = 1000
    workers: int = 1

    def __post_init__(self) -> None:
        whole("the number of requests in flight", self.in_flight_cap, 1, MAX_IN_FLIGHT)
        whole("the number of workers", self.workers, 1, MAX_WORKERS)
        if self.workers > self.in_flight_cap:
            raise UsageError(f"{self.workers} workers cannot share {self.in_flight_cap} requests in flight.")

    def load_scenario(self) -> Scenario:
        """The scenario as it is to be run. Raises UsageError."""
        return self.overrides.apply(load_scenario(self.scenario))

    def to_json(self) -> dict[str, Any]:
        """As plain values; `from_json` gives it back."""
        return {
            "scenario": str(self.scenario),
            "run_id": self.run_id,
            "pipeline_dir": str(self.pipeline_dir),
            "outputs": dict(self.outputs),
            "overrides": self.overrides.to_json(),
            "in_flight_cap": self.in_flight_cap,
            "workers": self.workers,
        }

    @classmethod
    def read(cls, path: Path) -> LoadPlan:
        """From the file at `path`. Raises UsageError."""
        try:
            return cls.from_json(json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise UsageError(f"The load plan {path} cannot be read: {error.strerror or error}.") from error
        except ValueError as error:
            raise UsageError(f"The load plan {path} is not JSON: {error}.") from error

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> LoadPlan:
        """From what `to_json` gave. Raises UsageError when something is missing."""
        try:
            return cls(
                scenario=Path(plain["scenario"]),
                run_id=str(plain["run_id"]),
                pipeline_dir=Path(plain["pipeline_dir"]),
                outputs=plain["outputs"],
                overrides=Overrides.from_json(plain.get("overrides", {})),
                in_flight_cap=plain.get("in_flight_cap", 1000),
                workers=plain.get("workers", 1),
            )
        except KeyError as missing:
            raise UsageError(f"The load plan does not say its {missing.args[0]}.") from None
