"""Functions on LocalStack, run by Launchday's executor: boto3 against the whole thing.

Needs a LocalStack (see conftest.py)."""

from __future__ import annotations

import io
import json
import os
import re
import urllib.request
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.localstack.conftest import RunningLocalStack
from tests.localstack.made import ROLE, Functions, zipped
from tests.processes import gone
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("localstack")]


@pytest.fixture
def functions(localstack: RunningLocalStack) -> Functions:
    return Functions(localstack)


def test_a_function_runs_in_a_clean_process_and_its_lines_come_once(functions: Functions) -> None:
    functions.create(
        "plain",
        """
        import boto3, os, sys
        def handler(event, context):
            print("one line")
            buckets = boto3.client("s3").list_buckets()["Buckets"]
            modules = [name for name in ("localstack", "moto", "harness") if name in sys.modules]
            return {"event": event, "environment": dict(os.environ), "path": sys.path, "modules": modules,
                    "id": context.aws_request_id, "buckets": len(buckets), "python": sys.version_info[:2]}
        """,
        Environment={"Variables": {"MINE": "yes"}},
    )
    seen, error, tail = functions.invoke("plain", {"a": "é"})
    assert error is None
    environment = seen["environment"]
    assert seen["event"] == {"a": "é"}
    assert environment["MINE"] == "yes"
    assert environment["AWS_ENDPOINT_URL"] == functions.running.url
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == functions.name("plain")
    assert environment["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert not [name for name in environment if name.startswith(("LAUNCHDAY", "GATEWAY", "LAMBDA_EVENT"))]
    assert not {"LOCALSTACK_RUNTIME_ID", "LOCALSTACK_RUNTIME_ENDPOINT", "HOME"} & environment.keys()
    assert not [entry for entry in seen["path"] if "site-packages" in entry]
    assert seen["modules"] == []
    assert re.search(r"START RequestId: [0-9a-f-]{36} Version: \$LATEST\n", tail)
    assert re.search(r"REPORT RequestId: .*Init Duration: ", tail)
    until(lambda: len(functions.lines("plain")) >= 4, "the lines of one invocation")
    functions.invoke("plain")
    lines = until(lambda: len(found := functions.lines("plain")) >= 8 and found, "the lines of two")
    assert [line.split(" ")[0].strip() for line in lines] == ["START", "one", "END", "REPORT"] * 2
    assert seen["id"] in lines[0]


def test_errors_timeouts_and_crashes_are_the_callers(functions: Functions) -> None:
    functions.create(
        "failing",
        """
        import os, time
        def handler(event, context):
            if event.get("raise"): raise KeyError("no such thing")
            if event.get("sleep"): time.sleep(30)
            if event.get("exit"): os._exit(3)
            if event.get("large"): return "x" * 7_000_000
            return os.getpid()
        """,
        Timeout=1,
    )
    first, error, _ = functions.invoke("failing")
    assert error is None
    failed, error, tail = functions.invoke("failing", {"raise": 1})
    assert (error, failed["errorType"], failed["errorMessage"]) == (
        "Unhandled",
        "KeyError",
        "'no such thing'",
    )
    assert "[ERROR] KeyError" in tail
    assert functions.invoke("failing")[0] == first  # it lives on
    late, error, tail = functions.invoke("failing", {"sleep": 1})
    assert (error, late["errorType"]) == ("Unhandled", "Sandbox.Timedout")
    assert "Task timed out after 1.00 seconds" in late["errorMessage"]
    assert tail.rstrip().endswith("Status: timeout")
    second, error, tail = functions.invoke("failing")
    assert error is None
    assert second != first
    assert "Init Duration" in tail
    crashed, error, _ = functions.invoke("failing", {"exit": 1})
    assert (error, crashed["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert crashed["errorMessage"].endswith("Runtime exited with error: exit status 3")
    large, error, _ = functions.invoke("failing", {"large": 1})
    assert (error, large["errorType"]) == ("Unhandled", "Function.ResponseSizeTooLarge")
    assert functions.invoke("failing")[1] is None


def test_an_initialization_that_fails_is_told_and_logged(functions: Functions) -> None:
    functions.create("broken", "import nowhere")
    answer, error, _ = functions.invoke("broken")
    assert (error, answer["errorType"]) == ("Unhandled", "Runtime.ImportModuleError")
    lines = until(lambda: functions.lines("broken"), "its lines")
    assert [line for line in lines if line.startswith("INIT_REPORT")]


def test_what_cannot_be_run_fails_to_be_created_in_a_sentence(functions: Functions) -> None:
    functions.client.create_function(
        FunctionName=functions.name("node"),
        Runtime="nodejs22.x",
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": zipped("", "app.js")},
    )

    def state() -> Any:
        found = functions.client.get_function_configuration(FunctionName=functions.name("node"))
        return found["State"] != "Pending" and found

    failed = until(state, "the function is pending no more")
    assert failed["State"] == "Failed"
    assert "Functions of the runtime nodejs22.x cannot be run without Docker" in failed["StateReason"]


def test_layers_and_new_code_and_versions(functions: Functions) -> None:
    layer = functions.client.publish_layer_version(
        LayerName=functions.name("shared"),
        Content={"ZipFile": zipped("value = 'from the layer'", "python/shared.py")},
    )
    source = "import shared\ndef handler(event, context): return [shared.value, {}]"
    functions.create("layered", source.format(1), Layers=[layer["LayerVersionArn"]])
    assert functions.invoke("layered")[0] == ["from the layer", 1]
    functions.client.publish_version(FunctionName=functions.name("layered"))
    functions.client.get_waiter("published_version_active").wait(
        FunctionName=functions.name("layered"), Qualifier="1"
    )
    functions.client.update_function_code(
        FunctionName=functions.name("layered"), ZipFile=zipped(source.format(2))
    )
    functions.client.get_waiter("function_updated_v2").wait(
        FunctionName=functions.name("layered"), WaiterConfig={"Delay": 1}
    )
    assert functions.invoke("layered")[0] == ["from the layer", 2]
    assert functions.invoke("layered", Qualifier="1")[0] == ["from the layer", 1]


OLD = """
import pathlib
def handler(event, context):
    if event:
        pathlib.Path(event["begun"]).touch()
        while not pathlib.Path(event["go_on"]).exists():
            pass
    import late
    return late.value
"""


def test_an_update_lets_an_invocation_that_runs_end(functions: Functions, tmp_path: Path) -> None:
    buffer = io.BytesIO(zipped(OLD))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("late.py", "value = 'old'")
    name = functions.create("updated", OLD)
    functions.client.update_function_code(FunctionName=name, ZipFile=buffer.getvalue())
    updated = functions.client.get_waiter("function_updated_v2")
    updated.wait(FunctionName=name, WaiterConfig={"Delay": 1})
    begun, go_on = tmp_path / "begun", tmp_path / "go_on"
    with ThreadPoolExecutor(1) as caller:
        event = {"begun": str(begun), "go_on": str(go_on)}
        running = caller.submit(functions.invoke, "updated", event)
        until(begun.exists, "the invocation runs")
        code = zipped("def handler(event, context): return 'new'")
        functions.client.update_function_code(FunctionName=name, ZipFile=code)
        updated.wait(FunctionName=name, WaiterConfig={"Delay": 1})
        assert functions.invoke("updated")[0] == "new"
        go_on.touch()
        assert running.result()[:2] == ("old", None)


def test_hot_reloaded_code_runs_as_its_folder_has_it(functions: Functions, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def handler(event, context): return 1")
    functions.client.create_function(
        FunctionName=functions.name("hot"),
        Runtime="python3.13",
        Role=ROLE,
        Handler="app.handler",
        Code={"S3Bucket": "hot-reload", "S3Key": str(tmp_path)},
    )
    functions.client.get_waiter("function_active_v2").wait(
        FunctionName=functions.name("hot"), WaiterConfig={"Delay": 1}
    )
    assert functions.invoke("hot")[0] == 1
    (tmp_path / "app.py").write_text("def handler(event, context): return 'two'")
    assert functions.invoke("hot")[0] == "two"


LATER = """
def handler(event, context):
    if event.get("fail"): raise ValueError("no")
    return "done"
"""


def test_an_asynchronous_event_goes_to_its_destination_and_dead_letter_queue(functions: Functions) -> None:
    sqs = functions.running.client("sqs")
    queues = {}
    for name in ("dead", "failed", "succeeded"):
        url = sqs.create_queue(QueueName=functions.name(name))["QueueUrl"]
        queues[name] = (
            url,
            sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"],
        )
    source = (
        "def handler(event, context):\n    if event.get('fail'): raise ValueError('no')\n    return 'done'"
    )
    functions.create("later", source, DeadLetterConfig={"TargetArn": queues["dead"][1]})
    functions.client.put_function_event_invoke_config(
        FunctionName=functions.name("later"),
        MaximumRetryAttempts=0,  # LocalStack waits a minute before the first
        DestinationConfig={
            "OnFailure": {"Destination": queues["failed"][1]},
            "OnSuccess": {"Destination": queues["succeeded"][1]},
        },
    )

    def received(name: str) -> Any:
        answer = sqs.receive_message(
            QueueUrl=queues[name][0], WaitTimeSeconds=1, MessageAttributeNames=["All"]
        )
        return answer.get("Messages")

    for event in ({}, {"fail": 1}):
        answer = functions.client.invoke(
            FunctionName=functions.name("later"), InvocationType="Event", Payload=json.dumps(event)
        )
        assert answer["StatusCode"] == 202
    (success,) = until(lambda: received("succeeded"), "what succeeded is told")
    assert json.loads(success["Body"])["responsePayload"] == "done"
    (failure,) = until(lambda: received("failed"), "what failed is told")
    body = json.loads(failure["Body"])
    assert body["requestContext"]["condition"] == "RetriesExhausted"
    assert body["requestContext"]["approximateInvokeCount"] == 1
    assert body["responsePayload"]["errorType"] == "ValueError"
    (dead,) = until(lambda: received("dead"), "the dead letter")
    assert json.loads(dead["Body"]) == {"fail": 1}


BATCH = """
import base64, json
def handler(event, context):
    failed = []
    for record in event["Records"]:
        if "kinesis" in record:
            value = base64.b64decode(record["kinesis"]["data"]).decode()
            position = record["kinesis"]["sequenceNumber"]
        else:
            value = record["dynamodb"]["Keys"]["id"]["S"]
            position = record["dynamodb"]["SequenceNumber"]
        print("value", value)
        if value == "poison":
            failed.append({"itemIdentifier": position})
            break
    return {"batchItemFailures": failed}
"""


def observed(functions: Functions) -> Any:
    url = functions.running.companion_url + "/_launchday/observation?after="
    with urllib.request.urlopen(url, timeout=20) as answer:
        return json.load(answer)


def values(functions: Functions, name: str) -> list[str]:
    return [line.split()[1] for line in functions.lines(name) if line.startswith("value ")]


def test_a_kinesis_batch_is_retried_from_the_item_that_failed(functions: Functions) -> None:
    kinesis = functions.running.client("kinesis")
    kinesis.create_stream(StreamName=functions.name("events"), ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=functions.name("events"), WaiterConfig={"Delay": 1})
    arn = kinesis.describe_stream_summary(StreamName=functions.name("events"))["StreamDescriptionSummary"][
        "StreamARN"
    ]
    functions.create("stream", BATCH)
    functions.client.create_event_source_mapping(
        FunctionName=functions.name("stream"),
        EventSourceArn=arn,
        StartingPosition="TRIM_HORIZON",
        BatchSize=10,
        MaximumRetryAttempts=1,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    kinesis.put_records(
        StreamName=functions.name("events"),
        Records=[{"Data": each.encode(), "PartitionKey": "k"} for each in ("a", "poison", "b")],
    )
    until(lambda: values(functions, "stream").count("poison") == 2, "the batch is tried twice")
    kinesis.put_record(StreamName=functions.name("events"), Data=b"c", PartitionKey="k")
    seen = until(lambda: "c" in (found := values(functions, "stream")) and found, "the record after it")
    # As on AWS: what is given up is the batch from the failed item on.
    assert seen == ["a", "poison", "poison", "c"]
    seen_by_companion = observed(functions)
    batches = [
        each
        for each in seen_by_companion["invocations"]
        if each["source"] == f"kinesis:{functions.name('events')}"
    ]
    assert [each["records"] for each in batches] == [3, 2, 1]
    assert [gauge[3] >= 0 for gauge in seen_by_companion["gauges"] if gauge[2] == "iterator_age_ms"]


def test_a_tables_stream_reaches_its_function(functions: Functions) -> None:
    dynamodb = functions.running.client("dynamodb")
    table = dynamodb.create_table(
        TableName=functions.name("things"),
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]
    functions.create("changes", BATCH)
    functions.client.create_event_source_mapping(
        FunctionName=functions.name("changes"),
        EventSourceArn=table["LatestStreamArn"],
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=0,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    for name in ("one", "two", "three"):
        dynamodb.put_item(TableName=functions.name("things"), Item={"id": {"S": name}})
    seen = until(lambda: len(found := values(functions, "changes")) >= 3 and found, "three changes")
    assert sorted(seen) == ["one", "three", "two"]


def test_invocations_run_beside_each_other_each_in_an_environment_of_its_own(functions: Functions) -> None:
    functions.create(
        "busy", "import os, time\ndef handler(event, context):\n    time.sleep(1)\n    return os.getpid()"
    )
    with ThreadPoolExecutor(6) as callers:
        pids = [
            pid for pid, error, _ in callers.map(lambda _: functions.invoke("busy"), range(6)) if not error
        ]
    assert len(pids) == 6
    assert len(set(pids)) > 1
    again = [functions.invoke("busy")[0] for _ in range(2)]
    assert set(again) <= set(pids)


def test_reserved_concurrency_throttles(functions: Functions) -> None:
    functions.create("reserved", "def handler(event, context): return 1")
    functions.client.put_function_concurrency(
        FunctionName=functions.name("reserved"), ReservedConcurrentExecutions=0
    )
    with pytest.raises(functions.client.exceptions.TooManyRequestsException):
        functions.invoke("reserved")


def test_provisioned_environments_are_ready_before_they_are_needed(functions: Functions) -> None:
    functions.create("ahead", "import os\ndef handler(event, context): return os.getpid()")
    functions.create("ahead-broken", "import nowhere")
    provision, name = functions.client.put_provisioned_concurrency_config, functions.name

    def status(short: str) -> str | None:
        found = functions.client.get_provisioned_concurrency_config(FunctionName=name(short), Qualifier="1")
        return found["Status"] if found["Status"] != "IN_PROGRESS" else None

    for short in ("ahead", "ahead-broken"):
        functions.client.publish_version(FunctionName=name(short))
        waiter = functions.client.get_waiter("published_version_active")
        waiter.wait(FunctionName=name(short), Qualifier="1", WaiterConfig={"Delay": 1})
        provision(FunctionName=name(short), Qualifier="1", ProvisionedConcurrentExecutions=2)
    assert until(lambda: status("ahead"), "it is provisioned") == "READY"
    assert until(lambda: status("ahead-broken"), "it cannot be provisioned") == "FAILED"
    assert functions.invoke("ahead", Qualifier="1")[1] is None


def test_a_deleted_functions_environments_end(functions: Functions) -> None:
    functions.create("deleted", "import os\ndef handler(event, context): return os.getpid()")
    pid, _, _ = functions.invoke("deleted")
    os.kill(pid, 0)
    functions.client.delete_function(FunctionName=functions.name("deleted"))
    assert gone(pid, within_s=60)
