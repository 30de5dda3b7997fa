"""A published message, checked as AWS checks it.

docs: SNS API Reference, Publish; Developer Guide, Message attributes (read 2026). The wording of refusals is
AWS's where it is known from others' recordings.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from asyncio import Future
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from harness.emulator.services.base import AwsError
from harness.emulator.services.sns.errors import invalid_parameter
from harness.emulator.services.sns.filters.fields import attribute_reader, body_reader
from harness.emulator.services.sns.filters.policy import FilterPolicy, Read

DEFAULT_MAX_BYTES: Final = 262_144
CHUNK_BYTES: Final = 65_536
"""docs: aws.amazon.com/sns/pricing: each 64 KB of published data is billed as one request"""
MAX_SUBJECT_CHARACTERS: Final = 100
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ATTRIBUTE_NAME = re.compile(r"[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+)*")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_GROUP_ID = re.compile(r"[!-~]{1,128}")
_KINDS = ("Binary", "Number", "String")

Attributes = Mapping[str, tuple[str, str]]
"""By name: the type and the value, a Binary one in base64."""


@dataclass(slots=True, eq=False)
class Message:
    """A message as its subscriptions get it. `by_protocol` holds the bodies for single protocols, when the
    publisher gave such."""

    topic_arn: str
    body: str
    published_at_s: float
    subject: str | None = None
    attributes: Attributes = field(default_factory=dict)
    by_protocol: Mapping[str, str] = field(default_factory=dict)
    signature_version: str = "1"
    size_bytes: int = 0
    message_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    waiting: int = 0
    """How many deliveries of it are not over; the dispatcher counts."""
    signatures: dict[str, Future[str]] = field(default_factory=dict)
    """By body: the signature, once one was needed. It does not depend on the subscription."""
    envelopes: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    """By body: the envelope before and after the subscription's ARN, while attempts are under way."""
    timestamp: str = ""
    """When it was published: `2012-05-02T00:54:06.655Z`."""
    _attribute_reader: Read | None = None
    _body_readers: dict[str, Read | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.timestamp = timestamp(self.published_at_s)

    def body_for(self, protocol: str) -> str:
        """What subscriptions of a protocol get."""
        return self.by_protocol.get(protocol, self.body)

    def body_bytes(self, protocol: str) -> int:
        """The size of what subscriptions of a protocol get."""
        return len(self.body_for(protocol).encode())

    def passes(self, policy: FilterPolicy, protocol: str) -> bool:
        """Whether a subscription with that filter policy gets it. Each part of it is parsed once."""
        if policy.scope == "MessageAttributes":
            return policy.matches(self._attributes())
        body = self.body_for(protocol)
        if body not in self._body_readers:
            self._body_readers[body] = body_reader(body)
        read = self._body_readers[body]
        return read is not None and policy.matches(read)

    def attribute_values(self, name: str) -> Sequence[str]:
        """The strings under an attribute, as filter policies see them."""
        values = self._attributes()(name)
        return [value for value in values if isinstance(value, str)] if values else ()

    def _attributes(self) -> Read:
        if self._attribute_reader is None:
            self._attribute_reader = attribute_reader(self.attributes)
        return self._attribute_reader


def timestamp(at_s: float) -> str:
    """A time as SNS writes it."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def parse_message(
    given: Mapping[str, Any], topic_arn: str, now_s: float, *, signature_version: str, max_bytes: int
) -> Message:
    """The message that the members of Publish, or of an entry of PublishBatch, describe.

    Raises AwsError: InvalidParameter, or ParameterValueInvalid for an attribute."""
    body = given.get("Message", "")
    if not body:
        raise invalid_parameter("Empty message")
    subject = given.get("Subject")
    if subject is not None:
        _check_subject(subject)
    if given.get("MessageDeduplicationId"):
        raise invalid_parameter(
            "MessageDeduplicationId", "The request includes a parameter that is not valid for this topic type"
        )
    group = given.get("MessageGroupId")
    if group is not None and not _GROUP_ID.fullmatch(group):
        raise invalid_parameter("MessageGroupId")
    attributes = {name: _attribute(name, value) for name, value in given.get("MessageAttributes", {}).items()}
    size = len(body.encode()) + sum(_size(name, *attribute) for name, attribute in attributes.items())
    if size > max_bytes:
        raise invalid_parameter("Message too long")
    structure = given.get("MessageStructure")
    by_protocol: Mapping[str, str] = {}
    if structure == "json":
        by_protocol = _structured(body)
        body = by_protocol["default"]
    elif structure:
        raise invalid_parameter("MessageStructure")
    return Message(
        topic_arn, body, now_s, subject, attributes, by_protocol, signature_version, size_bytes=size
    )


def publish_requests(size_bytes: int) -> int:
    """How many requests a publish of that size is billed as."""
    return max(1, -(-size_bytes // CHUNK_BYTES))


def _check_subject(subject: str) -> None:
    if not subject or len(subject) > MAX_SUBJECT_CHARACTERS or _CONTROL.search(subject):
        raise invalid_parameter("Subject")


def _structured(body: str) -> Mapping[str, str]:
    """The bodies by protocol, `default` among them; keys whose values are no strings are ignored."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = None
    if not isinstance(parsed, dict):
        raise invalid_parameter("Message Structure - JSON message body failed to parse")
    by_protocol = {key: value for key, value in parsed.items() if isinstance(value, str)}
    if "default" not in by_protocol:
        raise invalid_parameter("Message Structure - No default entry in JSON message body")
    return by_protocol


def _attribute(name: str, given: Any) -> tuple[str, str]:
    if len(name) > 256 or not _ATTRIBUTE_NAME.fullmatch(name):
        raise _bad_attribute(
            f"The message attribute name '{name[:256]}' is not valid: letters, digits, hyphens, underscores "
            "and single dots within."
        )
    if name.lower().startswith(("aws.", "amazon.")):
        raise _bad_attribute(f"The message attribute name '{name}' starts with a reserved prefix.")
    kind = given.get("DataType") if isinstance(given, dict) else None
    if not isinstance(kind, str) or not kind:
        raise _bad_attribute(f"The message attribute '{name}' must contain non-empty message attribute type.")
    logical = kind.partition(".")[0]
    if logical not in _KINDS or len(kind) > 256:
        raise _bad_attribute(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported "
            "type prefixes is Binary, Number, and String."
        )
    value = given.get("BinaryValue" if logical == "Binary" else "StringValue")
    if not isinstance(value, str) or not value:
        raise _bad_attribute(
            f"The message attribute '{name}' must contain non-empty message attribute value for message "
            f"attribute type '{kind}'."
        )
    if kind == "Number" and not _NUMBER.fullmatch(value):
        raise _bad_attribute(f"Could not cast message attribute '{name}' value to number.")
    if logical == "Binary":
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error:
            raise _bad_attribute(f"The value of message attribute '{name}' is not base64.") from None
    return kind, value


def _size(name: str, kind: str, value: str) -> int:
    held = len(base64.b64decode(value)) if kind.startswith("Binary") else len(value.encode())
    return len(name) + len(kind.encode()) + held


def _bad_attribute(message: str) -> AwsError:
    return AwsError("ParameterValueInvalid", message)
