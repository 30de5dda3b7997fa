"""The attributes of subscriptions: checked and understood when they are set, and as they are shown.

docs: SNS API Reference, SetSubscriptionAttributes, GetSubscriptionAttributes (read 2026)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

import orjson

from harness.emulator.services.base import AwsError
from harness.emulator.services.sns.delivery_policies import (
    NOTHING_GIVEN,
    parse_subscription_policy,
    subscription_policy_json,
)
from harness.emulator.services.sns.errors import invalid_parameter, not_offered_parameter
from harness.emulator.services.sns.filters.operators import FilterPolicyError
from harness.emulator.services.sns.filters.policy import Scope, compile_policy
from harness.emulator.services.sns.subscriptions import HTTP, Subscription

QUEUE_ARN = re.compile(
    r"arn:aws[a-z-]*:sqs:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):(?P<name>[A-Za-z0-9_-]{1,80}(?:\.fifo)?)"
)
_SCOPES: Final[Mapping[str, Scope]] = {
    "MessageAttributes": "MessageAttributes",
    "MessageBody": "MessageBody",
}
_NOT_OFFERED: Final = {
    "ReplayPolicy": "FIFO topics",
    "ReplayStatus": "FIFO topics",
    "SubscriptionRoleArn": "Firehose subscriptions",
}


def set_attributes(subscription: Subscription, given: Mapping[str, str], *, subscribing: bool) -> None:
    """Give `subscription` the attributes `given`, an empty value setting one back. Raises AwsError
    InvalidParameter, and changes nothing then. `subscribing`: by Subscribe, which words errors otherwise."""
    for name in given:
        if name in _NOT_OFFERED:
            raise not_offered_parameter(name, _NOT_OFFERED[name])
        if name not in _APPLY and name != "FilterPolicyScope":
            raise invalid_parameter("AttributeName")
    attributes = {name: value for name, value in {**subscription.attributes, **given}.items() if value}
    changed = Subscription(
        subscription.topic,
        subscription.protocol,
        subscription.endpoint,
        subscription.owner,
        subscription.arn,
        attributes,
    )
    try:
        for name, apply in _APPLY.items():
            apply(changed, attributes.get(name, ""))
    except FilterPolicyError as error:
        prefix = "Attributes Reason: " if subscribing else ""
        raise AwsError("InvalidParameter", f"Invalid parameter: {prefix}FilterPolicy: {error}") from None
    subscription.attributes = attributes
    subscription.raw = changed.raw
    subscription.filter_policy = changed.filter_policy
    subscription.delivery_policy = changed.delivery_policy
    subscription.effective = None
    subscription.dead_letter_arn = changed.dead_letter_arn


def described(subscription: Subscription) -> dict[str, str]:
    """All attributes as GetSubscriptionAttributes gives them."""
    attributes = {
        "SubscriptionArn": subscription.arn,
        "TopicArn": subscription.topic.arn,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.shown_endpoint,
        "Owner": subscription.owner,
        "ConfirmationWasAuthenticated": _bool(subscription.confirmation_was_authenticated),
        "PendingConfirmation": _bool(not subscription.confirmed),
        "RawMessageDelivery": _bool(subscription.raw),
        "SubscriptionPrincipal": f"arn:aws:iam::{subscription.owner}:root",
        **{k: v for k, v in subscription.attributes.items() if k != "RawMessageDelivery"},
    }
    if subscription.filter_policy is not None:
        attributes.setdefault("FilterPolicyScope", "MessageAttributes")
    if subscription.protocol in HTTP:
        attributes["EffectiveDeliveryPolicy"] = subscription_policy_json(subscription.effective_policy)
    return attributes


def _set_raw(subscription: Subscription, value: str) -> None:
    if value not in ("", "true", "false"):
        raise invalid_parameter("RawMessageDelivery", f"Invalid value [{value}]. Must be true or false.")
    subscription.raw = value == "true"
    if subscription.raw and subscription.protocol not in HTTP | {"sqs"}:
        raise invalid_parameter(
            "RawMessageDelivery",
            f"Delivery protocol [{subscription.protocol}] does not support raw message delivery.",
        )


def _set_delivery_policy(subscription: Subscription, value: str) -> None:
    if not value:
        subscription.delivery_policy = NOTHING_GIVEN
    elif subscription.protocol not in HTTP:
        raise invalid_parameter(
            "DeliveryPolicy", f"Delivery protocol [{subscription.protocol}] does not support it."
        )
    else:
        subscription.delivery_policy = parse_subscription_policy(value, raw=subscription.raw)


def _set_filter_policy(subscription: Subscription, value: str) -> None:
    scope = subscription.attributes.get("FilterPolicyScope") or "MessageAttributes"
    if scope not in _SCOPES:
        raise invalid_parameter(
            "FilterPolicyScope",
            f"Invalid value [{scope}]. Please use either MessageBody or MessageAttributes",
        )
    subscription.filter_policy = compile_policy(value, _SCOPES[scope]) if value else None


def _set_redrive_policy(subscription: Subscription, value: str) -> None:
    if not value:
        subscription.dead_letter_arn = None
        return
    try:
        policy = orjson.loads(value)
    except orjson.JSONDecodeError:
        raise invalid_parameter("RedrivePolicy", "failed to parse JSON.") from None
    arn = policy.get("deadLetterTargetArn") if isinstance(policy, dict) else None
    if not isinstance(arn, str):
        raise invalid_parameter("RedrivePolicy", "it must name a deadLetterTargetArn")
    queue = QUEUE_ARN.fullmatch(arn)
    if queue is None:
        raise invalid_parameter("RedrivePolicy", "deadLetterTargetArn is an invalid arn")
    if queue["name"].endswith(".fifo"):
        raise invalid_parameter("RedrivePolicy", "must use a standard queue as DLQ for a standard topic")
    if (queue["region"], queue["account"]) != (subscription.topic.region, subscription.topic.account_id):
        raise invalid_parameter(
            "RedrivePolicy", "the dead-letter queue must be in the account and Region of the topic"
        )
    subscription.dead_letter_arn = arn


_APPLY: Final[Mapping[str, Callable[[Subscription, str], None]]] = {
    "RawMessageDelivery": _set_raw,  # before the delivery policy: raw delivery allows more content types
    "DeliveryPolicy": _set_delivery_policy,
    "FilterPolicy": _set_filter_policy,
    "RedrivePolicy": _set_redrive_policy,
}


def _bool(value: bool) -> str:
    return "true" if value else "false"
