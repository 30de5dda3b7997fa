"""Lambda authorizers: what the function is told, what its answer means, and how long it is kept.

docs: AppSync Developer Guide, AWS_LAMBDA authorization; API Reference, LambdaAuthorizerConfig (read 2026-11):

1. A token that does not fit identityValidationExpression is refused without asking.
2. The answer must say `isAuthorized: true`. Anything else, an error of the function included, refuses.
3. `deniedFields` are `Type.field` or field ARNs; ARNs of another API say nothing about this one.
4. `resolverContext` is a flat map, at most 5 MB.
5. An answer is kept by API and token, for the TTL of the API or its own `ttlOverride`; 0 keeps none, and
   neither is an answer of 1,048,576 bytes or more kept.
6. The function has 10 s.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from harness.emulator.services.appsync.auth.refusals import not_authorized
from harness.emulator.services.appsync.contract import Operation
from harness.emulator.services.appsync.identity import Identity
from harness.emulator.services.appsync.model import ApiAuth, LambdaAuthorizer
from harness.emulator.services.base import AwsError, CallContext, FunctionInvoker

CONNECT_OPERATION = "DeepDish:Connect"
"""What `operationName` is when a WebSocket connection is authorized."""
TIMEOUT_S = 10.0
MAX_ANSWER_BYTES = 1_048_576
MAX_CONTEXT_BYTES = 5 * 1024 * 1024
MAX_TTL_S = 3600.0
MAX_KEPT = 10_000
MAX_KEPT_BYTES = 64 * 1024 * 1024
"""What is kept of all answers together, the oldest going first. AWS documents no bound."""
_FIELD_ARN = re.compile(r"arn:aws[\w-]*:appsync:[^:]*:[^:]*:apis/([^/]+)/types/([^/]+)/fields/([^/]+)")


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer that may be given again until `expires_s`. `identity` is None when it refused."""

    identity: Identity | None
    expires_s: float
    size_bytes: int = 0


class FunctionAuthorizer:
    """All Lambda authorizers, with what they answered. Concurrent requests of one token share an answer, if
    it is one that may be kept."""

    def __init__(self, invoker: FunctionInvoker) -> None:
        self._invoker = invoker
        self._kept: dict[tuple[str, str, str], _Kept] = {}
        self._kept_bytes = 0
        self._asking: dict[tuple[str, str, str], asyncio.Task[_Kept]] = {}

    async def authorize(
        self,
        api: ApiAuth,
        authorizer: LambdaAuthorizer,
        token: str,
        headers: Mapping[str, str],
        operation: Operation | None,
        *,
        connecting: bool = False,
        request_id: str,
        now_s: float,
    ) -> Identity:
        """Who holds `token`. Raises RequestRefused."""
        if authorizer.validation_regex and not _fits(authorizer.validation_regex, token):
            raise not_authorized()
        key = (api.api_id, authorizer.function_arn, token)
        kept = self._kept.get(key)
        if kept is None or kept.expires_s <= now_s:
            name = CONNECT_OPERATION if connecting else operation.operation_name if operation else None
            event = _event(api, token, headers, operation, name, request_id)
            kept = await self._ask(key, api, authorizer, event, now_s)
        if kept.identity is None:
            raise not_authorized()
        return kept.identity

    def forget(self) -> None:
        """Forget what functions answered."""
        self._kept.clear()
        self._kept_bytes = 0

    async def _ask(
        self,
        key: tuple[str, str, str],
        api: ApiAuth,
        authorizer: LambdaAuthorizer,
        event: bytes,
        now_s: float,
    ) -> _Kept:
        asking = self._asking.get(key) if authorizer.ttl_s > 0 else None
        if asking is not None:
            answer = await asyncio.shield(asking)
            if answer.expires_s > now_s:  # one that may not be kept was for the other request alone
                return answer
        task = asyncio.create_task(self._invoke(api, authorizer, event, now_s))
        self._asking.setdefault(key, task)
        task.add_done_callback(lambda done: self._answered(key, done))
        answer = await asyncio.shield(task)
        if answer.expires_s > now_s:
            self._keep(key, answer)
        return answer

    def _answered(self, key: tuple[str, str, str], task: asyncio.Task[_Kept]) -> None:
        if self._asking.get(key) is task:
            del self._asking[key]
        if not task.cancelled():
            task.exception()  # whoever waited has it; when nobody does any more, it is no error of the loop

    def _keep(self, key: tuple[str, str, str], answer: _Kept) -> None:
        self._forget(key)
        self._kept[key] = answer
        self._kept_bytes += answer.size_bytes
        while self._kept_bytes > MAX_KEPT_BYTES or len(self._kept) > MAX_KEPT:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: tuple[str, str, str]) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            self._kept_bytes -= gone.size_bytes

    async def _invoke(self, api: ApiAuth, authorizer: LambdaAuthorizer, event: bytes, now_s: float) -> _Kept:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                result = await self._invoker.invoke(
                    authorizer.function_arn,
                    event,
                    source="appsync",
                    context=CallContext(api.region, api.account_id),
                )
        except (AwsError, TimeoutError):
            return _Kept(None, now_s)
        if result.function_error is not None:
            return _Kept(None, now_s)
        return _read(api, authorizer, result.payload, now_s)


def _event(
    api: ApiAuth,
    token: str,
    headers: Mapping[str, str],
    operation: Operation | None,
    operation_name: str | None,
    request_id: str,
) -> bytes:
    """What the function is given."""
    return orjson.dumps(
        {
            "authorizationToken": token,
            "requestContext": {
                "apiId": api.api_id,
                "accountId": api.account_id,
                "requestId": request_id,
                "queryString": operation.query if operation else "",
                "operationName": operation_name,
                "variables": dict(operation.variables) if operation else {},
            },
            "requestHeaders": dict(headers),
        }
    )


def _read(api: ApiAuth, authorizer: LambdaAuthorizer, payload: bytes, now_s: float) -> _Kept:
    """The function's answer (rules 2 to 5)."""
    try:
        answer = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return _Kept(None, now_s)
    if not isinstance(answer, dict):
        return _Kept(None, now_s)
    ttl_s = authorizer.ttl_s
    override = answer.get("ttlOverride")
    if isinstance(override, int) and not isinstance(override, bool):
        ttl_s = max(0, override)
    if len(payload) >= MAX_ANSWER_BYTES:
        ttl_s = 0
    expires_s = now_s + min(ttl_s, MAX_TTL_S)
    identity = _identity(api, answer) if answer.get("isAuthorized") is True else None
    return _Kept(identity, expires_s, len(payload))


def _identity(api: ApiAuth, answer: Mapping[str, Any]) -> Identity | None:
    """None when the answer is not one that AppSync can use."""
    context = answer.get("resolverContext") or {}
    denied = answer.get("deniedFields") or []
    if not isinstance(context, dict) or not isinstance(denied, list):
        return None
    if any(isinstance(value, dict | list) for value in context.values()):
        return None
    if len(orjson.dumps(context)) > MAX_CONTEXT_BYTES:
        return None
    fields = (_field(api, entry) for entry in denied if isinstance(entry, str))
    return Identity(
        "AWS_LAMBDA",
        {"resolverContext": context},
        denied_fields=frozenset(field for field in fields if field),
        resolver_context=context,
    )


def _field(api: ApiAuth, entry: str) -> str:
    """`Type.field`, or nothing when it is a field of another API."""
    arn = _FIELD_ARN.fullmatch(entry)
    if arn is None:
        return entry
    return f"{arn[2]}.{arn[3]}" if arn[1] == api.api_id else ""


@lru_cache(maxsize=256)
def _pattern(expression: str) -> re.Pattern[str] | None:
    try:
        return re.compile(expression)
    except re.error:
        return None


def _fits(expression: str, token: str) -> bool:
    pattern = _pattern(expression)
    return pattern is not None and pattern.fullmatch(token) is not None
