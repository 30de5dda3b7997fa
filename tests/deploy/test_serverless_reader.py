from __future__ import annotations

from pathlib import Path

import pytest

from deploy.standup.blueprint import SERVICES
from deploy.standup.serverless import read_service, resolved
from harness.errors import TargetError

HEAD = "service: shop\nprovider: {name: aws, runtime: python3.12}\n"


def written(directory: Path, text: str) -> Path:
    (directory / "serverless.yml").write_text(HEAD + text)
    return directory


def test_our_own_services_are_read() -> None:
    ingest, processing = read_service(SERVICES / "ingest"), read_service(SERVICES / "processing")
    assert [each.name for each in ingest.functions] == ["launchday-ingest-${sls:stage}-authorizer"]
    processor, archiver = processing.functions
    assert (processor.memory_mb, processor.timeout_s, processor.architecture) == (512, 60, "arm64")
    assert processor.streams[0].settings == {
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": 500,
        "MaximumBatchingWindowInSeconds": 0,
        "ParallelizationFactor": 1,
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": 10,
        "MaximumRecordAgeInSeconds": -1,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "FilterCriteria": {"Filters": []},
    }
    assert processor.streams[0].on_failure == "${ssm:/launchday/${sls:stage}/events/dead_letters_arn}"
    assert archiver.on_failure == "${ssm:/launchday/${sls:stage}/archive/dead_letters_arn}"
    assert archiver.maximum_retry_attempts == 2


def test_the_fan_out_asks_for_moves_alone() -> None:
    [fanout] = read_service(SERVICES / "fanout").functions
    [filtered] = fanout.streams[0].settings["FilterCriteria"]["Filters"]
    assert filtered == {"Pattern": '{"dynamodb":{"NewImage":{"changed":{"S":["location"]}}}}'}


def test_the_frameworks_defaults_hold(tmp_path: Path) -> None:
    [function] = read_service(written(tmp_path, "functions: {f: {handler: a.b, role: r}}")).functions
    assert (function.memory_mb, function.timeout_s, function.architecture) == (1024, 6, "x86_64")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("plugins: []", "plugins is not a key that the stand-up knows"),
        ("functions: {f: {handler: a.b, role: r, vpc: x}}", "functions.f.vpc is not a key"),
        ("functions: {f: {handler: a.b, role: r, memorySize: big}}", "functions.f.memorySize is not a whole"),
        ("functions: {f: {role: r}}", "functions.f.handler is missing"),
        (
            "functions: {f: {handler: a.b, role: r, events: [{http: {}}]}}",
            "functions.f.events[0].http is not",
        ),
        (
            "functions: {f: {handler: a.b, role: r, events: [{stream: {arn: x, tumblingWindow: 3}}]}}",
            "functions.f.events[0].stream.tumblingWindow is not a key",
        ),
        (
            "functions: {f: {handler: a.b, role: r, events: [{stream: {arn: x, filterPatterns: {a: [b]}}}]}}",
            "functions.f.events[0].stream.filterPatterns is not a list of patterns",
        ),
        ("functions: [f]", "functions is not a mapping"),
        ("functions: {f: {handler: a.b, role: r, destinations: {onSuccess: x}}}", "destinations.onSuccess"),
        ("functions: {f: [}", "cannot be read"),
    ],
)
def test_what_it_does_not_know_is_an_error_that_names_file_and_key(
    tmp_path: Path, text: str, what: str
) -> None:
    with pytest.raises(TargetError) as error:
        read_service(written(tmp_path, text))
    assert str(tmp_path / "serverless.yml") in str(error.value)
    assert what in str(error.value)


def test_variables_are_resolved_from_the_inside_out() -> None:
    values = {"sls:stage": "blue", "ssm:/launchday/blue/table": "t-1"}
    assert resolved("x-${ssm:/launchday/${sls:stage}/table}-y", values.get) == "x-t-1-y"
    assert resolved("${opt:stage, 'local'}", values.get) == "local"


def test_a_variable_without_a_value_is_an_error() -> None:
    with pytest.raises(TargetError, match=r"\$\{ssm:/nowhere\}"):
        resolved("${ssm:/nowhere}", {}.get)
