"""Counts what AWS bills of moto's services.

docs: Amazon S3 pricing (PUT, COPY, POST, LIST; GET and all others; DELETE and CANCEL free), Amazon SQS
pricing (every 64 KB of a payload is a request), CloudWatch Logs PutLogEvents (26 bytes added to each event)
(read 2026).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from harness.emulator.moto.operations import Operation
from harness.emulator.services.base import AwsRequest, AwsResponse
from harness.measure.meters import Meters

SQS_CHUNK_BYTES = 64 * 1024
LOG_EVENT_OVERHEAD_BYTES = 26
MAX_PREFIXES = 100
_DELETES = ("Delete", "AbortMultipartUpload")
_S3_FREE_OF_BODY = ("HeadObject", "HeadBucket")


class Prefixes:
    """The first segments of keys by which a bucket's requests are told apart: the first `most` that come.
    Keys may begin with ids; what comes under further ones is counted under the bucket."""

    def __init__(self, most: int = MAX_PREFIXES) -> None:
        self._most = most
        self._known: dict[str, set[str]] = {}

    def bounded(self, operation: Operation) -> Operation:
        """`operation` with the resource that it is counted under."""
        bucket, slash, _ = operation.resource.partition("/")
        if operation.service != "s3" or not slash:
            return operation
        known = self._known.setdefault(bucket, set())
        if len(known) < self._most:
            known.add(operation.resource)
        return operation if operation.resource in known else operation._replace(resource=bucket)

    def clear(self) -> None:
        """Forget all."""
        self._known.clear()


def count(meters: Meters, operation: Operation, request: AwsRequest, response: AwsResponse) -> None:
    """Count one answered request. AWS does not bill what it failed at itself (5xx)."""
    meters.call(request.context.trace_id, operation.service, operation.name, operation.resource)
    if response.status >= 500:
        return
    if operation.service == "s3":
        _count_s3(meters, operation, request, response)
    elif operation.service == "sqs":
        meters.counter("sqs", operation.resource, "requests").value += sqs_requests(request, response)
    elif operation.service == "logs":
        if operation.name == "PutLogEvents" and response.status == 200:
            count_log_events(meters, operation.resource, _messages(request.body, response.body))
    elif operation.service == "ssm":
        meters.counter("ssm", operation.resource, "requests").value += 1
    else:
        meters.counter(operation.service, "", "requests").value += 1


def count_log_events(meters: Meters, group: str, messages: Iterable[str]) -> None:
    """Count events ingested into a log group."""
    ingested = sum(len(message.encode()) + LOG_EVENT_OVERHEAD_BYTES for message in messages)
    meters.counter("logs", group, "ingested_bytes").value += ingested


def sqs_requests(request: AwsRequest, response: AwsResponse) -> int:
    """The billed requests of one call: a batch is one payload, and so is what a receive brings."""
    payload = max(_payload_bytes(request.body), _payload_bytes(response.body))
    return max(-(-payload // SQS_CHUNK_BYTES), 1)


def _payload_bytes(text: bytes) -> int:
    """The messages in a request or an answer: their bodies and attributes, without the JSON around them. Of
    what is no JSON (the query protocol) all counts, which is a little more."""
    if len(text) <= SQS_CHUNK_BYTES:
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


def _count_s3(meters: Meters, operation: Operation, request: AwsRequest, response: AwsResponse) -> None:
    resource, name = operation.resource, operation.name
    if name.startswith(_DELETES):
        unit = "delete_requests"
    elif request.method in ("PUT", "POST") or name.startswith("List"):
        unit = "put_requests"
    else:
        unit = "get_requests"
    meters.counter("s3", resource, unit).value += 1
    if request.body and unit == "put_requests" and response.status < 300:  # a refused object takes no room
        meters.counter("s3", resource, "bytes_in").value += _decoded_length(request)
    if response.body and name not in _S3_FREE_OF_BODY:
        meters.counter("s3", resource, "bytes_out").value += len(response.body)


def _decoded_length(request: AwsRequest) -> int:
    """The object's bytes, without the framing of a signed or trailing-checksum upload."""
    decoded = request.headers.get("x-amz-decoded-content-length", "")
    return int(decoded) if decoded.isdecimal() else len(request.body)


def _messages(asked: bytes, answered: bytes) -> Sequence[str]:
    """The messages that were taken: too old ones are refused at the front, too new ones at the end."""
    messages = [str(event.get("message", "")) for event in orjson.loads(asked).get("logEvents", [])]
    refused = (orjson.loads(answered) if answered else {}).get("rejectedLogEventsInfo") or {}
    first = max(refused.get("tooOldLogEventEndIndex") or 0, refused.get("expiredLogEventEndIndex") or 0)
    last = refused.get("tooNewLogEventStartIndex")
    return messages[first:last]
