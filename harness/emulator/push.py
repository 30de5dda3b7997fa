"""The push process: the services that send outwards, SNS so far, beside the processes whose loops it must not
hold up.

`python -m harness.emulator.push`, started by the supervisor.
"""

from __future__ import annotations

from typing import NamedTuple

from harness.emulator.child import Supervision, run_child
from harness.emulator.gateway.guard import Guard
from harness.emulator.gateway.server import Gateway, Listener
from harness.emulator.observing import ProcessObserver
from harness.emulator.own_paths import OwnPaths, process_answers
from harness.emulator.services.base import AwsError, AwsRequest, AwsResponse
from harness.emulator.services.sns import SnsService
from harness.measure.meters import Meters


class Services(NamedTuple):
    """What lives in this process, in the order it is started."""

    sns: SnsService


async def main(supervision: Supervision) -> None:
    """Serve until told to stop."""
    config = supervision.config
    meters = Meters()
    services = compose(meters)

    async def reset() -> None:
        for service in reversed(services):
            await service.reset()

    listener = Listener(
        Gateway(
            guard=Guard(config.allow_origins),
            region=config.region,
            services={service.name: service.handle for service in services},
            fallback=_not_here,
            own=OwnPaths(process_answers(ProcessObserver(meters), reset)).handle,
        )
    )
    for service in services:
        await service.start()
    await listener.start(supervision.listening)
    supervision.report_ready()
    await supervision.stopping.wait()
    await listener.close()
    for service in reversed(services):
        await service.close()


def compose(meters: Meters) -> Services:
    """The services of this process, each given what it may ask of the others."""
    return Services(SnsService(meters=meters))


async def _not_here(request: AwsRequest) -> AwsResponse:
    raise AwsError(
        "UnknownOperationException",
        f"The embedded AWS does not offer {request.method} {request.path} of this service yet.",
        501,
    )


if __name__ == "__main__":
    run_child(main)
