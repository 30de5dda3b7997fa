from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from deploy.accounts import account_id, secret_key, secret_sha256
from deploy.services.access.handlers.access_authorizer import Unauthorized, authorize

ACCOUNT = account_id(6)
SECRET = secret_key("seed", ACCOUNT)
ARN = "arn:aws:execute-api:us-east-1:000000000000:abc/local/GET/v1/devices/d-1/history"


def basic(pair: str, scheme: str = "Basic") -> str:
    return f"{scheme} {b64encode(pair.encode()).decode()}"


class Table:
    def __init__(self, status: str = "active") -> None:
        self.item = {
            "account_id": {"S": ACCOUNT},
            "secret_sha256": {"S": secret_sha256("seed", ACCOUNT)},
            "status": {"S": status},
        }
        self.asked: list[str] = []

    def get_item(self, **given: Any) -> dict[str, Any]:
        credential = given["Key"]["credential"]["S"]
        self.asked.append(credential)
        return {"Item": self.item} if credential == f"account#{ACCOUNT}" else {}


@pytest.mark.parametrize(("status", "effect"), [("active", "Allow"), ("disabled", "Deny")])
def test_the_right_key_gives_a_policy_for_the_whole_stage(status: str, effect: str) -> None:
    policy = authorize(basic(f"{ACCOUNT}:{SECRET}"), ARN, dynamodb=Table(status), table="accounts")
    assert policy["context"] == {"account_id": ACCOUNT}
    [statement] = policy["policyDocument"]["Statement"]
    assert (statement["Effect"], statement["Resource"]) == (
        effect,
        "arn:aws:execute-api:us-east-1:000000000000:abc/local/*",
    )


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic !!!!",
        SECRET,
        f"Bearer {SECRET}",
        basic(f"{ACCOUNT}{SECRET}"),
        basic(f"{ACCOUNT}:"),
        basic(f"{ACCOUNT}:{SECRET}\n"),
        basic(f" {ACCOUNT}:{SECRET}"),
        basic(f"account#{ACCOUNT}:{SECRET}"),
        basic(f"{ACCOUNT}:{SECRET}", "Digest"),
        basic(f"{ACCOUNT}:{SECRET}") + " ",
        basic("acct_ÿ:" + SECRET),
        "Basic " + "A" * 10_000,
        "Basic " + "/w" * 40,
    ],
)
def test_malformed_credentials_are_refused_without_asking_the_table(authorization: str) -> None:
    table = Table()
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        authorize(authorization, ARN, dynamodb=table, table="accounts")
    assert table.asked == []


@pytest.mark.parametrize(
    "pair",
    [
        f"{ACCOUNT}:{secret_key('other', ACCOUNT)}",
        f"{ACCOUNT}:{secret_key('seed', account_id(7))}",
        f"{account_id(7)}:{SECRET}",
        f"{ACCOUNT}:sk_{'0' * 48}",
        f"{ACCOUNT}:sk_{secret_sha256('seed', ACCOUNT)}",
    ],
)
def test_a_wrong_key_or_another_accounts_is_refused(pair: str) -> None:
    with pytest.raises(Unauthorized):
        authorize(basic(pair), ARN, dynamodb=Table(), table="accounts")


def test_no_key_is_another() -> None:
    keys = {secret_key(seed, account_id(n)) for seed in ("a", "b") for n in range(50)}
    assert len(keys) == 100
