"""AppSync's verifier believes the tokens of a pool, by the keys that the pool publishes, and no others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from harness.emulator.services.appsync.auth.authorizer import ApiAuthorizer
from harness.emulator.services.appsync.contract import RequestRefused
from harness.emulator.services.appsync.model import ApiAuth, AuthProvider, UserPool
from harness.emulator.services.base import AwsRequest, CallContext
from harness.emulator.services.credentials import AccessKeys

from .conftest import Driver

ACCOUNT = {"Name": "account_id", "AttributeDataType": "String", "Mutable": False}


@pytest.fixture
def believe(cognito: Driver) -> Callable[..., Any]:
    """Who AppSync takes the bearer of a token for."""

    async def fetch(pool_id: str, region: str) -> bytes:
        path = f"/{pool_id}/.well-known/jwks.json"
        request = AwsRequest("GET", path, "", {}, b"", CallContext(region=region))
        return (await cognito.service.handle(request)).body

    def identity(token: str, pool_id: str, *, client: str = "") -> Any:
        pool = UserPool(pool_id, "us-east-1", client_id_regex=client or None)
        provider = AuthProvider("AMAZON_COGNITO_USER_POOLS", pool)
        authorizer = ApiAuthorizer(keys=AccessKeys(""), fetch_pool_keys=fetch, invoker=None)  # type: ignore[arg-type]
        known = authorizer.authorize(
            ApiAuth("abc", "us-east-1", "123456789012", (provider,), {}),
            {"authorization": token},
            method="POST",
            path="/graphql",
            body=b"{}",
            now_s=cognito.now_s,
        )
        return asyncio.run(known)

    return identity


def test_both_tokens_of_a_user_are_believed(cognito: Driver, believe: Callable[..., Any]) -> None:
    pool = cognito.pool(Schema=[ACCOUNT])
    client = cognito.client(pool)
    cognito.user(pool, **{"custom:account_id": "acct-1"})
    cognito("CreateGroup", UserPoolId=pool, GroupName="drivers")
    cognito("AdminAddUserToGroup", UserPoolId=pool, Username="ana", GroupName="drivers")
    tokens = cognito.sign_in(client)
    for name in ("IdToken", "AccessToken"):
        known = believe(tokens[name], pool, client=client)
        assert known.groups == ("drivers",)
        assert known.context["username"] == "ana"
    assert believe(tokens["IdToken"], pool).context["claims"]["custom:account_id"] == "acct-1"


def test_expired_foreign_and_refresh_tokens_are_not(cognito: Driver, believe: Callable[..., Any]) -> None:
    pool, other = cognito.pool(), cognito.pool()
    client = cognito.client(pool)
    cognito.user(pool)
    cognito.user(other)
    tokens = cognito.sign_in(client)
    foreign = cognito.sign_in(cognito.client(other))["IdToken"]
    for token, where, of in (
        (foreign, pool, ""),
        (tokens["RefreshToken"], pool, ""),
        (tokens["IdToken"], other, ""),
        (tokens["IdToken"], pool, "someotherclient"),
    ):
        with pytest.raises(RequestRefused):
            believe(token, where, client=of)
    cognito.advance(3_600)
    with pytest.raises(RequestRefused):
        believe(tokens["IdToken"], pool)
