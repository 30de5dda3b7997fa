"""SNS: what queues and functions are sent, and filter policies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.conformance.behaviours.sns.topics import (
    FILTERS,
    LOGIC,
    RAW,
    READ,
    STRINGS,
    Topic,
    attributes,
    bodies,
    guide,
    open_queue,
)
from tests.conformance.catalogue import behaviour, reference
from tests.conformance.functions import REPORTING, Reports, function, messages
from tests.conformance.kit import refusing, until

# --- queues and functions ----------------------------------------------------------------------------------


@behaviour(
    "sns.queue-is-sent-an-envelope",
    "A queue is sent a JSON document: the message, its subject, id, topic, time and attributes.",
    guide("Fanout to Amazon SQS queues", "sns-sqs-as-subscriber"),
)
def test_envelope(topic: Topic) -> None:
    url = topic.queue()
    id_ = topic.publish("héllo", Subject="subject", MessageAttributes=attributes(kind="x", n=1))
    envelope = json.loads(messages(topic.aws, url)[0]["Body"])
    assert (envelope["Type"], envelope["MessageId"], envelope["TopicArn"]) == ("Notification", id_, topic.arn)
    assert (envelope["Message"], envelope["Subject"]) == ("héllo", "subject")
    assert envelope["Timestamp"].endswith("Z")
    assert envelope["MessageAttributes"] == {
        "kind": {"Type": "String", "Value": "x"},
        "n": {"Type": "Number", "Value": "1"},
    }


@behaviour(
    "sns.raw-delivery-to-a-queue",
    "With raw delivery a queue is sent the message alone, and its attributes as attributes of SQS's.",
    RAW,
)
def test_raw(topic: Topic) -> None:
    url = topic.queue(RawMessageDelivery="true")
    topic.publish("héllo", MessageAttributes=attributes(kind="x"))
    (message,) = messages(topic.aws, url)
    assert message["Body"] == "héllo"
    assert message["MessageAttributes"]["kind"]["StringValue"] == "x"


@behaviour(
    "sns.every-subscriber-is-sent-a-copy",
    "Each subscription of a topic is sent the message, with the same id.",
    reference("sns", "Publish", "delivers the message to each endpoint that is subscribed", read=READ),
)
def test_fan_out(topic: Topic) -> None:
    urls = [topic.queue() for _ in range(3)]
    id_ = topic.publish()
    for url in urls:
        assert json.loads(messages(topic.aws, url)[0]["Body"])["MessageId"] == id_


@behaviour(
    "sns.function-is-given-records",
    "A function is given a record with the message, its subject, its attributes, its id and the topic.",
    guide("Fanout to Lambda functions", "sns-lambda-as-subscriber"),
)
def test_function(topic: Topic) -> None:
    reports = Reports(topic.aws, topic.cleanup)
    source = REPORTING + "def handler(event, context):\n    if event:\n        report(event)\n"
    made = function(topic.aws, topic.cleanup, source, Environment=reports.environment)
    made.invoke({})  # where functions do not run, this tells
    subscription = topic.subscribe("lambda", made.arn)
    id_ = topic.publish("to a function", Subject="s", MessageAttributes=attributes(kind="x"))
    (event,) = until(reports.all, "the function is invoked", within_s=25)
    (record,) = event["Records"]
    assert (record["EventSource"], record["EventSubscriptionArn"]) == ("aws:sns", subscription)
    told = record["Sns"]
    assert (told["Message"], told["Subject"], told["MessageId"]) == ("to a function", "s", id_)
    assert (told["TopicArn"], told["Type"]) == (topic.arn, "Notification")
    assert told["MessageAttributes"] == {"kind": {"Type": "String", "Value": "x"}}


@behaviour(
    "sns.message-for-each-protocol",
    "A message of the structure json sends each protocol its own text, and the others the default.",
    reference("sns", "Publish", "if you want to send a different message for each protocol", read=READ),
)
def test_structure(topic: Topic) -> None:
    url = topic.queue()
    topic.publish(json.dumps({"default": "d", "sqs": "for queues"}), MessageStructure="json")
    topic.publish(json.dumps({"default": "for others", "http": "h"}), MessageStructure="json")
    assert bodies(topic.aws, url, 2) == ["for others", "for queues"]
    with refusing("InvalidParameter", status=400):
        topic.publish(json.dumps({"sqs": "no default"}), MessageStructure="json")


# --- filter policies ---------------------------------------------------------------------------------------


def let_through(
    topic: Topic, policy: Mapping[str, Any], sent: Mapping[str, Mapping[str, Any]], expected: set[str]
) -> None:
    """Publish `sent` (message to its attributes): those in `expected` pass the policy, and no others."""
    url = topic.queue(FilterPolicy=policy)
    for message, values in sent.items():
        topic.publish(message, MessageAttributes=attributes(**values))
    assert set(bodies(topic.aws, url, len(expected))) == expected
    assert topic.aws.client("sqs").receive_message(QueueUrl=url).get("Messages", []) == []


@behaviour(
    "sns.filter-by-exact-values",
    "A message passes when each key of the policy is an attribute of it with one of the values.",
    LOGIC,
)
def test_filter_exact(topic: Topic) -> None:
    sent = {
        "both": {"kind": "a", "place": "x"},
        "other kind": {"kind": "b", "place": "x"},
        "no place": {"kind": "a"},
        "none": {},
        "one of a list": {"kind": ["z", "a"], "place": "x"},
        "more": {"kind": "c", "place": "x", "more": "1"},
    }
    policy = {"kind": ["a", "c"], "place": ["x"]}
    let_through(topic, policy, sent, {"both", "one of a list", "more"})


@behaviour(
    "sns.filter-by-text",
    "Text is matched by its beginning, its end, without regard to case, and by what it is not.",
    STRINGS,
)
def test_filter_text(topic: Topic) -> None:
    policy = {
        "a": [{"prefix": "be"}],
        "b": [{"suffix": "end"}],
        "c": [{"equals-ignore-case": "CaSe"}],
        "d": [{"anything-but": ["no", "never"]}],
    }
    right = {"a": "begin", "b": "the end", "c": "case", "d": "yes"}
    sent: dict[str, dict[str, Any]] = {"right": right}
    for name, value in (("a", "a be"), ("b", "ending"), ("c", "cases"), ("d", "never")):
        sent[f"wrong {name}"] = {**right, name: value}
    let_through(topic, policy, sent, {"right"})


@behaviour(
    "sns.filter-by-wildcard-and-more",
    "Text is matched by wildcards, by addresses in a network, and by a beginning that it has not.",
    STRINGS,
)
def test_filter_wildcard(topic: Topic) -> None:
    policy = {
        "a": [{"wildcard": "*ball"}],
        "b": [{"cidr": "10.0.0.0/24"}],
        "c": [{"anything-but": {"prefix": "order-"}}],
    }
    right = {"a": "baseball", "b": "10.0.0.255", "c": "order_1"}
    sent: dict[str, dict[str, Any]] = {"right": right}
    for name, value in (("a", "balls"), ("b", "10.0.1.0"), ("c", "order-1")):
        sent[f"wrong {name}"] = {**right, name: value}
    let_through(topic, policy, sent, {"right"})


@behaviour(
    "sns.filter-by-number",
    "Numbers are matched exactly and by ranges; a text that looks like one is not.",
    guide("Numeric value matching", "numeric-value-matching"),
)
def test_filter_numbers(topic: Topic) -> None:
    sent = {"low": {"n": 0}, "in": {"n": 5}, "edge": {"n": 10}, "high": {"n": 10.5}, "text": {"n": "5"}}
    policy = {"n": [{"numeric": [">", 0, "<=", 10]}]}
    let_through(topic, policy, sent, {"in", "edge"})


@behaviour(
    "sns.filter-by-presence",
    "A filter can ask that a message has an attribute, or that it has it not.",
    guide("Key matching", "attribute-key-matching"),
)
def test_filter_exists(topic: Topic) -> None:
    policy = {"there": [{"exists": True}], "absent": [{"exists": False}]}
    sent = {"right": {"there": "1"}, "missing": {}, "both": {"there": "1", "absent": "1"}}
    let_through(topic, policy, sent, {"right"})


@behaviour(
    "sns.filter-with-or",
    "A policy with $or passes a message that one of its parts lets through.",
    LOGIC,
)
def test_filter_or(topic: Topic) -> None:
    policy = {"kind": ["a"], "$or": [{"x": ["1"]}, {"y": ["1"]}]}
    sent = {
        "x": {"kind": "a", "x": "1"},
        "y": {"kind": "a", "y": "1"},
        "neither": {"kind": "a"},
        "no kind": {"x": "1"},
    }
    let_through(topic, policy, sent, {"x", "y"})


@behaviour(
    "sns.filter-by-body",
    "With the scope MessageBody the policy looks into the message's JSON, at any depth.",
    guide("Filter policy scope", "sns-message-filtering-scope"),
)
def test_filter_body(topic: Topic) -> None:
    url = topic.queue(
        FilterPolicyScope="MessageBody", FilterPolicy={"a": {"b": [{"numeric": [">=", 2]}]}, "c": ["x"]}
    )
    passing = json.dumps({"a": {"b": 2}, "c": ["y", "x"]})
    for message in (passing, json.dumps({"a": {"b": 1}, "c": "x"}), json.dumps({"c": "x"}), "no json"):
        topic.publish(message)
    topic.publish(json.dumps({"a": {"b": 3}, "c": "x"}))
    assert bodies(topic.aws, url, 2) == sorted([passing, json.dumps({"a": {"b": 3}, "c": "x"})])


@behaviour(
    "sns.filter-can-be-changed",
    "A subscription's filter policy can be set and changed later.",
    reference(
        "sns",
        "SetSubscriptionAttributes",
        "lets your subscriber receive only a subset of messages",
        read=READ,
    ),
)
def test_filter_changes(topic: Topic) -> None:
    url, arn = open_queue(topic.aws, topic.cleanup)
    subscription = topic.subscribe("sqs", arn, FilterPolicy={"kind": ["a"]})
    topic.sns.set_subscription_attributes(
        SubscriptionArn=subscription, AttributeName="FilterPolicy", AttributeValue=json.dumps({"kind": ["b"]})
    )

    def delivered() -> bool:
        topic.publish("b", MessageAttributes=attributes(kind="b"))
        return bool(topic.aws.client("sqs").receive_message(QueueUrl=url).get("Messages"))

    until(delivered, "what the new policy lets through is delivered")
    told = topic.sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    assert json.loads(told["FilterPolicy"]) == {"kind": ["b"]}


@behaviour(
    "sns.malformed-filter-is-refused",
    "A filter policy that is no JSON, or has an unknown operator, is refused with InvalidParameter.",
    FILTERS,
)
def test_malformed_filter(topic: Topic) -> None:
    _, arn = open_queue(topic.aws, topic.cleanup)
    for policy in ("{no json", {"kind": [{"no-such": "x"}]}, {"kind": "no list"}):
        with refusing("InvalidParameter", status=400):
            topic.subscribe("sqs", arn, FilterPolicy=policy)
