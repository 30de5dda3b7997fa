"""A GraphQL API as the halves of the service see it: what authorization must know of it.

docs: AppSync API Reference, GraphqlApi, AdditionalAuthenticationProvider, UserPoolConfig,
LambdaAuthorizerConfig, ApiKey (read 2026-11)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness.emulator.services.appsync.identity import AuthMode


@dataclass(frozen=True, slots=True)
class UserPool:
    """A Cognito user pool that may vouch for callers. `client_id_regex` (appIdClientRegex) must match the
    whole of the token's client id when it is not None; `default_action` is for fields without a directive,
    and only counts on an API's default mode."""

    user_pool_id: str
    region: str
    client_id_regex: str | None = None
    default_action: Literal["ALLOW", "DENY"] = "ALLOW"


@dataclass(frozen=True, slots=True)
class LambdaAuthorizer:
    """A function that authorizes. `ttl_s` (authorizerResultTtlInSeconds, 0..3600) is how long an answer may
    be reused unless it says otherwise; `validation_regex` (identityValidationExpression) is checked against
    the token before the function is called."""

    function_arn: str
    ttl_s: int = 300
    validation_regex: str | None = None


@dataclass(frozen=True, slots=True)
class AuthProvider:
    """A way to authenticate. `user_pool` is set for Cognito, `lambda_authorizer` for Lambda."""

    mode: AuthMode
    user_pool: UserPool | None = None
    lambda_authorizer: LambdaAuthorizer | None = None


@dataclass(frozen=True, slots=True)
class ApiAuth:
    """What authorization needs of an API. It is a value: when the API's configuration changes, `Apis.auth`
    answers another. `providers` begins with the API's default; `api_keys` maps the id of each key
    (`da2-…`, which is also the secret) to its expiry in seconds since the epoch, and is live: it shows keys
    made, changed and deleted later. `name` is the API's name, by which it is metered."""

    api_id: str
    region: str
    account_id: str
    providers: tuple[AuthProvider, ...]
    api_keys: Mapping[str, int]
    name: str = ""

    @property
    def default(self) -> AuthProvider:
        """The mode for fields without a directive."""
        return self.providers[0]

    def provider(self, mode: AuthMode) -> AuthProvider | None:
        """The first provider of that mode, if the API has one."""
        return next((provider for provider in self.providers if provider.mode == mode), None)

    @property
    def arn(self) -> str:
        """`arn:aws:appsync:<region>:<account>:apis/<id>`"""
        return f"arn:aws:appsync:{self.region}:{self.account_id}:apis/{self.api_id}"
