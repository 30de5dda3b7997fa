"""Counts what AWS bills of moto's services, by the rules of `billed`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from harness.emulator import billed
from harness.emulator.moto.operations import Operation
from harness.emulator.services.base import AwsRequest, AwsResponse
from harness.measure.meters import Meters


def bounded(prefixes: billed.Prefixes, operation: Operation) -> Operation:
    """`operation` with the resource that it is counted under."""
    if operation.service != "s3":
        return operation
    return operation._replace(resource=prefixes.bounded(operation.resource))


def count(meters: Meters, operation: Operation, request: AwsRequest, response: AwsResponse) -> None:
    """Count one answered request. AWS does not bill what it failed at itself (5xx)."""
    meters.call(request.context.trace_id, operation.service, operation.name, operation.resource)
    if response.status >= 500:
        return
    if operation.service == "s3":
        billed.count_s3(
            meters,
            operation.resource,
            operation.name,
            method=request.method,
            status=response.status,
            bytes_in=_decoded_length(request),
            bytes_out=len(response.body),
        )
    elif operation.service == "sqs":
        billed.count_sqs(meters, operation.resource, sqs_payload_bytes(request, response))
    elif operation.service == "logs":
        if operation.name == "PutLogEvents" and response.status == 200:
            count_log_events(meters, operation.resource, _messages(request.body, response.body))
    elif operation.service == "ssm":
        billed.count_ssm(meters)
    else:
        billed.count_control(meters, operation.service)


def count_log_events(meters: Meters, group: str, messages: Iterable[str]) -> None:
    """Count events ingested into a log group."""
    sizes = [len(message.encode()) for message in messages]
    billed.count_log_events(meters, group, len(sizes), sum(sizes))


def sqs_payload_bytes(request: AwsRequest, response: AwsResponse) -> int:
    """What a call of SQS is billed by: a batch is one payload, and so is what a receive brings."""
    return max(_payload_bytes(request.body), _payload_bytes(response.body))


def _payload_bytes(text: bytes) -> int:
    """The messages in a request or an answer: their bodies and attributes, without the JSON around them. Of
    what is no JSON (the query protocol) all counts, which is a little more."""
    if len(text) <= billed.SQS_CHUNK_BYTES:
        return len(text)  # one request, however little of it is payload
    try:
        members: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError:
        return len(text)
    return sum(map(_message_bytes, members.get("Entries") or members.get("Messages") or [members]))


def _message_bytes(message: Mapping[str, Any]) -> int:
    size = len((message.get("MessageBody") or message.get("Body") or "").encode())
    for name, attribute in (message.get("MessageAttributes") or {}).items():
        size += len(name.encode()) + len(attribute.get("DataType", ""))
        size += len(attribute.get("StringValue", "").encode())
        size += len(attribute.get("BinaryValue", "")) * 3 // 4  # base64
    return size


def _decoded_length(request: AwsRequest) -> int:
    """The object's bytes, without the framing of a signed or trailing-checksum upload."""
    decoded = request.headers.get("x-amz-decoded-content-length", "")
    return int(decoded) if decoded.isdecimal() and request.body else len(request.body)


def _messages(asked: bytes, answered: bytes) -> Sequence[str]:
    """The messages that were taken: too old ones are refused at the front, too new ones at the end."""
    messages = [str(event.get("message", "")) for event in orjson.loads(asked).get("logEvents", [])]
    refused = (orjson.loads(answered) if answered else {}).get("rejectedLogEventsInfo") or {}
    first = max(refused.get("tooOldLogEventEndIndex") or 0, refused.get("expiredLogEventEndIndex") or 0)
    last = refused.get("tooNewLogEventStartIndex")
    return messages[first:last]
