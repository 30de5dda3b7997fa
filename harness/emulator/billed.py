"""What AWS bills a request of S3, SQS, CloudWatch Logs and others as, whoever serves it.

Sizes come in bytes, rounded here as AWS rounds them: each request, never a mean.
docs: Amazon S3 pricing (PUT, COPY, POST, LIST; GET and all others; DELETE and CANCEL free), Amazon SQS
pricing (every 64 KB of a payload is a request), CloudWatch Logs PutLogEvents (26 bytes added to each event)
(read 2026).
"""

from __future__ import annotations

from harness.measure.meters import Meters

SQS_CHUNK_BYTES = 64 * 1024
LOG_EVENT_OVERHEAD_BYTES = 26
MAX_PREFIXES = 100
PARAMETERS = "parameters"
"""The resource of every call of Parameter Store."""
_DELETES = ("Delete", "AbortMultipartUpload")
_S3_FREE_OF_BODY = ("HeadObject", "HeadBucket")


class Prefixes:
    """The first segments of keys by which a bucket's requests are told apart: the first `most` that come.
    Keys may begin with ids; what comes under further ones is counted under the bucket."""

    def __init__(self, most: int = MAX_PREFIXES) -> None:
        self._most = most
        self._known: dict[str, set[str]] = {}

    def bounded(self, resource: str) -> str:
        """What a request for `resource`, a bucket or `<bucket>/<first segment of the key>`, is counted
        under."""
        bucket, slash, _ = resource.partition("/")
        if not slash:
            return resource
        known = self._known.setdefault(bucket, set())
        if len(known) < self._most:
            known.add(resource)
        return resource if resource in known else bucket

    def clear(self) -> None:
        """Forget all."""
        self._known.clear()


def s3_unit(operation: str, method: str) -> str:
    """The price class of an operation of S3 by its name and HTTP method."""
    if operation.startswith(_DELETES):
        return "delete_requests"
    return "put_requests" if method in ("PUT", "POST") or operation.startswith("List") else "get_requests"


def count_s3(
    meters: Meters,
    resource: str,
    operation: str,
    *,
    method: str,
    status: int,
    bytes_in: int,
    bytes_out: int,
) -> None:
    """Count an answered request. A refused object takes no room; what HEAD would bring is not sent."""
    unit = s3_unit(operation, method)
    meters.counter("s3", resource, unit).value += 1
    if bytes_in and unit == "put_requests" and status < 300:
        meters.counter("s3", resource, "bytes_in").value += bytes_in
    if bytes_out and operation not in _S3_FREE_OF_BODY:
        meters.counter("s3", resource, "bytes_out").value += bytes_out


def sqs_requests(payload_bytes: int) -> int:
    """The billed requests of one call: a batch is one payload, and so is what a receive brings."""
    return max(-(-payload_bytes // SQS_CHUNK_BYTES), 1)


def count_sqs(meters: Meters, queue: str, payload_bytes: int) -> None:
    """Count one call."""
    meters.counter("sqs", queue, "requests").value += sqs_requests(payload_bytes)


def count_log_events(meters: Meters, group: str, events: int, message_bytes: int) -> None:
    """Count events ingested into a log group."""
    ingested = message_bytes + events * LOG_EVENT_OVERHEAD_BYTES
    meters.counter("logs", group, "ingested_bytes").value += ingested


def count_ssm(meters: Meters) -> None:
    """Count one call of Parameter Store."""
    meters.counter("ssm", PARAMETERS, "requests").value += 1


def count_control(meters: Meters, service: str) -> None:
    """Count a call of a service that is told apart by nothing but its name."""
    meters.counter(service, "", "requests").value += 1
