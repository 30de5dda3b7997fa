"""Proxying, calls and log shipping to another process, which is a gateway in the same loop here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from harness.emulator.gateway.guard import Guard
from harness.emulator.gateway.proxy import ProcessCalls, Proxy, open_session
from harness.emulator.gateway.server import Gateway, Listener
from harness.emulator.log_shipping import LogShipper
from harness.emulator.machine import listen
from harness.emulator.services.base import AwsError, AwsRequest, AwsResponse, CallContext

Scenario = Callable[[aiohttp.ClientSession, str, list[AwsRequest]], Awaitable[None]]


def with_other_process(scenario: Scenario, answer: AwsResponse) -> None:
    """Run `scenario` with a session, the other process's URL, and what that one was asked."""

    async def run() -> None:
        asked: list[AwsRequest] = []

        async def handle(request: AwsRequest) -> AwsResponse:
            asked.append(request)
            return answer

        listening = listen("127.0.0.1", 0)
        listener = Listener(Gateway(guard=Guard(), services={}, fallback=handle, own=handle))
        await listener.start(listening)
        try:
            async with open_session() as session:
                await scenario(session, f"http://127.0.0.1:{listening.getsockname()[1]}", asked)
        finally:
            await listener.close()

    asyncio.run(run())


def test_a_proxied_request_arrives_as_it_was_sent() -> None:
    async def scenario(session: aiohttp.ClientSession, url: str, asked: list[AwsRequest]) -> None:
        headers = {"host": "s3.amazonaws.com", "x-amz-meta-a": "1", "connection": "keep-alive", "expect": "x"}
        sent = AwsRequest("PUT", "/b/a%2Fb%20c+d", "x=%2F&y", headers, b"body", CallContext())
        answer = await Proxy(session, url, "moto").handle(sent)
        assert (answer.status, answer.body, answer.headers["x-kept"]) == (201, b"compressed?", "yes")
        assert answer.headers["content-encoding"] == "gzip"
        assert "content-length" not in answer.headers
        (received,) = asked
        assert (received.method, received.path, received.query) == ("PUT", "/b/a%2Fb%20c+d", "x=%2F&y")
        assert (received.body, received.headers["host"]) == (b"body", "s3.amazonaws.com")
        assert received.headers["x-amz-meta-a"] == "1"
        assert "expect" not in received.headers

    with_other_process(
        scenario, AwsResponse(201, b"compressed?", {"x-kept": "yes", "content-encoding": "gzip"})
    )


def test_a_proxied_head_keeps_its_length() -> None:
    async def scenario(session: aiohttp.ClientSession, url: str, _asked: list[AwsRequest]) -> None:
        sent = AwsRequest("HEAD", "/b/k", "", {"host": "localhost"}, b"", CallContext())
        assert (await Proxy(session, url, "moto").handle(sent)).headers["content-length"] == "77"

    with_other_process(scenario, AwsResponse(200, b"", {"content-length": "77"}))


def test_a_process_that_is_gone_is_service_unavailable() -> None:
    async def scenario(session: aiohttp.ClientSession, _url: str, _asked: list[AwsRequest]) -> None:
        gone = listen("127.0.0.1", 0)
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"
        gone.close()
        sent = AwsRequest("GET", "/", "", {"host": "localhost"}, b"", CallContext())
        with pytest.raises(AwsError, match="The 'state' process does not answer") as caught:
            await Proxy(session, url, "state").handle(sent)
        assert (caught.value.code, caught.value.status) == ("ServiceUnavailable", 503)
        with pytest.raises(AwsError, match="ServiceUnavailable"):
            await ProcessCalls(session, {"": url}, {}).call("sqs", "SendMessage", b"{}", CallContext())

    with_other_process(scenario, AwsResponse(200))


def test_a_call_carries_what_the_other_process_routes_and_tallies_by() -> None:
    async def scenario(session: aiohttp.ClientSession, url: str, asked: list[AwsRequest]) -> None:
        calls = ProcessCalls(session, {"": "http://127.0.0.1:1", "dynamodbstreams": url}, {})
        context = CallContext("eu-west-1", trace_id="1-abc")
        assert await calls.call("dynamodbstreams", "GetRecords", b'{"a":1}', context) == b'{"ok":true}'
        (received,) = asked
        assert received.headers["x-amz-target"] == "DynamoDBStreams_20120810.GetRecords"
        assert received.headers["content-type"] == "application/x-amz-json-1.0"
        assert (received.context.region, received.context.trace_id) == ("eu-west-1", "1-abc")
        assert received.body == b'{"a":1}'

    with_other_process(scenario, AwsResponse(200, b'{"ok":true}'))


def test_an_error_of_the_other_service_is_raised_as_it_was() -> None:
    async def scenario(session: aiohttp.ClientSession, url: str, _asked: list[AwsRequest]) -> None:
        with pytest.raises(AwsError) as caught:
            await ProcessCalls(session, {"": url}, {}).call("sqs", "SendMessage", b"{}", CallContext())
        error = caught.value
        assert (error.code, error.message, error.status) == ("QueueDoesNotExist", "No such queue.", 400)
        assert error.fields == {"Type": "Sender"}

    body = b'{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"No such queue.","Type":"Sender"}'
    with_other_process(scenario, AwsResponse(400, body))


def test_an_answer_that_is_no_json_is_an_internal_failure() -> None:
    async def scenario(session: aiohttp.ClientSession, url: str, _asked: list[AwsRequest]) -> None:
        with pytest.raises(AwsError, match="InternalFailure: <html>"):
            await ProcessCalls(session, {"": url}, {}).call("sqs", "SendMessage", b"{}", CallContext())

    with_other_process(scenario, AwsResponse(500, b"<html>"))


def test_a_service_of_this_process_is_called_without_http() -> None:
    class Here:
        name = "kinesis"

        async def call(self, operation: str, body: bytes, context: CallContext) -> bytes:
            return operation.encode() + body

        async def handle(self, request: AwsRequest) -> AwsResponse:
            raise AssertionError("not over HTTP")

        async def start(self) -> None: ...
        async def reset(self) -> None: ...
        async def close(self) -> None: ...

    async def scenario(session: aiohttp.ClientSession, _url: str, asked: list[AwsRequest]) -> None:
        calls = ProcessCalls(session, {"": "http://127.0.0.1:1"}, {"kinesis": Here()})
        assert await calls.call("kinesis", "PutRecord", b"{}", CallContext()) == b"PutRecord{}"
        with pytest.raises(AwsError, match="braket:Search cannot be called"):
            await calls.call("braket", "Search", b"{}", CallContext())
        assert asked == []

    with_other_process(scenario, AwsResponse(200))


def test_log_lines_are_shipped_in_one_batch() -> None:
    async def scenario(session: aiohttp.ClientSession, url: str, asked: list[AwsRequest]) -> None:
        shipper = LogShipper(session, url)
        shipper.write("/g", "s", [(1, "a"), (2, "b")])
        shipper.write("/g", "t", [(3, "c")])
        await shipper.flush()
        await shipper.flush()
        (received,) = asked
        assert received.path == "/_launchday/logs"
        assert json.loads(received.body) == [["/g", "s", [[1, "a"], [2, "b"]]], ["/g", "t", [[3, "c"]]]]
        assert shipper.events_dropped == 0

    with_other_process(scenario, AwsResponse(200, b"{}"))


def test_log_lines_wait_within_a_bound_in_bytes() -> None:
    async def scenario(session: aiohttp.ClientSession, url: str, _asked: list[AwsRequest]) -> None:
        shipper = LogShipper(session, url)
        for _ in range(40):
            shipper.write("/g", "s", [(1, "x" * 1024 * 1024)])
        assert shipper.events_dropped == 8
        await shipper.flush()
        shipper.write("/g", "s", [(2, "room again")])
        assert shipper.events_dropped == 8

    with_other_process(scenario, AwsResponse(200, b"{}"))


def test_log_lines_beyond_the_bound_or_not_taken_are_counted() -> None:
    async def scenario(session: aiohttp.ClientSession, url: str, _asked: list[AwsRequest]) -> None:
        shipper = LogShipper(session, url, capacity=3)
        shipper.write("/g", "s", [(1, "a"), (2, "b")])
        shipper.write("/g", "s", [(3, "c"), (4, "d")])
        assert shipper.events_dropped == 2
        await shipper.flush()
        assert shipper.events_dropped == 4
        shipper.write("/g", "s", [(5, "e"), (6, "f"), (7, "g")])
        assert shipper.events_dropped == 4

    with_other_process(scenario, AwsResponse(503))
