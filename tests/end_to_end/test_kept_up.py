"""`launchday up`, and who works against it: boto3, the AWS CLI, plain Locust, a rehearsal; and `down`."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.product import LATE, LAUNCHDAY, TINY, Product, copy_of, one_sentence, wait_until

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[2]
SCRIPT = """
import json, subprocess, urllib.request
import boto3

status = json.loads(subprocess.check_output(["launchday", "status", "--json"]))
session = boto3.Session(status["access_key_id"], status["secret_access_key"], region_name=status["region"])
one, each = status["endpoint_url"], status["endpoints"]
outputs = status["outputs"]
found = {}
for how, url in (("one", lambda name: one), ("each", lambda name: each.get(name, one))):
    client = lambda name: session.client(name, endpoint_url=url(name))
    client("kinesis").put_record(StreamName=outputs["events"]["stream"], PartitionKey="d", Data=b"\\0")
    client("dynamodb").put_item(
        TableName=outputs["devices"]["table"], Item={"device_key": {"S": how}, "n": {"N": "1"}}
    )
    client("s3").put_object(Bucket=outputs["archive"]["bucket"], Key=f"mine/{how}", Body=b"content")
    found[how] = {
        "stream": client("kinesis").describe_stream_summary(StreamName=outputs["events"]["stream"])[
            "StreamDescriptionSummary"]["StreamStatus"],
        "item": client("dynamodb").get_item(
            TableName=outputs["devices"]["table"], Key={"device_key": {"S": how}})["Item"]["n"]["N"],
        "object": client("s3").get_object(
            Bucket=outputs["archive"]["bucket"], Key=f"mine/{how}")["Body"].read().decode(),
        "functions": len(client("lambda").list_functions()["Functions"]),
        "apis": len(client("apigateway").get_rest_apis()["items"]),
        "account": client("sts").get_caller_identity()["Account"],
        "parameters": len(
            client("ssm").get_parameters_by_path(Path="/launchday", Recursive=True)["Parameters"]),
        "queues": len(client("sqs").list_queues()["QueueUrls"]),
    }
request = urllib.request.Request(
    outputs["ingest"]["url"] + "/v1/devices",
    json.dumps({"event_id": "mine-1", "device_id": "d"}).encode(),
    {
        "Content-Type": "application/json",
        "Authorization": "Bearer " + outputs["ingest"]["sample_publishable_key"],
    },
)
found["status"] = urllib.request.urlopen(request).status
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def kept(lasting: Product) -> Iterator[dict[str, Any]]:
    """What `status --json` says of a pipeline that is kept up."""
    ended = lasting.run("up", "--port", "0")
    assert ended.code == 0, ended.said
    assert "`launchday status` says how to reach it" in ended.stdout
    yield lasting.run("status", "--json").json
    assert lasting.run("down").code == 0
    lasting.assert_nothing_left()


def test_a_script_with_boto3_works_against_it(lasting: Product, kept: dict[str, Any]) -> None:
    found = lasting.run("-c", SCRIPT, program=sys.executable).json
    assert found["one"] == found["each"]
    assert found["one"]["account"] == "000000000000"
    assert (found["one"]["stream"], found["one"]["item"], found["one"]["object"]) == (
        "ACTIVE",
        "1",
        "content",
    )
    assert (found["one"]["functions"], found["one"]["apis"], found["one"]["queues"]) == (6, 2, 4)
    assert found["one"]["parameters"] > 0
    assert found["status"] == 202


AWS_COMMANDS = [
    ("kinesis list-streams", "StreamNames"),
    ("kinesis describe-stream --stream-name {stream}", "StreamDescription"),
    ("kinesis put-record --stream-name {stream} --partition-key d --data AA==", "SequenceNumber"),
    ("dynamodb scan --table-name {devices} --max-items 2", "Items"),
    ("dynamodb describe-table --table-name {devices}", "Table"),
    ("lambda list-functions", "Functions"),
    ("lambda list-event-source-mappings", "EventSourceMappings"),
    ("apigateway get-rest-apis", "items"),
    ("s3api list-objects-v2 --bucket {bucket} --max-items 1", "RequestCharged"),
    ("sqs get-queue-attributes --queue-url {queue} --attribute-names All", "Attributes"),
    ("ssm get-parameters-by-path --path /launchday --recursive", "Parameters"),
    ("logs describe-log-groups", "logGroups"),
    ("sts get-caller-identity", "Account"),
    ("sns get-topic-attributes --topic-arn {topic}", "Attributes"),
    ("appsync get-graphql-api --api-id {graphql}", "graphqlApi"),
    ("cognito-idp describe-user-pool --user-pool-id {pool}", "UserPool"),
    ("cognito-idp admin-get-user --user-pool-id {pool} --username {user}", "UserAttributes"),
    ("lambda list-event-source-mappings", "EventSourceMappings"),
]


@pytest.mark.parametrize(
    ("command", "member"), AWS_COMMANDS, ids=[text.split(" -")[0] for text, _ in AWS_COMMANDS]
)
def test_the_aws_cli_works_against_it(
    lasting: Product, kept: dict[str, Any], command: str, member: str
) -> None:
    outputs = kept["outputs"]
    words = command.format(
        stream=outputs["events"]["stream"],
        devices=outputs["devices"]["table"],
        bucket=outputs["archive"]["bucket"],
        queue=outputs["events"]["dead_letters_url"],
        topic=outputs["device_events"]["topic_arn"],
        graphql=outputs["live"]["api_id"],
        pool=outputs["live"]["user_pool_id"],
        user=outputs["live"]["sample_user"],
    ).split()
    ended = aws(lasting, kept, *words)
    assert ended.code == 0, ended.said
    assert member in ended.json


def test_the_aws_cli_copies_files(lasting: Product, kept: dict[str, Any]) -> None:
    source, copy = lasting.work / "source", lasting.work / "copy"
    source.write_bytes(os.urandom(9 * 1024 * 1024))  # in parts
    place = f"s3://{kept['outputs']['archive']['bucket']}/cli/source"
    assert aws(lasting, kept, "s3", "cp", str(source), place).code == 0
    assert aws(lasting, kept, "s3", "cp", place, str(copy)).code == 0
    listed = aws(lasting, kept, "s3", "ls", place)
    assert listed.stdout.split()[-2:] == ["9437184", "source"]
    assert copy.read_bytes() == source.read_bytes()


def test_the_aws_cli_invokes_a_function(lasting: Product, kept: dict[str, Any]) -> None:
    answer = lasting.work / "answer.json"
    name = kept["outputs"]["functions"]["processor"]
    ended = aws(
        lasting, kept, "lambda", "invoke", "--function-name", name, "--payload", '{"Records":[]}', str(answer)
    )
    assert ended.code == 0, ended.said
    assert ended.json["StatusCode"] == 200
    assert "FunctionError" not in ended.json, answer.read_text()
    assert json.loads(answer.read_text()) == {"batchItemFailures": []}


def test_the_aws_cli_reads_a_functions_log(lasting: Product, kept: dict[str, Any]) -> None:
    name, answer = kept["outputs"]["functions"]["processor"], lasting.work / "logged.json"
    words = ("--function-name", name, "--payload", '{"Records":[]}', "--log-type", "Tail", str(answer))
    invoked = aws(lasting, kept, "lambda", "invoke", *words)
    assert "REPORT RequestId" in b64decode(invoked.json["LogResult"]).decode()

    def logged() -> bool:
        words = ("--log-group-name", f"/aws/lambda/{name}", "--filter-pattern", "REPORT")
        found = aws(lasting, kept, "logs", "filter-log-events", *words)
        return found.code == 0 and "REPORT RequestId" in "".join(e["message"] for e in found.json["events"])

    wait_until(logged)  # lines are handed to Logs beside the invocation, and the first one makes the group
    streams = aws(lasting, kept, "logs", "describe-log-streams", "--log-group-name", f"/aws/lambda/{name}")
    assert streams.json["logStreams"]


def test_a_dead_part_that_dead_letters_what_it_should_do_is_noticed(
    lasting: Product, kept: dict[str, Any]
) -> None:
    archiver = kept["outputs"]["functions"]["archiver"]
    concurrency = ("--function-name", archiver, "--reserved-concurrent-executions", "0")
    assert aws(lasting, kept, "lambda", "put-function-concurrency", *concurrency).code == 0
    out = lasting.folder / "dead"
    try:
        running = lasting.rehearse(
            *("--port", str(kept["port"]), "--duration", "6s", "--out", out), scenario="every_outcome"
        )
        ended = running.end()
    finally:
        alive = ("lambda", "delete-function-concurrency", "--function-name", archiver)
        assert aws(lasting, kept, *alive).code == 0
    result = json.loads((out / "result.json").read_text())
    if (result["verdict_reason"] or "").startswith(LATE):
        assert ended.code == 4
    else:
        assert (ended.code, result["verdict"]) == (1, "missed"), ended.said
    met = {objective["name"]: objective["met"] for objective in result["objectives"]}
    assert met == {"ledger.missing": True, "ledger.duplicated": True, "ledger.mispredicted": False}
    assert result["ledger"]["archived"] == 0
    assert set(result["ledger"]["predictions"]["differences"]) == {"archived -> dead_lettered"}


def aws(product: Product, kept: dict[str, Any], *words: str) -> Any:
    """The AWS CLI, with nothing but what `status` says."""
    program = LAUNCHDAY.with_name("aws")
    if not program.exists():
        pytest.skip("the AWS CLI (awscli) is not installed beside Launchday")
    return product.run(
        *("--endpoint-url", kept["endpoint_url"], "--region", kept["region"], "--output", "json"),
        *words,
        program=program,
        environment={
            "AWS_ACCESS_KEY_ID": kept["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": kept["secret_access_key"],
            "AWS_PAGER": "",
        },
    )


def test_plain_locust_loads_it(lasting: Product, kept: dict[str, Any]) -> None:
    ended = lasting.run(
        *("-f", REPOSITORY / "scenarios" / "mass_registration.py", "--headless", "-t", "5s", "--json"),
        *("--rate", "40", "--duration", "60"),
        program=LAUNCHDAY.with_name("locust"),
    )
    assert ended.code == 0 or LATE in ended.stderr, ended.stderr
    rows = {f"{row['method']} {row['name']}": row for row in ended.json}
    assert rows["POST /v1/devices"]["num_requests"] > 0
    assert sum(row["num_failures"] for row in rows.values()) == 0
    assert "Traceback" not in ended.stderr


def test_plain_locust_says_when_nothing_is_up(product: Product) -> None:
    ended = product.run(
        *("-f", REPOSITORY / "scenarios" / "mass_registration.py", "--headless", "-t", "5s"),
        program=LAUNCHDAY.with_name("locust"),
    )
    assert ended.code == 2
    assert "There is nothing to load. Start it with `launchday up`" in ended.said
    assert "Traceback" not in ended.stderr


def test_a_rehearsal_on_its_port_uses_it_and_leaves_it_standing(
    lasting: Product, kept: dict[str, Any]
) -> None:
    running = lasting.rehearse("--port", str(kept["port"]), "--duration", "2s")
    ended = running.end()
    result = lasting.result
    assert ended.code == 0 or result["verdict_reason"].startswith(LATE), ended.said
    assert result["ledger"]["missing"] == 0
    assert lasting.run("status", "--json").json["pid"] == kept["pid"]


def test_what_a_run_leaves_behind_changes_nothing_for_the_next(
    lasting: Product, kept: dict[str, Any]
) -> None:
    for out in ("first", "second"):
        where = ("--port", str(kept["port"]), "--out", lasting.folder / out)
        ended = lasting.rehearse(*where, "--duration", "3s", scenario="every_outcome").end()
        result = json.loads((lasting.folder / out / "result.json").read_text())
        assert ended.code == 0 or result["verdict_reason"].startswith(LATE), ended.said
        assert result["ledger"]["predictions"]["differ"] == 0


def test_a_second_up_is_refused(lasting: Product, kept: dict[str, Any]) -> None:
    ended = lasting.run("up", "--port", "0")
    assert ended.code == 3
    assert (
        f"An embedded AWS stands already, at {kept['endpoint_url']} (process {kept['pid']})."
        in one_sentence(ended)
    )
    assert "launchday down" in one_sentence(ended)
    assert lasting.run("status", "--json").json == kept


def test_up_and_down_again_and_again(product: Product) -> None:
    for _ in range(2):
        assert product.run("up", "--port", "0", "--pipeline", TINY).code == 0
        status = product.run("status", "--json").json
        assert status["pipeline_dir"] == str(TINY)
        assert product.run("down").code == 0
        product.assert_nothing_left()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", status["port"])).close()
        assert product.run("status").code == 3
    ended = product.run("down")
    assert ended.code == 0
    assert "Nothing is up" in ended.stdout


def test_an_up_that_was_killed_is_not_up(product: Product) -> None:
    assert product.run("up", "--port", "0", "--pipeline", TINY).code == 0
    os.kill(product.run("status", "--json").json["pid"], signal.SIGKILL)
    product.assert_no_process_left()
    ended = product.run("status", "--json")
    assert ended.code == 3
    assert one_sentence(ended).startswith("Nothing is up.")
    assert product.run("up", "--port", "0", "--pipeline", TINY).code == 0
    assert product.run("down").code == 0
    product.assert_no_process_left()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": 1}', b"\xff"])
def test_a_damaged_state_file_is_nothing_up(product: Product, content: bytes) -> None:
    (product.folder / "state").mkdir()
    (product.folder / "state" / "standing.json").write_bytes(content)
    assert one_sentence(product.run("status")).startswith("Nothing is up.")


def test_an_up_whose_pipeline_cannot_be_deployed_is_not_left_up(product: Product) -> None:
    broken = copy_of(TINY, product.folder / "broken")
    file = broken / "pipeline.py"
    file.write_text(file.read_text().replace("self.destroy(cloud)\n", "raise ValueError('no plan')\n", 1))
    ended = product.run("up", "--port", "0", "--pipeline", broken)
    assert ended.code == 3
    assert "The pipeline tiny could not be deployed: ValueError: no plan" in one_sentence(ended)
    assert product.run("status").code == 3
    product.assert_nothing_left()


def test_an_up_that_is_interrupted_is_not_left_up(product: Product) -> None:
    slow = copy_of(TINY, product.folder / "slow")
    file = slow / "pipeline.py"
    waiting = "print('deploying', flush=True); import time; time.sleep(60)\n"
    file.write_text(file.read_text().replace("self.destroy(cloud)\n", waiting, 1))
    running = product.start("up", "--port", "0", "--pipeline", slow)
    running.wait_for("deploying")
    running.interrupt()
    assert running.end().code == 130
    assert product.run("status").code == 3
    product.assert_nothing_left()
