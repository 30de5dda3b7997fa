"""The supervisor of a LocalStack: starts it and its companion, watches both, and ends both.

Neither is started again when it dies, as the embedded AWS's processes are: what either knew of the other
would be gone. The death of one is said in a sentence, and is the end of the other.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
import uuid
from dataclasses import dataclass

import aiohttp
import orjson

from harness.emulator import supervising
from harness.emulator.child import ProcessConfig
from harness.emulator.children import Child, describe_exit
from harness.emulator.companion.parts import PARTS, PARTS_VARIABLE
from harness.emulator.machine import listen
from harness.emulator.supervising import Say, Supervising
from harness.emulator.unanswered import why_unanswered
from harness.errors import TargetError, TargetLost
from harness.targets.localstack import extension
from harness.targets.localstack.environment import Environment
from harness.targets.localstack.process import LocalStackProcess
from harness.targets.localstack.variables import localstack_variables, make_folders

HEALTH_PATH = "/_localstack/health"
_HEALTH_WITHIN_S = 10.0
_LOOK_S = 0.1
_COMPANION = "harness.emulator.companion"


@dataclass(frozen=True, kw_only=True)
class Settings(supervising.Settings):
    """What a person chooses. `parts` are Launchday's own that are turned on."""

    environment: Environment
    parts: tuple[str, ...] = PARTS


class Supervisor(Supervising):
    """LocalStack and its companion, while `run` runs."""

    _settings: Settings

    def __init__(self, settings: Settings, say: Say) -> None:
        super().__init__(settings, say)
        self._companion: Child | None = None
        self._localstack: LocalStackProcess | None = None
        self._listening: socket.socket | None = None

    async def _serve(self) -> None:
        """Raises TargetLost when one of the two died, beside what it raises when it cannot be started."""
        if not await self._before_stopping(self._start()):
            return
        died = asyncio.create_task(self._death())
        if await self._before_stopping(died):
            sentence = died.result()
            self._say({"event": "incident", "message": sentence})
            raise TargetLost(sentence)

    async def _start(self) -> None:
        settings = self._settings
        port = _free(settings.port)
        url = f"http://127.0.0.1:{port}"
        folder = await asyncio.to_thread(extension.build, settings.environment)
        self._listening = listen("127.0.0.1", 0)
        companion_url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        make_folders(settings.data_dir, settings.environment.libraries)
        self._companion = Child(_COMPANION, self._listening, settings.logs_dir / "companion.log")
        await self._companion.start(
            self._config(url, companion_url), {PARTS_VARIABLE: ",".join(settings.parts)}
        )
        variables = localstack_variables(
            os.environ,
            data_dir=settings.data_dir,
            extension=folder,
            port=port,
            companion_url=companion_url,
            parts=settings.parts,
            instance=uuid.uuid4().hex,
            region=settings.region,
            allow_origins=settings.allow_origins,
            concurrent_executions=settings.limits.lambda_concurrent_executions,
        )
        self._localstack = LocalStackProcess(
            settings.environment.python, variables, settings.data_dir, settings.logs_dir / "localstack.log"
        )
        await self._localstack.start()
        await self._companion.until_ready()
        await self._localstack.until_ready()
        await _await_health(url, self._localstack)
        self._say(
            {
                "event": "ready",
                "endpoints": {"": url},
                "observed_at": companion_url,
                "pid": os.getpid(),
                "region": settings.region,
                "parts": list(settings.parts),
                "processes": {"localstack": self._localstack.pid, "companion": self._companion.pid},
            }
        )

    def _config(self, url: str, companion_url: str) -> ProcessConfig:
        assert self._listening is not None
        settings = self._settings
        base = settings.environment.base
        return ProcessConfig(
            name="companion",
            listen_fd=self._listening.fileno(),
            endpoints={"companion": companion_url, "localstack": url},
            data_dir=settings.data_dir / "companion",
            limits=settings.limits,
            region=settings.region,
            allow_origins=settings.allow_origins,
            interpreters=(str(base.path),) if base else (),
            supervisor_pid=os.getpid(),
            credential_secret=secrets.token_hex(32),
        )

    async def _death(self) -> str:
        """A sentence on the first of the two that ends."""
        assert self._companion is not None
        assert self._localstack is not None
        localstack = asyncio.create_task(self._localstack.wait())
        companion = asyncio.create_task(self._companion.wait())
        try:
            done, _ = await asyncio.wait({localstack, companion}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (localstack, companion):
                task.cancel()
        if localstack in done:
            sentence = f"LocalStack {describe_exit(localstack.result())}; everything on it was lost."
            self._companion.tell(orjson.dumps({"incident": sentence}) + b"\n")
            return with_last_words(sentence, self._localstack.last_words())
        how = describe_exit(companion.result())
        return with_last_words(
            f"LocalStack's companion {how}; all of {', '.join(self._settings.parts)} was lost.",
            self._companion.last_words(),
        )

    def _kill(self) -> None:
        for process in (self._localstack, self._companion):
            if process is not None:
                process.kill()

    async def _stop(self) -> None:
        """LocalStack first: it asks the companion to end its functions."""
        if self._localstack is not None:
            await self._localstack.stop()
        if self._companion is not None:
            await self._companion.stop()
        if self._listening is not None:
            self._listening.close()


def with_last_words(sentence: str, last: str) -> str:
    """`sentence`, and with what the log ends, where it has anything."""
    return f"{sentence} Its log ends with: {last}" if last else sentence


def _free(port: int) -> int:
    """`port`, on which nobody listens; any such for 0. Raises PortInUse, saying by whom it is taken."""
    with listen("127.0.0.1", port) as probe:
        found: int = probe.getsockname()[1]
    return found


async def _await_health(url: str, process: LocalStackProcess) -> None:
    """Raises TargetError when what answers at `url` does not do so as LocalStack does."""
    deadline_s = time.monotonic() + _HEALTH_WITHIN_S
    said = "it does not answer"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_HEALTH_WITHIN_S)) as session:
        while time.monotonic() < deadline_s:
            try:
                async with session.get(url + HEALTH_PATH) as answer:
                    if answer.status == 200:
                        return
                    said = f"it answered {answer.status}"
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                said = why_unanswered(error)
            await asyncio.sleep(_LOOK_S)
    raise TargetError(with_last_words(f"LocalStack at {url} is not healthy: {said}.", process.last_words()))
