"""Records of asynchronous invocations and discarded batches, delivered to queues, topics and functions.

docs: Lambda Developer Guide, Capturing records of Lambda asynchronous invocations; Dead-letter queues
(read 2026)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

import orjson

from harness.emulator.services.base import AwsCalls, CallContext
from harness.emulator.services.lambda_.asynchronous.events import AsyncEvent, Condition
from harness.emulator.services.lambda_.invocation import Completed
from harness.emulator.services.lambda_.names import LATEST

MAX_ERROR_MESSAGE_CHARACTERS = 1000
FunctionTarget = Callable[[str, bytes], Awaitable[None]]
"""Invokes a function (ARN, payload) asynchronously. Raises AwsError."""


def iso_timestamp(at_s: float) -> str:
    """A time as records carry it: `2026-11-23T15:41:00.000Z`."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class Destinations:
    """Delivers records. `deliver` raises AwsError with what the target said."""

    def __init__(self, calls: AwsCalls, invoke: FunctionTarget) -> None:
        self._calls = calls
        self._invoke = invoke

    async def deliver(
        self, arn: str, record: bytes, attributes: Mapping[str, tuple[str, str]] | None = None
    ) -> None:
        """Send `record` to a queue, a topic or a function; `attributes` of a message by name: type, value."""
        _, _, service, region, account_id, name = arn.split(":", 5)
        if service == "lambda":
            await self._invoke(arn, record)
            return
        context = CallContext(region=region, account_id=account_id)
        rendered = {
            attribute: {"DataType": kind, "StringValue": value}
            for attribute, (kind, value) in (attributes or {}).items()
        }
        if service == "sns":
            published = {"TopicArn": arn, "Message": record.decode(), "MessageAttributes": rendered}
            await self._calls.call("sns", "Publish", orjson.dumps(published), context)
            return
        message = {
            # AWS's form of it; to ask for the URL would be a request on the queue's bill.
            "QueueUrl": f"https://sqs.{region}.amazonaws.com/{account_id}/{name}",
            "MessageBody": record.decode(),
            "MessageAttributes": rendered,
        }
        await self._calls.call("sqs", "SendMessage", orjson.dumps(message), context)


def invocation_record(event: AsyncEvent, condition: Condition, last: Completed | None, now_s: float) -> bytes:
    """What a destination gets. `last` is the last attempt, None when there was none."""
    record: dict[str, object] = {
        "version": "1.0",
        "timestamp": iso_timestamp(now_s),
        "requestContext": {
            "requestId": event.request_id,
            "functionArn": f"{event.function_arn}:{LATEST}",
            "condition": condition,
            "approximateInvokeCount": event.attempts,
        },
        "requestPayload": orjson.Fragment(event.payload),
    }
    if last is not None:
        context: dict[str, object] = {"statusCode": 200, "executedVersion": LATEST}
        if last.function_error is not None:
            context["functionError"] = last.function_error
        record["responseContext"] = context
        record["responsePayload"] = orjson.Fragment(last.payload or b"null")
    return orjson.dumps(record)


def dead_letter_attributes(event: AsyncEvent, last: Completed | None) -> dict[str, tuple[str, str]]:
    """The attributes of a dead-letter queue's message, whose body is the event itself."""
    attributes = {"RequestID": ("String", event.request_id)}
    if last is not None:
        attributes["ErrorCode"] = ("Number", "200")
        attributes["ErrorMessage"] = ("String", _error_message(last.payload)[:MAX_ERROR_MESSAGE_CHARACTERS])
    return attributes


def _error_message(payload: bytes) -> str:
    try:
        parsed = orjson.loads(payload)
    except orjson.JSONDecodeError:
        parsed = None
    message = parsed.get("errorMessage") if isinstance(parsed, dict) else None
    return str(message) if message else "unknown error"
