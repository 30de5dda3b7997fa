"""What the companion of a LocalStack answers of itself: observation, health, reset; and the environments that
LocalStack's Lambda has its functions run in."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any, Protocol

import orjson

from harness import __version__
from harness.emulator.child import Supervision
from harness.emulator.companion.metering.intake import REQUESTS_PATH, Intake
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
from harness.emulator.processes import measure_processes, measure_tree
from harness.emulator.services.apigateway.authorizing import Authorizing
from harness.emulator.services.base import AwsError, AwsRequest, AwsResponse
from harness.emulator.services.cognito import CognitoService
from harness.measure.meters import Meters
from harness.measure.observation import Invocation, ProcessState

ENVIRONMENTS_PATH = "/_launchday/environments"
AUTHORIZE_PATH = "/_launchday/authorize"
_NAME = "companion"
_LOCALSTACK = "localstack"


class Life(Protocol):
    """A part, from before the first request to after the last."""

    async def start(self) -> None:
        """Begin."""

    async def reset(self) -> None:
        """Forget everything, as on a new account."""

    async def close(self) -> None:
        """End, and leave nothing behind."""


class Environments(Life, Protocol):
    """Lambda's execution environments, as LocalStack's extension starts, invokes and stops them: all under
    ENVIRONMENTS_PATH."""

    @property
    def invocations_lost(self) -> int:
        """How many were dropped because nobody took them in time."""

    def take_invocations(self) -> list[Invocation]:
        """Those not taken before."""

    async def handle(self, request: AwsRequest) -> AwsResponse:
        """The answer to a request at or below ENVIRONMENTS_PATH."""


class CompanionPaths:
    """`/_launchday/…` of the companion, in the forms that the edge of the embedded AWS answers in. `lives`
    are the parts that it offers, by name, in the order that they were started."""

    def __init__(
        self,
        supervision: Supervision,
        meters: Meters,
        lives: Mapping[str, Life],
        cognito: CognitoService | None,
        environments: Environments | None,
        intake: Intake,
        authorizing: Authorizing | None,
    ) -> None:
        self._supervision = supervision
        self._lives = lives
        self._environments = environments
        self._intake = intake
        self._observer = ProcessObserver(
            meters,
            take_invocations=environments.take_invocations if environments else lambda: (),
            invocations_lost=lambda: environments.invocations_lost if environments else 0,
        )
        answers: dict[tuple[str, str], Answer] = {
            ("GET", OBSERVATION_PATH): self.observation,
            ("GET", HEALTH_PATH): self.health,
            ("POST", RESET_PATH): self.reset,
            ("POST", REQUESTS_PATH): self.requests,
        }
        if cognito is not None:
            self._cognito = cognito
            answers["GET", COGNITO_MESSAGES_PATH] = self.cognito_messages
        if authorizing is not None:
            self._authorizing = authorizing
            answers["POST", AUTHORIZE_PATH] = self.authorize
        self._paths = OwnPaths(answers)

    async def handle(self, request: AwsRequest) -> AwsResponse:
        """The answer to `request`."""
        path = request.path
        if self._environments and (path + "/").startswith(ENVIRONMENTS_PATH + "/"):
            return await self._environments.handle(request)
        return await self._paths.handle(request)

    async def observation(self, request: AwsRequest) -> dict[str, Any]:
        """This process and LocalStack seen: the meters, and what they and the functions use of the
        machine. LocalStack that does not say what it served is named in `incidents`."""
        cursors = split_cursors(query_value(request, "after"))
        incidents = [*self._supervision.incidents, *await self._intake.look()]
        seen = self._observer.observe(cursors.get(_NAME, ""))
        seen["lost"] += self._intake.lost
        processes = await asyncio.to_thread(self._processes)
        return merge({_NAME: seen}, cursors, processes, incidents)

    def _processes(self) -> list[ProcessState]:
        found = measure_processes({_NAME: os.getpid()}, os.getpid())
        if self._intake.pid is not None:
            localstack = measure_tree(_LOCALSTACK, self._intake.pid)
            found += [localstack] if localstack else []
        return found

    async def requests(self, request: AwsRequest) -> dict[str, str]:
        """A batch of what LocalStack served."""
        self._intake.take(orjson.loads(request.body))
        return {"status": "ok"}

    async def health(self, _request: AwsRequest) -> dict[str, Any]:
        """That it runs, which parts it offers, and what went wrong so far."""
        incidents = self._supervision.incidents
        return {
            "status": "impaired" if incidents else "running",
            "parts": sorted(self._lives),
            "incidents": incidents,
            "pid": os.getpid(),
            "version": __version__,
        }

    async def cognito_messages(self, _request: AwsRequest) -> Any:
        """The mails and SMS that Cognito would have sent."""
        return self._cognito.messages()

    async def authorize(self, request: AwsRequest) -> dict[str, Any]:
        """Whether a request to an API of LocalStack's may pass, by its Lambda authorizer."""
        try:
            question = orjson.loads(request.body)
        except orjson.JSONDecodeError as error:
            raise AwsError("SerializationException", f"The question is no JSON: {error}.") from None
        return await self._authorizing.answer(question)

    async def reset(self, request: AwsRequest) -> dict[str, str]:
        """Every part as on a new account, or the one that the query names. Clients that watch AppSync are let
        go. Raises AwsError when there is no such part here."""
        part = query_value(request, "part")
        if part:
            if part not in self._lives:
                raise AwsError("NotFoundException", f"There is no part '{part}' here.", 404)
            await self._lives[part].reset()
            return {"status": "ok"}
        for life in reversed(list(self._lives.values())):
            await life.reset()
        self._intake.reset()
        self._observer.reset()
        return {"status": "ok"}
