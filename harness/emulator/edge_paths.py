"""What the edge answers for the whole emulator: observation, health, endpoints, reset."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import aiohttp
import orjson

from harness import __version__
from harness.emulator.child import Supervision
from harness.emulator.endpoints import EDGE_SERVICES, PUSH_SERVICES, STATE_SERVICES, service_endpoints
from harness.emulator.log_shipping import LogShipper
from harness.emulator.observing import ProcessObserver, merge, split_cursors
from harness.emulator.own_paths import (
    COGNITO_MESSAGES_PATH,
    HEALTH_PATH,
    OBSERVATION_PATH,
    RESET_PATH,
    OwnPaths,
    query_value,
)
from harness.emulator.processes import measure_processes
from harness.emulator.services.base import AwsError, AwsRequest, AwsResponse, Service
from harness.emulator.unanswered import why_unanswered
from harness.measure.meters import Meters
from harness.measure.observation import Invocation

_TIMEOUT_S = 10.0
_MOTO_SERVICES = (
    *("acm", "apigatewayv2", "athena", "cloudformation", "cloudwatch", "cognito-identity"),
    *("ec2", "ecr", "events", "firehose", "iam", "kms", "logs", "resourcegroupstaggingapi", "route53", "s3"),
    *("scheduler", "secretsmanager", "ses", "sqs", "ssm", "stepfunctions", "sts"),
)


class InvocationSource(Protocol):
    """Lambda, as its invocations are taken."""

    @property
    def invocations_lost(self) -> int:
        """How many were dropped because nobody took them in time."""

    def take_invocations(self) -> list[Invocation]:
        """Those not taken before."""


class EdgePaths:
    """`/_launchday/…`, `/_localstack/health` and `/moto-api/reset`."""

    def __init__(
        self,
        supervision: Supervision,
        session: aiohttp.ClientSession,
        meters: Meters,
        services: Sequence[Service],
        functions: InvocationSource,
        logs: LogShipper,
    ) -> None:
        self._supervision = supervision
        self._session = session
        self._services = services
        self._logs = logs
        self._observer = ProcessObserver(
            meters,
            take_invocations=functions.take_invocations,
            invocations_lost=lambda: functions.invocations_lost,
        )
        self._others = {name: url for name, url in supervision.config.endpoints.items() if name != "edge"}
        self._paths = OwnPaths(
            {
                ("GET", OBSERVATION_PATH): self.observation,
                ("GET", "/_launchday/endpoints"): self.endpoints,
                ("GET", HEALTH_PATH): self.health,
                ("GET", "/_localstack/health"): self.localstack_health,
                ("HEAD", "/_localstack/health"): self.localstack_health,
                ("GET", COGNITO_MESSAGES_PATH): self.cognito_messages,
                ("POST", RESET_PATH): self.reset,
                ("POST", "/moto-api/reset"): self.reset,
            }
        )

    async def handle(self, request: AwsRequest) -> AwsResponse:
        """The answer to `request`."""
        return await self._paths.handle(request)

    async def observation(self, request: AwsRequest) -> dict[str, Any]:
        """All processes seen as one. A process that does not answer now is missing from it, and named
        in `incidents`."""
        cursors = split_cursors(query_value(request, "after"))
        answers = await asyncio.gather(
            *(
                self._ask(name, "GET", f"{OBSERVATION_PATH}?after={cursors.get(name, '')}")
                for name in self._others
            ),
            return_exceptions=True,
        )
        parts: dict[str, Mapping[str, Any]] = {"edge": self._observer.observe(cursors.get("edge", ""))}
        incidents = list(self._supervision.incidents)
        for name, answer in zip(self._others, answers, strict=True):
            if isinstance(answer, BaseException):
                incidents.append(f"The '{name}' process did not answer when observed: {answer}")
            else:
                parts[name] = answer
        pids = {
            "supervisor": self._supervision.config.supervisor_pid,
            "edge": os.getpid(),
            **{name: part["pid"] for name, part in parts.items() if "pid" in part},
        }
        processes = await asyncio.to_thread(measure_processes, pids, os.getpid())
        return merge(parts, cursors, processes, incidents)

    async def endpoints(self, _request: AwsRequest) -> dict[str, str]:
        """boto3's service names to URLs."""
        return service_endpoints(self._supervision.config.endpoints)

    async def cognito_messages(self, _request: AwsRequest) -> Any:
        """The mails and SMS that Cognito would have sent. Raises AwsError ServiceUnavailable."""
        return await self._ask("push", "GET", COGNITO_MESSAGES_PATH)

    async def health(self, _request: AwsRequest) -> dict[str, Any]:
        """Each process's state in a word, and what went wrong so far."""
        answers = await asyncio.gather(
            *(self._ask(name, "GET", HEALTH_PATH) for name in self._others), return_exceptions=True
        )
        words = {
            name: "unavailable" if isinstance(answer, BaseException) else "running"
            for name, answer in zip(self._others, answers, strict=True)
        }
        incidents = self._supervision.incidents
        return {
            "status": "running" if set(words.values()) == {"running"} and not incidents else "impaired",
            "processes": {"edge": "running", **words},
            "incidents": incidents,
            "log_events_dropped": self._logs.events_dropped,
            "pid": self._supervision.config.supervisor_pid,
        }

    async def localstack_health(self, _request: AwsRequest) -> dict[str, Any]:
        """What LocalStack's tools ask before they start."""
        names = sorted({*EDGE_SERVICES, *STATE_SERVICES, *PUSH_SERVICES, *_MOTO_SERVICES})
        return {"services": dict.fromkeys(names, "available"), "edition": "launchday", "version": __version__}

    async def reset(self, _request: AwsRequest) -> dict[str, str]:
        """Every process as on a new account. Raises AwsError ServiceUnavailable when one does not answer."""
        for service in reversed(self._services):
            await service.reset()
        for name in self._others:
            await self._ask(name, "POST", RESET_PATH)
        self._observer.reset()
        return {"status": "ok"}

    async def _ask(self, name: str, method: str, path: str) -> Any:
        try:
            async with self._session.request(
                method, self._others[name] + path, timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S)
            ) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = why_unanswered(error)
            raise AwsError(
                "ServiceUnavailable", f"The '{name}' process does not answer: {reason}", 503
            ) from error
        if answer.status != 200:
            raise AwsError(
                "ServiceUnavailable",
                f"The '{name}' process answered {answer.status} to {method} {path}.",
                503,
            )
        return orjson.loads(content)
