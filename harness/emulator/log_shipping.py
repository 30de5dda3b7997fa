"""Lambda's log lines on their way to CloudWatch Logs, which is moto's.

Writing never waits: lines queue up to a bound, what does not fit is dropped and counted, and a task ships the
queue in batches.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import aiohttp
import orjson

log = logging.getLogger(__name__)

MAX_QUEUED_EVENTS = 100_000
MAX_QUEUED_BYTES = 32 * 1024 * 1024
"""About: messages are counted by characters. A batch must fit into one request."""
_FLUSH_EVERY_S = 0.5
_TIMEOUT_S = 10.0
LOG_BATCH_PATH = "/_launchday/logs"

Batch = tuple[str, str, Sequence[tuple[int, str]]]


class LogShipper:
    """A LogSink that ships to the moto process at `url`."""

    def __init__(self, session: aiohttp.ClientSession, url: str, capacity: int = MAX_QUEUED_EVENTS) -> None:
        self._session = session
        self._url = url + LOG_BATCH_PATH
        self._capacity = capacity
        self._queue: list[Batch] = []
        self._queued_events = 0
        self._queued_bytes = 0
        self._task: asyncio.Task[None] | None = None
        self.events_dropped = 0

    def write(self, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """Queue `events` (ms since the epoch, message) of a log stream."""
        size_bytes = sum(len(message) for _, message in events)
        too_many = self._queued_events + len(events) > self._capacity
        if too_many or self._queued_bytes + size_bytes > MAX_QUEUED_BYTES:
            self.events_dropped += len(events)
            return
        self._queue.append((group, stream, events))
        self._queued_events += len(events)
        self._queued_bytes += size_bytes

    async def start(self) -> None:
        """Begin to ship."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop, after one last attempt to ship what is queued."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            await self.flush(timeout_s=1.0)

    async def flush(self, timeout_s: float = _TIMEOUT_S) -> None:
        """Ship what is queued; lines that cannot be shipped are dropped and counted."""
        batch, count = self._queue, self._queued_events
        if not batch:
            return
        self._queue, self._queued_events, self._queued_bytes = [], 0, 0
        try:
            async with self._session.post(
                self._url,
                data=orjson.dumps(batch),
                headers={"content-type": "application/json"},
                timeout=aiohttp.ClientTimeout(total=timeout_s),
            ) as answer:
                if answer.status == 200:
                    return
                reason = f"it answered {answer.status}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = str(error) or type(error).__name__
        self.events_dropped += count
        log.warning("%d log events were dropped: the moto process did not take them (%s)", count, reason)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_EVERY_S)
            await self.flush()
