"""Lambda authorizers: who is asked, what is cached, and what the answer means.

Rules, from the API Gateway Developer Guide, Use API Gateway Lambda authorizers; Input to and Output from an
API Gateway Lambda authorizer (read 2026-11):

1. A token that is missing or does not match the validation expression is refused (401) without asking. So is
   a REQUEST authorizer's missing identity source while results are cached.
2. A result is kept for the TTL (0 to 3,600 s; 0 keeps none) under the identity sources, for all methods.
3. A function that fails with the message `Unauthorized` refuses the caller (401); any other failure is 500.
4. The policy decides for the method at hand: 403 unless it allows it.
5. The context's values are strings, numbers or booleans, and reach templates as strings.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from harness.emulator.services.apigateway.errors import GatewayError
from harness.emulator.services.apigateway.exchange import Authorization, Exchange
from harness.emulator.services.apigateway.mapping import Source
from harness.emulator.services.apigateway.policy import Policy, PolicyError
from harness.emulator.services.base import AwsError, FunctionInvoker
from harness.emulator.vtl import ReadOnlyMap, to_text

MAX_CACHED = 65_536
"""Results that one authorizer of one stage keeps; the least recently used go first."""
_TIMEOUT_S = 29.0

Key = tuple[str, ...]
EventMaker = Callable[[Exchange, Key], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class AuthorizerSettings:
    """`event` makes what the function is given. `identity_required` refuses a request that lacks a source."""

    function: str
    sources: tuple[Source, ...]
    validation: re.Pattern[str] | None
    ttl_s: float
    identity_required: bool
    event: EventMaker


class Opinion:
    """What an authorizer answered for one identity."""

    __slots__ = ("authorization", "expires_s", "policy")

    def __init__(self, authorization: Authorization, policy: Policy, expires_s: float) -> None:
        self.authorization = authorization
        self.policy = policy
        self.expires_s = expires_s

    def of(self, method_arn: str) -> Authorization:
        """The authorization for a method. Raises GatewayError ACCESS_DENIED (rule 4)."""
        decision = self.policy.decide(method_arn)
        if decision == "Allow":
            return self.authorization
        if decision == "Deny":
            raise GatewayError(
                "ACCESS_DENIED", "User is not authorized to access this resource with an explicit deny"
            )
        raise GatewayError("ACCESS_DENIED")


class LambdaAuthorizer:
    """One authorizer of one stage, with its cache. Concurrent requests of one identity ask once."""

    def __init__(
        self, settings: AuthorizerSettings, invoker: FunctionInvoker, clock: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._invoker = invoker
        self._clock = clock
        self._kept: OrderedDict[Key, Opinion] = OrderedDict()
        self._asked: dict[Key, asyncio.Task[Opinion]] = {}

    def identity(self, exchange: Exchange) -> Key:
        """The values of the identity sources. Raises GatewayError UNAUTHORIZED (rule 1)."""
        settings = self._settings
        key: list[str] = []
        for source in settings.sources:
            value = source(exchange, None)
            if value is None or value == "":
                if settings.identity_required:
                    raise GatewayError("UNAUTHORIZED")
                value = ""
            key.append(to_text(value))
        if settings.validation is not None and not settings.validation.fullmatch(key[0]):
            raise GatewayError("UNAUTHORIZED")
        return tuple(key)

    def kept(self, key: Key, now_s: float) -> Opinion | None:
        """The opinion that is kept for this identity; None when there is none."""
        opinion = self._kept.get(key)
        if opinion is None:
            return None
        if opinion.expires_s <= now_s:
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return opinion

    async def ask(self, exchange: Exchange, key: Key) -> Opinion:
        """Ask the function, or wait for who already does. Raises GatewayError."""
        if self._settings.ttl_s <= 0:
            return await self._invoke(exchange, key)
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.create_task(self._invoke_and_keep(exchange, key))
            task.add_done_callback(lambda done: self._answered(key, done))
        return await asyncio.shield(task)

    def _answered(self, key: Key, task: asyncio.Task[Opinion]) -> None:
        self._asked.pop(key, None)
        if not task.cancelled():
            task.exception()  # whoever waited has it; when nobody does any more, it is no error of the loop

    def forget(self) -> None:
        """Empty the cache (FlushStageAuthorizersCache)."""
        self._kept.clear()

    async def _invoke_and_keep(self, exchange: Exchange, key: Key) -> Opinion:
        result = await self._invoke(exchange, key)
        self._kept[key] = result
        if len(self._kept) > MAX_CACHED:
            self._kept.popitem(last=False)
        return result

    async def _invoke(self, exchange: Exchange, key: Key) -> Opinion:
        event = orjson.dumps(self._settings.event(exchange, key))
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                answer = await self._invoker.invoke(
                    self._settings.function, event, source="apigateway", context=exchange.request.context
                )
        except (AwsError, TimeoutError):
            raise GatewayError("AUTHORIZER_CONFIGURATION_ERROR") from None
        if answer.function_error:
            raise _failure(answer.payload)
        return self._read(answer.payload)

    def _read(self, payload: bytes) -> Opinion:
        try:
            answer = orjson.loads(payload)
            authorization = _authorization(answer)
            policy = Policy(answer["policyDocument"])
        except (orjson.JSONDecodeError, PolicyError, KeyError, TypeError):
            raise GatewayError("AUTHORIZER_CONFIGURATION_ERROR") from None
        return Opinion(authorization, policy, self._clock() + self._settings.ttl_s)


def _authorization(answer: Any) -> Authorization:
    principal = answer["principalId"]
    if not isinstance(principal, str | int):
        raise TypeError("principalId")
    given = answer.get("context") or {}
    if not isinstance(given, dict):
        raise TypeError("context")
    context = ReadOnlyMap(principalId=str(principal))
    for name, value in given.items():
        if not isinstance(value, str | int | float | bool | None):
            raise TypeError(f"context.{name}")
        if value is not None:
            context[name] = to_text(value)
    return Authorization(str(principal), context)


def _failure(payload: bytes) -> GatewayError:
    """Rule 3."""
    try:
        message = orjson.loads(payload).get("errorMessage")
    except (orjson.JSONDecodeError, AttributeError):
        message = None
    return GatewayError("UNAUTHORIZED" if message == "Unauthorized" else "AUTHORIZER_FAILURE")
