"""What the companion of a LocalStack answers of itself: observation, health, reset; and the environments that
LocalStack's Lambda has its functions run in."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any, Protocol

from harness import __version__
from harness.emulator.child import Supervision
from harness.emulator.observing import ProcessObserver, merge, split_cursors
from harness.emulator.own_paths import (
    COGNITO_MESSAGES_PATH,
    HEALTH_PATH,
    OBSERVATION_PATH,
    RESET_PATH,
    Answer,
    OwnPaths,
    query_value,
)
from harness.emulator.processes import measure_processes
from harness.emulator.services.base import AwsRequest, AwsResponse, Service
from harness.emulator.services.cognito import CognitoService
from harness.measure.meters import Meters
from harness.measure.observation import Invocation

ENVIRONMENTS_PATH = "/_launchday/environments"
_NAME = "companion"


class Environments(Protocol):
    """Lambda's execution environments, as LocalStack's extension starts, invokes and stops them: all under
    ENVIRONMENTS_PATH."""

    @property
    def invocations_lost(self) -> int:
        """How many were dropped because nobody took them in time."""

    def take_invocations(self) -> list[Invocation]:
        """Those not taken before."""

    async def handle(self, request: AwsRequest) -> AwsResponse:
        """The answer to a request at or below ENVIRONMENTS_PATH."""

    async def start(self) -> None:
        """Begin what runs beside requests."""

    async def reset(self) -> None:
        """End every environment."""

    async def close(self) -> None:
        """End every environment, and what runs beside."""


class CompanionPaths:
    """`/_launchday/…` of the companion, in the forms that the edge of the embedded AWS answers in."""

    def __init__(
        self,
        supervision: Supervision,
        meters: Meters,
        parts: frozenset[str],
        services: Sequence[Service],
        cognito: CognitoService | None,
        environments: Environments | None,
    ) -> None:
        self._supervision = supervision
        self._parts = sorted(parts)
        self._services = services
        self._environments = environments
        self._observer = ProcessObserver(
            meters,
            take_invocations=environments.take_invocations if environments else lambda: (),
            invocations_lost=lambda: environments.invocations_lost if environments else 0,
        )
        answers: dict[tuple[str, str], Answer] = {
            ("GET", OBSERVATION_PATH): self.observation,
            ("GET", HEALTH_PATH): self.health,
            ("POST", RESET_PATH): self.reset,
        }
        if cognito is not None:
            self._cognito = cognito
            answers["GET", COGNITO_MESSAGES_PATH] = self.cognito_messages
        self._paths = OwnPaths(answers)

    async def handle(self, request: AwsRequest) -> AwsResponse:
        """The answer to `request`."""
        path = request.path
        if self._environments and (path + "/").startswith(ENVIRONMENTS_PATH + "/"):
            return await self._environments.handle(request)
        return await self._paths.handle(request)

    async def observation(self, request: AwsRequest) -> dict[str, Any]:
        """This process seen: its meters, and what it and the functions under it use of the machine."""
        cursors = split_cursors(query_value(request, "after"))
        seen = self._observer.observe(cursors.get(_NAME, ""))
        pid = os.getpid()
        processes = await asyncio.to_thread(measure_processes, {_NAME: pid}, pid)
        return merge({_NAME: seen}, cursors, processes, self._supervision.incidents)

    async def health(self, _request: AwsRequest) -> dict[str, Any]:
        """That it runs, which parts it offers, and what went wrong so far."""
        incidents = self._supervision.incidents
        return {
            "status": "impaired" if incidents else "running",
            "parts": self._parts,
            "incidents": incidents,
            "pid": os.getpid(),
            "version": __version__,
        }

    async def cognito_messages(self, _request: AwsRequest) -> Any:
        """The mails and SMS that Cognito would have sent."""
        return self._cognito.messages()

    async def reset(self, _request: AwsRequest) -> dict[str, str]:
        """Every part as on a new account. Clients that watch AppSync are let go."""
        if self._environments:
            await self._environments.reset()
        for service in reversed(self._services):
            await service.reset()
        self._observer.reset()
        return {"status": "ok"}
