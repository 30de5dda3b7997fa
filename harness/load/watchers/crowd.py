"""All watchers of a run: they take their posts, are told, and leave when nothing more comes."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from harness.errors import MeasurementInvalid, TargetError
from harness.load.descriptors import ensure_descriptors
from harness.load.devices import make_devices
from harness.load.plan import LoadPlan
from harness.load.watchers.endpoints import Endpoints
from harness.load.watchers.posts import Post, posts
from harness.load.watchers.record import Record
from harness.load.watchers.subscriber import Subscriber
from harness.measure.files import RowLog, replace_json
from harness.measure.receipts import ReceiptLog
from harness.pipeline import LiveSubscription, Pipeline, Watchable
from harness.pipeline_loader import asking, load_pipeline, watchable

SUMMARY = "summary.json"
SCHEMA = "launchday.watchers/1"
_OPENING_AT_ONCE = 50
_ADDING_AT_ONCE = 8
_CONFIRM_S = 60.0
_QUIET_S = 1.0
_LINGER_S = 5.0
_LEAVING_S = 3.0

Say = Callable[..., None]


async def watch(plan: LoadPlan, out: Path, stopping: asyncio.Event, say: Say) -> None:
    """Be there until `stopping` is set. Raises LaunchdayError."""
    scenario = plan.load_scenario()
    pipeline = load_pipeline(plan.pipeline_dir)
    tells = watchable(pipeline, scenario.name)
    manned = posts(scenario, make_devices(scenario.population, scenario.seed), plan.run_id)
    ensure_descriptors(len(manned))
    out.mkdir(parents=True, exist_ok=True)
    log, timeline = ReceiptLog(out), RowLog(out / "timeline.ndjson")
    with contextlib.closing(log), contextlib.closing(timeline):
        record = Record(plan.run_id, log, timeline)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            crowd = _Crowd(plan, pipeline, tells, manned, record, session)
            try:
                await crowd.watch(stopping, say)
            finally:
                _summarize(out, plan, manned, record)


class _Crowd:
    def __init__(
        self,
        plan: LoadPlan,
        pipeline: Pipeline,
        tells: Watchable,
        manned: Sequence[Post],
        record: Record,
        session: aiohttp.ClientSession,
    ) -> None:
        self._outputs = plan.outputs
        self._pipeline = pipeline
        self._tells = tells
        self._record = record
        self._endpoints = Endpoints(manned, record, partial(tells.told, "webhook"), session)
        self._webhooks = [post for post in manned if post.watcher.channel == "webhook"]
        told = partial(tells.told, "subscription")
        self._subscribers = [
            Subscriber(post, partial(self._opening, post), record, told, session)
            for post in manned
            if post.watcher.channel == "subscription"
        ]
        self._connected = 0
        self._of = len(manned)

    async def watch(self, stopping: asyncio.Event, say: Say) -> None:
        await self._endpoints.start()
        listening: list[asyncio.Task[None]] = []
        try:
            async with _every_second(lambda: say("connecting", connected=self._connected, of=self._of)):
                await _unless_stopped(self._take_posts(), stopping)
            listening = [asyncio.create_task(subscriber.listen()) for subscriber in self._subscribers]
            say("ready")
            async with _every_second(lambda: self._second(say)):
                await stopping.wait()
                await self._until_quiet()
            self._second(say)
        finally:
            for task in listening:
                task.cancel()
            await self._leave()

    async def _take_posts(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._add_webhooks())
            _at_most(_OPENING_AT_ONCE, group, (self._open(each) for each in self._subscribers))

    async def _open(self, subscriber: Subscriber) -> None:
        await subscriber.open()
        self._connected += 1

    async def _opening(self, post: Post) -> LiveSubscription:
        how: LiveSubscription = await self._ask("open a subscription", self._tells.subscription, post.watcher)
        return how

    async def _add_webhooks(self) -> None:
        await self._remove_webhooks()  # those of a run before this one, which nobody answers for any more
        async with asyncio.TaskGroup() as group:
            _at_most(_ADDING_AT_ONCE, group, (self._add_webhook(post) for post in self._webhooks))

    async def _add_webhook(self, post: Post) -> None:
        url = self._endpoints.url(post.number)
        await self._ask("add a webhook", self._tells.add_webhook, post.watcher.account, url)
        try:
            async with asyncio.timeout(_CONFIRM_S):
                await self._endpoints.confirmed(post.number)
        except TimeoutError:
            raise TargetError(
                f"The webhook of account {post.watcher.account} was not asked to confirm its subscription "
                f"within {_CONFIRM_S:.0f} s."
            ) from None
        self._connected += 1

    async def _remove_webhooks(self) -> None:
        accounts = sorted({post.watcher.account for post in self._webhooks})
        async with asyncio.TaskGroup() as group:
            removals = (
                self._ask("remove webhooks", self._tells.remove_webhooks, account) for account in accounts
            )
            _at_most(_ADDING_AT_ONCE, group, removals)

    async def _ask(self, could_not: str, what: Callable[..., Any], *given: Any) -> Any:
        """A method of the pipeline's, in a thread: it may block."""

        def ask() -> Any:
            with asking(self._pipeline, could_not, TargetError):
                return what(self._outputs, *given)

        return await asyncio.to_thread(ask)

    def _second(self, say: Say) -> None:
        say("second", **self._record.close_second(time.time(), self._connected))

    async def _until_quiet(self) -> None:
        """Wait until nothing has come for a second; not for ever."""
        began_s = time.time()
        while (now_s := time.time()) - began_s < _LINGER_S:
            quiet_s = now_s - max(began_s, self._record.last_at_s)
            if quiet_s >= _QUIET_S:
                return
            await asyncio.sleep(_QUIET_S - quiet_s)

    async def _leave(self) -> None:
        """Say goodbye, as far as anybody listens: a target that is gone must not hold us up."""
        with contextlib.suppress(TimeoutError, TargetError, ExceptionGroup):
            async with asyncio.timeout(_LEAVING_S):
                await self._remove_webhooks()
                await asyncio.gather(*(subscriber.close() for subscriber in self._subscribers))
        await self._endpoints.close()


def _at_most(count: int, group: asyncio.TaskGroup, work: Iterable[Any]) -> None:
    """Have `count` tasks of `group` do all of `work`."""
    waiting = iter(work)

    async def do() -> None:
        for each in waiting:
            await each

    for _ in range(count):
        group.create_task(do())


async def _unless_stopped(work: Any, stopping: asyncio.Event) -> None:
    """Do `work`. Raises what it raises, of several errors the first; MeasurementInvalid when stopped."""
    doing = asyncio.ensure_future(work)
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait((doing, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not doing.done():
        doing.cancel()
        await asyncio.wait((doing,))
        raise MeasurementInvalid("The watchers were stopped before all of them were there.")
    try:
        doing.result()
    except BaseExceptionGroup as group:
        raise _first(group) from None


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first


@contextlib.asynccontextmanager
async def _every_second(do: Callable[[], None]) -> AsyncIterator[None]:
    async def loop() -> None:
        while True:
            await asyncio.sleep(1.0)
            do()

    task = asyncio.create_task(loop())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _summarize(out: Path, plan: LoadPlan, manned: Sequence[Post], record: Record) -> None:
    replace_json(
        out / SUMMARY,
        {
            "schema": SCHEMA,
            "run_id": plan.run_id,
            "totals": dict(record.totals),
            "watchers": [
                [post.watcher.channel, post.watcher.account, post.device, post.behaviour] for post in manned
            ],
        },
    )
