"""Publish and PublishBatch: a message checked, filtered for each subscription, and handed to the dispatcher.

docs: SNS API Reference, Publish, PublishBatch (read 2026)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from harness.aws.limits.profiles import Limits
from harness.aws.limits.token_bucket import TokenBucket
from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.sns.delivery.deliveries import Delivery
from harness.emulator.services.sns.errors import invalid_parameter, not_offered_parameter, throttled
from harness.emulator.services.sns.inputs import Input, check_message
from harness.emulator.services.sns.messages import (
    DEFAULT_MAX_BYTES,
    Message,
    parse_message,
    publish_requests,
)
from harness.emulator.services.sns.metering import SERVICE, TopicMeters
from harness.emulator.services.sns.receivers import Receivers
from harness.emulator.services.sns.topics import Topic, Topics
from harness.measure.meters import Meters

MAX_ENTRIES: Final = 10
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")

Output = dict[str, object]
Submit = Callable[[Delivery], None]


class Publishing:
    """The operations that publish. `receivers` and `meters_of` are given a topic's ARN."""

    def __init__(
        self,
        *,
        topics: Topics,
        receivers: Callable[[str], Receivers],
        submit: Submit,
        meters: Meters,
        meters_of: Callable[[str], TopicMeters],
        limits: Limits,
        clock: Callable[[], float],
    ) -> None:
        self._topics = topics
        self._receivers = receivers
        self._submit = submit
        self._meters = meters
        self._meters_of = meters_of
        self._clock = clock
        rate = limits.sns_publish_messages_per_s
        self._bucket = TokenBucket(rate, rate, clock())

    def publish(self, given: Input, context: CallContext) -> Output:
        """Publish."""
        if given.get("PhoneNumber"):
            raise not_offered_parameter("PhoneNumber", "text messages")
        arn = given.get("TopicArn") or given.get("TargetArn")
        if not arn:
            raise invalid_parameter("TopicArn or TargetArn", "no value for required parameter")
        if ":endpoint/" in arn:
            raise not_offered_parameter("TargetArn", "mobile push endpoints")
        topic = self._topics.find(arn, context, "TopicArn" if given.get("TopicArn") else "TargetArn")
        message = self._message(given, topic)
        self._take(1)
        self._meters.call(context.trace_id, SERVICE, "Publish", topic.name)
        self._meters_of(topic.arn).publish_requests.value += publish_requests(message.size_bytes)
        self._fan_out(topic, message)
        return {"MessageId": message.message_id}

    def publish_batch(self, given: Input, context: CallContext) -> Output:
        """PublishBatch: each entry succeeds or fails by itself."""
        topic = self._topics.find(given["TopicArn"], context)
        entries = given["PublishBatchRequestEntries"]
        ids = _checked_ids(entries)
        messages: dict[str, Message] = {}
        failed: list[Mapping[str, object]] = []
        for entry_id, entry in zip(ids, entries, strict=True):
            try:
                messages[entry_id] = self._message(check_message(entry), topic)
            except AwsError as error:
                failed.append(
                    {"Id": entry_id, "Code": error.code, "Message": error.message, "SenderFault": True}
                )
        size = sum(message.size_bytes for message in messages.values())
        if size > _max_bytes(topic):
            raise AwsError(
                "BatchRequestTooLong", "The length of all the messages put together is more than the limit."
            )
        self._take(len(entries))
        self._meters.call(context.trace_id, SERVICE, "PublishBatch", topic.name)
        self._meters_of(topic.arn).publish_requests.value += publish_requests(size)
        for message in messages.values():
            self._fan_out(topic, message)
        successful = [{"Id": id_, "MessageId": message.message_id} for id_, message in messages.items()]
        return {"Successful": successful, "Failed": failed}

    def _message(self, given: Mapping[str, Any], topic: Topic) -> Message:
        return parse_message(
            given,
            topic.arn,
            self._clock(),
            signature_version=topic.attributes.get("SignatureVersion") or "1",
            max_bytes=_max_bytes(topic),
        )

    def _take(self, messages: int) -> None:
        if self._bucket.take(self._clock(), messages) > 0:
            raise throttled()

    def _fan_out(self, topic: Topic, message: Message) -> None:
        meters = self._meters_of(topic.arn)
        meters.messages.value += 1
        receivers = self._receivers(topic.arn)
        asked = 0
        for subscription in receivers.may_pass(message):
            asked += 1
            policy = subscription.filter_policy
            if policy is not None:
                if policy.scope == "MessageBody":
                    meters.body_bytes_filtered.value += message.body_bytes(subscription.protocol)
                if not message.passes(policy, subscription.protocol):
                    meters.filtered_out.value += 1
                    continue
            self._submit(Delivery("notification", subscription, message))
        meters.filtered_out.value += len(receivers) - asked


def _max_bytes(topic: Topic) -> int:
    return int(topic.attributes.get("MaximumMessageSize") or DEFAULT_MAX_BYTES)


def _checked_ids(entries: list[Any]) -> list[str]:
    if not entries:
        raise AwsError("EmptyBatchRequest", "The batch request doesn't contain any entries.")
    if len(entries) > MAX_ENTRIES:
        raise AwsError(
            "TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible."
        )
    ids = [entry.get("Id") for entry in entries]
    if not all(isinstance(each, str) and _ENTRY_ID.fullmatch(each) for each in ids):
        raise AwsError(
            "InvalidBatchEntryId",
            "The Id of a batch entry in a batch request doesn't abide by the specification.",
        )
    if len(set(ids)) != len(ids):
        raise AwsError(
            "BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id."
        )
    return ids
