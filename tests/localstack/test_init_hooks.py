"""LocalStack's hooks of localstack/init: by themselves, and run by a LocalStack."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.aws.limits.profiles import ESTABLISHED
from harness.emulator.companion.parts import PARTS
from harness.emulator.launch import EmbeddedAws
from harness.emulator.machine import listen
from harness.pipeline import Cloud
from harness.targets.local import local_cloud
from harness.targets.localstack import extension
from harness.targets.localstack.environment import Environment
from harness.targets.localstack.process import LocalStackProcess
from harness.targets.localstack.variables import filesystem, localstack_variables, make_folders
from tests import serving
from tests.localstack.companions import companion

INIT = Path(__file__).parents[2] / "localstack" / "init"
AWAIT = INIT / "boot.d" / "10-await-companion.sh"
DEPLOY = INIT / "ready.d" / "10-deploy-pipeline.sh"
NOBODY = "http://127.0.0.1:1"
DEPLOYED_WITHIN_S = 180.0


def run(script: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The script by its path, as LocalStack runs it, with the Python that Launchday is installed in here."""
    command = [str(script)] if script.suffix == ".sh" else [sys.executable, "-I", str(script)]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return subprocess.run(
        command, capture_output=True, text=True, env={**kept, "LAUNCHDAY_PYTHON": sys.executable, **variables}
    )


@contextmanager
def answering(answers: Mapping[str, Any]) -> Iterator[str]:
    """A server that answers GETs of these paths with JSON; any other is 404."""
    with serving.answering(lambda path: (200 if path in answers else 404, answers.get(path))) as url:
        yield url


def standing(cloud: Cloud) -> dict[str, Any]:
    """What changes when the pipeline is deployed anew, and what there would be twice of."""
    functions = cloud.client("lambda").list_functions()["Functions"]
    parameters = cloud.client("ssm").get_parameters_by_path(Path="/launchday", Recursive=True)["Parameters"]
    pools = cloud.client("cognito-idp").list_user_pools(MaxResults=60)["UserPools"]
    apis = cloud.client("apigateway")
    deployments = {
        api["id"]: [each["id"] for each in apis.get_deployments(restApiId=api["id"])["items"]]
        for api in apis.get_rest_apis()["items"]
    }
    return {
        "functions": sorted((each["FunctionName"], each["RevisionId"]) for each in functions),
        "mappings": len(cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"]),
        "parameters": sorted((each["Name"], each["Version"], each["Value"]) for each in parameters),
        "pools": sorted(each["Id"] for each in pools),
        "graphql": sorted(
            each["apiId"] for each in cloud.client("appsync").list_graphql_apis()["graphqlApis"]
        ),
        "deployments": deployments,
        "tables": sorted(cloud.client("dynamodb").list_tables()["TableNames"]),
    }


def check_stands(found: Mapping[str, Any]) -> None:
    """That it is the whole reference pipeline."""
    assert all(found.values()), found
    assert [len(found[kind]) for kind in ("pools", "graphql", "deployments")] == [1, 1, 2]
    names = {name for name, _ in found["functions"]}
    assert {name.rpartition("-")[2] for name in names} >= {"processor", "fanout"}, names


def test_without_a_companion_there_is_nothing_to_wait_for() -> None:
    told = run(AWAIT)
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


def test_the_companions_answer_is_the_end_of_the_wait() -> None:
    with answering({"/_launchday/health": {"status": "running"}}) as url:
        told = run(AWAIT, LAUNCHDAY_COMPANION_URL=url + "/")
    assert (told.returncode, told.stderr) == (0, "")


def test_a_companion_that_does_not_come_is_said() -> None:
    told = run(AWAIT, LAUNCHDAY_COMPANION_URL=NOBODY, LAUNCHDAY_COMPANION_WITHIN_S="0")
    assert told.returncode == 1
    assert told.stderr.startswith(f"Launchday's companion at {NOBODY} does not answer: ")


def test_where_no_aws_answers_it_is_said() -> None:
    told = run(DEPLOY, LAUNCHDAY_ENDPOINT_URL=NOBODY)
    assert told.returncode == 3
    assert told.stderr.startswith("The pipeline is not deployed. ")
    assert "Traceback" not in told.stderr


def test_a_scenario_that_there_is_not_is_said() -> None:
    told = run(DEPLOY, LAUNCHDAY_ENDPOINT_URL=NOBODY, LAUNCHDAY_SCENARIO="no_such_day")
    assert told.returncode == 2
    assert "no_such_day" in told.stderr


@pytest.mark.parametrize(
    ("told", "code", "said"),
    [
        ({"completed": False, "scripts": []}, 1, "The hooks have not all run yet.\n"),
        ({"completed": True, "scripts": [{"name": "a.sh", "state": "SUCCESSFUL"}]}, 0, ""),
        (
            {
                "completed": True,
                "scripts": [{"name": "a.sh", "state": "SUCCESSFUL"}, {"name": "b.sh", "state": "ERROR"}],
            },
            1,
            "Failed, LocalStack's log says why: b.sh.\n",
        ),
    ],
)
def test_it_is_healthy_once_all_hooks_have_run_well(told: Mapping[str, Any], code: int, said: str) -> None:
    with answering({"/_localstack/init/ready": told}) as url:
        found = run(INIT / "healthy.py", LAUNCHDAY_ENDPOINT_URL=url)
    assert (found.returncode, found.stdout) == (code, said)


def test_it_is_not_healthy_while_nothing_answers() -> None:
    found = run(INIT / "healthy.py", LAUNCHDAY_ENDPOINT_URL=NOBODY)
    assert found.returncode == 1
    assert found.stdout.startswith(f"LocalStack at {NOBODY} does not answer")


@pytest.mark.slow
def test_the_hook_deploys_what_launchday_up_deploys_and_changes_nothing_when_run_again(
    tmp_path: Path,
) -> None:
    with EmbeddedAws(port=0, data_dir=tmp_path / "data", limits=ESTABLISHED) as aws:
        url = aws.endpoints[""]
        first = run(DEPLOY, LAUNCHDAY_ENDPOINT_URL=url)
        assert (first.returncode, first.stderr) == (0, "")
        assert first.stdout == f"live-location stands on {url}, sized for mass_registration.\n"
        stands = standing(local_cloud(aws.endpoints))
        check_stands(stands)
        again = run(DEPLOY, LAUNCHDAY_ENDPOINT_URL=url)
        assert (again.returncode, again.stderr) == (0, "")
        assert standing(local_cloud(aws.endpoints)) == stands


@pytest.mark.slow
def test_localstack_runs_the_hooks(localstack_environment: Environment, tmp_path: Path) -> None:
    """As the container does: boot.d before LocalStack, ready.d by LocalStack, and then it is healthy."""
    with listen("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    data = tmp_path / "data"
    make_folders(data, localstack_environment.libraries)
    init = filesystem(data) / "etc" / "localstack" / "init"
    init.parent.mkdir(parents=True)
    init.symlink_to(INIT, target_is_directory=True)
    with companion(data / "companion", url) as beside:
        variables = {
            **localstack_variables(
                os.environ,
                data_dir=data,
                extension=extension.build(localstack_environment),
                port=port,
                companion_url=beside.url,
                parts=PARTS,
                instance=f"hooks-{port}",
                region="us-east-1",
            ),
            "LAUNCHDAY_PYTHON": sys.executable,
            "LAUNCHDAY_ENDPOINT_URL": url,
        }
        booted = subprocess.run(
            [localstack_environment.python, "-m", "localstack.runtime.init", "BOOT"],
            env=variables,
            capture_output=True,
            text=True,
            check=True,
        )
        assert "rror while running script" not in booted.stdout + booted.stderr
        asyncio.run(_while_it_runs(localstack_environment, variables, data, url))


async def _while_it_runs(
    environment: Environment, variables: Mapping[str, str], data: Path, url: str
) -> None:
    log = data / "localstack.log"
    process = LocalStackProcess(environment.python, variables, data, log)
    await process.start()
    try:
        await process.until_ready()
        deadline = time.monotonic() + DEPLOYED_WITHIN_S
        while True:
            told = await asyncio.to_thread(run, INIT / "healthy.py", LAUNCHDAY_ENDPOINT_URL=url)
            if told.returncode == 0:
                break
            assert time.monotonic() < deadline, told.stdout + log.read_text()[-4000:]
            assert "Failed" not in told.stdout, log.read_text()[-4000:]
            await asyncio.sleep(0.5)
        cloud = local_cloud({"": url})
        stands = await asyncio.to_thread(standing, cloud)
        check_stands(stands)
        again = await asyncio.to_thread(run, DEPLOY, LAUNCHDAY_ENDPOINT_URL=url)
        assert (again.returncode, again.stderr) == (0, "")
        assert await asyncio.to_thread(standing, cloud) == stands
    finally:
        await process.stop()
