"""Topics of the cases, and the queues that listen to them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.conformance.catalogue import documented
from tests.conformance.functions import messages, queue
from tests.conformance.kit import Cleanup
from tests.conformance.targets import Aws

READ = "2026-11-24"


def guide(title: str, page: str) -> Any:
    return documented(f"SNS Developer Guide, {title}", f"sns/latest/dg/{page}.html", noted=READ)


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
