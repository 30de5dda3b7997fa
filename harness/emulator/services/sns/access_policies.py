"""A topic's access policy as a document: checked when it is set, and changed by AddPermission and
RemovePermission. It is not evaluated: every request is allowed.

docs: SNS API Reference, AddPermission, RemovePermission (read 2026)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from harness.emulator.services.sns.errors import invalid_parameter

MAX_POLICY_BYTES = 30_720
_ACTIONS = frozenset(
    {
        *("AddPermission", "DeleteTopic", "GetTopicAttributes", "ListSubscriptionsByTopic", "Publish"),
        *("RemovePermission", "SetTopicAttributes", "Subscribe", "GetDataProtectionPolicy"),
        *("ListTagsForResource", "PutDataProtectionPolicy", "TagResource", "UntagResource", "Receive"),
    }
)


def check_policy(text: str) -> None:
    """Raises AwsError InvalidParameter when `text` is no policy document."""
    _parsed(text)


def with_permission(
    text: str, topic_arn: str, label: str, account_ids: Sequence[str], actions: Sequence[str]
) -> str:
    """The policy `text` with one statement more. Raises AwsError InvalidParameter."""
    if not account_ids or not all(each.isdecimal() and len(each) == 12 for each in account_ids):
        raise invalid_parameter("AWSAccountId")
    if not actions or not all(action in _ACTIONS for action in actions):
        raise invalid_parameter("Policy statement action out of service scope!")
    policy = _parsed(text)
    statements = _statements(policy)
    if any(statement.get("Sid") == label for statement in statements):
        raise invalid_parameter("Statement already exists")
    roots = [f"arn:aws:iam::{account_id}:root" for account_id in account_ids]
    allowed = [f"SNS:{action}" for action in actions]
    policy["Statement"] = [
        *statements,
        {
            "Sid": label,
            "Effect": "Allow",
            "Principal": {"AWS": _one_or_all(roots)},
            "Action": _one_or_all(allowed),
            "Resource": topic_arn,
        },
    ]
    return orjson.dumps(policy).decode()


def without_permission(text: str, label: str) -> str:
    """The policy `text` without the statement `label`; without such a statement it stays as it is."""
    policy = _parsed(text)
    statements = _statements(policy)
    kept = [statement for statement in statements if statement.get("Sid") != label]
    if len(kept) == len(statements):
        return text
    policy["Statement"] = kept
    return orjson.dumps(policy).decode()


def _parsed(text: str) -> dict[str, Any]:
    if len(text.encode()) > MAX_POLICY_BYTES:
        raise invalid_parameter("Policy", f"it is longer than {MAX_POLICY_BYTES} bytes")
    try:
        policy = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise invalid_parameter("Policy", f"it is not valid JSON: {error}") from None
    if not isinstance(policy, dict) or not all(isinstance(s, dict) for s in _statements(policy)):
        raise invalid_parameter("Policy", "it is no policy document")
    return policy


def _statements(policy: dict[str, Any]) -> list[Any]:
    found = policy.get("Statement", [])
    return found if isinstance(found, list) else [found]


def _one_or_all(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values
