"""An authorizer's description, as GetAuthorizer gives it, to what a LambdaAuthorizer goes by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.emulator.services.apigateway import lambda_events
from harness.emulator.services.apigateway.authorizers import AuthorizerSettings
from harness.emulator.services.apigateway.backends import parse_uri
from harness.emulator.services.apigateway.errors import NotDeployable
from harness.emulator.services.apigateway.mapping import compile_source, with_stage_variables
from harness.emulator.vtl import ReadOnlyMap

DEFAULT_TTL_S = 300


def authorizer_settings(authorizer: Mapping[str, Any], variables: ReadOnlyMap) -> AuthorizerSettings:
    """The settings of a TOKEN or REQUEST authorizer; `variables` are its stage's. Raises NotDeployable."""
    kind = authorizer.get("type")
    if kind not in ("TOKEN", "REQUEST"):
        raise NotDeployable(f"authorizers of type {kind} are not supported")
    ttl = authorizer.get("authorizerResultTtlInSeconds")
    ttl_s = DEFAULT_TTL_S if ttl is None else int(ttl)
    if not 0 <= ttl_s <= 3600:
        raise NotDeployable("authorizerResultTtlInSeconds must be 0 to 3600")
    identity = str(authorizer.get("identitySource") or "")
    names = [name.strip() for name in identity.split(",") if name.strip()]
    if kind == "TOKEN" and len(names) != 1:
        raise NotDeployable("a TOKEN authorizer needs one identitySource")
    if kind == "REQUEST" and ttl_s and not names:
        raise NotDeployable("a REQUEST authorizer that caches needs an identitySource")
    expression = authorizer.get("identityValidationExpression")
    uri = parse_uri(with_stage_variables(str(authorizer.get("authorizerUri")), variables))
    return AuthorizerSettings(
        function=uri.function,
        sources=tuple(compile_source(name) for name in names),
        validation=compile_regex(expression) if expression and kind == "TOKEN" else None,
        ttl_s=ttl_s,
        identity_required=kind == "TOKEN" or ttl_s > 0,
        event=lambda_events.token_event if kind == "TOKEN" else lambda_events.request_event,
    )


def compile_regex(expression: str) -> re.Pattern[str]:
    """The regular expression of a description. Raises NotDeployable when it is none."""
    try:
        return re.compile(expression)
    except re.error as error:
        raise NotDeployable(f"the regular expression '{expression}' is not valid: {error}") from None
