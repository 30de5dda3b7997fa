"""One invocation from its lease to its REPORT line: measured, metered, logged."""

from __future__ import annotations

import asyncio
import secrets
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harness.emulator.services.lambda_.environments.environment import Environment
from harness.emulator.services.lambda_.environments.pool import EnvironmentPool
from harness.emulator.services.lambda_.environments.runtime_api import Answer, Work
from harness.emulator.services.lambda_.environments.sandbox import InitFailed, Run, Usage
from harness.emulator.services.lambda_.errors import conflict
from harness.emulator.services.lambda_.functions import Function, Revision
from harness.emulator.services.lambda_.leases import Leases
from harness.emulator.services.lambda_.names import LATEST
from harness.emulator.services.lambda_.performing import Notes, Subject, perform
from harness.measure.meters import Meters
from harness.measure.observation import InvocationStatus

ASYNCHRONOUS_REQUEST_BYTES = 256 * 1024
ASYNCHRONOUS_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Call:
    """What is to be run, for whom."""

    payload: bytes
    request_id: str
    source: str
    synchronous: bool
    records: int = 0
    client_context: str | None = None
    nested: bool = False
    """Whether a running function made it, and waits for it."""


@dataclass(frozen=True, slots=True)
class Completed:
    """What became of it. `function_error` is `Unhandled` or None."""

    payload: bytes
    function_error: str | None
    status: InvocationStatus
    log_tail: bytes


def billed_requests(payload_bytes: int, *, synchronous: bool) -> int:
    """The requests that an invocation is billed for. docs: AWS Lambda pricing (read 2026-11): an asynchronous
    event is one for its first 256 KB, and one more for each further 64 KB."""
    excess = 0 if synchronous else max(0, payload_bytes - ASYNCHRONOUS_REQUEST_BYTES)
    return 1 - (-excess // ASYNCHRONOUS_CHUNK_BYTES)


def new_request_id() -> str:
    """A fresh request id in AWS's form."""
    return str(uuid.uuid4())


def new_trace_root(now_s: float) -> str:
    """A fresh trace id: `1-<time>-<96 bits>`. docs: X-Ray, trace id format (read 2026)"""
    return f"1-{int(now_s):08x}-{secrets.token_hex(12)}"


class Runner:
    """Runs invocations: lease, environment, measure."""

    def __init__(
        self, leases: Leases, pool: EnvironmentPool, meters: Meters, clock: Callable[[], float]
    ) -> None:
        self._notes = Notes(meters)
        self.records = self._notes.records
        self._by_trace: dict[str, Environment] = {}
        """The environments that run now, by the trace id that their functions' calls carry."""
        self.begun: set[str] = set()
        """Request ids of the invocations that an environment has: they end by themselves."""
        self._leases = leases
        self._pool = pool
        self._meters = meters
        self._clock = clock

    @contextmanager
    def waiting(self, trace_id: str | None) -> Iterator[bool]:
        """While somebody waits for an invocation. Gives whether it is a running function, by the trace id of
        its call."""
        environment = self._by_trace.get(trace_id) if trace_id else None
        if environment is None:
            yield False
        else:
            with self._pool.blocked(environment):
                yield True

    async def run(self, function: Function, call: Call) -> Completed:
        """Run `call`. Raises AwsError: TooManyRequestsException when AWS would have no concurrency for it,
        ResourceConflictException when the function's package could not be unpacked."""
        if function.preparing is not None and function.package is None:
            await asyncio.shield(function.preparing)
        if function.package is None:
            raise conflict(
                "The operation cannot be performed at this time. The function is currently in the following "
                f"state: {function.state}"
            )
        with self._leases.lease(function.arn, self._clock(), synchronous=call.synchronous):
            return await self._run_leased(function.revision(), call)

    async def _run_leased(self, revision: Revision, call: Call) -> Completed:
        trace_root = new_trace_root(self._clock())
        waited_from = time.monotonic()
        try:
            environment, waited_s = await self._pool.acquire(revision, nested=call.nested)
        except InitFailed as failed:
            self._count_request(revision, call)
            self._note_wait(revision, time.monotonic() - waited_from)
            return self._init_failed(revision, call, trace_root, failed)
        self._count_request(revision, call)
        self._note_wait(revision, waited_s)
        self.begun.add(call.request_id)
        self._by_trace[trace_root] = environment
        try:
            return await self._run_in(environment, revision, call, trace_root)
        finally:
            self.begun.discard(call.request_id)
            del self._by_trace[trace_root]
            self._pool.release(environment)

    def _count_request(self, revision: Revision, call: Call) -> None:
        self._meters.counter("lambda", revision.name, "requests").value += billed_requests(
            len(call.payload), synchronous=call.synchronous
        )

    async def _run_in(
        self, environment: Environment, revision: Revision, call: Call, trace_root: str
    ) -> Completed:
        subject = _subject(revision)
        work = Work(
            call.request_id,
            call.payload,
            revision.arn,
            int((self._clock() + subject.timeout_s) * 1000),
            f"Root={trace_root};Parent={secrets.token_hex(8)};Sampled=0",
            call.client_context,
        )
        run, init = await perform(environment, work, subject)
        self._note(revision, call, trace_root, run, init)
        error = "Unhandled" if run.answer.error_type else None
        return Completed(run.answer.payload, error, run.status, environment.log.tail())

    def _init_failed(self, revision: Revision, call: Call, trace_root: str, failed: InitFailed) -> Completed:
        nothing = Usage(0.0, 0.0, failed.usage.peak_memory_mb)
        run = Run(Answer(failed.answer.payload, "Init"), failed.status, self._clock(), nothing)
        self._note(revision, call, trace_root, run, failed.usage)
        return Completed(failed.answer.payload, "Unhandled", failed.status, failed.log_tail)

    def _note(self, revision: Revision, call: Call, trace_root: str, run: Run, init: Usage | None) -> None:
        self._notes.add(
            _subject(revision),
            run,
            init,
            request_id=call.request_id,
            trace_root=trace_root,
            source=call.source,
            records=call.records,
        )

    def _note_wait(self, revision: Revision, waited_s: float) -> None:
        """The wait for a process is this machine's, not AWS's: metered apart, no part of any duration."""
        if waited_s:
            self._meters.counter("lambda", revision.name, "process_wait_ms").value += waited_s * 1000


def _subject(revision: Revision) -> Subject:
    settings = revision.configuration
    return Subject(
        revision.name, LATEST, settings.timeout_s, settings.memory_mb, settings.architecture, settings.runtime
    )
