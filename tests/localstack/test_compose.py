"""The compose files, as far as they can be checked without Docker's engine: what they say is looked at here,
and Docker Compose itself reads them where it is installed (2.20 or newer; those tests skip, saying so)."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from harness.targets.localstack.environment import LOCALSTACK_VERSION
from harness.targets.localstack.variables import localstack_variables
from tests.localstack.companions import lone_companion

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "localstack"
COMPOSE = FOLDER / "docker-compose.yml"
TOKEN = FOLDER / "docker-compose.token.yml"
OLDEST = (2, 20)  # the first to know `restart` of a dependency and both forms of `required`
_DEFAULT = re.compile(r"\$\{\w+:-([^}]*)\}")


@pytest.fixture(scope="module")
def services() -> Mapping[str, Any]:
    """The services of the file alone, its variables by their defaults."""
    parsed = yaml.safe_load(_DEFAULT.sub(r"\1", COMPOSE.read_text()))
    found: Mapping[str, Any] = parsed["services"]
    return found


@cache
def compose() -> Sequence[str]:
    """The command of Docker Compose. Skips the test when there is none."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) is None:
            continue
        told = subprocess.run([*command, "version", "--short"], capture_output=True, text=True)
        number = re.match(r"v?(\d+)\.(\d+)", told.stdout)
        if told.returncode == 0 and number and (int(number[1]), int(number[2])) >= OLDEST:
            return command
    pytest.skip("there is no Docker Compose 2.20 or newer here: its reading of the files is not checked")


def config(*files: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """What Docker Compose makes of the files."""
    named = [argument for file in files for argument in ("--file", str(file))]
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "DOCKER_CONFIG")}
    return subprocess.run(
        [*compose(), *named, "config", "--format", "json"],
        capture_output=True,
        text=True,
        env={**kept, **variables},
    )


def services_of(told: subprocess.CompletedProcess[str]) -> Mapping[str, Any]:
    assert told.returncode == 0, told.stderr
    assert told.stderr == ""
    found: Mapping[str, Any] = json.loads(told.stdout)["services"]
    return found


def option(arguments: Sequence[str], name: str) -> str:
    (value,) = (each.removeprefix(f"--{name}=") for each in arguments if each.startswith(f"--{name}="))
    return value


def test_nothing_is_published_but_on_loopback(services: Mapping[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:4566:4566", "127.0.0.1:4570:4570"]
    assert all(service.get("network_mode") in (None, "service:localstack") for service in services.values())


def test_the_companion_is_where_everybody_looks_for_it(services: Mapping[str, Any]) -> None:
    companion, localstack = services["companion"], services["localstack"]
    urls = [localstack["environment"]["LAUNCHDAY_COMPANION_URL"], option(companion["command"], "known-as")]
    assert [urlsplit(url).port for url in urls] == [4570, 4570]
    assert option(companion["command"], "port") == "4570"
    assert option(companion["command"], "localstack") == "http://127.0.0.1:4566"
    assert companion["environment"]["LAUNCHDAY_PARTS"] == localstack["environment"]["LAUNCHDAY_PARTS"]


def test_the_companion_starts_by_the_command_that_it_is_given(
    services: Mapping[str, Any], tmp_path: Path
) -> None:
    companion = services["companion"]
    assert companion["entrypoint"][1:] == ["-m", "harness.emulator.companion.alone"]
    of_this_machine = ("--port=", "--data-dir=", "--host=")
    arguments = [each for each in companion["command"] if not each.startswith(of_this_machine)]
    with lone_companion(tmp_path, *arguments, parts=companion["environment"]["LAUNCHDAY_PARTS"]) as (_, one):
        assert one.poll() is None


def test_the_files_that_it_names_are_there(services: Mapping[str, Any]) -> None:
    build = services["localstack"]["build"]
    context = (FOLDER / build["context"]).resolve()
    assert context == ROOT
    assert (context / build["dockerfile"]).is_file()
    mounts = dict(volume.split(":", 2)[1::-1] for volume in services["localstack"]["volumes"])
    init = FOLDER / mounts["/etc/localstack/init"]
    assert sorted(path.name for path in init.iterdir() if path.is_dir() and path.name.endswith(".d")) == [
        "boot.d",
        "ready.d",
    ]
    checked = Path(services["localstack"]["healthcheck"]["test"][-1])
    assert (init / checked.relative_to("/etc/localstack/init")).is_file()


@pytest.mark.parametrize("script", sorted(FOLDER.glob("init/*.d/*")), ids=lambda path: path.name)
def test_hooks_can_be_run(script: Path) -> None:
    """LocalStack calls a shell script by its path (LocalStack docs, Initialization Hooks)."""
    assert script.suffix == ".sh"
    assert script.read_text().startswith("#!/bin/sh\n")
    assert os.access(script, os.X_OK)


def test_localstack_is_set_as_without_docker(services: Mapping[str, Any]) -> None:
    here: dict[str, Any] = {"data_dir": FOLDER, "extension": FOLDER, "port": 4566, "companion_url": ""}
    usual = localstack_variables({}, **here, parts=("appsync",), instance="", region="us-east-1")
    given = services["localstack"]["environment"]
    same = [name for name in given if name.startswith(("KINESIS_", "LAMBDA_EVENT_", "SQS_"))]
    assert len(same) == 5
    assert {name: given[name] for name in same} == {name: usual[name] for name in same}


def test_the_image_is_of_the_release_that_the_extension_is_written_for(services: Mapping[str, Any]) -> None:
    image = f"localstack/localstack:{LOCALSTACK_VERSION}"
    assert services["localstack"]["build"]["args"]["LOCALSTACK_IMAGE"] == image
    assert f"ARG LOCALSTACK_IMAGE={image}\n" in (FOLDER / "Dockerfile").read_text()


def test_all_that_is_installed_in_the_image_is_sent_to_the_builder() -> None:
    first, *rest = [
        line
        for line in (FOLDER / "Dockerfile.dockerignore").read_text().splitlines()
        if not line.startswith("#")
    ]
    assert first == "*"
    let_in = {line.removeprefix("!") for line in rest if line.startswith("!")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    built_from = project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    folders = {path.partition("/")[0] for path in built_from}
    needed = {*folders, "pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    assert needed | {"localstack"} == let_in
    assert all((ROOT / path).exists() for path in let_in)


def test_docker_compose_reads_it() -> None:
    services = services_of(config(COMPOSE))
    assert set(services) == {"localstack", "companion"}
    assert services["localstack"]["environment"]["LAUNCHDAY_PARTS"] == "cognito,appsync,authorizers"
    assert {port["host_ip"] for port in services["localstack"]["ports"]} == {"127.0.0.1"}
    assert services["companion"]["image"] == services["localstack"]["image"]
    assert services["localstack"]["build"]["args"] == {
        "LOCALSTACK_IMAGE": f"localstack/localstack:{LOCALSTACK_VERSION}"
    }


def test_parts_are_the_users_to_choose() -> None:
    services = services_of(config(COMPOSE, LAUNCHDAY_PARTS="appsync"))
    assert [services[name]["environment"]["LAUNCHDAY_PARTS"] for name in sorted(services)] == ["appsync"] * 2


def test_with_a_token_nothing_of_launchdays_is_in_localstack() -> None:
    services = services_of(config(COMPOSE, TOKEN, LOCALSTACK_AUTH_TOKEN="ls-token"))
    assert set(services) == {"localstack"}
    localstack = services["localstack"]
    environment = localstack["environment"]
    assert localstack["build"]["args"] == {"LOCALSTACK_IMAGE": "localstack/localstack:latest"}
    assert environment["LOCALSTACK_AUTH_TOKEN"] == "ls-token"
    assert {environment[name] for name in ("PYTHONPATH", "LAUNCHDAY_COMPANION_URL", "LAUNCHDAY_PARTS")} == {
        ""
    }
    assert any(volume["target"] == "/etc/localstack/init" for volume in localstack["volumes"])


def test_with_the_tokens_file_and_no_token_it_is_said() -> None:
    told = config(COMPOSE, TOKEN)
    assert told.returncode != 0
    assert "LOCALSTACK_AUTH_TOKEN is missing a value: is not set." in told.stderr
