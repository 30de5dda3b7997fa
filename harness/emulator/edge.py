"""The edge process: the port that clients know, with API Gateway, Kinesis and Lambda behind it in one loop.

`python -m harness.emulator.edge`, started by the supervisor.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping

import aiohttp

from harness.emulator.child import Supervision, run_child
from harness.emulator.edge_paths import EdgePaths
from harness.emulator.endpoints import function_environment
from harness.emulator.gateway.guard import Guard
from harness.emulator.gateway.proxy import ProcessCalls, Proxy, open_session
from harness.emulator.gateway.server import Gateway, Listener
from harness.emulator.log_shipping import LogShipper
from harness.measure.meters import Meters


async def main(supervision: Supervision) -> None:
    """Serve until told to stop."""
    async with open_session() as session:
        await _serve(supervision, session)


async def _serve(supervision: Supervision, session: aiohttp.ClientSession) -> None:
    from harness.emulator.services.apigateway import ApiGatewayService
    from harness.emulator.services.kinesis import KinesisService
    from harness.emulator.services.lambda_ import LambdaService

    config = supervision.config
    for name in ("kinesis", "lambda"):  # nothing in memory refers to what an earlier process left there
        shutil.rmtree(config.data_dir / name, ignore_errors=True)
    meters = Meters()
    logs = LogShipper(session, config.endpoints["moto"])
    moto = Proxy(session, config.endpoints["moto"], "moto")
    state = Proxy(session, config.endpoints["state"], "state")
    kinesis = KinesisService(meters=meters, limits=config.limits, data_dir=config.data_dir / "kinesis")
    calls = ProcessCalls(session, _call_endpoints(config.endpoints), {"kinesis": kinesis})
    functions = LambdaService(
        meters=meters,
        limits=config.limits,
        calls=calls,
        data_dir=config.data_dir / "lambda",
        function_environment=lambda: function_environment(config.endpoints),
        logs=logs,
        clock=time.time,
    )
    api = ApiGatewayService(
        meters=meters, limits=config.limits, calls=calls, invoker=functions, control=moto.handle
    )
    services = (kinesis, functions, api)
    paths = EdgePaths(supervision, session, meters, services, functions, logs)
    listener = Listener(
        Gateway(
            guard=Guard(config.allow_origins),
            region=config.region,
            services={
                "apigateway": api.handle,
                "dynamodb": state.handle,
                "kinesis": kinesis.handle,
                "lambda": functions.handle,
            },
            fallback=moto.handle,
            own=paths.handle,
            execute=api.execute,
        )
    )
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


def _call_endpoints(processes: Mapping[str, str]) -> dict[str, str]:
    return {
        "dynamodb": processes["state"],
        "dynamodbstreams": processes["state"],
        "": processes["moto"],
    }


if __name__ == "__main__":
    run_child(main)
