"""The supervisor: starts the processes of the embedded AWS, watches them, and ends them all.

It holds the listening sockets, so a process that is started again keeps its address and nothing is refused in
between. A death is noticed at once, recorded as an incident (a sentence), and the process is started again a
few times. When the supervisor itself is gone, however that came about, each process notices by its lifeline.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from harness.aws.limits.profiles import Limits
from harness.emulator.child import ProcessConfig
from harness.emulator.children import Child, describe_exit
from harness.emulator.endpoints import service_endpoints
from harness.emulator.machine import claim_data_dir, listen, raise_file_limit
from harness.emulator.restarts import RestartPolicy

MODULES: Mapping[str, str] = {
    "moto": "harness.emulator.moto_process",  # first: it takes the longest to load
    "edge": "harness.emulator.edge",
    "state": "harness.emulator.state",
    "push": "harness.emulator.push",
}
_LOST: Mapping[str, str] = {
    "edge": "Kinesis streams and records, Lambda functions and mappings, and requests in flight were lost",
    "state": "all DynamoDB tables and items were lost",
    "push": "SNS topics and deliveries, Cognito user pools, AppSync APIs and their connections were lost",
    "moto": "everything in S3, SQS, SSM, IAM, Logs and API Gateway's definitions was lost",
}


@dataclass(frozen=True)
class Settings:
    """What a person chooses. `port` 0 is any free one; `lifeline`: end when standard input does; `temporary`:
    remove the data directory at the end."""

    host: str
    port: int
    data_dir: Path
    logs_dir: Path
    limits: Limits
    region: str = "us-east-1"
    allow_origins: tuple[str, ...] = ()
    allow_deliveries: tuple[str, ...] = ()
    lifeline: bool = False
    temporary: bool = False


Say = Callable[[Mapping[str, Any]], None]


class Supervisor:
    """The whole embedded AWS, while `run` runs. `say` is told of events (ready, incident, warning)."""

    def __init__(self, settings: Settings, say: Say, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._say = say
        self._clock = clock
        self._children: dict[str, Child] = {}
        self._sockets: dict[str, socket.socket] = {}
        self._incidents: list[str] = []
        self._credential_secret = secrets.token_hex(32)
        self._watchers: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Serve until a signal or the lifeline says to stop. Raises PortInUse or TargetError when the
        emulator cannot be started; nothing is left running then."""
        warning = raise_file_limit()
        if warning is not None:
            self._say({"event": "warning", "message": warning})
        with claim_data_dir(self._settings.data_dir):
            try:
                await self._start()
                await self._stopping.wait()
            finally:
                await self._stop()
                if self._settings.temporary:
                    shutil.rmtree(self._settings.data_dir, ignore_errors=True)

    async def _start(self) -> None:
        settings = self._settings
        self._sockets["edge"] = listen(settings.host, settings.port)
        for name in MODULES:
            if name != "edge":
                self._sockets[name] = listen("127.0.0.1", 0)
        self._watch_signals()
        for name, module in MODULES.items():
            log_path = settings.logs_dir / f"{name}.log"
            self._children[name] = Child(module, self._sockets[name], log_path)
            await self._children[name].start(self._config(name))
        if not await self._all_ready():
            return
        self._watchers = [asyncio.create_task(self._watch(name)) for name in self._children]
        self._say({"event": "ready", "endpoints": service_endpoints(self._urls), "pid": os.getpid()})

    async def _all_ready(self) -> bool:
        """Whether every process serves; False when we were told to stop first. Raises TargetError."""
        ready = asyncio.gather(*(child.until_ready() for child in self._children.values()))
        stopping = asyncio.ensure_future(self._stopping.wait())
        waited: list[asyncio.Future[Any]] = [ready, stopping]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if ready.done():
            ready.result()
            return True
        ready.cancel()
        return False

    async def _watch(self, name: str) -> None:
        """Wait for the death of a process, say it, and start the process again while that makes sense."""
        child, policy = self._children[name], RestartPolicy()
        while True:
            code = await child.wait()
            if self._stopping.is_set():
                return
            delay_s = policy.after_death(self._clock())
            how = f"The '{name}' process {describe_exit(code)}; {_LOST[name]}."
            if delay_s is None:
                self._sockets[name].close()
                self._record(f"{how} It died too often and was not started again.")
                return
            self._record(f"{how} It is being started again.")
            await asyncio.sleep(delay_s)
            try:
                await child.start(self._config(name))
            except OSError as error:
                self._record(f"The '{name}' process could not be started again: {error}.")
                return

    def _record(self, sentence: str) -> None:
        self._incidents.append(sentence)
        self._children["edge"].tell(orjson.dumps({"incident": sentence}) + b"\n")
        self._say({"event": "incident", "message": sentence})

    def _config(self, name: str) -> ProcessConfig:
        return ProcessConfig(
            name=name,
            listen_fd=self._sockets[name].fileno(),
            endpoints=self._urls,
            data_dir=self._settings.data_dir,
            limits=self._settings.limits,
            region=self._settings.region,
            allow_origins=self._settings.allow_origins,
            allow_deliveries=self._settings.allow_deliveries,
            incidents=tuple(self._incidents),
            supervisor_pid=os.getpid(),
            credential_secret=self._credential_secret,
        )

    @property
    def _urls(self) -> dict[str, str]:
        """Where each process answers, as seen from this machine."""
        return {name: _url(listening) for name, listening in self._sockets.items()}

    def _watch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)
        if self._settings.lifeline:
            loop.add_reader(sys.stdin.fileno(), self._on_lifeline)

    def _on_signal(self) -> None:
        if self._stopping.is_set():
            for child in self._children.values():
                child.kill()
        self._stopping.set()

    def _on_lifeline(self) -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self._stopping.set()

    async def _stop(self) -> None:
        self._stopping.set()
        await asyncio.gather(*(child.stop() for child in self._children.values()))
        for child in self._children.values():
            child.log.close()
        for listening in self._sockets.values():
            listening.close()


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
