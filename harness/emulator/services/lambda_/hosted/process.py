"""A process of a hosted function: a sandbox whose output goes to whichever environment has it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from harness.emulator.services.credentials import Credentials
from harness.emulator.services.lambda_.environments.process import Sweeps
from harness.emulator.services.lambda_.environments.sandbox import Program, Sandbox
from harness.emulator.services.lambda_.hosted.marks import Marks
from harness.emulator.services.lambda_.hosted.output import HeldOutput
from harness.emulator.services.lambda_.hosted.specification import CREDENTIALS, LOG_STREAM, Specification
from harness.emulator.services.lambda_.logs import EnvironmentLog


class Keys(Protocol):
    """Who recognizes the access keys of running functions."""

    def hold(self, credentials: Credentials, principal_arn: str) -> None:
        """Know a key from now on."""

    def release(self, access_key: str) -> None:
        """Know it no longer."""


class CountedKeys:
    """Keys that several processes may hold: one is known until the last lets go of it."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._holders: Counter[str] = Counter()

    def hold(self, credentials: Credentials, principal_arn: str) -> None:
        """Know a key from now on."""
        self._holders[credentials.access_key] += 1
        self._keys.hold(credentials, principal_arn)

    def release(self, access_key: str) -> None:
        """One holder less."""
        self._holders[access_key] -= 1
        if self._holders[access_key] <= 0:
            del self._holders[access_key]
            self._keys.release(access_key)


@dataclass(frozen=True, slots=True)
class Means:
    """What hosted processes have in common. `turns` lets few start at once, in the order they came."""

    turns: asyncio.Semaphore
    sweeps: Sweeps
    marks: Marks
    clock: Callable[[], float]
    keys: Keys | None = None
    monotonic: Callable[[], float] = time.monotonic


class HostedProcess(Sandbox):
    """One process, marked by its log stream: that of the environment that started it."""

    def __init__(
        self, specification: Specification, program: Program, means: Means, output: HeldOutput
    ) -> None:
        self._specification = specification
        self._means = means
        self._sink = _Redirected(output)
        self._released = True
        log = EnvironmentLog(self._sink, specification.log_group, "", means.clock)

        def variables(runtime_api: str) -> Mapping[str, str]:
            return {**program.variables(runtime_api), LOG_STREAM: log.stream}

        super().__init__(replace(program, variables=variables), log, means.sweeps, means.clock)

    def speak_to(self, output: HeldOutput) -> None:
        """From now on what it says goes there."""
        self._sink.output = output

    async def start(self, limit_s: float) -> None:
        """Start with a mark of its own. Raises InitFailed."""
        self.log.stream = await self._means.marks.claim(self._specification.log_stream)
        self._released = False
        self._hold_key()
        await super().start(limit_s)

    async def close(self) -> None:
        """End it, and have what it left swept. May be called twice."""
        await super().close()
        if not self._released:
            self._released = True
            self._means.marks.release(self.log.stream)
            if self._means.keys is not None:
                self._means.keys.release(self._specification.variables.get(CREDENTIALS[0], ""))

    def _hold_key(self) -> None:
        wanted, keys = self._specification, self._means.keys
        if keys is None or not all(wanted.variables.get(name) for name in CREDENTIALS):
            return
        account_id = wanted.arn.split(":")[4]
        role = wanted.role.rpartition("/")[2]
        principal = f"arn:aws:sts::{account_id}:assumed-role/{role}/{wanted.subject.name}"
        keys.hold(Credentials(*(wanted.variables[name] for name in CREDENTIALS)), principal)


class _Redirected:
    """A LogSink that passes on to another."""

    def __init__(self, output: HeldOutput) -> None:
        self.output = output

    def write(self, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """Pass `events` on."""
        self.output.write(group, stream, events)
