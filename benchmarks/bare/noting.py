"""What noting a request takes, in LocalStack's Python: for `benchmarks/localstack_metering.py`.

Prints, by kind of request, the CPU time in microseconds of noting it where LocalStack serves it, and of
writing it into a batch in the background."""

import json
import time
from typing import Any

from localstack.aws.api import RequestContext
from localstack.aws.spec import load_service
from rolo import Request, Response

from launchday_localstack.metering.handler import RequestNotes
from launchday_localstack.metering.recorder import Recorder

ROUNDS = 3_000
HEADERS = {
    "host": "127.0.0.1:4566",
    "content-type": "application/x-amz-json-1.1",
    "content-length": "420",
    "x-amzn-trace-id": "Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=0",
    "authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/kinesis/aws4_request",
}
RESULT = {"ShardId": "shardId-000000000000", "SequenceNumber": "4" * 56}
RECORD = {"PartitionKey": "0123456789", "Data": b"x" * 300}


def served(service: str, operation: str, asked: Any, answered: Any, path: str = "/") -> Any:
    context = RequestContext(Request("POST", path, headers=HEADERS, body=b"{}"))
    if service:
        context.service = load_service(service)
        context.operation = context.service.operation_model(operation)
    context.service_request, context.service_response = asked, answered
    return context


MANY = {"StreamName": "events", "Records": [RECORD] * 100}
CASES = {
    "stage": served("", "", None, None, "/_aws/execute-api/abcdef/v1/devices"),
    "PutRecord": served("kinesis", "PutRecord", {"StreamName": "events", **RECORD}, RESULT),
    "PutRecords of 100": served(
        "kinesis",
        "PutRecords",
        MANY,
        {"Records": [RESULT] * 100},
    ),
}


def measure(context: Any) -> dict[str, float]:
    recorder = Recorder(lambda _batch: None, capacity=ROUNDS + 1)
    notes = RequestNotes(recorder)
    answer = Response(json.dumps(RESULT), 200, {"x-amzn-requestid": "r", "content-type": "application/json"})
    notes(None, context, answer)
    since_s = time.thread_time()
    for _ in range(ROUNDS):
        notes(None, context, answer)
    noted_s = time.thread_time()
    recorder.flush()
    written_s = time.thread_time()
    assert recorder.lost == 0
    return {
        "note_us": (noted_s - since_s) / ROUNDS * 1e6,
        "write_us": (written_s - noted_s) / ROUNDS * 1e6,
    }


print(json.dumps({name: measure(context) for name, context in CASES.items()}))
