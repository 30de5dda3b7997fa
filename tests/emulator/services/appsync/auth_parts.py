"""What the tests of authorization share: user pools that sign, functions that answer, APIs."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from harness.emulator.services.appsync.model import ApiAuth, AuthProvider, LambdaAuthorizer, UserPool
from harness.emulator.services.base import CallContext, InvocationResult

NOW_S = 1_775_000_000.0
POOL_ID = "us-east-1_Abc123def"
CLIENT_ID = "3qej5e1vf37u7thel4tout2d1l"


@cache
def rsa_key(kid: str) -> RSAKey:
    """A key of 2,048 bits, made once a process."""
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})


@dataclass
class Pool:
    """A user pool that signs tokens and publishes its keys, and counts how often it is asked for them."""

    pool_id: str = POOL_ID
    kids: list[str] = field(default_factory=lambda: ["one"])
    asked: int = 0
    fails: bool = False

    @property
    def issuer(self) -> str:
        return f"https://cognito-idp.us-east-1.amazonaws.com/{self.pool_id}"

    def claims(self, **changes: Any) -> dict[str, Any]:
        claims = {
            "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "token_use": "id",
            "cognito:username": "ana",
            "custom:account_id": "acc-1",
            "iat": NOW_S - 10,
            "exp": NOW_S + 3600,
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, *, kid: str = "one", header: Mapping[str, Any] | None = None, **changes: Any) -> str:
        return jwt.encode(
            {"alg": "RS256", "kid": kid, **(header or {})}, self.claims(**changes), rsa_key(kid)
        )

    async def fetch(self, pool_id: str, _region: str) -> bytes:
        self.asked += 1
        if self.fails:
            raise OSError("refused")
        keys = [rsa_key(kid).as_dict(private=False) for kid in self.kids] if pool_id == self.pool_id else []
        return json.dumps({"keys": keys}).encode()


def unsigned(header: Mapping[str, Any], claims: Mapping[str, Any], signature: bytes = b"") -> str:
    """A token that nobody signed."""
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@dataclass
class Function:
    """Lambda, as an authorizer: what it answers, and what it was given."""

    answer: Callable[[dict[str, Any]], Any] = lambda _event: {"isAuthorized": True}
    events: list[dict[str, Any]] = field(default_factory=list)
    function_error: str | None = None

    async def invoke(
        self,
        function: str,
        payload: bytes,
        *,
        invocation_type: str = "RequestResponse",
        source: str = "api",
        context: CallContext,
    ) -> InvocationResult:
        event = json.loads(payload)
        self.events.append(event)
        answer = self.answer(event)
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return InvocationResult(200, content, self.function_error, "r")


def provider(mode: str, **lambda_settings: Any) -> AuthProvider:
    pool = UserPool(POOL_ID, "us-east-1") if mode == "AMAZON_COGNITO_USER_POOLS" else None
    function = (
        LambdaAuthorizer("arn:aws:lambda:us-east-1:000000000000:function:authorize", **lambda_settings)
        if mode == "AWS_LAMBDA"
        else None
    )
    return AuthProvider(mode, pool, function)  # type: ignore[arg-type]


def an_api(
    *providers: AuthProvider | str, api_id: str = "abc", keys: Mapping[str, int] | None = None
) -> ApiAuth:
    made = tuple(provider(given) if isinstance(given, str) else given for given in providers)
    return ApiAuth(api_id, "us-east-1", "000000000000", made, keys or {})
