"""Messages in the forms in which endpoints get them.

docs: SNS Developer Guide, Message and JSON formats; Lambda Developer Guide, SNS event (read 2026)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from harness.emulator.services.sns.links import Links
from harness.emulator.services.sns.messages import Attributes, Message
from harness.emulator.services.sns.subscriptions import Subscription

USER_AGENT = "Amazon Simple Notification Service Agent"


def signed_fields(message: Message, protocol: str) -> dict[str, str]:
    """What of a notification is signed."""
    return {
        "Type": "Notification",
        "MessageId": message.message_id,
        "TopicArn": message.topic_arn,
        **({"Subject": message.subject} if message.subject is not None else {}),
        "Message": message.body_for(protocol),
        "Timestamp": message.timestamp,
    }


def notification(message: Message, protocol: str, signature: str, links: Links) -> tuple[bytes, bytes]:
    """The JSON that HTTP endpoints and queues get, before and after the subscription's ARN, which is all that
    differs between them."""
    fields: dict[str, Any] = {
        **signed_fields(message, protocol),
        "SignatureVersion": message.signature_version,
        "Signature": signature,
        "SigningCertURL": links.certificate,
        "UnsubscribeURL": links.unsubscribe(""),
    }
    head = written(fields).removesuffix('"\n}')
    tail = '"\n}'
    if message.attributes:
        attributes = orjson.dumps(_attributes(message.attributes)).decode()
        tail = f'",\n  "MessageAttributes" : {attributes}\n}}'
    return head.encode(), tail.encode()


def lambda_event(message: Message, subscription: Subscription, signature: str, links: Links) -> bytes:
    """The event that a function gets."""
    sns = {
        "Type": "Notification",
        "MessageId": message.message_id,
        "TopicArn": message.topic_arn,
        "Subject": message.subject,
        "Message": message.body_for("lambda"),
        "Timestamp": message.timestamp,
        "SignatureVersion": message.signature_version,
        "Signature": signature,
        "SigningCertUrl": links.certificate,
        "UnsubscribeUrl": links.unsubscribe(subscription.arn),
        "MessageAttributes": _attributes(message.attributes),
    }
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription.arn,
        "Sns": sns,
    }
    return orjson.dumps({"Records": [record]})


def confirmation_fields(
    kind: str, subscription: Subscription, *, message_id: str, token: str, timestamp: str, links: Links
) -> dict[str, str]:
    """The members, before they are signed, of the message that asks an endpoint to confirm (`kind`
    SubscriptionConfirmation) or tells it that it was unsubscribed (UnsubscribeConfirmation)."""
    if kind == "SubscriptionConfirmation":
        text = (
            f"You have chosen to subscribe to the topic {subscription.topic.arn}.\n"
            "To confirm the subscription, visit the SubscribeURL included in this message."
        )
    else:
        text = (
            f"You have chosen to deactivate subscription {subscription.arn}.\n"
            "To cancel this operation and restore the subscription, visit the SubscribeURL included in this "
            "message."
        )
    return {
        "Type": kind,
        "MessageId": message_id,
        "Token": token,
        "TopicArn": subscription.topic.arn,
        "Message": text,
        "SubscribeURL": links.confirm(subscription.topic.arn, token),
        "Timestamp": timestamp,
    }


def http_headers(
    kind: str, message_id: str, subscription: Subscription, content_type: str, *, raw: bool = False
) -> dict[str, str]:
    """The headers of a POST to an endpoint."""
    headers = {
        "x-amz-sns-message-type": kind,
        "x-amz-sns-message-id": message_id,
        "x-amz-sns-topic-arn": subscription.topic.arn,
        "x-amz-sns-subscription-arn": subscription.arn,
        "Content-Type": content_type,
        "User-Agent": USER_AGENT,
        "Accept-Encoding": "gzip,deflate",
    }
    if kind == "SubscriptionConfirmation":
        del headers["x-amz-sns-subscription-arn"]
    if raw:
        headers["x-amz-sns-rawdelivery"] = "true"
    return headers


def written(fields: Mapping[str, Any]) -> str:
    """JSON as SNS lays it out: a member a line."""
    members = ",\n".join(f'  "{name}" : {orjson.dumps(value).decode()}' for name, value in fields.items())
    return f"{{\n{members}\n}}"


def _attributes(attributes: Attributes) -> dict[str, dict[str, str]]:
    return {name: {"Type": kind, "Value": value} for name, (kind, value) in attributes.items()}
