"""Reads how an API authenticates: its default mode and the additional ones.

docs: AppSync API Reference, CreateGraphqlApi, AdditionalAuthenticationProvider (read 2026-11)
"""

from __future__ import annotations

import re
from typing import Any

from harness.emulator.services.appsync.control.members import Members
from harness.emulator.services.appsync.control.operations import Body, without_none
from harness.emulator.services.appsync.errors import bad_request, not_offered
from harness.emulator.services.appsync.model import AuthProvider, LambdaAuthorizer, UserPool

_MODES = ("API_KEY", "AWS_IAM", "AMAZON_COGNITO_USER_POOLS", "OPENID_CONNECT", "AWS_LAMBDA")
_MAX_ADDITIONAL = 50
_DEFAULT_TTL_S = 300


def read_providers(members: Members) -> tuple[Body, tuple[AuthProvider, ...]]:
    """The members that GraphqlApi answers, and the providers, the default first. Raises AwsError."""
    kept, default = _provider(members, is_default=True)
    providers = [default]
    additional: list[Body] = []
    for item in members.structures("additionalAuthenticationProviders"):
        body, provider = _provider(item, is_default=False)
        if provider.mode in ("API_KEY", "AWS_IAM", "AWS_LAMBDA") and any(
            known.mode == provider.mode for known in providers
        ):
            raise bad_request(f"{provider.mode} can only be specified once as an authentication provider.")
        providers.append(provider)
        additional.append(body)
    if len(additional) > _MAX_ADDITIONAL:
        raise bad_request(f"An API can have at most {_MAX_ADDITIONAL} additional authentication providers.")
    kept["additionalAuthenticationProviders"] = additional
    return kept, tuple(providers)


def _provider(members: Members, *, is_default: bool) -> tuple[Body, AuthProvider]:
    mode = members.required_one_of("authenticationType", _MODES)
    body: Body = {"authenticationType": mode}
    if mode == "OPENID_CONNECT":
        raise not_offered("OPENID_CONNECT authentication")
    if mode == "AMAZON_COGNITO_USER_POOLS":
        body["userPoolConfig"], pool = _user_pool(members, is_default=is_default)
        return body, AuthProvider("AMAZON_COGNITO_USER_POOLS", user_pool=pool)
    if mode == "AWS_LAMBDA":
        body["lambdaAuthorizerConfig"], authorizer = _lambda_authorizer(members)
        return body, AuthProvider("AWS_LAMBDA", lambda_authorizer=authorizer)
    return body, AuthProvider("API_KEY" if mode == "API_KEY" else "AWS_IAM")


def _user_pool(members: Members, *, is_default: bool) -> tuple[Body, UserPool]:
    config = members.structure("userPoolConfig")
    if config is None:
        raise bad_request("A userPoolConfig is required for AMAZON_COGNITO_USER_POOLS authentication.")
    pool_id = config.required_text("userPoolId")
    region = config.required_text("awsRegion")
    regex = config.text("appIdClientRegex") or None
    _check_regex("appIdClientRegex", regex)
    action: Any = "ALLOW"
    if is_default:
        action = config.required_one_of("defaultAction", ("ALLOW", "DENY"))
    body = without_none({"userPoolId": pool_id, "awsRegion": region, "appIdClientRegex": regex})
    if is_default:
        body["defaultAction"] = action
    return body, UserPool(pool_id, region, regex, action)


def _lambda_authorizer(members: Members) -> tuple[Body, LambdaAuthorizer]:
    config = members.structure("lambdaAuthorizerConfig")
    if config is None:
        raise bad_request("A lambdaAuthorizerConfig is required for AWS_LAMBDA authentication.")
    uri = config.required_text("authorizerUri")
    ttl_s = config.integer("authorizerResultTtlInSeconds", 0, 3600)
    ttl_s = _DEFAULT_TTL_S if ttl_s is None else ttl_s
    regex = config.text("identityValidationExpression") or None
    _check_regex("identityValidationExpression", regex)
    body = without_none(
        {
            "authorizerUri": uri,
            "authorizerResultTtlInSeconds": ttl_s,
            "identityValidationExpression": regex,
        }
    )
    return body, LambdaAuthorizer(uri, ttl_s, regex)


def _check_regex(name: str, regex: str | None) -> None:
    try:
        re.compile(regex or "")
    except re.error as error:
        raise bad_request(f"{name} is not a valid regular expression: {error}.") from None
