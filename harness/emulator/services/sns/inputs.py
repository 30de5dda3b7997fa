"""What each operation of SNS takes: members by name, with their kind; `!` marks those that must be there.

An unknown parameter is ignored, as AWS's query protocol does.
docs: SNS API Reference (read 2026)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.emulator.services.sns.errors import missing, wrong_shape

Input = dict[str, Any]

_SHAPES: Mapping[str, Mapping[str, str]] = {
    "AddPermission": {
        "TopicArn": "string!",
        "Label": "string!",
        "AWSAccountId": "strings!",
        "ActionName": "strings!",
    },
    "CreateTopic": {
        "Name": "string!",
        "Attributes": "attributes",
        "Tags": "tags",
        "DataProtectionPolicy": "string",
    },
    "DeleteTopic": {"TopicArn": "string!"},
    "GetTopicAttributes": {"TopicArn": "string!"},
    "ListTagsForResource": {"ResourceArn": "string!"},
    "ListTopics": {"NextToken": "string"},
    "RemovePermission": {"TopicArn": "string!", "Label": "string!"},
    "SetTopicAttributes": {"TopicArn": "string!", "AttributeName": "string!", "AttributeValue": "string"},
    "TagResource": {"ResourceArn": "string!", "Tags": "tags!"},
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
        *("ConfirmSubscription", "GetSubscriptionAttributes", "ListSubscriptions"),
        *("ListSubscriptionsByTopic", "Publish", "PublishBatch", "SetSubscriptionAttributes", "Subscribe"),
        "Unsubscribe",
    }
)


def check_input(operation: str, given: Input) -> Input:
    """The members of `given` that `operation` knows; an empty parameter of a list or a map is an empty one.

    Raises AwsError: ValidationError for one that is missing, MalformedInput for one of the wrong kind."""
    checked: Input = {}
    for name, kind in _SHAPES[operation].items():
        value = given.get(name)
        if value is None:
            if kind.endswith("!"):
                raise missing(name)
            continue
        kind = kind.rstrip("!")
        if value == "" and kind != "string":
            value = {} if kind in ("attributes", "message_attributes") else []
        if not _fits(value, kind):
            raise wrong_shape(name)
        checked[name] = value
    return checked


def _fits(value: Any, kind: str) -> bool:
    if kind == "string":
        return isinstance(value, str)
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
