"""Who sends a GraphQL request, as authorization found out and as resolvers see it.

docs: AppSync Developer Guide, Resolver mapping template context reference, Identity; Configuring
authorization and authentication to secure your GraphQL APIs (read 2026-11)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

AuthMode = Literal["API_KEY", "AWS_IAM", "AMAZON_COGNITO_USER_POOLS", "AWS_LAMBDA"]
"""The modes that this emulator authorizes, by AppSync's names. OPENID_CONNECT is refused when an API asks for
it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller of one request or subscription.

    `context` is `$ctx.identity` as AWS documents it for the mode, or None (API key), with JSON values only;
    `groups` are the user's Cognito groups; `denied_fields` are what a Lambda authorizer denied, each as
    `Type.field`; `resolver_context` is what it passed on, which is also in `context` as `resolverContext`."""

    mode: AuthMode
    context: Mapping[str, Any] | None = None
    groups: tuple[str, ...] = ()
    denied_fields: frozenset[str] = frozenset()
    resolver_context: Mapping[str, Any] | None = None
