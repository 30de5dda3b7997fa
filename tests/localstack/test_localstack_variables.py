"""The environment of LocalStack's process, and what is chosen for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.request import getproxies_environment

import pytest

from harness.aws.limits.profiles import ESTABLISHED
from harness.emulator.companion.parts import PARTS
from harness.errors import UsageError
from harness.targets.localstack.environment import Environment
from harness.targets.localstack.launch import command, parts_without
from harness.targets.localstack.variables import is_enforced, localstack_variables, make_folders

USER = {
    "HOME": "/home/u",
    "PATH": "/bin",
    "LOCALSTACK_AUTH_TOKEN": "ls-token",
    "AWS_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "AKIA",
    "PYTHONPATH": "/elsewhere",
    "SERVICES": "s3",
    "PERSISTENCE": "1",
    "GATEWAY_LISTEN": "0.0.0.0:4566",
    "DOCKER_HOST": "unix:///docker.sock",
    "JAVA_HOME": "/java",
    "NO_PROXY": "intranet",
    "HTTPS_PROXY": "http://proxy:3128",
}


def made(
    parts: tuple[str, ...] = PARTS, user: Mapping[str, str] = MappingProxyType(USER), **more: Any
) -> dict[str, str]:
    given: dict[str, Any] = {
        "data_dir": Path("/data"),
        "extension": Path("/cache/extension"),
        "port": 4567,
        "companion_url": "http://127.0.0.1:5000",
        "parts": parts,
        "instance": "i",
        "region": "eu-west-1",
    }
    return localstack_variables(user, **{**given, **more})


def test_it_listens_on_loopback_and_writes_below_its_folder() -> None:
    variables = made()
    assert variables["GATEWAY_LISTEN"] == variables["LOCALSTACK_HOST"] == "127.0.0.1:4567"
    for name in ("FILESYSTEM_ROOT", "CONFIG_DIR", "XDG_CACHE_HOME", "TMPDIR"):
        assert variables[name].startswith("/data/")


def test_of_the_user_it_has_what_it_needs_and_no_more() -> None:
    variables = made()
    assert variables["LOCALSTACK_AUTH_TOKEN"] == "ls-token"
    assert variables["HTTPS_PROXY"] == "http://proxy:3128"
    assert variables["NO_PROXY"] == "intranet,127.0.0.1,localhost"
    assert variables["PYTHONPATH"] == "/cache/extension"
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "SERVICES", "PERSISTENCE", "DOCKER_HOST", "JAVA_HOME"):
        assert name not in variables


def test_this_machine_is_reached_without_a_proxy_however_the_user_writes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        user = {"http_proxy": "http://proxy:3128", name: "intranet"}
        variables = made(user=user)
        for variable in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(variable, variables[variable])
        assert getproxies_environment()["no"] == "intranet,127.0.0.1,localhost"


def test_kinesis_logs_no_stack_of_each_refusal_unless_more_is_asked_for() -> None:
    assert made()["KINESIS_MOCK_LOG_LEVEL"] == "ERROR"
    assert "KINESIS_MOCK_LOG_LEVEL" not in made(user={**USER, "LS_LOG": "trace"})


def test_it_tells_nobody_and_fetches_nothing() -> None:
    variables = made()
    assert (variables["DISABLE_EVENTS"], variables["SKIP_SSL_CERT_DOWNLOAD"]) == ("1", "1")
    assert (variables["DNS_ADDRESS"], variables["EAGER_SERVICE_LOADING"]) == ("0", "0")


def test_it_learns_of_the_companion_and_the_parts() -> None:
    variables = made()
    assert variables["LAUNCHDAY_COMPANION_URL"] == "http://127.0.0.1:5000"
    assert variables["LAUNCHDAY_PARTS"].split(",") == list(PARTS)
    assert variables["LAMBDA_RUNTIME_EXECUTOR"] == "launchday"


def test_who_has_the_real_thing_has_it_found() -> None:
    variables = made(("cognito", "appsync"))
    assert variables["LAUNCHDAY_PARTS"] == "cognito,appsync"
    assert "LAMBDA_RUNTIME_EXECUTOR" not in variables
    assert (variables["DOCKER_HOST"], variables["JAVA_HOME"]) == ("unix:///docker.sock", "/java")


@pytest.mark.parametrize(("limit", "said"), [(1_000, "1000"), (float("inf"), "1000000000")])
def test_lambdas_quota_is_localstacks_own(limit: float, said: str) -> None:
    assert made(concurrent_executions=limit)["LAMBDA_LIMITS_CONCURRENT_EXECUTIONS"] == said


def test_pages_are_let_in_by_name() -> None:
    assert "EXTRA_CORS_ALLOWED_ORIGINS" not in made()
    origins = ("http://a.example", "http://b.example:3000")
    assert made(allow_origins=origins)["EXTRA_CORS_ALLOWED_ORIGINS"] == ",".join(origins)


@pytest.mark.parametrize(
    ("left_out", "parts"),
    [
        ((), PARTS),
        (("lambda",), PARTS[1:]),
        (("Lambda, dynamodb", "cognito"), ("appsync", "authorizers")),
    ],
)
def test_parts_are_left_out_by_name(left_out: tuple[str, ...], parts: tuple[str, ...]) -> None:
    assert parts_without(left_out) == parts


def test_a_part_that_there_is_not_and_all_of_them_are_wrong_use() -> None:
    with pytest.raises(UsageError, match="There is no part kinesis to leave out"):
        parts_without(("kinesis",))
    with pytest.raises(UsageError, match="nothing of Launchday's in that LocalStack") as caught:
        parts_without(PARTS)
    assert "--target endpoint" in str(caught.value)


def test_the_folders_have_the_environments_libraries_in_their_place(tmp_path: Path) -> None:
    libraries = tmp_path / "libs"
    libraries.mkdir()
    for _ in range(2):
        make_folders(tmp_path / "data", libraries)
    assert (tmp_path / "data" / "filesystem" / "usr" / "lib" / "localstack").resolve() == libraries


def test_the_command_says_all_that_is_chosen() -> None:
    words = command(
        Environment(Path("/env")), 1, Path("/d"), Path("/l"), ESTABLISHED, "eu-west-1", PARTS, ("http://a",)
    )
    pairs = dict(zip(words[3::2], words[4::2], strict=True))
    assert pairs["--environment"] == "/env"
    assert pairs["--parts"] == ",".join(PARTS)
    assert (pairs["--port"], pairs["--region"], pairs["--allow-origin"]) == ("1", "eu-west-1", "http://a")


@pytest.mark.parametrize(
    ("limit", "enforced"),
    [
        ("dynamodb_table_write_units_per_s", True),
        ("lambda_concurrent_executions", True),
        ("apigateway_requests_per_s", False),
        ("kinesis_shard_write_records_per_s", False),
        ("lambda_kinesis_polls_per_s", False),
    ],
)
def test_which_quotas_are_enforced(limit: str, enforced: bool) -> None:
    assert is_enforced(limit) is enforced
