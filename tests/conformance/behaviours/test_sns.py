"""SNS: what each kind of subscriber is sent, filter policies, confirmation, retries and dead letters."""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from tests.conformance.catalogue import behaviour, documented, reference
from tests.conformance.endpoints import Endpoint, listening
from tests.conformance.functions import REPORTING, Reports, function, messages, queue
from tests.conformance.kit import Cleanup, refusing, until
from tests.conformance.targets import Aws

READ = "2026-11-24"


def guide(title: str, page: str) -> Any:
    return documented(f"SNS Developer Guide, {title}", f"sns/latest/dg/{page}.html", read=READ)


FILTERS = guide("Subscription filter policies", "sns-subscription-filter-policies")
STRINGS = guide("String value matching", "string-value-matching")
LOGIC = guide("AND/OR logic", "and-or-logic")
RAW = guide("Raw message delivery", "sns-large-payload-raw-message-delivery")
FORMAT = guide("HTTP/HTTPS notification JSON format", "http-notification-json")
HEADERS = guide("HTTP/HTTPS headers", "http-header")
SIGNATURES = guide("Verifying the signatures of messages", "sns-verify-signature-of-message")


@dataclass(frozen=True)
class Topic:
    """A topic of a case's own."""

    aws: Aws
    cleanup: Cleanup
    sns: Any
    arn: str

    def subscribe(self, protocol: str, endpoint: str, **attributes: Any) -> str:
        """The subscription's ARN. What is no text is sent as JSON."""
        told = {
            name: value if isinstance(value, str) else json.dumps(value) for name, value in attributes.items()
        }
        subscribed = self.sns.subscribe(
            TopicArn=self.arn,
            Protocol=protocol,
            Endpoint=endpoint,
            Attributes=told,
            ReturnSubscriptionArn=True,
        )
        return str(subscribed["SubscriptionArn"])

    def queue(self, **attributes: Any) -> str:
        """The URL of a new queue that is subscribed."""
        url, arn = open_queue(self.aws, self.cleanup)
        self.subscribe("sqs", arn, **attributes)
        return url

    def publish(self, message: str = "hello", **more: Any) -> str:
        return str(self.sns.publish(TopicArn=self.arn, Message=message, **more)["MessageId"])


def open_queue(aws: Aws, cleanup: Cleanup) -> tuple[str, str]:
    """A new queue that everybody may send to, as SNS needs it."""
    url, arn = queue(aws, cleanup)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return url, arn


def attributes(**values: Any) -> dict[str, Any]:
    """Message attributes: numbers, lists (as String.Array) and texts."""
    told = {}
    for name, value in values.items():
        type_ = "Number" if isinstance(value, int | float) else "String"
        if isinstance(value, list):
            type_, value = "String.Array", json.dumps(value)
        told[name] = {"DataType": type_, "StringValue": str(value)}
    return told


def bodies(aws: Aws, url: str, count: int) -> list[str]:
    """The messages in the envelopes of a queue."""
    return sorted(json.loads(each["Body"])["Message"] for each in messages(aws, url, count))


@pytest.fixture
def topic(aws: Aws, cleanup: Cleanup) -> Topic:
    sns = aws.client("sns")
    arn = sns.create_topic(Name=aws.name("topic"))["TopicArn"]
    cleanup.add(sns.delete_topic, TopicArn=arn)
    return Topic(aws, cleanup, sns, arn)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with listening() as made:
        yield made


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


# --- HTTP endpoints ----------------------------------------------------------------------------------------


def confirmed(topic: Topic, endpoint: Endpoint, **more: Any) -> str:
    """The ARN of the endpoint's subscription, confirmed as its owner would."""
    topic.subscribe("http", endpoint.url, **more)
    until(lambda: endpoint.of_type("SubscriptionConfirmation"), "the endpoint is asked to confirm")
    token = json.loads(endpoint.of_type("SubscriptionConfirmation")[0].body)["Token"]
    return str(topic.sns.confirm_subscription(TopicArn=topic.arn, Token=token)["SubscriptionArn"])


@behaviour(
    "sns.endpoint-is-asked-to-confirm",
    "An HTTP endpoint is sent a token and a link first, and no message until one of them was used.",
    guide("Subscribing an HTTP/S endpoint to an Amazon SNS topic", "SendMessageToHttp.prepare"),
)
def test_confirmation(topic: Topic, endpoint: Endpoint) -> None:
    topic.subscribe("http", endpoint.url)
    topic.publish("too early")
    until(lambda: endpoint.of_type("SubscriptionConfirmation"), "the endpoint is asked to confirm")
    (asked,) = endpoint.of_type("SubscriptionConfirmation")
    told = json.loads(asked.body)
    assert (told["Type"], told["TopicArn"]) == ("SubscriptionConfirmation", topic.arn)
    assert asked.headers["x-amz-sns-topic-arn"] == topic.arn
    assert told["Token"] in told["SubscribeURL"]
    with urllib.request.urlopen(told["SubscribeURL"], timeout=10) as answer:
        assert answer.status == 200
    topic.publish("after")
    until(lambda: endpoint.of_type("Notification"), "the message is delivered")
    assert [json.loads(each.body)["Message"] for each in endpoint.of_type("Notification")] == ["after"]


@behaviour(
    "sns.endpoint-is-sent-an-envelope",
    "An HTTP endpoint is posted the JSON document, with headers that name type, message and subscription.",
    HEADERS,
)
def test_http(topic: Topic, endpoint: Endpoint) -> None:
    subscription = confirmed(topic, endpoint)
    id_ = topic.publish("hi", Subject="s")
    until(lambda: endpoint.of_type("Notification"), "the message is delivered")
    (got,) = endpoint.of_type("Notification")
    told = json.loads(got.body)
    assert (told["Type"], told["Message"], told["Subject"]) == ("Notification", "hi", "s")
    assert told["UnsubscribeURL"]
    assert got.headers["content-type"].startswith("text/plain")
    assert got.headers["x-amz-sns-message-id"] == id_ == told["MessageId"]
    assert got.headers["x-amz-sns-topic-arn"] == topic.arn
    assert got.headers["x-amz-sns-subscription-arn"] == subscription


@behaviour(
    "sns.raw-delivery-to-an-endpoint",
    "With raw delivery an HTTP endpoint is posted the message alone, and told so by a header.",
    RAW,
)
def test_http_raw(topic: Topic, endpoint: Endpoint) -> None:
    confirmed(topic, endpoint, RawMessageDelivery="true")
    topic.publish("only this")
    until(lambda: endpoint.of_type("Notification"), "the message is delivered")
    (got,) = endpoint.of_type("Notification")
    assert (got.body, got.headers["x-amz-sns-rawdelivery"]) == (b"only this", "true")


@behaviour(
    "sns.messages-are-signed",
    "A notification's signature is right for its parts, by the certificate that it names.",
    SIGNATURES,
)
def test_signature(topic: Topic, endpoint: Endpoint) -> None:
    confirmed(topic, endpoint)
    topic.publish("signed")
    until(lambda: endpoint.of_type("Notification"), "the message is delivered")
    told = json.loads(endpoint.of_type("Notification")[0].body)
    with urllib.request.urlopen(told["SigningCertURL"], timeout=10) as answer:
        key = x509.load_pem_x509_certificate(answer.read()).public_key()
    names = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
    signed = "".join(f"{name}\n{told[name]}\n" for name in names if name in told).encode()
    algorithm = hashes.SHA256() if told["SignatureVersion"] == "2" else hashes.SHA1()
    assert isinstance(key, RSAPublicKey)
    key.verify(base64.b64decode(told["Signature"]), signed, padding.PKCS1v15(), algorithm)


@behaviour(
    "sns.failed-posts-are-tried-again",
    "A post that is answered 500 is tried again by the delivery policy, with the same message.",
    guide("Message delivery retries", "sns-message-delivery-retries"),
)
def test_retry(topic: Topic, endpoint: Endpoint) -> None:
    retry = {"numRetries": 3, "minDelayTarget": 1, "maxDelayTarget": 1, "numNoDelayRetries": 2}
    confirmed(topic, endpoint, DeliveryPolicy={"healthyRetryPolicy": retry})
    endpoint.statuses = [500, 503]
    id_ = topic.publish("again")
    until(lambda: len(endpoint.of_type("Notification")) == 3, "the third attempt")
    assert {json.loads(each.body)["MessageId"] for each in endpoint.of_type("Notification")} == {id_}


@behaviour(
    "sns.undeliverable-goes-to-the-dead-letter-queue",
    "What an endpoint refuses for good goes to the subscription's dead-letter queue, as it was to be sent.",
    guide("Dead-letter queues", "sns-dead-letter-queues"),
)
def test_dead_letter(topic: Topic, endpoint: Endpoint) -> None:
    url, arn = open_queue(topic.aws, topic.cleanup)
    confirmed(topic, endpoint, RedrivePolicy={"deadLetterTargetArn": arn})
    endpoint.statuses = [404] * 5
    id_ = topic.publish("nobody wants it")
    dead = json.loads(messages(topic.aws, url)[0]["Body"])
    assert (dead["MessageId"], dead["Message"]) == (id_, "nobody wants it")


@behaviour(
    "sns.wrong-token-is-refused",
    "A confirmation with a token that SNS never gave is refused with InvalidParameter.",
    reference("sns", "ConfirmSubscription", "Short-lived token sent to an endpoint", read=READ),
)
def test_wrong_token(topic: Topic) -> None:
    with refusing("InvalidParameter", status=400):
        topic.sns.confirm_subscription(TopicArn=topic.arn, Token="2336412f37" * 20)


# --- topics, subscriptions, publishing ---------------------------------------------------------------------


@behaviour(
    "sns.same-topic-same-arn",
    "Creating a topic again gives the same topic; subscribing an endpoint again gives the same subscription.",
    reference("sns", "CreateTopic", "This action is idempotent", read=READ),
)
def test_idempotent(topic: Topic) -> None:
    assert topic.sns.create_topic(Name=topic.arn.rpartition(":")[2])["TopicArn"] == topic.arn
    _, arn = open_queue(topic.aws, topic.cleanup)
    assert topic.subscribe("sqs", arn) == topic.subscribe("sqs", arn)


@behaviour(
    "sns.unsubscribed-is-sent-nothing",
    "After Unsubscribe an endpoint is sent nothing, and is not listed.",
    reference("sns", "Unsubscribe", "Deletes a subscription", read=READ),
)
def test_unsubscribe(topic: Topic) -> None:
    gone_url, gone_arn = open_queue(topic.aws, topic.cleanup)
    gone = topic.subscribe("sqs", gone_arn)
    stays = topic.queue()
    topic.sns.unsubscribe(SubscriptionArn=gone)
    topic.publish()
    messages(topic.aws, stays)
    assert topic.aws.client("sqs").receive_message(QueueUrl=gone_url).get("Messages", []) == []
    listed = topic.sns.list_subscriptions_by_topic(TopicArn=topic.arn)["Subscriptions"]
    assert gone not in [each["SubscriptionArn"] for each in listed]


@behaviour(
    "sns.subscriptions-are-counted",
    "A topic counts its confirmed and its pending subscriptions apart.",
    reference("sns", "GetTopicAttributes", "The number of subscriptions pending confirmation", read=READ),
)
def test_counts(topic: Topic, endpoint: Endpoint) -> None:
    topic.queue()
    topic.subscribe("http", endpoint.url)

    def counted() -> tuple[str, str]:
        told = topic.sns.get_topic_attributes(TopicArn=topic.arn)["Attributes"]
        return told["SubscriptionsConfirmed"], told["SubscriptionsPending"]

    until(lambda: counted() == ("1", "1"), "one is confirmed, one is pending")


@behaviour(
    "sns.subscription-is-described",
    "A subscription tells its endpoint, its topic, its owner, and that it is not pending.",
    reference(
        "sns", "GetSubscriptionAttributes", "Returns all of the properties of a subscription", read=READ
    ),
)
def test_described(topic: Topic) -> None:
    _, arn = open_queue(topic.aws, topic.cleanup)
    subscription = topic.subscribe("sqs", arn, RawMessageDelivery="true")
    told = topic.sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    assert (told["Endpoint"], told["Protocol"], told["TopicArn"]) == (arn, "sqs", topic.arn)
    assert (told["RawMessageDelivery"], told["PendingConfirmation"]) == ("true", "false")
    assert told["Owner"] == topic.arn.split(":")[4]


@behaviour(
    "sns.batch-answers-each-entry",
    "PublishBatch answers each entry by its id; more than ten, none, or an id twice are refused as a whole.",
    reference("sns", "PublishBatch", "A list of failed", read=READ),
)
def test_batch(topic: Topic) -> None:
    url = topic.queue(RawMessageDelivery="true")

    def entries(*ids: str) -> list[dict[str, str]]:
        return [{"Id": id_, "Message": f"m-{id_}"} for id_ in ids]

    answer = topic.sns.publish_batch(TopicArn=topic.arn, PublishBatchRequestEntries=entries("a", "b"))
    assert sorted(each["Id"] for each in answer["Successful"]) == ["a", "b"]
    assert sorted(each["Body"] for each in messages(topic.aws, url, 2)) == ["m-a", "m-b"]
    for code, ids in (
        ("TooManyEntriesInBatchRequest", [str(n) for n in range(11)]),
        ("EmptyBatchRequest", []),
        ("BatchEntryIdsNotDistinct", ["a", "a"]),
    ):
        with refusing(code, f"{code}Exception", "InvalidParameter" if not ids else code, status=400):
            topic.sns.publish_batch(TopicArn=topic.arn, PublishBatchRequestEntries=entries(*ids))


@behaviour(
    "sns.message-is-256-kb-at-most",
    "A message of more than 256 KB, and an empty one, are refused with InvalidParameter.",
    reference("sns", "Publish", "a message can be at most 256 KiB in size", read=READ),
)
def test_size(topic: Topic) -> None:
    topic.publish("x" * 262_144)
    for message in ("x" * 262_145, ""):
        with refusing("InvalidParameter", status=400):
            topic.publish(message)


@behaviour(
    "sns.no-such-topic",
    "Publishing to a topic that does not exist is refused with NotFound (404).",
    reference("sns", "Publish", "Indicates that the requested resource does not exist", read=READ),
)
def test_no_such_topic(topic: Topic) -> None:
    with refusing("NotFound", status=404):
        topic.sns.publish(TopicArn=f"{topic.arn}-missing", Message="x")
