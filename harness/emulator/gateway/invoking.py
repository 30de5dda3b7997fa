"""Lambda's Invoke over HTTP, for services in other processes than Lambda's."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from harness.emulator.services.base import AwsError, CallContext, InvocationResult, InvocationType

_CREDENTIAL = "AWS4-HMAC-SHA256 Credential=test/20260101/{region}/lambda/aws4_request"


class HttpInvoker:
    """`FunctionInvoker`: the Lambda at `url`."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url.rstrip("/")

    async def invoke(
        self,
        function: str,
        payload: bytes,
        *,
        invocation_type: InvocationType = "RequestResponse",
        source: str = "api",  # noqa: ARG002
        context: CallContext,
    ) -> InvocationResult:
        """As FunctionInvoker.invoke. Raises AwsError, ServiceUnavailable (503) too when Lambda's process does
        not answer."""
        headers = {
            "authorization": _CREDENTIAL.format(region=context.region),
            "content-type": "application/json",
            "x-amz-invocation-type": invocation_type,
        }
        if context.trace_id:
            headers["x-amzn-trace-id"] = f"Root={context.trace_id}"
        path = f"/2015-03-31/functions/{quote(function, safe='')}/invocations"
        url = URL(self._url + path, encoded=True)
        try:
            async with self._session.post(url, data=payload, headers=headers) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise AwsError("ServiceUnavailable", f"Lambda does not answer: {error}.", 503) from error
        if answer.status >= 300:
            raise _error(answer.status, answer.headers.get("x-amzn-errortype", ""), body)
        return InvocationResult(
            answer.status,
            body,
            answer.headers.get("x-amz-function-error"),
            answer.headers.get("x-amzn-requestid", ""),
            _log_tail(answer.headers.get("x-amz-log-result")),
            answer.headers.get("x-amz-executed-version", "$LATEST"),
        )


def _error(status: int, code: str, body: bytes) -> AwsError:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        fields = {}
    if not isinstance(fields, dict):
        fields = {}
    message = fields.get("Message") or fields.get("message") or body.decode("utf-8", "replace")[:500]
    return AwsError(code.partition(":")[0] or "ServiceException", str(message), status)


def _log_tail(header: str | None) -> bytes:
    try:
        return base64.b64decode(header or "")
    except (binascii.Error, ValueError):
        return b""
