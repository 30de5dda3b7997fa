"""The embedded AWS as processes: started, used through boto3, killed in parts, stopped."""

from __future__ import annotations

import http.client
import io
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from harness.aws.limits.profiles import ESTABLISHED
from harness.emulator import standing
from harness.emulator.launch import EmbeddedAws
from harness.errors import PortInUse, TargetError, TargetLost
from harness.targets.embedded import EmbeddedObserver, EmbeddedTarget, StandingEmbeddedTarget
from harness.targets.local import local_cloud

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    folder = tmp_path_factory.mktemp("embedded")
    with EmbeddedAws(port=0, data_dir=folder, limits=ESTABLISHED) as running:
        yield running


@pytest.fixture
def own(tmp_path: Path) -> Iterator[EmbeddedAws]:
    """One that a test may break."""
    running = EmbeddedAws(port=0, data_dir=tmp_path / "data", limits=ESTABLISHED)
    running.start()
    yield running
    running.stop()


def client(aws: EmbeddedAws, service: str, *, direct: bool = True) -> Any:
    endpoints = aws.endpoints if direct else {"": aws.endpoints[""]}
    return local_cloud(endpoints).client(service, retries={"max_attempts": 1})


def get(aws: EmbeddedAws, path: str) -> dict[str, Any]:
    with urllib.request.urlopen(aws.endpoints[""] + path, timeout=20) as answer:
        parsed: dict[str, Any] = json.load(answer)
        return parsed


def usage(aws: EmbeddedAws) -> dict[tuple[str, str, str], float]:
    rows = get(aws, "/_launchday/observation")["usage"]
    return {(service, resource, unit): quantity for service, resource, unit, quantity in rows}


def pids(aws: EmbeddedAws) -> dict[str, int]:
    rows = get(aws, "/_launchday/observation")["processes"]
    return {row["name"]: row["pid"] for row in rows if row["name"] != "functions"}


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for another process to come to `true`; there is no clock to jump across processes."""
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, f"not within 30 s: {what}"
        time.sleep(0.05)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize("direct", [False, True], ids=["through the edge", "straight to the owner"])
def test_s3_keeps_objects_whatever_their_key_and_size(aws: EmbeddedAws, direct: bool) -> None:
    s3, bucket = client(aws, "s3", direct=direct), f"bucket-{direct}".lower()
    s3.create_bucket(Bucket=bucket)
    key, large = "audit/x y/é+1%2F.txt", os.urandom(9_000_000)
    s3.put_object(Bucket=bucket, Key=key, Body=b"hello", Metadata={"my_key": "1"}, ContentEncoding="gzip")
    s3.upload_fileobj(io.BytesIO(large), bucket, "large/1")
    found = s3.get_object(Bucket=bucket, Key=key)
    assert (found["Body"].read(), found["Metadata"]) == (b"hello", {"my_key": "1"})
    assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == 5
    assert s3.get_object(Bucket=bucket, Key="large/1")["Body"].read() == large
    assert s3.get_object(Bucket=bucket, Key="large/1", Range="bytes=5-9")["Body"].read() == large[5:10]
    assert [row["Key"] for row in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key, "large/1"]
    signed = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "large/1"})
    assert urllib.request.urlopen(signed).read() == large
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket=bucket, Key="none")
    assert usage(aws)[("s3", f"{bucket}/audit", "put_requests")] == 1
    assert usage(aws)[("s3", f"{bucket}/audit", "bytes_in")] == 5


def test_a_bucket_is_found_by_its_host_name(aws: EmbeddedAws) -> None:
    s3 = client(aws, "s3")
    s3.create_bucket(Bucket="by-host")
    s3.put_object(Bucket="by-host", Key="a/b", Body=b"1")
    port = int(aws.endpoints[""].rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port)
    scope = "Credential=test/20260401/us-east-1/s3/aws4_request"
    headers = {
        "Host": "by-host.s3.us-east-1.amazonaws.com",
        "Authorization": f"AWS4-HMAC-SHA256 {scope}, S=0",
    }
    connection.request("GET", "/a/b", headers=headers)
    assert connection.getresponse().read() == b"1"


def test_object_bodies_are_on_disk(aws: EmbeddedAws) -> None:
    s3 = client(aws, "s3")
    s3.create_bucket(Bucket="on-disk")
    moto = psutil.Process(pids(aws)["moto"])
    files = len(moto.open_files())
    for number in range(50):
        s3.put_object(Bucket="on-disk", Key=f"k/{number}", Body=os.urandom(100_000))
    assert sum(path.stat().st_size for path in (aws.data_dir / "s3").iterdir()) >= 5_000_000
    assert len(moto.open_files()) <= files + 1


def test_the_account_is_the_same_everywhere(aws: EmbeddedAws) -> None:
    assert client(aws, "sts").get_caller_identity()["Account"] == "000000000000"
    queue = client(aws, "sqs").create_queue(QueueName="whose")["QueueUrl"]
    assert queue.endswith("/000000000000/whose")
    topic = client(aws, "sns").create_topic(Name="t")["TopicArn"]
    assert topic == "arn:aws:sns:us-east-1:000000000000:t"
    role = client(aws, "iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    assert role == "arn:aws:iam::000000000000:role/r"


def test_a_queue_through_both_doors_is_one_queue(aws: EmbeddedAws) -> None:
    through, straight = client(aws, "sqs", direct=False), client(aws, "sqs")
    queue = through.create_queue(QueueName="dlq")["QueueUrl"]
    through.send_message(QueueUrl=queue, MessageBody="x" * 70_000)
    gauges = get(aws, "/_launchday/observation")["gauges"]
    assert ["sqs", "dlq", "messages", 1] in gauges
    url = straight.get_queue_url(QueueName="dlq")["QueueUrl"]
    (message,) = straight.receive_message(QueueUrl=url, WaitTimeSeconds=1)["Messages"]
    straight.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    # create 1, send 70 kB 2, get url 1, receive 70 kB 2, delete 1
    assert usage(aws)[("sqs", "dlq", "requests")] == 7


def test_parameters_and_logs(aws: EmbeddedAws) -> None:
    ssm, logs, now_ms = client(aws, "ssm"), client(aws, "logs"), int(time.time() * 1000)
    ssm.put_parameter(Name="/launchday/dev/x", Value="1", Type="String")
    assert ssm.get_parameter(Name="/launchday/dev/x")["Parameter"]["Value"] == "1"
    logs.create_log_group(logGroupName="/g")
    logs.create_log_stream(logGroupName="/g", logStreamName="s")
    for batch in range(5):
        events = [{"timestamp": now_ms + batch, "message": f"{batch}.{n}"} for n in range(5_000)]
        logs.put_log_events(logGroupName="/g", logStreamName="s", logEvents=events)
    kept = logs.get_log_events(logGroupName="/g", logStreamName="s", startFromHead=True, limit=10_000)[
        "events"
    ]
    assert kept[0]["message"] == "1.0"
    assert usage(aws)[("logs", "/g", "ingested_bytes")] > 25_000 * 26


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "names"),
    [
        ("iam", "list_mfa_device_tags", {"SerialNumber": "a" * 12}, "ListMFADeviceTags of iam"),
        (
            "sqs",
            "list_message_move_tasks",
            {"SourceArn": "arn:aws:sqs:us-east-1:0:q"},
            "ListMessageMoveTasks of sqs",
        ),
        ("appflow", "list_flows", {}, "POST /list-flows of appflow"),
        (
            "glacier",
            "get_data_retrieval_policy",
            {"accountId": "-"},
            "GET /-/policies/data-retrieval of glacier",
        ),
        ("kinesis", "describe_limits_of_nothing", {}, ""),
    ],
)
def test_what_is_not_there_says_which_operation(
    aws: EmbeddedAws, service: str, operation: str, arguments: dict[str, Any], names: str
) -> None:
    if not names:
        request = urllib.request.Request(aws.endpoints["kinesis"], data=b"{}", method="POST")
        request.add_header("X-Amz-Target", "Kinesis_20131202.DescribeNothing")
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request)
        assert "DescribeNothing" in caught.value.read().decode()
        return
    with pytest.raises(ClientError) as refused:
        getattr(client(aws, service, direct=False), operation)(**arguments)
    assert refused.value.response["Error"]["Code"] in ("NotImplemented", "501")
    assert f"does not implement {names}." in str(refused.value)


def test_moto_may_not_reach_for_our_services(aws: EmbeddedAws) -> None:
    s3 = client(aws, "s3")
    s3.create_bucket(Bucket="notifies")
    function = "arn:aws:lambda:us-east-1:000000000000:function:f"
    wanted = {
        "LambdaFunctionConfigurations": [{"LambdaFunctionArn": function, "Events": ["s3:ObjectCreated:*"]}]
    }
    with pytest.raises(
        ClientError, match="involves lambda, which the embedded AWS cannot reach from there yet"
    ):
        s3.put_bucket_notification_configuration(Bucket="notifies", NotificationConfiguration=wanted)
    logs = client(aws, "logs")
    logs.create_log_group(logGroupName="/reaches")
    with pytest.raises(ClientError, match="PutSubscriptionFilter involves lambda"):
        logs.put_subscription_filter(
            logGroupName="/reaches", filterName="f", filterPattern="", destinationArn=function
        )


def test_health_and_endpoints(aws: EmbeddedAws) -> None:
    health = get(aws, "/_launchday/health")
    assert (health["status"], health["incidents"], health["pid"]) == ("running", [], aws.pid)
    assert health["processes"] == dict.fromkeys(("edge", "state", "push", "moto"), "running")
    assert get(aws, "/_launchday/endpoints") == aws.endpoints
    services = get(aws, "/_localstack/health")["services"]
    assert {services[name] for name in ("s3", "kinesis", "lambda", "dynamodb", "apigateway")} == {"available"}


def test_every_port_is_guarded(aws: EmbeddedAws) -> None:
    for url in set(aws.endpoints.values()):
        for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
            request = urllib.request.Request(
                url + "/", data=b"{}", headers={**headers, "Content-Type": "text/plain"}
            )
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request)
            assert refused.value.code == 403


def test_every_port_is_on_the_loopback_only(aws: EmbeddedAws) -> None:
    for pid in pids(aws).values():
        for connection in psutil.Process(pid).net_connections(kind="inet"):
            if connection.status == psutil.CONN_LISTEN:
                assert connection.laddr[0] == "127.0.0.1"


def test_reset_empties_every_process(own: EmbeddedAws) -> None:
    client(own, "s3").create_bucket(Bucket="bucket")
    client(own, "kinesis").create_stream(StreamName="s", ShardCount=1)
    attributes = [{"AttributeName": "k", "AttributeType": "S"}]
    client(own, "dynamodb").create_table(
        TableName="table",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=attributes,
        BillingMode="PAY_PER_REQUEST",
    )
    invoke_a_function(own)
    request = urllib.request.Request(own.endpoints[""] + "/moto-api/reset", method="POST")
    assert urllib.request.urlopen(request, timeout=20).read() == b'{"status":"ok"}'
    assert client(own, "lambda").list_functions()["Functions"] == []
    assert client(own, "s3").list_buckets()["Buckets"] == []
    assert client(own, "kinesis").list_streams()["StreamNames"] == []
    assert client(own, "dynamodb").list_tables()["TableNames"] == []


@pytest.mark.parametrize("name", ["edge", "state", "push", "moto"])
def test_a_process_that_is_killed_is_an_incident_and_comes_back(own: EmbeddedAws, name: str) -> None:
    observer = EmbeddedObserver(own.endpoints[""], alive=own.alive)
    assert observer.observe().incidents == []
    victim = pids(own)[name]
    os.kill(victim, signal.SIGKILL)
    until(lambda: bool(own.incidents), "the launcher hears of it")
    assert own.incidents[0].startswith(f"The '{name}' process was killed by SIGKILL; ")
    until(lambda: name in pids(own), "the process answers again")
    assert own.incidents[0] in observer.observe().incidents
    assert pids(own)[name] != victim
    assert get(own, "/_launchday/health")["status"] == "impaired"
    client(own, "s3").create_bucket(Bucket="again")


def invoke_a_function(aws: EmbeddedAws) -> None:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("app.py", "def handler(event, context):\n    return event\n")
    functions = client(aws, "lambda")
    functions.create_function(
        FunctionName="echo",
        Runtime="python3.12",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/r",
        Code={"ZipFile": package.getvalue()},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="echo")
    answer = functions.invoke(FunctionName="echo", Payload=b'{"a": 1}')
    assert json.load(answer["Payload"]) == {"a": 1}


def test_functions_end_with_an_edge_that_is_killed(own: EmbeddedAws) -> None:
    invoke_a_function(own)
    rows = get(own, "/_launchday/observation")["processes"]
    assert next(row["rss_bytes"] for row in rows if row["name"] == "functions") > 0
    edge = psutil.Process(pids(own)["edge"])
    functions = edge.children(recursive=True)
    assert functions
    edge.kill()
    until(lambda: all(gone(process.pid) for process in functions), "every function process ended")


def test_nothing_is_left_when_the_supervisor_is_killed(own: EmbeddedAws) -> None:
    invoke_a_function(own)
    family = psutil.Process(own.pid).children(recursive=True)
    assert len(family) >= 5
    observer = EmbeddedObserver(own.endpoints[""], alive=own.alive)
    observer.observe()
    os.kill(own.pid, signal.SIGKILL)
    until(lambda: all(gone(process.pid) for process in family), "every process ended")
    with pytest.raises(TargetLost):
        observer.observe()


def test_nothing_is_left_when_the_run_that_started_it_is_killed(tmp_path: Path) -> None:
    script = f"""
import pathlib, time
from harness.aws.limits.profiles import FRESH
from harness.emulator.launch import EmbeddedAws
aws = EmbeddedAws(port=0, data_dir=pathlib.Path({str(tmp_path)!r}), limits=FRESH).start()
print(aws.pid, flush=True)
time.sleep(60)
"""
    run = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert run.stdout is not None
    supervisor = psutil.Process(int(run.stdout.readline()))
    family = [supervisor, *supervisor.children(recursive=True)]
    run.kill()
    run.wait()
    until(lambda: all(gone(process.pid) for process in family), "every process ended")


def emulator(*arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "harness.emulator", "--port", "0", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_all_in_order(tmp_path: Path, number: signal.Signals) -> None:
    process = emulator("--data-dir", str(tmp_path))
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["event"] == "ready"
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    assert process.wait(15) == 0
    assert all(gone(child.pid) for child in family)


def test_a_port_in_use_ends_with_exit_code_3_and_who_uses_it(aws: EmbeddedAws, tmp_path: Path) -> None:
    port = aws.endpoints[""].rpartition(":")[2]
    process = emulator("--port", port, "--data-dir", str(tmp_path))
    assert process.stdout is not None
    said = json.loads(process.stdout.read())
    assert process.wait(15) == 3
    assert f"already in use by process {aws.pid} (" in said["message"]
    assert "harness.emulator" in said["message"]
    with pytest.raises(PortInUse, match="already in use"):
        EmbeddedAws(port=int(port), data_dir=tmp_path / "other", limits=ESTABLISHED).start()


def test_a_target_is_there_within_its_block_only(tmp_path: Path) -> None:
    target = EmbeddedTarget(limits=ESTABLISHED, port=0, data_dir=tmp_path)
    with pytest.raises(TargetError, match="not started"):
        target.cloud()
    with target.start(tmp_path / "logs"):
        target.cloud().client("s3").create_bucket(Bucket="bucket")
        observation = target.observer().observe()
        assert ("s3", "bucket", "put_requests", 1) in observation.usage
        assert {process.name for process in observation.processes} == {
            *("supervisor", "edge", "state", "push", "moto", "functions"),
        }
        assert all(process.rss_bytes > 0 for process in observation.processes if process.name != "functions")
        assert (observation.incidents, observation.lost) == ([], 0)
    with pytest.raises(TargetError, match="not started"):
        target.observer()


def test_one_that_stands_is_found_used_and_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAUNCHDAY_STATE_DIR", str(tmp_path / "state"))
    assert standing.find() is None
    started = standing.start(port=0, data_dir=tmp_path / "data", limits=ESTABLISHED)
    try:
        assert standing.find() == started
        assert standing.state_file().stat().st_mode & 0o777 == 0o600  # it may hold keys
        with pytest.raises(TargetError, match="stands already"):
            standing.start(port=0, data_dir=tmp_path / "more", limits=ESTABLISHED)
        with StandingEmbeddedTarget(started).start(tmp_path / "logs") as target:
            assert target.observer().observe().incidents == []
    finally:
        assert standing.stop() == started
    assert standing.find() is None
    assert standing.stop() is None
    assert gone(started.pid)
