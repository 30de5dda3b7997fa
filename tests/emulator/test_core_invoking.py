"""Lambda's Invoke over HTTP, as a service in another process calls it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from harness.emulator.gateway.invoking import HttpInvoker
from harness.emulator.services.base import AwsError, CallContext, InvocationResult

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def invoked(answer: Answer, **given: Any) -> InvocationResult:
    """What an invocation gives when Lambda answers like this."""

    async def run() -> InvocationResult:
        runner = web.ServerRunner(web.Server(answer))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        try:
            async with aiohttp.ClientSession() as session:
                invoker = HttpInvoker(session, f"http://127.0.0.1:{port}/")
                context = given.pop("context", CallContext())
                return await invoker.invoke(given.pop("function", "f"), b"{}", context=context, **given)
        finally:
            await runner.cleanup()

    return asyncio.run(run())


def test_an_answer_is_taken_with_its_headers() -> None:
    seen: dict[str, Any] = {}

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        seen.update(
            path=request.raw_path,
            headers={k.lower(): v for k, v in request.headers.items()},
            body=await request.read(),
        )
        headers = {
            "x-amz-function-error": "Unhandled",
            "x-amzn-requestid": "r-1",
            "x-amz-executed-version": "3",
            "x-amz-log-result": "bG9n",
        }
        return web.Response(body=b'{"errorMessage": "no"}', headers=headers)

    arn = "arn:aws:lambda:eu-west-1:000000000000:function:f"
    context = CallContext("eu-west-1", trace_id="1-2-3")
    result = invoked(answer, function=arn, context=context, invocation_type="Event")
    assert result == InvocationResult(200, b'{"errorMessage": "no"}', "Unhandled", "r-1", b"log", "3")
    assert seen["path"] == f"/2015-03-31/functions/{arn.replace(':', '%3A')}/invocations"
    assert seen["body"] == b"{}"
    assert seen["headers"]["x-amz-invocation-type"] == "Event"
    assert seen["headers"]["x-amzn-trace-id"] == "Root=1-2-3"
    assert "/eu-west-1/lambda/" in seen["headers"]["authorization"]


@pytest.mark.parametrize(
    ("body", "header", "code", "message"),
    [
        (b'{"Message": "gone"}', "ResourceNotFoundException:http://x", "ResourceNotFoundException", "gone"),
        (b'{"message": "gone"}', "", "ServiceException", "gone"),
        (b"<html>", "", "ServiceException", "<html>"),
        (b"[]", "X", "X", "[]"),
    ],
)
def test_a_refusal_is_an_error_of_aws(body: bytes, header: str, code: str, message: str) -> None:
    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=404, body=body, headers={"x-amzn-errortype": header} if header else {})

    with pytest.raises(AwsError) as caught:
        invoked(answer)
    assert (caught.value.code, caught.value.message, caught.value.status) == (code, message, 404)


def test_a_lambda_that_does_not_answer_is_unavailable() -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    with pytest.raises(AwsError) as caught:
        invoked(answer)
    assert (caught.value.code, caught.value.status) == ("ServiceUnavailable", 503)
