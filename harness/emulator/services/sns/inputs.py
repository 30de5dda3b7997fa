"""What each operation of SNS takes: members by name, with their kind; `!` marks those that must be there.

An unknown parameter is ignored, as AWS's query protocol does.
docs: SNS API Reference (read 2026)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.emulator.services.sns.errors import missing, wrong_shape

Input = dict[str, Any]

_MESSAGE: Mapping[str, str] = {
    "Message": "string!",
    "Subject": "string",
    "MessageStructure": "string",
    "MessageAttributes": "message_attributes",
    "MessageDeduplicationId": "string",
    "MessageGroupId": "string",
}
_SHAPES: Mapping[str, Mapping[str, str]] = {
    "AddPermission": {
        "TopicArn": "string!",
        "Label": "string!",
        "AWSAccountId": "strings!",
        "ActionName": "strings!",
    },
    "ConfirmSubscription": {
        "TopicArn": "string!",
        "Token": "string!",
        "AuthenticateOnUnsubscribe": "string",
    },
    "CreateTopic": {
        "Name": "string!",
        "Attributes": "attributes",
        "Tags": "tags",
        "DataProtectionPolicy": "string",
    },
    "DeleteTopic": {"TopicArn": "string!"},
    "GetSubscriptionAttributes": {"SubscriptionArn": "string!"},
    "GetTopicAttributes": {"TopicArn": "string!"},
    "ListSubscriptions": {"NextToken": "string"},
    "ListSubscriptionsByTopic": {"TopicArn": "string!", "NextToken": "string"},
    "ListTagsForResource": {"ResourceArn": "string!"},
    "ListTopics": {"NextToken": "string"},
    "Publish": {
        "TopicArn": "string",
        "TargetArn": "string",
        "PhoneNumber": "string",
        **_MESSAGE,
    },
    "PublishBatch": {"TopicArn": "string!", "PublishBatchRequestEntries": "structures!"},
    "RemovePermission": {"TopicArn": "string!", "Label": "string!"},
    "SetSubscriptionAttributes": {
        "SubscriptionArn": "string!",
        "AttributeName": "string!",
        "AttributeValue": "string",
    },
    "SetTopicAttributes": {"TopicArn": "string!", "AttributeName": "string!", "AttributeValue": "string"},
    "Subscribe": {
        "TopicArn": "string!",
        "Protocol": "string!",
        "Endpoint": "string",
        "Attributes": "attributes",
        "ReturnSubscriptionArn": "boolean",
    },
    "TagResource": {"ResourceArn": "string!", "Tags": "tags!"},
    "Unsubscribe": {"SubscriptionArn": "string!"},
    "UntagResource": {"ResourceArn": "string!", "TagKeys": "strings!"},
}

NOT_OFFERED = frozenset(
    {
        *("CheckIfPhoneNumberIsOptedOut", "CreatePlatformApplication", "CreatePlatformEndpoint"),
        *("CreateSMSSandboxPhoneNumber", "DeleteEndpoint", "DeletePlatformApplication"),
        *("DeleteSMSSandboxPhoneNumber", "GetDataProtectionPolicy", "GetEndpointAttributes"),
        *("GetPlatformApplicationAttributes", "GetSMSAttributes", "GetSMSSandboxAccountStatus"),
        *("ListEndpointsByPlatformApplication", "ListOriginationNumbers", "ListPhoneNumbersOptedOut"),
        *("ListPlatformApplications", "ListSMSSandboxPhoneNumbers", "OptInPhoneNumber"),
        *("PutDataProtectionPolicy", "SetEndpointAttributes", "SetPlatformApplicationAttributes"),
        *("SetSMSAttributes", "VerifySMSSandboxPhoneNumber"),
    }
)


def check_input(operation: str, given: Input) -> Input:
    """The members of `given` that `operation` knows; an empty parameter of a list or a map is an empty one.

    Raises AwsError: ValidationError for one that is missing, MalformedInput for one of the wrong kind."""
    return _checked(_SHAPES[operation], given)


def check_message(entry: Input) -> Input:
    """The members of an entry of PublishBatch, checked as those of Publish. Raises AwsError."""
    return _checked(_MESSAGE, entry)


def _checked(shape: Mapping[str, str], given: Input) -> Input:
    checked: Input = {}
    for name, kind in shape.items():
        value = given.get(name)
        if value is None:
            if kind.endswith("!"):
                raise missing(name)
            continue
        kind = kind.rstrip("!")
        if value == "" and kind not in ("string", "boolean"):
            value = {} if kind in ("attributes", "message_attributes") else []
        if not _fits(value, kind):
            raise wrong_shape(name)
        checked[name] = value
    return checked


def _fits(value: Any, kind: str) -> bool:
    if kind == "string":
        return isinstance(value, str)
    if kind == "boolean":
        return isinstance(value, bool | str)
    if kind == "strings":
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind == "attributes":
        return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    if kind == "message_attributes":
        return isinstance(value, dict) and all(isinstance(item, dict) for item in value.values())
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return False
    return kind != "tags" or all(
        isinstance(item.get("Key"), str) and isinstance(item.get("Value", ""), str) for item in value
    )
