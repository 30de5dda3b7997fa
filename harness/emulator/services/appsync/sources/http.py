"""The data source HTTP: an endpoint that the deployment named.

The address rules are those of everything that the emulator sends: this machine's loopback, and hosts that its
user let in; never the emulator itself, and never elsewhere by way of a redirect or a name that moves.
docs: AppSync Developer Guide, Resolver mapping template reference for HTTP (read 2026-11)
"""

from __future__ import annotations

from typing import Any

import aiohttp
import orjson
from yarl import URL

from harness.emulator.services.appsync.errors import bad_request
from harness.emulator.services.appsync.resolvers.failures import SourceError, template_failure
from harness.emulator.services.appsync.resolvers.invocation import Invocation
from harness.emulator.services.appsync.sources.base import optional, required
from harness.emulator.services.outbound import (
    CheckedResolver,
    DeliveryAddresses,
    Endpoint,
    parse_endpoint,
)

MAX_RESPONSE_BYTES = 5 * 1024 * 1024
TIMEOUT_S = 30.0
_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")
_NOT_SENT = frozenset(
    ("host", "content-length", "transfer-encoding", "connection", "upgrade", "expect", "te")
)


class HttpClient:
    """Connections to endpoints, made where they may be made; opened with the first request."""

    def __init__(self, addresses: DeliveryAddresses) -> None:
        self.addresses = addresses
        self._session: aiohttp.ClientSession | None = None

    def session(self) -> aiohttp.ClientSession:
        """The session that all HTTP data sources share."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=CheckedResolver(self.addresses), limit=256),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
                trust_env=False,
            )
        return self._session

    async def close(self) -> None:
        """End the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


class HttpSource:
    """One endpoint. Raises AwsError BadRequestException for one that cannot be."""

    kind = "HTTP"

    def __init__(self, client: HttpClient, endpoint: str) -> None:
        try:
            self._endpoint: Endpoint = parse_endpoint(endpoint)
        except ValueError as error:
            raise bad_request(f"The HTTP endpoint is not valid: {error}.") from None
        url = self._endpoint.url
        if url.user is not None or url.raw_path not in ("", "/") or url.raw_query_string or url.raw_fragment:
            raise bad_request("The HTTP endpoint must be a scheme, a host and a port, without a path.")
        self._client = client
        reason = self._refusal()
        if reason:
            raise bad_request(f"The HTTP endpoint cannot be used: {reason}.")

    def _refusal(self) -> str | None:
        """Why an endpoint that is an address may not be asked; names are judged when they are resolved."""
        where = self._endpoint
        if where.address is None:
            return None
        return self._client.addresses.refusal(where.host, where.address, where.port)

    async def run(self, request: Any, call: Invocation, max_batch_size: int) -> Any:  # noqa: ARG002
        """As Source.run: `{"statusCode", "headers", "body"}`."""
        method = str(required(request, "method", str)).upper()
        if method not in _METHODS:
            raise template_failure(f"Unsupported method '{method[:20]}' for a data source of type HTTP.")
        params = optional(request, "params") or {}
        url = self._url(str(required(request, "resourcePath", str)), optional(params, "query") or {})
        headers = _headers(optional(params, "headers") or {})
        body = params.get("body")
        if isinstance(body, dict | list):
            body = orjson.dumps(body).decode()
        try:
            async with self._client.session().request(
                method,
                url,
                headers=headers,
                data=body if body is None else str(body).encode("utf-8", "surrogatepass"),
                allow_redirects=False,
            ) as answer:
                text = await _read(answer)
                kept = {name: ", ".join(answer.headers.getall(name)) for name in answer.headers}
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise SourceError(f"{type(error).__name__}: {error}", "Http:RequestFailed") from None
        return {"statusCode": answer.status, "headers": kept, "body": text}

    def _url(self, path: str, query: dict[str, Any]) -> URL:
        """Below the endpoint, whatever the path says."""
        if not path.startswith("/"):
            raise template_failure("Value for field '$[resourcePath]' is not valid: it must begin with '/'.")
        origin = self._endpoint.url.origin()
        try:
            url = URL(f"{origin}{path}")
            if query:
                url = url.update_query({str(name): _query_value(value) for name, value in query.items()})
        except (ValueError, TypeError):
            raise template_failure("Value for field '$[resourcePath]' is not valid.") from None
        if (url.scheme, url.host, url.port, url.user) != (origin.scheme, origin.host, origin.port, None):
            raise template_failure("Value for field '$[resourcePath]' is not valid.")
        return url


def _query_value(value: Any) -> Any:
    if isinstance(value, list):
        return [str(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _headers(given: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in given.items() if name.lower() not in _NOT_SENT}


async def _read(answer: aiohttp.ClientResponse) -> str:
    """The body as text. Raises SourceError when it is longer than AppSync takes."""
    content = bytearray()
    async for chunk in answer.content.iter_any():
        content += chunk
        if len(content) > MAX_RESPONSE_BYTES:
            raise SourceError("The response is too large.", "Http:ResponseTooLarge")
    return content.decode("utf-8", "replace")
