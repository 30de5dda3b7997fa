"""LocalStack and its companion, started for real."""

from __future__ import annotations

import json
import urllib.request

import pytest

from tests.localstack.conftest import RunningLocalStack

pytestmark = pytest.mark.slow


def test_both_serve_and_the_companion_says_what_it_offers(localstack: RunningLocalStack) -> None:
    with urllib.request.urlopen(f"{localstack.url}/_localstack/health", timeout=20) as answer:
        health = json.load(answer)
    assert health["version"] == "4.14.0"
    with urllib.request.urlopen(f"{localstack.companion_url}/_launchday/health", timeout=20) as answer:
        assert json.load(answer)["parts"] == ["appsync", "authorizers", "cognito", "dynamodb", "lambda"]


def test_its_kinesis_needs_no_download(localstack: RunningLocalStack) -> None:
    kinesis, name = localstack.client("kinesis"), localstack.unique("stream")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    assert name in kinesis.list_streams()["StreamNames"]
    assert "nstallation of kinesis-local" not in localstack.log()
