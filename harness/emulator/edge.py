"""The edge process: the port that clients know, with API Gateway, Kinesis and Lambda behind it in one loop.

`python -m harness.emulator.edge`, started by the supervisor.
"""

from __future__ import annotations

import shutil
from typing import NamedTuple

import aiohttp

from harness.emulator.child import ProcessConfig, Supervision, run_child
from harness.emulator.clock import SteadyClock
from harness.emulator.edge_paths import EdgePaths
from harness.emulator.endpoints import function_environment
from harness.emulator.gateway.guard import Guard
from harness.emulator.gateway.proxy import ProcessCalls, Proxy, open_session
from harness.emulator.gateway.server import Gateway, Handler, Listener
from harness.emulator.gateway.splice import Splicer
from harness.emulator.log_shipping import LogShipper
from harness.emulator.services.apigateway import ApiGatewayService
from harness.emulator.services.credentials import AccessKeys
from harness.emulator.services.kinesis import KinesisService
from harness.emulator.services.lambda_ import LambdaService
from harness.measure.meters import Meters


class Services(NamedTuple):
    """What lives in this process, in the order it is started."""

    kinesis: KinesisService
    functions: LambdaService
    api: ApiGatewayService


async def main(supervision: Supervision) -> None:
    """Serve until told to stop."""
    async with open_session() as session, open_session(connections=0) as waiting:
        config = supervision.config
        meters = Meters()
        logs = LogShipper(session, config.endpoints["moto"])
        moto = Proxy(session, config.endpoints["moto"], "moto").handle
        state = Proxy(session, config.endpoints["state"], "state").handle
        push = Proxy(session, config.endpoints["push"], "push").handle
        sockets = Splicer(config.endpoints["push"], "push")
        services = compose(config, meters, session, waiting, logs, moto)
        paths = EdgePaths(supervision, session, meters, services, services.functions, logs)
        listener = Listener(
            Gateway(
                guard=Guard(config.allow_origins),
                region=config.region,
                services={
                    "apigateway": services.api.handle,
                    "appsync": push,
                    "cognito-idp": push,
                    "dynamodb": state,
                    "kinesis": services.kinesis.handle,
                    "lambda": services.functions.handle,
                    "sns": push,
                },
                fallback=moto,
                own=paths.handle,
                execute=services.api.execute,
                upgrades={"appsync": sockets.handle},
            )
        )
        await _serve(supervision, services, logs, listener)
        sockets.close()


def compose(
    config: ProcessConfig,
    meters: Meters,
    session: aiohttp.ClientSession,
    waiting: aiohttp.ClientSession,
    logs: LogShipper,
    moto: Handler,
) -> Services:
    """The services of this process, each given what it may ask of the others. `waiting` is the client of
    Lambda's mappings, whose questions wait for their answers and hold a connection each."""
    for name in ("kinesis", "lambda"):  # nothing in memory refers to what an earlier process left there
        shutil.rmtree(config.data_dir / name, ignore_errors=True)
    clock = SteadyClock()
    kinesis = KinesisService(
        meters=meters, limits=config.limits, data_dir=config.data_dir / "kinesis", clock=clock
    )
    elsewhere = {
        "dynamodb": config.endpoints["state"],
        "dynamodbstreams": config.endpoints["state"],
        "sns": config.endpoints["push"],
        "": config.endpoints["moto"],
    }
    calls = ProcessCalls(session, elsewhere, {"kinesis": kinesis})
    functions = LambdaService(
        meters=meters,
        limits=config.limits,
        calls=ProcessCalls(waiting, elsewhere, {"kinesis": kinesis}),
        data_dir=config.data_dir / "lambda",
        function_environment=lambda: function_environment(config.endpoints),
        logs=logs,
        access_keys=AccessKeys(config.credential_secret),
        clock=clock,
    )
    api = ApiGatewayService(
        meters=meters, limits=config.limits, calls=calls, invoker=functions, control=moto, clock=clock
    )
    return Services(kinesis, functions, api)


async def _serve(supervision: Supervision, services: Services, logs: LogShipper, listener: Listener) -> None:
    for service in services:
        await service.start()
    await logs.start()
    await listener.start(supervision.listening)
    supervision.report_ready()
    await supervision.stopping.wait()
    await listener.close()
    for service in reversed(services):
        await service.close()
    await logs.close()


if __name__ == "__main__":
    run_child(main)
