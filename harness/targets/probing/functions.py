"""Trials of Lambda: invocation, event source mappings, destinations, logs, metrics."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from harness.targets.probing.bench import Bench, CannotDoIt, CannotTell
from harness.targets.probing.function import ProbeFunction
from harness.targets.probing.stores import make_queue, make_stream, make_table
from harness.targets.report_lines import parse_report

_METRIC_S = 6.0
_MAPPED_S = 12.0


def runs(function: ProbeFunction) -> str:
    """A function that echoes."""
    return f"Python {function.runs().get('python', '')} ran"


def sdk(function: ProbeFunction) -> str:
    """What AWS puts into its Python runtimes."""
    found = function.runs().get("sdk")
    if not found:
        raise CannotDoIt("a function cannot import botocore, which AWS's runtimes have")
    return str(found)


def boto3(function: ProbeFunction) -> str:
    """What AWS puts there, too."""
    found = function.runs().get("boto3")
    if not found:
        raise CannotDoIt("a function cannot import boto3, which AWS's runtimes have")
    return f"boto3 {found}"


def logs(bench: Bench, function: ProbeFunction) -> str:
    """A REPORT line of an invocation."""
    function.runs()

    def report() -> Any:
        return next((found for found in map(parse_report, function.log()) if found is not None), None)

    found = bench.until(report, "CloudWatch Logs shows no REPORT line")
    return f"REPORT says {found.wall_ms} ms, billed {found.billed_ms} ms"


def metrics(bench: Bench, function: ProbeFunction) -> str:
    """AWS/Lambda Invocations."""
    function.runs()
    now = dt.datetime.now(dt.UTC)

    def counted() -> Any:
        answer = bench.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="Invocations",
            Dimensions=[{"Name": "FunctionName", "Value": function.name}],
            StartTime=now - dt.timedelta(minutes=5),
            EndTime=now + dt.timedelta(minutes=5),
            Period=60,
            Statistics=["Sum"],
        )
        return sum(point["Sum"] for point in answer["Datapoints"]) or None

    try:
        found = bench.until(counted, "", _METRIC_S)
    except CannotDoIt:
        raise CannotTell(f"CloudWatch had no invocation to tell of within {_METRIC_S:.0f} s") from None
    return f"CloudWatch counted {found:.0f} invocations"


def failed_asynchronously(bench: Bench, function: ProbeFunction) -> str:
    """An invocation that fails, without retries, to a queue."""
    function.runs()
    client, (url, arn) = bench.client("lambda"), make_queue(bench, "failed")
    client.put_function_event_invoke_config(
        FunctionName=function.name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    client.invoke(FunctionName=function.name, InvocationType="Event", Payload=b'{"fail": true}')

    def letter() -> Any:
        return bench.client("sqs").receive_message(QueueUrl=url).get("Messages")

    body = json.loads(bench.until(letter, "what failed did not come to its destination")[0]["Body"])
    if body.get("requestPayload") != {"fail": True}:
        raise CannotDoIt("what came to the destination does not hold the request that failed")
    return "what failed came to its destination"


def kinesis_mapping(bench: Bench, function: ProbeFunction) -> str:
    """A record of a stream."""
    arn, mark = make_stream(bench, "mapped"), f"record-{bench.token}"
    function.map_to(arn)
    bench.client("kinesis").put_record(StreamName=bench.name("mapped"), PartitionKey="k", Data=mark.encode())
    bench.until(lambda: function.told(mark), "a record was not handed to the function", _MAPPED_S)
    return "a record was handed to the function"


def dynamodb_mapping(bench: Bench, function: ProbeFunction) -> str:
    """A change of a table."""
    table, mark = make_table(bench, "mapped", stream=True), f"item-{bench.token}"
    arn = table.get("LatestStreamArn")
    if not arn:
        raise CannotDoIt("a table with a stream has no stream")
    function.map_to(arn)
    bench.client("dynamodb").put_item(TableName=table["TableName"], Item={"id": {"S": mark}})
    bench.until(lambda: function.told(mark), "a change was not handed to the function", _MAPPED_S)
    return "a change was handed to the function"
