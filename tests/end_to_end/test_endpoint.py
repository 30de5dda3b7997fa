"""`--target endpoint`: the same rehearsal on an AWS that is treated as somebody else's, and on some that lack
something.

MiniStack is tried where LAUNCHDAY_MINISTACK names a Python that has it installed."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from harness.measure.run_folder import RunFolder
from harness.targets.probing.bench import PREFIX
from tests.end_to_end.product import (
    LATE,
    STEADY,
    TINY,
    Ended,
    Product,
    checked,
    one_sentence,
    wait_until,
)

pytestmark = pytest.mark.slow

OUTCOMES = ("accepted", "registered", "archived", "discarded", "dead_lettered", "missing", "duplicated")
MINISTACK = os.environ.get("LAUNCHDAY_MINISTACK")


@pytest.fixture(scope="module")
def endpoint_url(lasting: Product) -> str:
    """An embedded AWS that stands, of which the runs are told its address alone."""
    assert lasting.run("up", "--port", "0").code == 0
    return str(lasting.run("status", "--json").json["endpoint_url"])


@pytest.fixture(scope="module")
def foreign(lasting: Product, endpoint_url: str) -> tuple[Ended, dict[str, Any]]:
    """A run of `every_outcome` there."""
    out = lasting.folder / "foreign"
    ended = lasting.run("run", "every_outcome", "--out", out, *_at(endpoint_url), within_s=240)
    return ended, checked(RunFolder.open(out).result() or {})


def _at(url: str) -> tuple[str, ...]:
    return "--target", "endpoint", "--endpoint-url", url


def test_the_ledger_is_that_of_the_embedded_target(
    lasting: Product, foreign: tuple[Ended, dict[str, Any]]
) -> None:
    ours = lasting.rehearse(scenario="every_outcome").end(within_s=240)
    assert ours.code in (0, 4), ours.said
    ledger, of_ours = foreign[1]["ledger"], lasting.result["ledger"]
    assert {name: ledger[name] for name in OUTCOMES} == {name: of_ours[name] for name in OUTCOMES}
    assert ledger["predictions"]["differ"] == 0


def test_it_is_judged_by_what_is_seen(foreign: tuple[Ended, dict[str, Any]]) -> None:
    ended, result = foreign
    if not (result["verdict_reason"] or "").startswith(LATE):
        assert (ended.code, result["verdict"]) == (0, "met"), ended.said
    assert (result["target"], result["limits"]) == ("endpoint", "its own")
    assert (result["ledger"]["drained"], result["ledger"]["drained_by"]) == (True, "evidence")


def test_what_nobody_counts_is_unknown(foreign: tuple[Ended, dict[str, Any]]) -> None:
    cost = foreign[1]["cost"]
    assert {line["service"] for line in cost["lines"]} == {"lambda"}
    assert {line["basis"] for line in cost["lines"]} == {"metered", "assumed"}
    assert (cost["total"], cost["per_month"]) == (None, None)
    assert "kinesis" in cost["total_reason"]
    assert {"backlog", "usage.kinesis"} <= foreign[1]["unseen"].keys()
    assert "usage.lambda" not in foreign[1]["unseen"]


def test_what_the_target_can_do_is_said_before_the_load_and_kept(
    lasting: Product, foreign: tuple[Ended, dict[str, Any]]
) -> None:
    ended = foreign[0]
    before = ended.stderr[: ended.stderr.index("deploy: ")]
    assert "apigateway.mapping" in before
    probes = RunFolder.open(lasting.folder / "foreign").environment()["probes"]
    found = {each["name"]: each["can"] for each in probes["found"]}
    assert [name for name, can in found.items() if can is False] == []
    assert probes["left_behind"] == []


def test_the_trials_leave_nothing_behind(endpoint_url: str, foreign: tuple[Ended, dict[str, Any]]) -> None:
    assert foreign
    assert remains(endpoint_url) == []


def test_objectives_that_cannot_be_judged_are_said_and_do_not_pass(
    lasting: Product, endpoint_url: str
) -> None:
    out = lasting.folder / "unjudged"
    asked = ("--objective", "cost.total<$5", "--duration", "4s", "--out", out)
    ended = lasting.run("run", "every_outcome", *asked, *_at(endpoint_url), within_s=240)
    result = checked(RunFolder.open(out).result() or {})
    assert ended.code == 4
    assert ended.stderr.index("cost.total<5: the usage of") < ended.stderr.index("deploy: ")
    (cost,) = [each for each in result["objectives"] if each["name"] == "cost.total"]
    assert (cost["met"], cost["actual"]) == (None, None)
    assert "nobody meters it" in cost["reason"]


@contextlib.contextmanager
def serving(command: list[str], port: int, environment: dict[str, str], log: Path) -> Iterator[str]:
    """Somebody else's server, on loopback, for the time of a `with` block: its URL."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:

        def answers() -> bool:
            assert process.poll() is None, log.read_text()[-500:]
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
            return False

        wait_until(answers)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def remains(url: str) -> list[str]:
    """What of the trials' own still stands."""

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    names = [
        *(each["Name"] for each in client("s3").list_buckets()["Buckets"]),
        *client("dynamodb").list_tables()["TableNames"],
        *client("kinesis").list_streams()["StreamNames"],
        *(each.rpartition("/")[2] for each in client("sqs").list_queues().get("QueueUrls", ())),
        *(each["FunctionName"] for each in client("lambda").list_functions()["Functions"]),
        *(each["name"] for each in client("apigateway").get_rest_apis()["items"]),
        *(each["RoleName"] for each in client("iam").list_roles()["Roles"]),
        *(each["TopicArn"].rpartition(":")[2] for each in client("sns").list_topics()["Topics"]),
        *(each["Name"] for each in client("cognito-idp").list_user_pools(MaxResults=60)["UserPools"]),
        *(each["name"] for each in client("appsync").list_graphql_apis()["graphqlApis"]),
        *(
            each["logGroupName"].rpartition("/")[2]
            for each in client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
        ),
    ]
    return sorted(name for name in names if name.startswith(PREFIX))


def refused(product: Product, url: str) -> tuple[Ended, dict[str, Any], dict[str, bool | None]]:
    """A run that does not start; what the trials found; and that nothing was deployed or left."""
    ended = product.run("run", "every_outcome", "--out", product.out, *_at(url), within_s=180)
    assert ended.code == 3, ended.said
    assert "deploy:" not in ended.stderr
    folder = RunFolder.open(product.out)
    found = {each["name"]: each["can"] for each in folder.environment()["probes"]["found"]}
    assert remains(url) == []
    return ended, folder.result() or {}, found


def test_motos_server_is_refused_before_anything_is_deployed(product: Product, tmp_path: Path) -> None:
    port = free_port()
    server = str(Path(sys.executable).with_name("moto_server"))
    command = [server, "-H", "127.0.0.1", "-p", str(port)]
    with serving(command, port, dict(os.environ), tmp_path / "moto.log") as url:
        ended, result, found = refused(product, url)
        assert [found[name] for name in ("s3", "kinesis", "cognito")] == [True] * 3
        assert found["apigateway.mapping"] is False
        assert found["kinesis.mapping"] is False
        assert "which lacks" in result["error"]
        assert "apigateway.mapping for the devices' entrance" in result["error"]
        doctor = product.run("doctor", *_at(url), "--json", within_s=120)
        assert doctor.code == 3
        assert "apigateway.mapping" in doctor.json["lacking"]
        assert "cost.total" in doctor.json["not_judged"]
        assert "Traceback" not in ended.stderr


@contextlib.contextmanager
def ministack(folder: Path) -> Iterator[str]:
    """MiniStack, for the time of a `with` block: its URL."""
    port = free_port()
    environment = {
        **os.environ,
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "TMPDIR": str(folder),
        "PATH": f"{Path(str(MINISTACK)).parent}{os.pathsep}{os.environ['PATH']}",
    }
    with serving([str(MINISTACK), "-m", "ministack"], port, environment, folder / "ms.log") as url:
        yield url


@pytest.mark.skipif(MINISTACK is None, reason="LAUNCHDAY_MINISTACK names no Python that has MiniStack")
def test_ministack_is_refused_for_what_it_lacks(product: Product, tmp_path: Path) -> None:
    with ministack(tmp_path) as url:
        _, result, found = refused(product, url)
        there = ("lambda", "kinesis.mapping", "dynamodb.mapping", "logs", "sns.http")
        assert [found[name] for name in there] == [True] * len(there)
        assert found["apigateway.mapping"] is False  # of AWS's services it calls none but SQS
        assert "apigateway.mapping for the devices' entrance" in result["error"]


@pytest.mark.skipif(MINISTACK is None, reason="LAUNCHDAY_MINISTACK names no Python that has MiniStack")
def test_a_product_of_ones_own_is_rehearsed_on_ministack(product: Product, tmp_path: Path) -> None:
    """A stream with a function behind it, which needs boto3 beside MiniStack."""
    with ministack(tmp_path) as url:
        where = ("--pipeline", TINY, "--take-down", "--out", product.out, *_at(url))
        ended = product.run("run", STEADY, *where, within_s=180)
        result = product.result
        assert result["ledger"]["registered"] == result["ledger"]["accepted"] > 0, ended.said
        assert (result["ledger"]["missing"], result["ledger"]["drained_by"]) == (0, "evidence")
        assert [each["function"] for each in result["lambda_duration"]] == ["tiny"]
        assert remains(url) == []


def test_what_does_not_answer_is_one_sentence(product: Product) -> None:
    ended = product.run("doctor", *_at(f"http://127.0.0.1:{free_port()}"))
    assert ended.code == 3
    assert one_sentence(ended).startswith("No AWS answers at")


def test_one_that_goes_away_during_a_run_is_a_lost_target(product: Product) -> None:
    assert product.run("up", "--pipeline", TINY, "--port", "0").code == 0
    url = str(product.run("status", "--json").json["endpoint_url"])
    where = ("--pipeline", TINY, "--out", product.out, *_at(url))
    running = product.start("run", STEADY, "--duration", "40s", *where)
    running.wait_for("load: ")
    assert product.run("down").code == 0
    ended = running.end(within_s=180)
    assert (ended.code, product.result["status"]) == (3, "failed"), ended.said
    assert "The target does not answer" in product.result["error"]
    product.assert_no_process_left()
