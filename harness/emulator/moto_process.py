"""The moto process: everything that is not ours, in a process of its own.

`python -m harness.emulator.moto_process`, started by the supervisor. It serves at once; moto itself is loaded
in the background, and a request that comes earlier waits for it.
"""

from __future__ import annotations

from harness.emulator.child import Supervision, run_child
from harness.emulator.gateway.guard import Guard
from harness.emulator.gateway.server import Gateway, Listener
from harness.emulator.log_shipping import LOG_BATCH_PATH
from harness.emulator.moto.hosted import HostedMoto
from harness.emulator.observing import ProcessObserver
from harness.emulator.own_paths import OwnPaths, process_answers
from harness.measure.meters import Meters


async def main(supervision: Supervision) -> None:
    """Serve moto until told to stop."""
    config = supervision.config
    meters = Meters()
    hosted = HostedMoto(meters=meters, data_dir=config.data_dir / "s3")
    answers = process_answers(ProcessObserver(meters), hosted.reset)
    listener = Listener(
        Gateway(
            guard=Guard(config.allow_origins),
            region=config.region,
            services={},
            fallback=hosted.handle,
            own=OwnPaths({**answers, ("POST", LOG_BATCH_PATH): hosted.take_logs}).handle,
        )
    )
    hosted.start_loading()
    await listener.start(supervision.listening)
    supervision.report_ready()
    await supervision.stopping.wait()
    await listener.close()
    hosted.close()


if __name__ == "__main__":
    run_child(main)
