from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.emulator.services.sns.filters.policy import compile_policy
from harness.emulator.services.sns.messages import Message
from harness.emulator.services.sns.receivers import Receivers
from harness.emulator.services.sns.subscriptions import Subscription
from harness.emulator.services.sns.topics import Topic

from .conftest import ACCOUNT, QUEUE, TOPIC, Driver

topic = Topic(TOPIC, "events", "us-east-1", ACCOUNT)
WORDS = st.sampled_from(["a", "b", "c"])
ENTRIES = WORDS | st.just({"prefix": "a"}) | st.just({"exists": False}) | st.just(1)
POLICIES = st.none() | st.dictionaries(
    st.sampled_from(["k", "l"]), st.lists(ENTRIES, min_size=1, max_size=3), min_size=1
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["k", "l"]),
    st.tuples(st.just("String"), WORDS)
    | st.tuples(st.just("String.Array"), st.lists(WORDS).map(json.dumps))
    | st.tuples(st.just("Number"), st.just("1")),
)


def subscription(number: int, policy: Any) -> Subscription:
    made = Subscription(topic, "sqs", f"{QUEUE}{number}", ACCOUNT, f"{TOPIC}:{number}", confirmed=True)
    if policy is not None:
        made.filter_policy = compile_policy(json.dumps(policy), "MessageAttributes")
    return made


def passing(message: Message, subscriptions: Any) -> list[str]:
    return sorted(
        each.arn
        for each in subscriptions
        if each.filter_policy is None or message.passes(each.filter_policy, "sqs")
    )


@given(st.lists(POLICIES, max_size=8), ATTRIBUTES, st.data())
def test_those_left_out_are_those_that_it_does_not_pass(
    policies: list[Any], attributes: dict[str, tuple[str, str]], data: st.DataObject
) -> None:
    receivers = Receivers()
    everyone = [subscription(number, policy) for number, policy in enumerate(policies)]
    for each in everyone:
        receivers.put(each)
    gone = data.draw(st.sets(st.sampled_from(everyone))) if everyone else set()
    for each in gone:
        receivers.discard(each)
    kept = [each for each in everyone if each not in gone]
    message = Message(TOPIC, "m", 0.0, attributes=attributes)
    asked = list(receivers.may_pass(message))
    assert len({each.arn for each in asked}) == len(asked)
    assert passing(message, asked) == passing(message, kept)
    assert len(receivers) == len(kept)


def test_an_exact_filter_is_not_even_asked() -> None:
    receivers = Receivers()
    for number in range(1000):
        receivers.put(subscription(number, {"account_id": [f"a{number}"]}))
    message = Message(TOPIC, "m", 0.0, attributes={"account_id": ("String", "a7")})
    assert [each.arn for each in receivers.may_pass(message)] == [f"{TOPIC}:7"]


def test_a_filter_that_changes_holds_from_then_on(sns: Driver) -> None:
    async def steps() -> None:
        async with sns.running():
            sns.create()
            arn = sns.subscribe(QUEUE, FilterPolicy='{"k": ["a"]}')
            given = {"MessageAttributes": {"k": {"DataType": "String", "StringValue": "a"}}}
            for value, expected in (
                ('{"k": ["a"]}', 1),
                ('{"k": ["b"]}', 1),
                ("", 2),
                ('{"l": [{"exists": false}]}', 3),
            ):
                sns(
                    "SetSubscriptionAttributes",
                    SubscriptionArn=arn,
                    AttributeName="FilterPolicy",
                    AttributeValue=value,
                )
                sns.publish(**given)
                await sns.settle()
                assert len(sns.endpoints.of(QUEUE)) == expected
            assert sns.used("notifications_filtered_out") == 1

    asyncio.run(steps())
