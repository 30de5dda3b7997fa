"""Chooses the authorization mode by the form of the headers, and asks it who the caller is.

docs: AppSync Developer Guide, Configuring authorization and authentication (read 2026-11). An API has a
default mode and additional ones, and a request does not say which it means, so its headers do:

1. `x-api-key`, when the API takes API keys, is one.
2. An Authorization that begins with `AWS4-HMAC-SHA256` is a signature, when the API has AWS_IAM.
3. One that has the form of a JWT is a token of a user pool, when the API has AMAZON_COGNITO_USER_POOLS.
4. Any other is a Lambda authorizer's, when the API has AWS_LAMBDA; so a signature or a JWT cannot be the
   token of a Lambda authorizer of an API that also has the mode which takes those.
5. What is left is refused. An API with one mode alone refuses in the words of that mode.

That a key comes before a header (1) is assumed: AWS does not document which of the two counts.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from harness.emulator.services.appsync.auth import sigv4, tokens, user_pools
from harness.emulator.services.appsync.auth.functions import FunctionAuthorizer
from harness.emulator.services.appsync.auth.keys import Fetch, PoolKeys
from harness.emulator.services.appsync.auth.refusals import (
    no_header,
    not_authorized,
    unreadable_token,
)
from harness.emulator.services.appsync.contract import Operation
from harness.emulator.services.appsync.identity import Identity
from harness.emulator.services.appsync.model import ApiAuth
from harness.emulator.services.base import FunctionInvoker
from harness.emulator.services.credentials import KeyRing

_SERVICE = "appsync"


class ApiAuthorizer:
    """`Authorizer` of the contract: all modes, with the keys and answers that they keep."""

    def __init__(self, *, keys: KeyRing, fetch_pool_keys: Fetch, invoker: FunctionInvoker) -> None:
        self._keys = keys
        self._pool_keys = PoolKeys(fetch_pool_keys)
        self._verifier = tokens.Verifier()
        self._functions = FunctionAuthorizer(invoker)

    def reset(self) -> None:
        """Forget the keys of pools and what functions answered."""
        self._pool_keys.forget()
        self._functions.forget()

    async def authorize(
        self,
        api: ApiAuth,
        headers: Mapping[str, str],
        *,
        method: str,
        path: str,
        body: bytes,
        now_s: float,
        operation: Operation | None = None,
        source_ip: str = "127.0.0.1",
        request_id: str = "",
    ) -> Identity:
        """As Authorizer.authorize. `path` may carry a query; it ends in `/connect` when a WebSocket
        connection is asked for."""
        api_key = headers.get("x-api-key")
        if api_key and api.provider("API_KEY") is not None:
            return _with_api_key(api, api_key, now_s)
        authorization = headers.get("authorization", "").strip()
        modes = {provider.mode for provider in api.providers}
        if not authorization:
            raise no_header(modes)
        if "AWS_IAM" in modes and (authorization.startswith(sigv4.SCHEME) or len(modes) == 1):
            return await self._signed(api, headers, method, path, body, source_ip, now_s)
        token = tokens.bare(authorization)
        pools = [provider.user_pool for provider in api.providers if provider.user_pool is not None]
        if pools and tokens.looks_like_token(token):
            return await user_pools.authorize(
                token, pools, self._pool_keys, self._verifier, source_ip=source_ip, now_s=now_s
            )
        provider = api.provider("AWS_LAMBDA")
        if provider is not None and provider.lambda_authorizer is not None:
            return await self._functions.authorize(
                api,
                provider.lambda_authorizer,
                authorization,
                headers,
                operation,
                connecting=path.endswith("/connect"),
                request_id=request_id,
                now_s=now_s,
            )
        raise unreadable_token() if pools else no_header(modes)

    async def _signed(
        self,
        api: ApiAuth,
        headers: Mapping[str, str],
        method: str,
        path: str,
        body: bytes,
        source_ip: str,
        now_s: float,
    ) -> Identity:
        bare_path, _, query = path.partition("?")
        request = sigv4.SignedRequest(method, meant_paths(api, bare_path), query, headers, body)
        principal = await sigv4.verify(
            request, keys=self._keys, region=api.region, service=_SERVICE, now_s=now_s
        )
        return Identity(
            "AWS_IAM",
            {
                "accountId": api.account_id,
                "cognitoIdentityPoolId": None,
                "cognitoIdentityId": None,
                "cognitoIdentityAuthType": None,
                "cognitoIdentityAuthProvider": None,
                "sourceIp": [source_ip],
                "username": principal.user_id,
                "userArn": principal.arn,
            },
        )


def meant_paths(api: ApiAuth, path: str) -> tuple[str, ...]:
    """The paths that a client may have signed. An API has a host of its own on AWS, so clients sign
    `/graphql`; here it is `/graphql/{apiId}` where the host is shared."""
    own = f"/graphql/{api.api_id}"
    if path == own or path.startswith(own + "/"):
        return (path, "/graphql" + path.removeprefix(own))
    return (path,)


def _with_api_key(api: ApiAuth, given: str, now_s: float) -> Identity:
    """docs: API_KEY authorization: a key has an expiry, up to 365 days ahead."""
    for key_id, expires_s in api.api_keys.items():
        if hmac.compare_digest(key_id.encode(), given.encode("utf-8", "surrogateescape")):
            if now_s < expires_s:
                return Identity("API_KEY")
            break
    raise not_authorized()
