"""The embedded AWS as a target: started for a run, or one that stands already (`launchday up`)."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import orjson

from harness.aws.limits.profiles import Limits
from harness.emulator.command_line import DEFAULT_PORT
from harness.emulator.launch import EmbeddedAws
from harness.emulator.standing import EMBEDDED
from harness.errors import TargetLost
from harness.measure.meters import CallTally, Gauge, Usage
from harness.measure.observation import Invocation, Observation, ProcessState
from harness.measure.unseen import Unseen
from harness.targets.local import DEFAULT_REGION, OwnTarget, StandingTarget

_TIMEOUT_S = 20.0


class EmbeddedTarget(OwnTarget[EmbeddedAws]):
    """An embedded AWS of its own for the run."""

    name = EMBEDDED

    def __init__(
        self,
        *,
        limits: Limits,
        port: int = DEFAULT_PORT,
        data_dir: Path | None = None,
        region: str = DEFAULT_REGION,
        allow_deliveries: Sequence[str] = (),
    ) -> None:
        def make(logs_dir: Path) -> EmbeddedAws:
            return EmbeddedAws(
                port=port,
                data_dir=data_dir,
                logs_dir=logs_dir,
                limits=limits,
                region=region,
                allow_deliveries=allow_deliveries,
            )

        super().__init__(make, region)

    def observer(self) -> EmbeddedObserver:
        """Its own meters. Raises TargetError outside of `start`."""
        aws = self._running()
        return EmbeddedObserver(aws.observed_at, alive=aws.alive)


class StandingEmbeddedTarget(StandingTarget):
    """An embedded AWS that stands already (`launchday up`)."""

    def observer(self) -> EmbeddedObserver:
        """Its own meters."""
        return EmbeddedObserver(self._stands.observed_at)


class EmbeddedObserver:
    """Reads the emulator's own meters over one kept connection. `called` is how sentences name it."""

    called = "The embedded AWS"
    completeness = (
        "Every request to the embedded AWS is metered where it is served; nothing is sampled. "
        "IAM, KMS and VPC usage is not rehearsed, so it is not seen."
    )
    unseen: Unseen = MappingProxyType({})

    def __init__(self, url: str, *, alive: Callable[[], bool] = lambda: True) -> None:
        parts = urlsplit(url)
        self._url = url
        self._alive = alive
        self._connection = http.client.HTTPConnection(
            parts.hostname or "127.0.0.1", parts.port, timeout=_TIMEOUT_S
        )
        self._cursor = ""

    def observe(self) -> Observation:
        """Look now. Raises TargetLost when the emulator's supervisor is gone or it does not answer; looking
        again after that loses nothing."""
        self._check()
        answer = self._ask(f"/_launchday/observation?after={self._cursor}")
        observation = _observation(answer)
        self._cursor = answer["cursor"]
        return observation

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _ask(self, path: str) -> dict[str, Any]:
        """The answer to a GET; a kept connection that was closed meanwhile is opened again once."""
        try:
            try:
                status, content = self._get(path)
            except (ConnectionError, http.client.HTTPException):
                self._connection.close()
                status, content = self._get(path)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            self._check()
            reason = str(error) or type(error).__name__
            raise TargetLost(f"{self.called} at {self._url} does not answer: {reason}.") from error
        if status != 200:
            raise TargetLost(f"{self.called} at {self._url} answered {status} when observed.")
        parsed: dict[str, Any] = orjson.loads(content)
        return parsed

    def _check(self) -> None:
        """Raises TargetLost when it is known to be gone."""
        if not self._alive():
            raise TargetLost(self._how_it_ended())

    def _how_it_ended(self) -> str:
        return "The embedded AWS is gone: its supervisor ended."

    def _get(self, path: str) -> tuple[int, bytes]:
        self._connection.request("GET", path)
        response = self._connection.getresponse()
        return response.status, response.read()


def _observation(answer: Mapping[str, Any]) -> Observation:
    return Observation(
        at_s=answer["at_s"],
        usage=[Usage(*row) for row in answer["usage"]],
        gauges=[Gauge(*row) for row in answer["gauges"]],
        invocations=[Invocation(**row) for row in answer["invocations"]],
        calls=[CallTally(*row) for row in answer["calls"]],
        processes=[ProcessState(**row) for row in answer["processes"]],
        incidents=list(answer["incidents"]),
        lost=answer["lost"],
    )
