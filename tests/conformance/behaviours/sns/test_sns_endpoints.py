"""SNS: HTTP endpoints, their confirmation, retries and dead letters; topics and publishing."""

from __future__ import annotations

import base64
import json
import urllib.request
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from tests.conformance.behaviours.sns.endpoints import Endpoint
from tests.conformance.behaviours.sns.topics import HEADERS, RAW, READ, SIGNATURES, Topic, guide, open_queue
from tests.conformance.catalogue import behaviour, reference
from tests.conformance.functions import messages
from tests.conformance.kit import refusing, until

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
