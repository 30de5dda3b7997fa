"""The requests that LocalStack served, as they come in: each batch taken once, and none left out unseen.

LocalStack's extension posts batches of rows (REQUESTS_PATH), numbered from 1 for each start of LocalStack,
and posts one again until it was taken. To be seen as of now, it is first asked for what it has not posted
yet, and for what only its own state shows: the events that wait in its queues (METERING_PATH, at LocalStack).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import aiohttp
import orjson

from harness.emulator.companion.metering.counting import RequestMeter
from harness.emulator.companion.metering.mappings import Mappings
from harness.emulator.companion.metering.positions import Iterators
from harness.emulator.companion.metering.rows import BadRow, CallRow, read_row
from harness.emulator.processes import process_space
from harness.emulator.unanswered import why_unanswered
from harness.measure.meters import Gauge, Meters

REQUESTS_PATH = "/_launchday/requests"
METERING_PATH = "/_launchday/metering"
ASK_TIMEOUT_S = 15.0


class Intake:
    """`ask` gets LocalStack's answer to METERING_PATH. Raises LocalStackUnseen."""

    def __init__(
        self,
        meters: Meters,
        requests: RequestMeter,
        mappings: Mappings,
        iterators: Iterators,
        ask: Callable[[], Any],
    ) -> None:
        self._requests = requests
        self._mappings = mappings
        self._iterators = iterators
        self._ask = ask
        self._taken: dict[str, int] = {}
        self._lost: dict[str, int] = {}
        self._bad_rows = 0
        self._gauges: Sequence[Gauge] = ()
        self.pid: int | None = None
        """LocalStack's process, once it was asked, where it can be seen from here."""
        meters.watch(self._show)

    @property
    def lost(self) -> int:
        """Requests that could not be metered, since this process started."""
        return self._bad_rows + sum(self._lost.values())

    def take(self, batch: Mapping[str, Any]) -> None:
        """Meter a batch, unless it was taken before."""
        source, number = batch["source"], batch["number"]
        if number <= self._taken.get(source, 0):
            return
        self._taken[source] = number
        for row in batch["rows"]:
            try:
                self._take_row(row)
            except (BadRow, KeyError, TypeError, ValueError):  # of another version of the extension
                self._bad_rows += 1

    async def look(self) -> list[str]:
        """Have LocalStack post what it has not yet, and see its own state: what is then read of the meters is
        as of now. The answer is what went wrong, a sentence each."""
        try:
            seen = await self._ask()
        except LocalStackUnseen as unseen:
            return [str(unseen)]
        self.pid = seen["pid"] if seen["process_space"] == process_space() else None
        self._lost[seen["source"]] = seen["lost"]
        self._gauges = [Gauge(*gauge) for gauge in seen["gauges"]]
        queues = {gauge.resource: gauge.value for gauge in self._gauges if gauge.service == "sqs"}
        await self._mappings.refresh(queues)
        if seen["number"] > self._taken.get(seen["source"], 0):
            return ["LocalStack posted requests that this process never saw: it was started again."]
        return [] if seen["flushed"] else ["LocalStack could not post what it served."]

    def reset(self) -> None:
        """Forget what the requests said so far."""
        self._requests.reset()
        self._mappings.clear()
        self._iterators.clear()
        self._gauges = ()

    def _take_row(self, values: Sequence[Any]) -> None:
        row = read_row(values)
        if isinstance(row, CallRow) and row.service in ("kinesis", "dynamodbstreams"):
            self._iterators.follow(row)
        self._requests.take(row)
        if isinstance(row, CallRow):
            self._mappings.take(row)

    def _show(self) -> Iterable[Gauge]:
        yield from self._gauges
        yield from self._mappings.gauges()


class LocalStackUnseen(Exception):
    """LocalStack did not say what it served. The message says why, in a sentence."""


class LocalStackAsked:
    """Asks the LocalStack at `url`. `LocalStackAsked.__call__` is Intake's `ask`."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def __call__(self) -> Any:
        """Its answer. Raises LocalStackUnseen."""
        try:
            async with self._session.post(
                self._url + METERING_PATH, timeout=aiohttp.ClientTimeout(total=ASK_TIMEOUT_S)
            ) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = why_unanswered(error)
            raise LocalStackUnseen(
                f"LocalStack at {self._url} did not answer when observed: {reason}."
            ) from error
        if answer.status != 200:
            raise LocalStackUnseen(
                f"LocalStack at {self._url} does not say what it served (it answered {answer.status}): "
                "Launchday's extension is not turned on in it."
            )
        return orjson.loads(body)
