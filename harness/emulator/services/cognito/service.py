"""Cognito user pools: the operations by name, over HTTP and in-process, and the keys that pools publish.

Everything runs in one thread of its own, one operation after the other: checking a password and signing are
milliseconds of computing, and the loop that this process shares with others must not wait for them.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson

from harness.aws.limits.profiles import Limits
from harness.emulator.services.base import AwsError, AwsRequest, AwsResponse, CallContext
from harness.emulator.services.cognito import inputs
from harness.emulator.services.cognito.account import AccountOperations
from harness.emulator.services.cognito.admin import AdminOperations
from harness.emulator.services.cognito.client_operations import ClientOperations
from harness.emulator.services.cognito.errors import (
    internal_error,
    missing_credentials,
    not_offered,
    unknown_operation,
)
from harness.emulator.services.cognito.group_operations import GroupOperations
from harness.emulator.services.cognito.keys import KeyMaker
from harness.emulator.services.cognito.metering import SERVICE
from harness.emulator.services.cognito.pool_operations import PoolOperations
from harness.emulator.services.cognito.pools import Registry
from harness.emulator.services.cognito.quotas import CATEGORY_OF
from harness.emulator.services.cognito.second_factors import SecondFactors
from harness.emulator.services.cognito.sign_in import SignInOperations
from harness.emulator.services.cognito.sign_up import SignUpOperations
from harness.emulator.services.json_protocol import error_response, json_response, parse_body, parse_target
from harness.measure.meters import Meters

log = logging.getLogger(__name__)

TARGET = "AWSCognitoIdentityProviderService"
MAX_BODY_BYTES = 1_048_576
_JWKS = "/.well-known/jwks.json"
_OPENID = "/.well-known/openid-configuration"

_Operation = Callable[[dict[str, Any], CallContext, float], dict[str, Any] | None]


class CognitoService:
    """The service. `clock` gives seconds since the epoch."""

    name = SERVICE

    def __init__(
        self,
        *,
        meters: Meters,
        limits: Limits,
        clock: Callable[[], float] = time.time,
        keys: KeyMaker | None = None,
    ) -> None:
        self._clock = clock
        self._keys = keys or KeyMaker()
        self._registry = Registry(meters=meters, limits=limits, keys=self._keys)
        factors = SecondFactors(self._registry)
        self._sign_in = SignInOperations(self._registry, factors)
        self._operations = _operations(self._registry, self._sign_in, factors)
        self._requests = meters.counter(SERVICE, "", "requests")
        self._throttled = meters.counter(SERVICE, "", "throttled_requests")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="cognito")
        meters.watch(self._registry.gauges)

    async def call(self, operation: str, body: bytes, context: CallContext) -> bytes:
        """Answer an operation. Raises AwsError."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self.answer, operation, body, context)

    def answer(self, operation: str, body: bytes, context: CallContext) -> bytes:
        """The same, here and now. Raises AwsError."""
        handler = self._operations.get(operation)
        if handler is None:
            raise not_offered(operation) if operation in inputs.operations() else unknown_operation(operation)
        if len(body) > MAX_BODY_BYTES:
            raise AwsError("RequestEntityTooLargeException", "The request is too large.", 413)
        parsed = parse_body(body)
        now_s = self._clock()
        self._take_quota(operation, parsed, context, now_s)
        inputs.check_input(operation, parsed)
        answered = handler(parsed, context, now_s)
        return b"" if answered is None else orjson.dumps(answered)

    async def handle(self, request: AwsRequest) -> AwsResponse:
        """Answer a request over HTTP: an operation in JSON 1.1, or one of a pool's public documents."""
        if request.path.endswith((_JWKS, _OPENID)):
            return await self._document(request)
        try:
            target = parse_target(request.headers)
            if target.service != TARGET:
                raise unknown_operation(f"{target.service}.{target.operation}")
            if not request.headers.get("authorization") and inputs.needs_credentials(target.operation):
                raise missing_credentials()
            return json_response(await self.call(target.operation, request.body, request.context), request)
        except AwsError as error:
            return error_response(error, request)
        except Exception:
            log.exception("Cognito failed at %s.", request.headers.get("x-amz-target"))
            return error_response(internal_error(), request)

    def messages(self) -> list[dict[str, Any]]:
        """The mails and SMS that would have been sent, oldest first, with their codes."""
        return self._registry.mailbox.listed()

    async def start(self) -> None:
        """Nothing to begin: there is no loop."""

    async def reset(self) -> None:
        """Forget all pools."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._forget)

    async def close(self) -> None:
        """End the threads."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._keys.close()

    def _forget(self) -> None:
        self._registry.reset()
        self._sign_in.clear()

    def _take_quota(self, operation: str, body: dict[str, Any], context: CallContext, now_s: float) -> None:
        self._requests.value += 1
        sets_password = body.get("ChallengeName") == "NEW_PASSWORD_REQUIRED"
        try:
            self._registry.quotas(context.region, now_s).take(operation, now_s, sets_password=sets_password)
        except AwsError:
            self._throttled.value += 1
            raise

    async def _document(self, request: AwsRequest) -> AwsResponse:
        """A pool's keys, or where they are: `/<pool id>/.well-known/…`."""
        pool_id, _, name = request.path[1:].partition("/")
        pool = self._registry.pools.get(pool_id)
        if request.method not in ("GET", "HEAD") or pool is None or "/" + name not in (_JWKS, _OPENID):
            body = orjson.dumps({"message": f"User pool {pool_id} does not exist."})
            return AwsResponse(404, body, {"content-type": "application/json"})
        if "/" + name == _JWKS:
            loop = asyncio.get_running_loop()
            shown = (await loop.run_in_executor(None, lambda: pool.keys)).jwks
        else:
            shown = {
                "id_token_signing_alg_values_supported": ["RS256"],
                "issuer": pool.issuer,
                "jwks_uri": f"http://{request.headers.get('host', '')}/{pool_id}{_JWKS}",
                "response_types_supported": ["code", "token"],
                "scopes_supported": ["openid", "email", "phone", "profile"],
                "subject_types_supported": ["public"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            }
        return AwsResponse(200, orjson.dumps(shown), {"content-type": "application/json"})


def _operations(
    registry: Registry, sign_in: SignInOperations, factors: SecondFactors
) -> dict[str, _Operation]:
    """The operations by AWS's names, as each has a quota category under that name."""
    groups: tuple[Any, ...] = (
        PoolOperations(registry),
        ClientOperations(registry),
        GroupOperations(registry),
        SignUpOperations(registry),
        AccountOperations(registry),
        AdminOperations(registry),
        sign_in,
        factors,
    )
    found: dict[str, _Operation] = {}
    for operation in CATEGORY_OF:
        method = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", operation).lower()
        found[operation] = next(getattr(group, method) for group in groups if hasattr(group, method))
    return found
