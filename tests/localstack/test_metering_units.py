"""What LocalStack serves is counted in the units of the embedded AWS: same requests, same meters."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import sys
from typing import Any

import orjson
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.aws.limits.profiles import FRESH, NONE
from harness.emulator.moto import metering as moto_metering
from harness.emulator.moto.operations import operation_of
from harness.emulator.processes import measure_tree
from harness.emulator.services.apigateway.execution import bytes_out
from harness.emulator.services.base import AwsRequest, AwsResponse, CallContext
from harness.emulator.services.kinesis import KinesisService
from harness.emulator.services.sns.messages import parse_message, publish_requests
from harness.measure.meters import Meters
from tests.emulator.services.coroutines import run
from tests.localstack.served import NOW_MS, Metered, call, response, stage

STREAM_ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/events"
TOPIC = "arn:aws:sns:us-east-1:000000000000:live"
KB = 1024
sizes = st.one_of(
    st.integers(0, 3 * KB), st.sampled_from([25 * KB - 1, 25 * KB, 25 * KB + 1, 64 * KB, 64 * KB + 1])
)
records = st.lists(st.tuples(st.text("abcé", min_size=1, max_size=8), sizes), min_size=1, max_size=6)
names = st.text("abc_", min_size=1, max_size=6)


def units(meters: Meters, service: str, *left_out: str) -> dict[tuple[str, str], float]:
    return {
        (row.resource, row.unit): row.quantity
        for row in meters.usage()
        if row.service == service and row.unit not in left_out
    }


@given(records, st.booleans())
def test_records_are_counted_as_the_embedded_kinesis_counts_them(
    tmp_path_factory: pytest.TempPathFactory, puts: list[tuple[str, int]], limited: bool
) -> None:
    embedded, localstack = Meters(), Metered()
    now_s = [NOW_MS / 1000]
    service = KinesisService(
        meters=embedded,
        limits=FRESH if limited else NONE,
        data_dir=tmp_path_factory.mktemp("kinesis"),
        clock=lambda: now_s[0],
    )
    context = CallContext()

    def ask(operation: str, **members: Any) -> Any:
        answer = run(service.call(operation, orjson.dumps(members), context))
        return orjson.loads(answer) if answer else {}

    ask("CreateStream", StreamName="events", ShardCount=2)
    now_s[0] += 1
    text = [{"PartitionKey": key, "Data": base64.b64encode(bytes(n)).decode()} for key, n in puts]
    blobs = [{"PartitionKey": key, "Data": bytes(n)} for key, n in puts]
    answer = ask("PutRecords", StreamName="events", Records=text)
    localstack.take(call("kinesis", "PutRecords", {"StreamName": "events", "Records": blobs}, answer))
    one = ask("PutRecord", StreamARN=STREAM_ARN, **text[0]) if not limited else None
    if one is not None:
        localstack.take(call("kinesis", "PutRecord", {"StreamARN": STREAM_ARN, **blobs[0]}, one))
    for shard in ("shardId-000000000000", "shardId-000000000001"):
        members = {"StreamName": "events", "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
        given_out = ask("GetShardIterator", **members)
        read = ask("GetRecords", ShardIterator=given_out["ShardIterator"])
        found = [{**each, "Data": base64.b64decode(each["Data"])} for each in read["Records"]]
        localstack.take(
            call("kinesis", "GetShardIterator", members, given_out),
            call("kinesis", "GetRecords", given_out, {**read, "Records": found}),
        )
    by_the_hour = ("provisioned_shard_seconds",)
    assert units(localstack.meters, "kinesis", *by_the_hour) == units(embedded, "kinesis", *by_the_hour)


def test_a_refused_record_is_throttled_and_a_failure_is_nothing() -> None:
    metered = Metered()
    asked = {"StreamName": "events", "PartitionKey": "k", "Data": b"x"}
    metered.take(
        call("kinesis", "PutRecord", asked, status=400, error="ProvisionedThroughputExceededException"),
        call("kinesis", "PutRecord", asked, status=400, error="ResourceNotFoundException"),
        call("kinesis", "PutRecord", asked, status=500, error="InternalFailure"),
    )
    assert metered.used() == {("kinesis", "events", "throttled_records"): 1}


def test_a_stream_is_billed_by_its_shards_and_its_mode_over_time() -> None:
    metered = Metered()
    make = {"StreamName": "events", "ShardCount": 2}
    metered.take(call("kinesis", "CreateStream", make, {}))
    metered.now_ms += 10_000
    assert metered.used() == {("kinesis", "events", "provisioned_shard_seconds"): 20}
    at_ms = NOW_MS + 10_000
    more = {"StreamName": "events", "TargetShardCount": 4}
    metered.take(call("kinesis", "UpdateShardCount", more, {}, at_ms=at_ms))
    metered.now_ms += 1_000
    assert metered.used() == {("kinesis", "events", "provisioned_shard_seconds"): 24}
    mode = {"StreamARN": STREAM_ARN, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}}
    metered.take(call("kinesis", "UpdateStreamMode", mode, {}, at_ms=at_ms + 2_000))
    metered.now_ms += 4_000
    metered.take(call("kinesis", "DeleteStream", {"StreamName": "events"}, {}, at_ms=at_ms + 4_000))
    metered.now_ms += 9_000
    assert metered.used() == {
        ("kinesis", "events", "provisioned_shard_seconds"): 28,
        ("kinesis", "events", "on_demand_stream_seconds"): 2,
    }


def http(method: str, path: str, body: bytes, target: str = "", **headers: str) -> AwsRequest:
    named = {"x-amz-target": target} if target else {}
    return AwsRequest(method, path, "", {**named, **headers}, body, CallContext())


S3_CALLS = [
    ("PUT", "/bucket", "CreateBucket"),
    ("PUT", "/bucket/audit/1", "PutObject"),
    ("GET", "/bucket/audit/1", "GetObject"),
    ("HEAD", "/bucket/audit/1", "HeadObject"),
    ("DELETE", "/bucket/audit/1", "DeleteObject"),
    ("PUT", "/bucket/other", "PutObject"),
    ("HEAD", "/bucket", "HeadBucket"),
]


@given(st.lists(st.tuples(st.sampled_from(S3_CALLS), sizes, sizes, st.sampled_from([200, 204, 404, 500]))))
def test_s3_requests_are_counted_as_the_embedded_s3_counts_them(
    calls: list[tuple[tuple[str, str, str], int, int, int]],
) -> None:
    embedded, localstack = Meters(), Metered()
    for (method, path, operation), bytes_in, bytes_answered, status in calls:
        request = http(method, path, bytes(bytes_in))
        moto_metering.count(
            embedded, operation_of("s3", request), request, AwsResponse(status, bytes(bytes_answered))
        )
        bucket, _, key = path.lstrip("/").partition("/")
        asked = {"Bucket": bucket, "Key": key} if key else {"Bucket": bucket}
        headers = {"content-length": str(bytes_in)}
        localstack.take(
            call(
                "s3",
                operation,
                asked,
                {},
                status=status,
                body=bytes(bytes_answered),
                method=method,
                headers=headers,
            )
        )
    assert units(localstack.meters, "s3") == units(embedded, "s3")


def test_the_framing_of_a_checksummed_upload_is_not_the_objects_size() -> None:
    metered = Metered()
    headers = {"content-length": "90", "x-amz-decoded-content-length": "3"}
    metered.take(call("s3", "PutObject", {"Bucket": "b", "Key": "k"}, {}, method="PUT", headers=headers))
    assert metered.used()["s3", "b/k", "bytes_in"] == 3


@given(st.lists(st.tuples(names, st.text("aé", max_size=4), sizes), min_size=1, max_size=5), st.booleans())
def test_sqs_payloads_are_counted_as_the_embedded_sqs_counts_them(
    messages: list[tuple[str, str, int]], received: bool
) -> None:
    body_member = "Body" if received else "MessageBody"
    entries = [
        {body_member: "b" * n, "MessageAttributes": {name: {"DataType": "String", "StringValue": value}}}
        for name, value, n in messages
    ]
    asked = {"QueueUrl": "http://127.0.0.1/000000000000/queue"}
    answered: dict[str, Any] = {}
    (answered if received else asked)["Messages" if received else "Entries"] = entries
    operation = "ReceiveMessage" if received else "SendMessageBatch"
    embedded, localstack = Meters(), Metered()
    request = http("POST", "/", orjson.dumps(asked), f"AmazonSQS.{operation}")
    moto_metering.count(
        embedded, operation_of("sqs", request), request, AwsResponse(200, orjson.dumps(answered))
    )
    localstack.take(call("sqs", operation, asked, answered))
    assert units(localstack.meters, "sqs") == units(embedded, "sqs")


@given(st.lists(st.text("aé\n", max_size=9), min_size=1, max_size=6), st.integers(0, 3), st.integers(0, 3))
def test_log_events_are_counted_as_the_embedded_logs_count_them(
    messages: list[str], too_old: int, too_new: int
) -> None:
    asked = {
        "logGroupName": "group",
        "logEvents": [{"timestamp": NOW_MS, "message": message} for message in messages],
    }
    refused: dict[str, int] = {}
    if too_old:
        refused["tooOldLogEventEndIndex"] = min(too_old, len(messages))
    if too_new:
        refused["tooNewLogEventStartIndex"] = max(len(messages) - too_new, 0)
    answered = {"rejectedLogEventsInfo": refused} if refused else {}
    embedded, localstack = Meters(), Metered()
    request = http("POST", "/", orjson.dumps(asked), "Logs_20140328.PutLogEvents")
    moto_metering.count(
        embedded, operation_of("logs", request), request, AwsResponse(200, orjson.dumps(answered))
    )
    localstack.take(call("logs", "PutLogEvents", asked, answered))
    assert units(localstack.meters, "logs") == units(embedded, "logs")


@given(st.lists(st.tuples(st.text("aé", min_size=1, max_size=3), sizes), min_size=1, max_size=4), names)
def test_publishes_are_counted_as_the_embedded_sns_counts_them(
    messages: list[tuple[str, int]], attribute: str
) -> None:
    entries = [
        {
            "Id": str(number),
            "Message": text + "m" * n,
            "MessageAttributes": {attribute: {"DataType": "Binary", "BinaryValue": bytes(n % 7 + 1)}},
        }
        for number, (text, n) in enumerate(messages)
    ]
    expected = []
    for entry in entries:
        (value,) = entry["MessageAttributes"].values()
        as_sent = {"DataType": "Binary", "BinaryValue": base64.b64encode(value["BinaryValue"]).decode()}
        given_members = {"Message": entry["Message"], "MessageAttributes": {attribute: as_sent}}
        message = parse_message(given_members, TOPIC, 0.0, signature_version="1", max_bytes=1 << 30)
        expected.append(message.size_bytes)
    metered = Metered()
    for entry in entries:
        metered.take(call("sns", "Publish", {"TopicArn": TOPIC, **entry}, {"MessageId": "m"}))
    taken = {"Successful": [{"Id": entry["Id"]} for entry in entries[1:]]}
    batch = {"TopicArn": TOPIC, "PublishBatchRequestEntries": entries}
    metered.take(call("sns", "PublishBatch", batch, taken))
    requests = sum(map(publish_requests, expected)) + publish_requests(sum(expected[1:]))
    assert units(metered.meters, "sns") == {
        ("live", "publish_requests"): requests,
        ("live", "messages_published"): 2 * len(messages) - 1,
    }


def test_what_sns_delivers_to_queues_functions_and_endpoints_is_the_topics() -> None:
    metered = Metered()
    queue = {"QueueUrl": "http://127.0.0.1/000000000000/q", "MessageBody": "m"}
    by_topic = {"service_principal": "sns", "source_arn": TOPIC}
    dead = {"service_principal": "sns", "source_arn": f"{TOPIC}:0b62"}
    metered.take(
        call("sqs", "SendMessage", queue, {"MessageId": "1"}, own=by_topic),
        call("sqs", "SendMessage", queue, status=400, error="NonExistentQueue", own=by_topic),
        call("sqs", "SendMessageBatch", queue, {"Successful": [{"Id": "1"}]}, own=dead),
        call(
            "lambda", "Invoke", {"FunctionName": "f", "InvocationType": "Event"}, {}, status=202, own=by_topic
        ),
        ["delivery", NOW_MS, "live", "https", 300],
        ["filter", NOW_MS, "live", 1, 0],
        ["filter", NOW_MS, "live", 0, 12],
    )
    assert units(metered.meters, "sns") == {
        ("live", "sqs_attempts"): 2,
        ("live", "sqs_deliveries"): 1,
        ("live", "notifications_redriven"): 1,
        ("live", "lambda_attempts"): 1,
        ("live", "lambda_deliveries"): 1,
        ("live", "http_attempts"): 1,
        ("live", "http_bytes_out"): 300,
        ("live", "notifications_filtered_out"): 1,
        ("live", "body_filter_bytes"): 12,
    }
    assert units(metered.meters, "sqs") == {("q", "requests"): 3}


def test_a_stage_is_counted_under_its_apis_name() -> None:
    metered = Metered()
    headers = {"x-amzn-requestid": "r", "content-type": "application/json"}
    by_the_server = {"Date": "now", "Server": "TwistedWeb", "x-localstack": "true", "Content-Length": "2"}
    metered.take(call("apigateway", "CreateRestApi", {"name": "ingest"}, {"id": "AbC1", "name": "ingest"}))
    metered.take(
        stage("abc1", response(200, b"{}", {**headers, **by_the_server})),
        stage("abc1", response(401, b"", {**headers, "x-amzn-errortype": "UnauthorizedException"})),
        stage("abc1", response(403, b"", {**headers, "x-amzn-errortype": "AccessDeniedException"})),
        stage("abc1", response(403, b"", {**headers, "x-amzn-errortype": "ForbiddenException"})),
        stage("abc1", response(429, b"", {**headers, "x-amzn-errortype": "TooManyRequestsException"})),
        stage("abc1", response(502, b"", headers)),
        stage("unknown", response(200, b"", headers)),
    )
    used = metered.used()
    sent = sum(len(name) + len(value) for name, value in headers.items())
    names_of = {
        unit: n for (service, name, unit), n in used.items() if (service, name) == ("apigateway", "ingest")
    }
    assert names_of.pop("bytes_out") > bytes_out(2, 2, sent)
    assert names_of == {
        "requests": 6,
        "unauthorized": 2,
        "throttled": 1,
        "client_errors": 1,
        "server_errors": 1,
    }
    assert used["apigateway", "unknown", "bytes_out"] == bytes_out(0, 2, sent)
    assert used["apigateway", "", "requests"] == 1


def test_what_this_process_serves_is_not_metered_twice() -> None:
    put = call("dynamodb", "PutItem", {"TableName": "devices"}, {}, headers={"X-Amzn-Trace-Id": "Root=1-a"})
    here = Metered(here=("dynamodb", "dynamodbstreams"))
    here.take(put)
    assert here.used() == {}
    assert here.meters.take_calls() == []


def test_what_cannot_be_metered_is_unknown_and_never_nothing() -> None:
    metered = Metered()
    metered.take(
        call("dynamodb", "PutItem", {"TableName": "devices"}, {}),
        call("lambda", "Invoke", {"FunctionName": "f"}, {}),
    )
    assert metered.used() == {
        ("dynamodb", "", "unmetered_requests"): 1,
        ("lambda", "f", "unmetered_invocations"): 1,
    }


def test_calls_of_functions_are_told_by_their_trace_and_those_of_localstack_are_not() -> None:
    traced = {"X-Amzn-Trace-Id": "Self=2; Root=1-a;Parent=b;Sampled=0"}
    arn = "arn:aws:lambda:us-east-1:000000000000:function:archiver:live"
    metered = Metered(here=("lambda",))
    metered.take(
        call("s3", "PutObject", {"Bucket": "b", "Key": "audit/1"}, {}, method="PUT", headers=traced),
        call("lambda", "Invoke", {"FunctionName": arn, "InvocationType": "Event"}, {}, headers=traced),
        call("lambda", "Invoke", {"FunctionName": "archiver"}, {}, headers=traced),
        call("kinesis", "PutRecord", {"StreamName": "s"}, status=400, headers=traced, own={}),
    )
    assert sorted(metered.meters.take_calls()) == [
        ("1-a", "lambda", "Invoke", "archiver", 1),
        ("1-a", "lambda", "Invoke:RequestResponse", "archiver", 1),
        ("1-a", "s3", "PutObject", "b/audit", 1),
    ]


def test_a_large_asynchronous_event_is_more_than_one_request() -> None:
    """The companion, which runs the function, counts the first."""
    metered = Metered(here=("lambda",))
    for kind, size in (("Event", 256 * KB), ("Event", 256 * KB + 65 * KB), ("RequestResponse", 999 * KB)):
        headers = {"content-length": str(size)}
        asked = {"FunctionName": "f", "InvocationType": kind}
        metered.take(call("lambda", "Invoke", asked, {}, status=202, headers=headers))
    assert metered.used() == {("lambda", "f", "requests"): 2}


def test_a_throttled_invocation_is_the_functions() -> None:
    metered = Metered(here=("lambda",))
    refused = {"status": 429, "error": "TooManyRequestsException"}
    metered.take(call("lambda", "Invoke", {"FunctionName": "f"}, None, **refused))
    assert metered.used() == {("lambda", "f", "throttles"): 1}


def test_localstacks_own_housekeeping_is_on_nobodys_bill() -> None:
    metered = Metered()
    metered.take(
        call("sqs", "GetQueueUrl", {"QueueName": "q"}, {}, own={}),
        call(
            "s3",
            "PutObject",
            {"Bucket": "awslambda-us-east-1-tasks", "Key": "code"},
            {},
            method="PUT",
            own={},
        ),
        call("apigateway", "CreateRestApi", {}, {"id": "a", "name": "a"}, own={}),
    )
    assert metered.used() == {}


def test_a_batch_counts_once_and_what_is_no_row_is_lost() -> None:
    metered = Metered()
    row = call("ssm", "GetParameter", {}, {})
    batch = {"source": "one", "number": 1, "rows": [row, ["call", 1], ["unheard of"]]}
    metered.intake.take(batch)
    metered.intake.take(batch)
    assert metered.used() == {("ssm", "parameters", "requests"): 1}
    assert metered.intake.lost == 2
    metered.lost = 5
    assert asyncio.run(metered.intake.look()) == []
    assert metered.intake.lost == 7


def test_requests_that_went_to_a_process_before_this_one_are_missed() -> None:
    metered = Metered()
    metered.posted_before = 3
    assert asyncio.run(metered.intake.look()) == [
        "LocalStack posted requests that this process never saw: it was started again."
    ]


def test_a_process_of_another_machine_or_container_is_not_taken_for_one_of_this() -> None:
    metered = Metered()
    asyncio.run(metered.intake.look())
    assert metered.intake.pid == 1
    metered.process_space += " elsewhere"
    asyncio.run(metered.intake.look())
    assert metered.intake.pid is None


def test_localstack_is_measured_with_all_that_it_started() -> None:
    asleep = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        measured = measure_tree("localstack", os.getpid())
        own = psutil.Process(asleep.pid).memory_info().rss
        assert measured is not None
        assert measured.rss_bytes > psutil.Process().memory_info().rss * 0.9 + own * 0.5
    finally:
        asleep.communicate()
    assert measure_tree("localstack", asleep.pid) is None
