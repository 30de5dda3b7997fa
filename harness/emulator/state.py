"""The state process: DynamoDB, on a core of its own where there is one.

`python -m harness.emulator.state`, started by the supervisor.
"""

from __future__ import annotations

from harness.emulator.child import Supervision, run_child
from harness.emulator.clock import SteadyClock
from harness.emulator.gateway.guard import Guard
from harness.emulator.gateway.server import Gateway, Listener
from harness.emulator.observing import ProcessObserver
from harness.emulator.own_paths import OwnPaths, process_answers
from harness.emulator.services.base import AwsError, AwsRequest, AwsResponse
from harness.emulator.services.dynamodb import DynamoDbService
from harness.measure.meters import Meters


async def main(supervision: Supervision) -> None:
    """Serve DynamoDB until told to stop."""
    config = supervision.config
    meters = Meters()
    service = DynamoDbService(meters=meters, limits=config.limits, clock=SteadyClock())
    listener = Listener(
        Gateway(
            guard=Guard(config.allow_origins),
            region=config.region,
            services={service.name: service.handle},
            fallback=_not_here,
            own=OwnPaths(process_answers(ProcessObserver(meters), service.reset)).handle,
        )
    )
    await service.start()
    await listener.start(supervision.listening)
    supervision.report_ready()
    await supervision.stopping.wait()
    await listener.close()
    await service.close()


async def _not_here(request: AwsRequest) -> AwsResponse:
    raise AwsError(
        "UnknownOperationException", f"Only DynamoDB answers here, not {request.method} {request.path}."
    )


if __name__ == "__main__":
    run_child(main)
