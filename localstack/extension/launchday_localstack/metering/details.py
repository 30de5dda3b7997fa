"""What of each AWS call its bill and the backlogs depend on, as an object for JSON.

docs/localstack.md says what becomes of it; harness.emulator.companion.metering reads it. `Detail` functions
get a call that was answered; `answered` is empty when it was refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from launchday_localstack.metering.sizes import (
    Members,
    kinesis_record_bytes,
    log_bytes,
    sns_message_bytes,
    sqs_payload_bytes,
)

Json = dict[str, Any]


class Served(NamedTuple):
    """An AWS call as it was served. `asked` and `answered` are the members of its input and output; the sizes
    are those of the HTTP bodies."""

    service: str
    operation: str
    asked: Members
    answered: Members
    method: str
    bytes_in: int
    bytes_out: int


def _put_record(call: Served) -> Json:
    return {"put": [_put(call.asked, call.answered)]} if call.answered else {}


def _put_records(call: Served) -> Json:
    put, throttled = [], 0
    results = call.answered.get("Records") or ()
    for record, result in zip(call.asked.get("Records") or (), results, strict=False):
        if result.get("SequenceNumber"):
            put.append(_put(record, result))
        else:
            throttled += result.get("ErrorCode") == "ProvisionedThroughputExceededException"
    return {"put": put, "throttled": throttled}


def _put(record: Members, result: Members) -> list[str | int]:
    return [result["ShardId"], result["SequenceNumber"], kinesis_record_bytes(record)]


def _kinesis_get_records(call: Served) -> Json:
    records = call.answered.get("Records") or ()
    return {
        **_read(call),
        "records": len(records),
        "bytes": sum(map(kinesis_record_bytes, records)),
        "last": records[-1]["SequenceNumber"] if records else None,
    }


def _table_get_records(call: Served) -> Json:
    records = call.answered.get("Records") or ()
    last: Any = records[-1]["dynamodb"].get("ApproximateCreationDateTime") if records else None
    at_s = last.timestamp() if hasattr(last, "timestamp") else last
    return {**_read(call), "records": len(records), "last_at_s": at_s}


def _read(call: Served) -> Json:
    return {"iterator": call.asked.get("ShardIterator"), "next": call.answered.get("NextShardIterator")}


def _get_shard_iterator(call: Served) -> Json:
    asked = call.asked
    return {
        "stream": asked.get("StreamArn"),
        "shard": asked.get("ShardId"),
        "type": asked.get("ShardIteratorType"),
        "sequence": asked.get("StartingSequenceNumber") or asked.get("SequenceNumber"),
        "iterator": call.answered.get("ShardIterator"),
    }


def _create_stream(call: Served) -> Json:
    mode = (call.asked.get("StreamModeDetails") or {}).get("StreamMode") or "PROVISIONED"
    return {"mode": mode, "shards": call.asked.get("ShardCount")}


def _update_stream_mode(call: Served) -> Json:
    return {"mode": (call.asked.get("StreamModeDetails") or {}).get("StreamMode")}


def _update_shard_count(call: Served) -> Json:
    return {"shards": call.asked.get("TargetShardCount")}


def _sqs(call: Served) -> Json:
    taken = call.answered.get("Successful")
    sent = len(taken) if taken is not None else int("MessageId" in call.answered)
    return {"bytes": max(sqs_payload_bytes(call.asked), sqs_payload_bytes(call.answered)), "sent": sent}


def _publish(call: Served) -> Json:
    return {"bytes": sns_message_bytes(call.asked), "messages": 1}


def _publish_batch(call: Served) -> Json:
    taken = {each.get("Id") for each in call.answered.get("Successful") or ()}
    entries = [each for each in call.asked.get("PublishBatchRequestEntries") or () if each.get("Id") in taken]
    return {"bytes": sum(map(sns_message_bytes, entries)), "messages": len(entries)}


def _put_log_events(call: Served) -> Json:
    events, size = log_bytes(call.asked, call.answered)
    return {"events": events, "bytes": size}


def _invoke(call: Served) -> Json:
    return {"type": call.asked.get("InvocationType") or "RequestResponse", "bytes": call.bytes_in}


def _mapping(call: Served) -> Json:
    answered = call.answered
    return {
        "uuid": answered.get("UUID"),
        "function": answered.get("FunctionArn"),
        "source": answered.get("EventSourceArn"),
        "window_s": answered.get("MaximumBatchingWindowInSeconds"),
        "position": answered.get("StartingPosition"),
        "state": answered.get("State"),
    }


def _rest_api(call: Served) -> Json:
    return {"id": call.answered.get("id"), "name": call.answered.get("name")}


def _s3(call: Served) -> Json:
    return {"method": call.method, "in": call.bytes_in, "out": call.bytes_out}


DETAILS: Mapping[tuple[str, str], Callable[[Served], Json]] = {
    ("kinesis", "PutRecord"): _put_record,
    ("kinesis", "PutRecords"): _put_records,
    ("kinesis", "GetRecords"): _kinesis_get_records,
    ("kinesis", "GetShardIterator"): _get_shard_iterator,
    ("kinesis", "CreateStream"): _create_stream,
    ("kinesis", "UpdateStreamMode"): _update_stream_mode,
    ("kinesis", "UpdateShardCount"): _update_shard_count,
    ("dynamodbstreams", "GetRecords"): _table_get_records,
    ("dynamodbstreams", "GetShardIterator"): _get_shard_iterator,
    ("sns", "Publish"): _publish,
    ("sns", "PublishBatch"): _publish_batch,
    ("logs", "PutLogEvents"): _put_log_events,
    ("lambda", "Invoke"): _invoke,
    ("lambda", "CreateEventSourceMapping"): _mapping,
    ("lambda", "UpdateEventSourceMapping"): _mapping,
    ("lambda", "DeleteEventSourceMapping"): _mapping,
    ("apigateway", "CreateRestApi"): _rest_api,
    ("apigateway", "ImportRestApi"): _rest_api,
    ("apigateway", "PutRestApi"): _rest_api,
    ("apigateway", "UpdateRestApi"): _rest_api,
}


def detail_of(call: Served) -> Json:
    """What is noted of `call` beside its name and outcome."""
    if call.service == "s3":
        return _s3(call)
    if call.service == "sqs":
        return _sqs(call)
    found = DETAILS.get((call.service, call.operation))
    return found(call) if found else {}


def resource_of(call: Served) -> str:
    """The resource of `call` as the meters name it; empty when it is told by none of its members."""
    asked = call.asked
    if call.service == "s3":
        bucket, key = asked.get("Bucket") or "", asked.get("Key") or ""
        return f"{bucket}/{key.split('/', 1)[0]}" if key else bucket
    if call.service == "kinesis":
        return asked.get("StreamName") or (asked.get("StreamARN") or "").rpartition("/")[2]
    if call.service == "dynamodbstreams":
        return (asked.get("StreamArn") or "").partition(":table/")[2].partition("/")[0]
    if call.service == "sqs":
        url = asked.get("QueueUrl") or asked.get("QueueName") or ""
        return url.rstrip("/").rpartition("/")[2]
    if call.service == "sns":
        return (asked.get("TopicArn") or asked.get("TargetArn") or "").rpartition(":")[2]
    if call.service == "logs":
        return asked.get("logGroupName") or ""
    if call.service == "lambda":
        return function_name(asked.get("FunctionName") or "")
    return ""


def function_name(reference: str) -> str:
    """The function's name: of a name, a name with a qualifier, a partial ARN or an ARN."""
    _, found, rest = reference.partition(":function:")
    return (rest if found else reference).partition(":")[0]
