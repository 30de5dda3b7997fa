from __future__ import annotations

from typing import Any

import pytest

from deploy.services.ingest.handlers.authorizer import Unauthorized, authorize

KEY = "pk_" + "a" * 40
ARN = "arn:aws:execute-api:us-east-1:000000000000:abc/local/POST/v1/locations/batch"


class Table:
    def __init__(self, status: str = "active") -> None:
        self.item = {"credential": {"S": KEY}, "account_id": {"S": "acct_000007"}, "status": {"S": status}}
        self.asked: list[str] = []

    def get_item(self, **given: Any) -> dict[str, Any]:
        credential = given["Key"]["credential"]["S"]
        self.asked.append(credential)
        return {"Item": self.item} if credential == KEY else {}


@pytest.mark.parametrize(("status", "effect"), [("active", "Allow"), ("disabled", "Deny")])
def test_a_known_key_gives_a_policy_for_the_whole_stage(status: str, effect: str) -> None:
    policy = authorize(f"Bearer {KEY}", ARN, dynamodb=Table(status), table="accounts")
    assert policy["context"] == {"account_id": "acct_000007"}
    [statement] = policy["policyDocument"]["Statement"]
    assert statement == {
        "Action": "execute-api:Invoke",
        "Effect": effect,
        "Resource": "arn:aws:execute-api:us-east-1:000000000000:abc/local/*",
    }


@pytest.mark.parametrize(
    "token",
    ["", KEY, "bearer " + KEY, "Bearer short", f"Bearer {KEY} ", f"Bearer {KEY}\n", "Bearer " + "a" * 200],
)
def test_a_malformed_token_is_refused_without_asking_the_table(token: str) -> None:
    table = Table()
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        authorize(token, ARN, dynamodb=table, table="accounts")
    assert table.asked == []


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        authorize("Bearer " + "b" * 40, ARN, dynamodb=Table(), table="accounts")
