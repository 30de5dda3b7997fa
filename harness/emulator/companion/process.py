"""The companion of a LocalStack: what LocalStack has only with Docker, with Java or with a token, served by
the very services of the embedded AWS, on one loopback port beside it.

`python -m harness.emulator.companion`, started by whoever starts that LocalStack, with the configuration
that every process of the embedded AWS gets (see child.py above), or by alone.py without a supervisor.
`endpoints` names `companion`, this process, `localstack`, and `clients`, the companion as clients reach it,
where that is another address. LocalStack's extension sends it the requests that LocalStack received;
what clients hold open, AppSync's WebSockets, comes to it directly. `LAUNCHDAY_PARTS` says which parts it
offers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import aiohttp

from harness.emulator.child import ProcessConfig, Supervision
from harness.emulator.clock import SteadyClock
from harness.emulator.companion.environments import EnvironmentsApi
from harness.emulator.companion.keys import HeldKeys, IssuedKeys
from harness.emulator.companion.metering.counting import RequestMeter
from harness.emulator.companion.metering.intake import Intake, LocalStackAsked
from harness.emulator.companion.metering.mappings import Mappings
from harness.emulator.companion.metering.positions import Iterators
from harness.emulator.companion.metering.tables import TableStreams
from harness.emulator.companion.parts import PARTS_VARIABLE, SERVICES_OF_PARTS, parts_of
from harness.emulator.companion.paths import CompanionPaths, Environments, Life
from harness.emulator.gateway.forwarded import forwarded
from harness.emulator.gateway.guard import Guard
from harness.emulator.gateway.invoking import HttpInvoker
from harness.emulator.gateway.proxy import ProcessCalls, open_session
from harness.emulator.gateway.server import Gateway, Listener
from harness.emulator.push_appsync import Around, compose_appsync
from harness.emulator.services.apigateway.authorizing import Authorizing
from harness.emulator.services.appsync import AppSyncService
from harness.emulator.services.appsync.realtime import Sockets
from harness.emulator.services.base import AwsError, AwsRequest, AwsResponse, Service
from harness.emulator.services.cognito import CognitoService
from harness.emulator.services.dynamodb import DynamoDbService
from harness.emulator.services.lambda_.hosted.interpreters import Interpreters
from harness.measure.meters import Meters

MAX_STREAM_SHARDS = 1
"""LocalStack's mappings read one shard at each poll, one after another, and never two at once: with the 40
that a table of the established limits has, a change would wait for 40 polls, for nothing in return."""


class Companion(NamedTuple):
    """What lives in this process: each part where it is offered."""

    dynamodb: DynamoDbService | None
    cognito: CognitoService | None
    appsync: AppSyncService | None
    environments: Environments | None
    authorizing: Authorizing | None
    intake: Intake
    """What LocalStack itself serves, metered."""

    @property
    def services(self) -> Sequence[Service]:
        """The AWS services."""
        offered: tuple[Service | None, ...] = (self.dynamodb, self.cognito, self.appsync)
        return [service for service in offered if service is not None]

    @property
    def lives(self) -> Mapping[str, Life]:
        """The parts by name, in the order they are started."""
        parts = {
            "dynamodb": self.dynamodb,
            "cognito": self.cognito,
            "appsync": self.appsync,
            "lambda": self.environments,
            "authorizers": self.authorizing,
        }
        return {name: part for name, part in parts.items() if part is not None}


async def main(supervision: Supervision) -> None:
    """Serve until told to stop."""
    parts = parts_of(os.environ.get(PARTS_VARIABLE, ""))
    async with open_session(connections=0) as session:
        config = supervision.config
        meters = Meters()
        companion = compose(config, meters, session, parts)
        lives = companion.lives
        paths = CompanionPaths(
            supervision,
            meters,
            lives,
            companion.cognito,
            companion.environments,
            companion.intake,
            companion.authorizing,
        )
        appsync = companion.appsync
        listener = Listener(
            Gateway(
                guard=Guard(config.allow_origins),
                region=config.region,
                services={service.name: forwarded(service.handle) for service in companion.services},
                fallback=_not_here,
                own=paths.handle,
                upgrades={"appsync": Sockets(appsync.realtime).handle} if appsync else {},
            )
        )
        for life in lives.values():
            await life.start()
        await listener.start(supervision.listening)
        supervision.report_ready()
        await supervision.stopping.wait()
        if appsync:
            appsync.realtime.reset()  # so that clients hear of it before their connections go
        await listener.close()
        for life in reversed(list(lives.values())):
            await life.close()


def compose(
    config: ProcessConfig, meters: Meters, session: aiohttp.ClientSession, parts: frozenset[str]
) -> Companion:
    """The services of this process, each given what it may ask of the others: what is not here is
    LocalStack's."""
    clock = SteadyClock()
    own, localstack = config.endpoints["companion"], config.endpoints["localstack"]
    keys = HeldKeys(IssuedKeys(session, localstack))
    limits = config.limits
    dynamodb = cognito = appsync = environments = authorizing = None
    here: Mapping[str, Service] = {}
    if "dynamodb" in parts:
        dynamodb = DynamoDbService(
            meters=meters, limits=limits, clock=clock, max_stream_shards=MAX_STREAM_SHARDS
        )
        here = {"dynamodb": dynamodb}
    if "cognito" in parts:
        cognito = CognitoService(meters=meters, limits=limits, clock=clock)
    if "appsync" in parts:
        appsync = compose_appsync(
            config,
            meters,
            session,
            ProcessCalls(session, {"": localstack}, here),
            clock,
            around=Around(
                clients=config.endpoints.get("clients", own),
                functions=localstack,
                pools=own if cognito else localstack,
            ),
            keys=keys,
        )
    if "lambda" in parts:
        environments = EnvironmentsApi(
            meters=meters,
            home=config.data_dir / "lambda",
            clock=clock,
            keys=keys,
            interpreters=Interpreters(known=config.interpreters),
        )
    if "authorizers" in parts:
        authorizing = Authorizing(meters, HttpInvoker(session, localstack), clock)
    intake = _intake(parts, meters, dynamodb, LocalStackAsked(session, localstack), clock)
    return Companion(dynamodb, cognito, appsync, environments, authorizing, intake)


def _intake(
    parts: frozenset[str],
    meters: Meters,
    dynamodb: DynamoDbService | None,
    ask: LocalStackAsked,
    clock: Callable[[], float],
) -> Intake:
    """The meter of LocalStack's requests, without those that it hands on to this process."""
    here = [service for part in parts for service in SERVICES_OF_PARTS[part]]
    behind = TableStreams(dynamodb).behind if dynamodb else None
    iterators = Iterators()
    requests = RequestMeter(meters, here, iterators, clock)
    return Intake(meters, requests, Mappings(behind, iterators, clock), iterators, ask)


async def _not_here(request: AwsRequest) -> AwsResponse:
    raise AwsError(
        "UnknownOperationException",
        f"The companion of LocalStack does not offer {request.method} {request.path}.",
        501,
    )
