"""The REQUEST authorizer of the access entrance: Basic access authentication (RFC 7617) of account id and
secret key.

The table holds a hash of each secret key and no key: SHA-256 is enough, since a key is 48 hexadecimal digits
of chance and not a word of somebody's choice. An account that is not there is compared all the same, so that
the time of an answer does not say which accounts there are.

The policy names every method of the API's stage, because API Gateway caches it by the Authorization header
and uses it for all of them (docs: Use API Gateway Lambda authorizers, read 2026-11).
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import os
import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from . import aws

_BASIC = re.compile(r"[Bb]asic ([A-Za-z0-9+/]{16,344}={0,2})")
_CREDENTIALS = re.compile(r"(acct_[a-z0-9_]{1,64}):(sk_[0-9a-f]{16,128})")
_NOBODY = "0" * 64


class Unauthorized(Exception):
    """What API Gateway turns into a 401: an error whose message is exactly `Unauthorized`."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def authorize(authorization: str, method_arn: str, *, dynamodb: Any, table: str) -> dict[str, Any]:
    """The policy for a caller: allow with `account_id` in its context, or deny for a disabled account.
    Raises Unauthorized for credentials that are malformed or wrong."""
    account_id, secret_key = _credentials(authorization)
    answer = dynamodb.get_item(TableName=table, Key={"credential": {"S": f"account#{account_id}"}})
    item: Mapping[str, Any] = answer.get("Item") or {}
    expected = item["secret_sha256"]["S"] if item else _NOBODY
    given = hashlib.sha256(secret_key.encode()).hexdigest()
    if not hmac.compare_digest(given, expected) or not item:
        raise Unauthorized
    allowed = item["status"]["S"] == "active"
    api, stage, *_ = method_arn.split("/")
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": "Allow" if allowed else "Deny",
        "Resource": f"{api}/{stage}/*",
    }
    return {
        "principalId": account_id,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"account_id": account_id},
    }


def _credentials(authorization: str) -> tuple[str, str]:
    """Account id and secret key. Raises Unauthorized."""
    basic = _BASIC.fullmatch(authorization)
    if basic is None:
        raise Unauthorized
    try:
        pair = _CREDENTIALS.fullmatch(b64decode(basic[1], validate=True).decode())
    except (binascii.Error, UnicodeDecodeError):
        raise Unauthorized from None
    if pair is None:
        raise Unauthorized
    return pair[1], pair[2]


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Lambda's entry: a REQUEST authorizer's event in, a policy out."""
    headers = event.get("headers") or {}
    given = [value for name, value in headers.items() if name.lower() == "authorization"]
    return authorize(
        given[0] if len(given) == 1 else "",
        event["methodArn"],
        dynamodb=aws.client("dynamodb"),
        table=aws.setting("ACCOUNTS_TABLE"),
    )


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:  # the client is made while the environment starts
    aws.client("dynamodb")
    aws.settle()
