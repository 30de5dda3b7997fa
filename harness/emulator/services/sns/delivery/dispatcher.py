"""The one loop that waits: starts attempts when they are due and allowed, and does what the policy says of
how they ended."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import logging
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable

from harness.emulator.services.sns.delivery.deliveries import Delivery, Outcome
from harness.emulator.services.sns.delivery.lanes import Lane, Pending
from harness.emulator.services.sns.metering import TopicMeters
from harness.emulator.services.sns.subscriptions import Subscription
from harness.measure.meters import Gauge

log = logging.getLogger(__name__)

_AFTER_FAILURE_S = 0.5
Send = Callable[[Delivery], Awaitable[Outcome]]
Timer = tuple[float, int, Delivery | Lane]
"""When (seconds since the epoch), a number that breaks ties, and what: a retry, or a throttled lane."""


class Dispatcher:
    """Deliveries from the moment they are submitted until they are made, dead-lettered or given up."""

    def __init__(
        self,
        send: Send,
        meters: Callable[[str], TopicMeters],
        clock: Callable[[], float],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._send = send
        self._meters = meters
        self._clock = clock
        self._jitter = jitter
        self._lanes: dict[str, Lane] = {}
        self._lines: dict[bool, deque[Lane]] = {False: deque(), True: deque()}
        """The lanes with something to send, in turn: those whose endpoint hangs (True), and the others."""
        self._timers: list[Timer] = []
        self._numbers = itertools.count()
        self._pending = Pending()
        self._by_topic: Counter[str] = Counter()
        self._attempts: dict[asyncio.Task[None], Delivery] = {}
        self._changed = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    def submit(self, delivery: Delivery) -> None:
        """Take a delivery on. One that does not fit is dead-lettered, or dropped and counted."""
        lane = self._lane(delivery.lane)
        if not self._pending.takes(lane, delivery):
            self._meters(delivery.subscription.topic.arn).overflowed.value += 1
            self._give_up(delivery)
            return
        self._pending.add(lane, delivery)
        if delivery.kind != "confirmation":
            self._by_topic[delivery.subscription.topic.arn] += 1
        lane.ready.append(delivery)
        self._list(lane)
        self._changed.set()

    def drop(self, subscriptions: Iterable[Subscription]) -> None:
        """Let go of what waits for endpoints that are not subscribed any more. Attempts under way end."""
        gone = {id(subscription) for subscription in subscriptions}
        for subscription in subscriptions:
            lane = self._lanes.get(subscription.arn)
            while lane is not None and lane.ready:
                self._over(lane.ready.popleft())
            if lane is not None and lane.pending == 0:
                self._lanes.pop(subscription.arn, None)  # with the last of them it may be gone already
        kept: list[Timer] = []
        for timer in self._timers:
            due = timer[2]
            if isinstance(due, Delivery) and due.kind != "dead_letter" and id(due.subscription) in gone:
                self._over(due)
            else:
                kept.append(timer)
        heapq.heapify(kept)
        self._timers = kept

    def tick(self) -> float | None:
        """Start all attempts that are due and allowed; the seconds until something is due again, or None."""
        now_s = self._clock()
        while self._timers and self._timers[0][0] <= now_s:
            due = heapq.heappop(self._timers)[2]
            if isinstance(due, Lane):
                due.throttled = False
                self._list(due)
            else:
                lane = self._lane(due.lane)
                lane.ready.append(due)
                self._list(lane)
        for hanging, line in self._lines.items():
            for _ in range(len(line)):
                lane = line.popleft()
                lane.listed = False
                if lane.hanging is not hanging:
                    self._list(lane)
                elif not self._start_what_may(lane, now_s):
                    lane.listed = True  # all attempts that its like may have are taken: it stays the first
                    line.appendleft(lane)
                    break
        return max(self._timers[0][0] - now_s, 0.0) if self._timers else None

    def gauges(self) -> Iterable[Gauge]:
        """The deliveries of each topic that are not over."""
        for topic_arn, count in self._by_topic.items():
            yield Gauge("sns", topic_arn.rpartition(":")[2], "pending_deliveries", count)

    def forget_topic(self, topic_arn: str) -> None:
        """A topic was deleted: it has no gauge any more."""
        if not self._by_topic[topic_arn]:
            del self._by_topic[topic_arn]

    async def start(self) -> None:
        """Begin to send."""
        self._loop = asyncio.create_task(self._run(), name="sns-dispatcher")

    def clear(self) -> None:
        """Forget everything that waits, and end the attempts under way."""
        for task in self._attempts:
            task.cancel()
        self._attempts.clear()
        self._lanes.clear()
        for line in self._lines.values():
            line.clear()
        self._timers.clear()
        self._by_topic.clear()
        self._pending = Pending()

    async def close(self) -> None:
        """Stop. What waits is lost."""
        if self._loop is not None:
            self._loop.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._loop
        attempts = list(self._attempts)
        self.clear()
        await asyncio.gather(*attempts, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            try:
                wait_s = self.tick()
            except Exception:  # one that cannot be started must not keep the others from it
                log.exception("SNS failed at starting deliveries.")
                wait_s = _AFTER_FAILURE_S
                await asyncio.sleep(wait_s)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()

    def _start_what_may(self, lane: Lane, now_s: float) -> bool:
        """Start attempts of `lane`. False when it could start more, were not too many others under way."""
        while lane.ready and lane.has_room(len(self._attempts), now_s):
            if lane.free(len(self._attempts)) <= 0:
                return False
            delivery = lane.ready[0]
            wait_s = lane.throttle_s(delivery.policy.max_receives_per_s, now_s)
            if wait_s > 0:
                lane.throttled = True
                heapq.heappush(self._timers, (now_s + wait_s, next(self._numbers), lane))
                return True
            lane.ready.popleft()
            lane.started(now_s)
            task = asyncio.create_task(self._attempt(lane, delivery))
            self._attempts[task] = delivery
        look_s = lane.look_again_s(now_s)
        if look_s is not None:
            heapq.heappush(self._timers, (look_s, next(self._numbers), lane))
        return True

    async def _attempt(self, lane: Lane, delivery: Delivery) -> None:
        if delivery.failures == 0:
            delivery.first_attempt_s = self._clock()
        try:
            outcome = await self._send(delivery)
        except Exception as error:
            log.exception("SNS failed at a delivery.")
            outcome = Outcome("retry", type(error).__name__)
        task = asyncio.current_task()
        if task is None or self._attempts.pop(task, None) is None:
            return  # everything was forgotten meanwhile
        now_s = self._clock()
        lane.finished(now_s, timed_out=outcome.timed_out)
        self._settle(delivery, outcome, now_s)
        self._list(lane)
        self._changed.set()

    def _settle(self, delivery: Delivery, outcome: Outcome, now_s: float) -> None:
        meters = self._meters(delivery.subscription.topic.arn)
        meters.attempted(delivery, outcome)
        if outcome.kind == "delivered":
            self._over(delivery)
            return
        gone = delivery.kind == "notification" and delivery.subscription.deleted
        if outcome.kind == "retry" and not gone:
            delivery.failures += 1
            at_s = delivery.policy.next_attempt_s(
                delivery.failures, delivery.first_attempt_s, now_s, self._jitter()
            )
            if at_s is not None:
                if delivery.message is not None:
                    delivery.message.envelopes.clear()  # it may wait for long, and there may be many
                heapq.heappush(self._timers, (at_s, next(self._numbers), delivery))
                return
        self._over(delivery)
        if not gone:
            self._give_up(delivery)

    def _give_up(self, delivery: Delivery) -> None:
        """To the dead-letter queue, if there is one."""
        meters = self._meters(delivery.subscription.topic.arn)
        if delivery.kind == "confirmation":
            meters.confirmations_failed.value += 1
        elif delivery.kind == "dead_letter":
            meters.failed_to_redrive.value += 1
        else:
            meters.failed.value += 1
            queue = delivery.subscription.dead_letter_arn
            if queue is not None:
                subscription, message = delivery.subscription, delivery.message
                self.submit(Delivery("dead_letter", subscription, message, dead_letter_arn=queue))

    def _over(self, delivery: Delivery) -> None:
        key = delivery.lane
        lane = self._lane(key)
        self._pending.remove(lane, delivery)
        if lane.pending == 0 and delivery.subscription.deleted:
            self._lanes.pop(key, None)
        if delivery.kind != "confirmation":
            self._by_topic[delivery.subscription.topic.arn] -= 1

    def _lane(self, key: str) -> Lane:
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(key)
        return lane

    def _list(self, lane: Lane) -> None:
        if lane.ready and not lane.listed and not lane.throttled:
            lane.listed = True
            self._lines[lane.hanging].append(lane)
