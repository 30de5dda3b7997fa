"""Whatever endpoints do and whenever they do it: each delivery ends once, and the books are balanced."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.emulator.services.sns.delivery import lanes
from harness.emulator.services.sns.delivery.deliveries import Delivery, Outcome

from .conftest import DEAD, QUEUE, Driver

REDRIVE = json.dumps({"deadLetterTargetArn": DEAD})
OUTCOMES = st.sampled_from(
    [
        Outcome("delivered"),
        Outcome("retry", "it answered 500"),
        Outcome("retry", "no answer", timed_out=True),
        Outcome("refused", "it answered 404"),
    ]
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 4)),
        st.tuples(st.just("advance"), st.sampled_from([0, 1, 20, 300])),
        st.tuples(st.just("unsubscribe"), st.integers(0, 3)),
        st.tuples(st.just("subscribe"), st.integers(0, 3)),
        st.tuples(st.just("redrive"), st.integers(0, 3)),
    ),
    max_size=25,
)


class Book:
    """Every delivery as it was taken on and as its attempts ended."""

    def __init__(self, outcomes: list[Outcome]) -> None:
        self.outcomes = iter(outcomes)
        self.ended: dict[int, list[str]] = {}
        self.kept: list[Delivery] = []

    async def send(self, delivery: Delivery) -> Outcome:
        outcome = next(self.outcomes, Outcome("delivered"))
        self.kept.append(delivery)
        self.ended.setdefault(id(delivery), []).append(outcome.kind)
        await asyncio.sleep(0)
        return outcome


class Story:
    """Steps, done one after the other; `expected` counts the deliveries that were taken on."""

    def __init__(self, outcomes: list[Outcome]) -> None:
        self.book = Book(outcomes)
        self.sns = Driver(send=self.book.send)
        self.sns.create()
        self.arns = {number: self.subscription(number, RedrivePolicy=REDRIVE) for number in (0, 1)}
        self.expected = 0

    def subscription(self, number: int, **attributes: str) -> str:
        return self.sns.subscribe(f"{QUEUE}{number}", **attributes)

    async def do(self, step: str, amount: int) -> None:
        if step == "publish":
            for _ in range(amount):
                self.sns.publish("x" * 100)
                self.expected += len(self.arns)
        elif step == "advance":
            await self.sns.advance(amount)
        elif step == "subscribe" and amount not in self.arns:
            self.arns[amount] = self.subscription(amount)
        elif step == "unsubscribe" and amount in self.arns:
            self.sns("Unsubscribe", SubscriptionArn=self.arns.pop(amount))
        elif step == "redrive" and amount in self.arns:
            self.sns(
                "SetSubscriptionAttributes",
                SubscriptionArn=self.arns[amount],
                AttributeName="RedrivePolicy",
                AttributeValue="" if self.expected % 2 else REDRIVE,
            )

    async def to_its_end(self, steps: list[tuple[str, int]]) -> None:
        for step, amount in steps:
            await self.do(step, amount)
        for _ in range(100):
            await self.sns.advance(60)
            if not self.sns.pending():
                break
        await self.sns.service._dispatcher.close()


@settings(max_examples=150, deadline=None)
@given(STEPS, st.lists(OUTCOMES, max_size=60))
@example([("publish", 1), ("unsubscribe", 0)], [])
def test_each_delivery_ends_once(steps: list[tuple[str, int]], outcomes: list[Outcome]) -> None:
    story = Story(outcomes)
    asyncio.run(story.to_its_end(steps))
    used, dispatcher = story.sns.used, story.sns.service._dispatcher
    assert (story.sns.pending(), dispatcher._pending.deliveries, dispatcher._pending.size_bytes) == (0, 0, 0)
    for kinds in story.book.ended.values():
        assert all(kind == "retry" for kind in kinds[:-1])
    delivered = sum(kinds[-1] == "delivered" for kinds in story.book.ended.values())
    failed, redriven = used("notifications_failed"), used("notifications_redriven")
    assert used("sqs_deliveries") + redriven == delivered
    assert used("sqs_deliveries") + failed <= story.expected
    if all(step != "unsubscribe" for step, _ in steps):
        assert used("sqs_deliveries") + failed == story.expected
    assert redriven + used("notifications_failed_to_redrive") <= failed


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=400))
def test_no_lane_and_not_all_together_exceed_their_bounds(moves: list[tuple[int, bool]]) -> None:
    class Small:
        size_bytes = 10
        message = None

    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("MAX_PENDING", 60), ("MAX_LANE_PENDING", 25), ("ALWAYS_TAKEN", 5)):
            patch.setattr(lanes, name, value)
        pending = lanes.Pending()
        made = [lanes.Lane(str(number)) for number in range(4)]
        delivery = Small()
        for number, add in moves:
            lane = made[number]
            if add and pending.takes(lane, delivery):  # type: ignore[arg-type]
                pending.add(lane, delivery)  # type: ignore[arg-type]
            elif not add and lane.pending:
                pending.remove(lane, delivery)  # type: ignore[arg-type]
            assert all(each.pending <= 25 for each in made)
            assert pending.deliveries == sum(each.pending for each in made) <= 60 + 4 * 5
            assert all(pending.takes(each, delivery) for each in made if each.pending < 5)  # type: ignore[arg-type]
