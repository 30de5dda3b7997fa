"""The push process: the services that send outwards, SNS and AppSync, and Cognito, whose sign-ins are
milliseconds of computing each, beside the processes whose loops none of them must hold up.

`python -m harness.emulator.push`, started by the supervisor.
"""

from __future__ import annotations

import os
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp

from harness.emulator.child import ProcessConfig, Supervision, run_child
from harness.emulator.clock import SteadyClock
from harness.emulator.endpoints import service_endpoints
from harness.emulator.gateway.guard import Guard
from harness.emulator.gateway.proxy import ProcessCalls, open_session
from harness.emulator.gateway.server import Gateway, Listener
from harness.emulator.observing import ProcessObserver
from harness.emulator.own_paths import COGNITO_MESSAGES_PATH, OwnPaths, process_answers
from harness.emulator.push_appsync import Around, compose_appsync
from harness.emulator.services.appsync import AppSyncService
from harness.emulator.services.appsync.realtime import Sockets
from harness.emulator.services.base import AwsError, AwsRequest, AwsResponse
from harness.emulator.services.cognito import CognitoService
from harness.emulator.services.credentials import AccessKeys
from harness.emulator.services.sns import SnsService
from harness.measure.meters import Meters

SNS_URL_VARIABLE = "LAUNCHDAY_SNS_URL"
"""Where endpoints reach SNS, for the URLs in its messages, when that is not the edge's own address: a proxy
with TLS, a container's name for this machine."""


class Services(NamedTuple):
    """What lives in this process, in the order it is started."""

    sns: SnsService
    cognito: CognitoService
    appsync: AppSyncService


async def main(supervision: Supervision) -> None:
    """Serve until told to stop."""
    async with open_session() as session:
        config = supervision.config
        meters = Meters()
        services = compose(config, meters, session)
        listener = Listener(
            Gateway(
                guard=Guard(config.allow_origins),
                region=config.region,
                services={service.name: service.handle for service in services},
                fallback=_not_here,
                own=_own_paths(services, meters).handle,
                upgrades={"appsync": Sockets(services.appsync.realtime).handle},
            )
        )
        for service in services:
            await service.start()
        await listener.start(supervision.listening)
        supervision.report_ready()
        await supervision.stopping.wait()
        services.appsync.realtime.reset()  # so that clients hear of it before their connections go
        await listener.close()
        for service in reversed(services):
            await service.close()


def compose(config: ProcessConfig, meters: Meters, session: aiohttp.ClientSession) -> Services:
    """The services of this process, each given what it may ask of the others."""
    clock = SteadyClock()
    endpoints = service_endpoints(config.endpoints)
    calls = ProcessCalls(session, endpoints, {})
    sns = SnsService(
        meters=meters,
        limits=config.limits,
        calls=calls,
        base_url=os.environ.get(SNS_URL_VARIABLE) or config.endpoints["edge"],
        functions_url=endpoints["lambda"],
        allowed_hosts=config.allow_deliveries,
        own_ports=[port for url in config.endpoints.values() if (port := urlsplit(url).port)],
        clock=clock,
    )
    cognito = CognitoService(meters=meters, limits=config.limits, clock=clock)
    appsync = compose_appsync(
        config,
        meters,
        session,
        calls,
        clock,
        around=Around(config.endpoints["edge"], endpoints["lambda"], config.endpoints["push"]),
        keys=AccessKeys(config.credential_secret),
    )
    return Services(sns, cognito, appsync)


def _own_paths(services: Services, meters: Meters) -> OwnPaths:
    async def reset() -> None:
        for service in reversed(services):
            await service.reset()

    async def messages(_request: AwsRequest) -> object:
        return services.cognito.messages()

    answers = process_answers(ProcessObserver(meters), reset)
    return OwnPaths({**answers, ("GET", COGNITO_MESSAGES_PATH): messages})


async def _not_here(request: AwsRequest) -> AwsResponse:
    raise AwsError(
        "UnknownOperationException",
        f"The embedded AWS does not offer {request.method} {request.path} of this service yet.",
        501,
    )


if __name__ == "__main__":
    run_child(main)
