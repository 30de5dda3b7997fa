"""The product on LocalStack, by its command line alone: the pipeline kept up there, loaded, rehearsed on.

Needs Python 3.13, Node, npm and their registries, or LocalStack's environment in the user's cache."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.targets.localstack import environment
from tests.end_to_end.product import LATE, LAUNCHDAY, Product, checked, one_sentence
from tests.localstack.installed import installed

pytestmark = pytest.mark.slow

WITHIN_S = 300.0
REPOSITORY = Path(__file__).parents[2]
TARGET = ("--target", "localstack")


@pytest.fixture(scope="module")
def place(lasting: Product) -> dict[str, str]:
    """The variables by which the product finds the environment that the user's cache has."""
    installed()
    return {environment.DIR_VARIABLE: str(environment.root())}


@pytest.fixture(scope="module")
def kept(lasting: Product, place: dict[str, str]) -> Iterator[dict[str, Any]]:
    """What `status --json` says of a pipeline that is kept up on LocalStack, by way of `localstack start`."""
    started = lasting.run("localstack", "start", "--port", "0", environment=place, within_s=WITHIN_S)
    assert started.code == 0, started.said
    alone = lasting.run("localstack", "status", "--json").json
    assert alone["parts"] == ["appsync", "authorizers", "cognito", "dynamodb", "lambda"]
    ended = lasting.run(
        "up", *TARGET, "--port", str(alone["port"]), "--scenario", "every_outcome",
        environment=place, within_s=WITHIN_S,
    )  # fmt: skip
    assert ended.code == 0, ended.said
    status = lasting.run("status", "--json").json
    assert (status["target"], status["pid"], status["endpoint_url"]) == (
        "localstack",
        alone["pid"],
        alone["endpoint_url"],
    )
    yield status
    down = lasting.run("down", within_s=WITHIN_S)
    assert (down.code, down.stdout) == (0, f"Stopped LocalStack on port {status['port']}.\n")
    lasting.assert_nothing_left()


def test_a_device_registers_with_its_key_and_with_no_other(kept: dict[str, Any]) -> None:
    ingest = kept["outputs"]["ingest"]

    def register(key: str) -> int:
        request = urllib.request.Request(
            ingest["url"] + "/v1/devices",
            json.dumps({"event_id": "mine-1", "device_id": "d"}).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {key}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refusal:
            return refusal.code

    assert register(ingest["sample_publishable_key"]) == 202
    assert register(ingest["disabled_publishable_key"]) == 403
    assert register("nobodys") in (401, 403)


def test_every_outcome_is_accounted_for(lasting: Product, kept: dict[str, Any]) -> None:
    running = lasting.start(
        "run", "every_outcome", *TARGET, "--port", str(kept["port"]), "--out", lasting.out
    )
    ended = running.end(WITHIN_S)
    result = checked(json.loads((lasting.out / "result.json").read_text()))
    if not (result["verdict_reason"] or "").startswith(LATE):  # which says something of this machine
        assert (ended.code, result["verdict"]) == (0, "met"), ended.said
    assert (result["status"], result["target"], result["incidents"]) == ("complete", "localstack", [])
    ledger = result["ledger"]
    wrong = ("missing", "duplicated", "unexpected", "conflicts")
    assert {name: ledger[name] for name in wrong} == dict.fromkeys(wrong, 0)
    assert ledger["predictions"]["differ"] == 0
    assert all(ledger[name] > 0 for name in ("registered", "archived", "dead_lettered", "redelivered"))
    assert ledger["discarded"].keys() >= {"accuracy", "duplicate", "malformed", "speed", "stale", "unchanged"}
    assert float(result["cost"]["total"]) > 0
    assert lasting.run("status", "--json").json["pid"] == kept["pid"]


def test_plain_locust_loads_it(lasting: Product, kept: dict[str, Any]) -> None:
    ended = lasting.run(
        *("-f", REPOSITORY / "scenarios" / "every_outcome.py", "--headless", "-t", "10s", "--json"),
        *(*TARGET, "--duration", "60"),
        program=LAUNCHDAY.with_name("locust"),
    )
    assert ended.code == 0 or LATE in ended.stderr, ended.stderr
    rows = {f"{row['method']} {row['name']}": row for row in ended.json}
    locations = rows["POST /v1/locations"]
    assert locations["num_requests"] > locations["num_failures"]  # one may be hung up on, by its plan


def test_another_is_not_started_beside_it(
    lasting: Product, kept: dict[str, Any], place: dict[str, str]
) -> None:
    ended = lasting.run("localstack", "start", "--port", "0", environment=place)
    assert ended.code == 3
    assert one_sentence(ended).startswith(f"A LocalStack stands already, at {kept['endpoint_url']}")
