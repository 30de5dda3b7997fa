"""Hands a request on to the process that owns its service, and one service's calls to another."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp
import orjson
from yarl import URL

from harness.emulator.gateway import query_calls
from harness.emulator.services.base import AwsError, AwsRequest, AwsResponse, CallContext, Service
from harness.emulator.unanswered import why_unanswered

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "expect",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_MAX_CONNECTIONS = 256
_CONNECT_TIMEOUT_S = 5.0


def open_session(connections: int = _MAX_CONNECTIONS) -> aiohttp.ClientSession:
    """A client for the other processes: keep-alive, bodies untouched, no cookies, no redirects followed; at
    most that many `connections`, 0 is no bound."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=60.0),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None, connect=_CONNECT_TIMEOUT_S),
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
    )


class Proxy:
    """Another process of the embedded AWS, as a handler of requests."""

    def __init__(self, session: aiohttp.ClientSession, url: str, process: str) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._process = process

    async def handle(self, request: AwsRequest) -> AwsResponse:
        """The other process's answer. Raises AwsError ServiceUnavailable (503) when there is none."""
        target = f"{self._url}{request.path}" + (f"?{request.query}" if request.query else "")
        headers = {name: value for name, value in request.headers.items() if name not in _HOP_BY_HOP}
        headers["content-length"] = str(len(request.body))
        try:
            async with self._session.request(
                request.method,
                URL(target, encoded=True),
                headers=headers,
                data=request.body or None,
                allow_redirects=False,
            ) as answer:
                body = await answer.read()
                kept = {k.lower(): v for k, v in answer.headers.items() if k.lower() not in _HOP_BY_HOP}
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unavailable(self._process, error) from error
        if request.method != "HEAD":
            kept.pop("content-length", None)
        return AwsResponse(answer.status, body, kept)


class ProcessCalls:
    """`AwsCalls`: in-process where the service lives here, else over HTTP to its process.

    `endpoints` maps a service to its process's URL, `""` to that of all others."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        endpoints: Mapping[str, str],
        local: Mapping[str, Service],
    ) -> None:
        self._session = session
        self._endpoints = endpoints
        self._local = local

    async def call(self, service: str, operation: str, body: bytes, context: CallContext) -> bytes:
        """The answer's body, JSON or, of a service that speaks the query protocol, XML. Raises AwsError: what
        the service said, ServiceUnavailable (503), or UnknownOperationException for a service that cannot be
        called so."""
        here = self._local.get(service)
        if here is not None:
            return await here.call(operation, body, context)
        protocol = _JSON_SERVICES.get(service)
        query = service in query_calls.VERSIONS
        if protocol is None and not query:
            raise AwsError(
                "UnknownOperationException",
                f"{service}:{operation} cannot be called from within the emulator.",
            )
        url = self._endpoints.get(service) or self._endpoints[""]
        headers = _headers(service, context)
        if protocol is not None:
            prefix, version = protocol
            headers["content-type"] = f"application/x-amz-json-{version}"
            headers["x-amz-target"] = f"{prefix}.{operation}"
        else:
            headers["content-type"] = query_calls.CONTENT_TYPE
            body = query_calls.form_of(service, operation, orjson.loads(body))
        try:
            async with self._session.post(url, data=body, headers=headers) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unavailable(service, error) from error
        if answer.status >= 300:
            raise query_calls.error_of(answer.status, content) if query else _error(answer.status, content)
        return content


_JSON_SERVICES: Mapping[str, tuple[str, str]] = {
    "dynamodb": ("DynamoDB_20120810", "1.0"),
    "dynamodbstreams": ("DynamoDBStreams_20120810", "1.0"),
    "events": ("AWSEvents", "1.1"),
    "kinesis": ("Kinesis_20131202", "1.1"),
    "logs": ("Logs_20140328", "1.1"),
    "sqs": ("AmazonSQS", "1.0"),
    "ssm": ("AmazonSSM", "1.1"),
}


def _headers(service: str, context: CallContext) -> dict[str, str]:
    scope = f"test/20260101/{context.region}/{'dynamodb' if service == 'dynamodbstreams' else service}"
    headers = {
        "authorization": f"AWS4-HMAC-SHA256 Credential={scope}/aws4_request, SignedHeaders=host, Signature=0",
    }
    if context.trace_id is not None:
        headers["x-amzn-trace-id"] = f"Root={context.trace_id}"
    return headers


def _unavailable(process: str, error: BaseException) -> AwsError:
    reason = why_unanswered(error)
    return AwsError("ServiceUnavailable", f"The '{process}' process does not answer: {reason}", 503)


def _error(status: int, content: bytes) -> AwsError:
    try:
        parsed = orjson.loads(content)
    except orjson.JSONDecodeError:
        parsed = None
    if not isinstance(parsed, dict):
        return AwsError("InternalFailure", content[:500].decode(errors="replace"), status)
    code = str(parsed.pop("__type", "InternalFailure")).rpartition("#")[2]
    message = str(parsed.pop("message", None) or parsed.pop("Message", ""))
    return AwsError(code, message, status, parsed)
