"""The TOKEN authorizer of the REST entrance: a publishable key in, the account that it belongs to out.

The policy names every method of the API's stage, because API Gateway caches it by token and uses it
for all of them (docs: Use API Gateway Lambda authorizers, read 2026-11).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config

_TOKEN = re.compile(r"Bearer ([A-Za-z0-9_-]{16,128})")


class Unauthorized(Exception):
    """What API Gateway turns into a 401: an error whose message is exactly `Unauthorized`."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


@cache
def _dynamodb() -> Any:
    return botocore.session.get_session().create_client(
        "dynamodb",
        config=Config(
            parameter_validation=False,
            connect_timeout=2,
            read_timeout=5,
            retries={"mode": "standard", "max_attempts": 3},
        ),
    )


def authorize(token: str, method_arn: str, *, dynamodb: Any, table: str) -> dict[str, Any]:
    """The policy for a caller: allow with `account_id` in its context, or deny for a disabled account.
    Raises Unauthorized for a token that is malformed or unknown."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise Unauthorized
    answer = dynamodb.get_item(TableName=table, Key={"credential": {"S": found[1]}})
    item: Mapping[str, Any] | None = answer.get("Item")
    if item is None:
        raise Unauthorized
    account_id: str = item["account_id"]["S"]
    allowed = item["status"]["S"] == "active"
    return {
        "principalId": account_id,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Action": "execute-api:Invoke",
                    "Effect": "Allow" if allowed else "Deny",
                    "Resource": _whole_stage(method_arn),
                }
            ],
        },
        "context": {"account_id": account_id},
    }


def _whole_stage(method_arn: str) -> str:
    """From `arn:aws:execute-api:region:account:api/stage/METHOD/path`."""
    api, stage, *_ = method_arn.split("/")
    return f"{api}/{stage}/*"


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Lambda's entry: a TOKEN authorizer's event in, a policy out."""
    return authorize(
        event.get("authorizationToken", ""),
        event["methodArn"],
        dynamodb=_dynamodb(),
        table=os.environ["ACCOUNTS_TABLE"],
    )


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:  # the client is made while the environment starts
    _dynamodb()
