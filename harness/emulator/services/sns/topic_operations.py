"""The operations on topics, and their tags.

docs: SNS API Reference, CreateTopic, SetTopicAttributes, GetTopicAttributes, ListTopics, TagResource
(read 2026)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.query_protocol import Entries
from harness.emulator.services.sns import access_policies
from harness.emulator.services.sns.delivery_policies import (
    NOTHING_GIVEN,
    parse_topic_policy,
    topic_policy_json,
)
from harness.emulator.services.sns.errors import (
    invalid_parameter,
    missing,
    not_offered_parameter,
    resource_not_found,
)
from harness.emulator.services.sns.inputs import Input
from harness.emulator.services.sns.messages import DEFAULT_MAX_BYTES
from harness.emulator.services.sns.paging import page
from harness.emulator.services.sns.subscriptions import HTTP, Subscriptions
from harness.emulator.services.sns.topics import Topic, Topics, topic_arn

MAX_DISPLAY_NAME_CHARACTERS = 100
MAX_TAGS = 50
MAX_LARGE_SUBSCRIPTIONS = 100
MAX_TOPICS = 100_000
"""docs: SNS endpoints and quotas, standard topics in an account (read 2026)"""
_FIFO_ATTRIBUTES = frozenset(
    {
        *("ArchivePolicy", "BeginningArchiveTime", "ContentBasedDeduplication", "FifoThroughputScope"),
        "FifoTopic",
    }
)
_LOGGING_SUFFIXES = ("SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn")

Output = dict[str, object]


class TopicOperations:
    """Each method is an operation: the input and the caller; the output, or None for one without."""

    def __init__(
        self, topics: Topics, subscriptions: Subscriptions, on_delete: Callable[[Topic], None]
    ) -> None:
        self._topics = topics
        self._subscriptions = subscriptions
        self._on_delete = on_delete

    def create_topic(self, given: Input, context: CallContext) -> Output:
        """CreateTopic: the same again, with the same attributes and tags, is no error."""
        attributes = {
            name: value
            for name, value in given.get("Attributes", {}).items()
            if (name, value) != ("FifoTopic", "false")
        }
        arn = topic_arn(given["Name"], context)
        if given.get("DataProtectionPolicy"):
            raise not_offered_parameter("DataProtectionPolicy", "data protection policies")
        for name, value in attributes.items():
            _check_attribute(name, value)
        tags = _tags(given.get("Tags", []))
        existing = self._topics.get(arn)
        if existing is None:
            if len(self._topics) >= MAX_TOPICS:
                raise AwsError("TopicLimitExceeded", "Topic limit exceeded", 403)
            topic = Topic(arn, given["Name"], context.region, context.account_id, tags=tags)
            for name, value in attributes.items():
                self._set(topic, name, value)
            self._topics.add(topic)
            return {"TopicArn": arn}
        described = self._described(existing)
        if any(described.get(name) != value for name, value in attributes.items()):
            raise invalid_parameter("Attributes", "Topic already exists with different attributes")
        if tags and tags != existing.tags:
            raise invalid_parameter("Tags", "Topic already exists with different tags")
        return {"TopicArn": arn}

    def delete_topic(self, given: Input, context: CallContext) -> None:
        """DeleteTopic: one that is not there is no error."""
        try:
            topic = self._topics.find(given["TopicArn"], context)
        except AwsError as error:
            if error.code == "NotFound":
                return
            raise
        self._topics.remove(topic.arn)
        self._on_delete(topic)

    def get_topic_attributes(self, given: Input, context: CallContext) -> Output:
        """GetTopicAttributes."""
        return {"Attributes": Entries(self._described(self._topics.find(given["TopicArn"], context)))}

    def set_topic_attributes(self, given: Input, context: CallContext) -> None:
        """SetTopicAttributes; an empty value sets an attribute back."""
        topic = self._topics.find(given["TopicArn"], context)
        name, value = given["AttributeName"], given.get("AttributeValue", "")
        _check_attribute(name, value)
        self._set(topic, name, value)
        for subscription in self._subscriptions.of_topic(topic.arn):
            subscription.effective = None

    def list_topics(self, given: Input, context: CallContext) -> Output:
        """ListTopics."""
        found, token = page(self._topics.of(context), lambda topic: topic.arn, given.get("NextToken"))
        topics = [{"TopicArn": topic.arn} for topic in found]
        return {"Topics": topics, **({"NextToken": token} if token else {})}

    def add_permission(self, given: Input, context: CallContext) -> None:
        """AddPermission."""
        topic = self._topics.find(given["TopicArn"], context)
        topic.attributes["Policy"] = access_policies.with_permission(
            topic.policy, topic.arn, given["Label"], given["AWSAccountId"], given["ActionName"]
        )

    def remove_permission(self, given: Input, context: CallContext) -> None:
        """RemovePermission."""
        topic = self._topics.find(given["TopicArn"], context)
        topic.attributes["Policy"] = access_policies.without_permission(topic.policy, given["Label"])

    def tag_resource(self, given: Input, context: CallContext) -> Output:
        """TagResource."""
        topic = self._resource(given, context)
        topic.tags = _bounded({**topic.tags, **_tags(given["Tags"])})
        return {}

    def untag_resource(self, given: Input, context: CallContext) -> Output:
        """UntagResource."""
        topic = self._resource(given, context)
        for key in given["TagKeys"]:
            topic.tags.pop(key, None)
        return {}

    def list_tags_for_resource(self, given: Input, context: CallContext) -> Output:
        """ListTagsForResource."""
        topic = self._resource(given, context)
        return {"Tags": [{"Key": key, "Value": value} for key, value in topic.tags.items()]}

    def _set(self, topic: Topic, name: str, value: str) -> None:
        """Set a checked attribute, an empty value setting it back."""
        if name == "DeliveryPolicy":
            topic.delivery_policy = parse_topic_policy(value) if value else NOTHING_GIVEN
        elif name == "MaximumMessageSize" and value and int(value) > DEFAULT_MAX_BYTES:
            self._check_large(topic)
        if value:
            topic.attributes[name] = value
        else:
            topic.attributes.pop(name, None)

    def _check_large(self, topic: Topic) -> None:
        protocols = [subscription.protocol for subscription in self._subscriptions.of_topic(topic.arn)]
        if len(protocols) > MAX_LARGE_SUBSCRIPTIONS or HTTP.intersection(protocols):
            raise invalid_parameter(
                "MaximumMessageSize", "above 256 KiB a topic has queues and functions only, at most 100"
            )

    def _described(self, topic: Topic) -> dict[str, str]:
        """All attributes of a topic as GetTopicAttributes gives them."""
        confirmed = [s.confirmed for s in self._subscriptions.of_topic(topic.arn)]
        return {
            "TopicArn": topic.arn,
            "Owner": topic.account_id,
            "DisplayName": "",
            "SubscriptionsConfirmed": str(confirmed.count(True)),
            "SubscriptionsPending": str(confirmed.count(False)),
            "SubscriptionsDeleted": str(topic.subscriptions_deleted),
            "EffectiveDeliveryPolicy": topic_policy_json(topic.delivery_policy),
            **topic.attributes,
            "Policy": topic.policy,
        }

    def _resource(self, given: Input, context: CallContext) -> Topic:
        try:
            return self._topics.find(given["ResourceArn"], context, "ResourceArn")
        except AwsError as error:
            raise resource_not_found() if error.code == "NotFound" else error from None


def _check_attribute(name: str, value: str) -> None:
    if name in _FIFO_ATTRIBUTES:
        raise not_offered_parameter(name, "FIFO topics")
    if name.endswith(_LOGGING_SUFFIXES):
        raise not_offered_parameter(name, "delivery status logging")
    check = _CHECKS.get(name)
    if check is None:
        raise invalid_parameter("AttributeName")
    if value:
        check(value)


def _check_display_name(value: str) -> None:
    if len(value) > MAX_DISPLAY_NAME_CHARACTERS:
        raise invalid_parameter("DisplayName", f"it must be at most {MAX_DISPLAY_NAME_CHARACTERS} long")


def _check_signature_version(value: str) -> None:
    if value not in ("1", "2"):
        raise invalid_parameter("SignatureVersion", f"Invalid value [{value}]")


def _check_tracing(value: str) -> None:
    if value == "Active":
        raise not_offered_parameter("TracingConfig", "X-Ray tracing")
    if value != "PassThrough":
        raise invalid_parameter("TracingConfig", f"Invalid value [{value}]")


def _check_delivery_policy(value: str) -> None:
    parse_topic_policy(value)


def _check_size(value: str) -> None:
    if not (value.isascii() and value.isdecimal() and 1_024 <= int(value) <= 1_048_576):
        raise invalid_parameter("MaximumMessageSize", "it must be from 1024 to 1048576")


def _keep(value: str) -> None:
    """Kept and not used: nothing is encrypted here."""


_CHECKS: Mapping[str, Callable[[str], None]] = {
    "DeliveryPolicy": _check_delivery_policy,
    "DisplayName": _check_display_name,
    "KmsMasterKeyId": _keep,
    "MaximumMessageSize": _check_size,
    "Policy": access_policies.check_policy,
    "SignatureVersion": _check_signature_version,
    "TracingConfig": _check_tracing,
}


def _tags(given: Iterable[Mapping[str, str]]) -> dict[str, str]:
    tags: dict[str, str] = {}
    for tag in given:
        if "Value" not in tag:
            raise missing("Value")
        key = tag["Key"]
        if not 1 <= len(key) <= 128 or len(tag["Value"]) > 256 or key.startswith("aws:"):
            raise invalid_parameter("Tags", f"the tag {key!r} is not valid")
        if key in tags:
            raise invalid_parameter("Tags", "Duplicated keys are not allowed.")
        tags[key] = tag["Value"]
    return _bounded(tags)


def _bounded(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > MAX_TAGS:
        raise AwsError("TagLimitExceeded", f"Could not complete request: tag quota of {MAX_TAGS} exceeded")
    return tags
