"""The supervisor: starts the processes of the embedded AWS, watches them, and ends them all.

It holds the listening sockets, so a process that is started again keeps its address and nothing is refused in
between. A death is noticed at once, recorded as an incident (a sentence), and the process is started again a
few times. When the supervisor itself is gone, however that came about, each process notices by its lifeline.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson

from harness.emulator import supervising
from harness.emulator.child import ProcessConfig
from harness.emulator.children import Child, describe_exit
from harness.emulator.endpoints import service_endpoints
from harness.emulator.machine import listen
from harness.emulator.restarts import RestartPolicy
from harness.emulator.supervising import Say, Supervising

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


@dataclass(frozen=True, kw_only=True)
class Settings(supervising.Settings):
    """What a person chooses."""

    host: str
    allow_deliveries: tuple[str, ...] = ()


class Supervisor(Supervising):
    """The whole embedded AWS, while `run` runs."""

    _settings: Settings

    def __init__(self, settings: Settings, say: Say, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(settings, say)
        self._clock = clock
        self._children: dict[str, Child] = {}
        self._sockets: dict[str, socket.socket] = {}
        self._incidents: list[str] = []
        self._credential_secret = secrets.token_hex(32)
        self._watchers: list[asyncio.Task[None]] = []

    async def _serve(self) -> None:
        await self._start()
        await self._stopping.wait()

    async def _start(self) -> None:
        settings = self._settings
        self._sockets["edge"] = listen(settings.host, settings.port)
        for name in MODULES:
            if name != "edge":
                self._sockets[name] = listen("127.0.0.1", 0)
        for name, module in MODULES.items():
            log_path = settings.logs_dir / f"{name}.log"
            self._children[name] = Child(module, self._sockets[name], log_path)
            await self._children[name].start(self._config(name))
        ready = asyncio.gather(*(child.until_ready() for child in self._children.values()))
        if not await self._before_stopping(ready):
            return
        self._watchers = [asyncio.create_task(self._watch(name)) for name in self._children]
        self._say({"event": "ready", "endpoints": service_endpoints(self._urls), "pid": os.getpid()})

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

    def _kill(self) -> None:
        for child in self._children.values():
            child.kill()

    async def _stop(self) -> None:
        for watcher in self._watchers:  # or it starts again what has just been stopped
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        await asyncio.gather(*(child.stop() for child in self._children.values()))
        for listening in self._sockets.values():
            listening.close()


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
