"""What the command line makes of `--target localstack`, without a LocalStack."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.aws.limits.profiles import ESTABLISHED, FRESH
from harness.cli import cli, targets
from harness.cli.targets import default_in_flight, make_target, warn_of_rate, what_stays
from harness.emulator import standing
from harness.emulator.standing import Standing
from harness.errors import TargetError, UsageError
from harness.pipeline import Cloud
from harness.targets.base import Stays
from harness.targets.endpoint import AwsTarget, EndpointTarget
from harness.targets.local import local_cloud
from harness.targets.localstack import environment, interpreter
from harness.targets.localstack.environment import Environment
from harness.targets.localstack.target import LocalStackTarget, StandingLocalStackTarget

EMBEDDED = Standing(
    1, 0.0, 4566, {"": "http://127.0.0.1:4566"}, "", "established", {"outputs": {"on": "ours"}}
)
LOCALSTACK = Standing(
    *(2, 0.0, 4567, {"": "http://127.0.0.1:4567"}, "", "established"),
    kind="localstack",
    facts={"observed_at": "http://127.0.0.1:5000", "parts": ["lambda"], "region": "eu-west-1"},
)
KEPT = replace(LOCALSTACK, notes={"outputs": {"on": "localstack"}})


def launchday(*arguments: str) -> Any:
    return cli.main([*arguments], prog_name="launchday", standalone_mode=False)


@pytest.fixture
def stands(monkeypatch: pytest.MonkeyPatch) -> dict[str, Standing]:
    """What stands, by its kind, and can be stopped."""
    there: dict[str, Standing] = {}
    monkeypatch.setattr(standing, "find", lambda kind="embedded": there.get(kind))
    monkeypatch.setattr(standing, "stop", lambda kind="embedded": there.pop(kind, None))
    monkeypatch.setattr(standing, "ended", lambda _kind: None)
    return there


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets.environment, "install", lambda _tell: Environment(Path("/env")))


def test_a_run_has_one_of_its_own_or_the_one_on_its_port(
    stands: dict[str, Standing], installed: None
) -> None:
    def made(port: int) -> object:
        return make_target("localstack", limits=ESTABLISHED, port=port, region="us-east-1")

    assert isinstance(made(4567), LocalStackTarget)
    stands["localstack"] = LOCALSTACK
    assert isinstance(made(4567), StandingLocalStackTarget)
    assert isinstance(made(0), LocalStackTarget)


def test_what_stays_on_one_that_stands_is_said_unless_it_is_kept(stands: dict[str, Standing]) -> None:
    def left(there: Standing) -> str | None:
        stands[there.kind] = there
        target = make_target(there.kind, limits=ESTABLISHED, port=there.port, region="us-east-1")
        assert isinstance(target, Stays)
        return what_stays("reference", target)

    assert left(LOCALSTACK) == (
        "reference stays on the LocalStack that stands on port 4567; --take-down takes it down."
    )
    assert left(KEPT) is None  # `launchday up` keeps it, `launchday down` ends it
    assert left(EMBEDDED) is None


@pytest.mark.parametrize("name", ["embedded", "localstack"])
def test_nothing_stays_on_a_target_of_the_runs_own(
    name: str, stands: dict[str, Standing], installed: None
) -> None:
    target = make_target(name, limits=ESTABLISHED, port=4567, region="us-east-1")
    assert not isinstance(target, Stays)
    assert what_stays("reference", target) is None


def test_what_stays_on_a_target_of_others_is_said() -> None:
    endpoint = EndpointTarget(local_cloud({"": "http://127.0.0.1:9"}))
    assert what_stays("reference", endpoint) == (
        "reference stays on the AWS at http://127.0.0.1:9; --take-down takes it down."
    )
    aws = AwsTarget(Cloud("eu-west-1"), "111122223333")
    assert aws.where == "AWS in eu-west-1, account 111122223333"
    assert isinstance(aws, Stays)


def test_one_that_enforces_other_limits_is_not_taken(stands: dict[str, Standing]) -> None:
    stands["localstack"] = LOCALSTACK
    with pytest.raises(UsageError, match="enforces the limits 'established', not 'fresh'"):
        make_target("localstack", limits=FRESH, port=4567, region="us-east-1")


def test_status_shows_the_one_that_keeps_a_pipeline(
    stands: dict[str, Standing], capsys: pytest.CaptureFixture[str]
) -> None:
    stands["localstack"] = LOCALSTACK
    with pytest.raises(TargetError, match=r"Nothing is up\. `launchday up` starts"):
        launchday("status")
    with pytest.raises(TargetError, match=r"Nothing is up\. `launchday up --target localstack` starts"):
        launchday("status", "--target", "localstack")
    stands["localstack"] = KEPT
    launchday("status", "--json")
    said = json.loads(capsys.readouterr().out)
    assert (said["target"], said["outputs"]) == ("localstack", {"on": "localstack"})


def test_of_two_one_is_to_be_named(stands: dict[str, Standing], capsys: pytest.CaptureFixture[str]) -> None:
    stands |= {"embedded": EMBEDDED, "localstack": KEPT}
    with pytest.raises(UsageError, match="each of two targets"):
        launchday("status")
    for target, port in (("embedded", 4566), ("localstack", 4567)):
        launchday("status", "--json", "--target", target)
        assert json.loads(capsys.readouterr().out)["port"] == port


def test_down_ends_what_keeps_a_pipeline_and_no_more(
    stands: dict[str, Standing], capsys: pytest.CaptureFixture[str]
) -> None:
    stands |= {"embedded": EMBEDDED, "localstack": LOCALSTACK}
    launchday("down")
    assert capsys.readouterr().out == "Stopped the embedded AWS on port 4566.\n"
    assert list(stands) == ["localstack"]
    launchday("localstack", "stop")
    assert capsys.readouterr().out == "Stopped LocalStack on port 4567.\n"
    launchday("localstack", "stop")
    assert capsys.readouterr().out == "No LocalStack stands.\n"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            {"event": "incident", "message": "LocalStack was killed by SIGKILL. Its log ends with: Ready"},
            "LocalStack was killed by SIGKILL. Its log ends with: Ready. Its logs are in",
        ),
        ({"event": "warning", "message": "few files"}, "its supervisor, process 2, is gone and said nothing"),
    ],
)
def test_how_one_that_stood_ended_is_said_until_the_next_starts(
    said: dict[str, str],
    reason: str,
    installed: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LAUNCHDAY_STATE_DIR", str(tmp_path))
    log = standing.supervisor_log("localstack")
    log.parent.mkdir()
    log.write_text(f'{{"event": "ready"}}\nno event\n{json.dumps(said)}\n')
    standing.note(LOCALSTACK)  # no process 2 of this user's began when it says
    for _ in range(2):
        with pytest.raises(TargetError) as caught:
            launchday("localstack", "status")
        assert caught.value.message.startswith(f"The LocalStack that stood on port 4567 ended: {reason}")
        assert caught.value.message.endswith(f" Its logs are in {log.parent}.")
        launchday("localstack", "stop")
        assert capsys.readouterr().out == f"{caught.value.message}\n"
    for port, hears in ((4567, True), (4568, False)):
        make_target("localstack", limits=ESTABLISHED, port=port, region="us-east-1")
        assert (reason in capsys.readouterr().err) is hears
    with pytest.raises(TargetError):
        standing.leave("localstack", lambda *_: [sys.executable, "-c", ""], limits="established")
    assert standing.ended("localstack") is None


def test_one_that_was_stopped_did_not_end_of_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAUNCHDAY_STATE_DIR", str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    begun_s = psutil.Process(process.pid).create_time()
    stands = replace(LOCALSTACK, pid=process.pid, started_at_s=begun_s)
    standing.note(stands)
    assert standing.ended("localstack") is None
    assert standing.stop("localstack") == stands
    process.wait(20)
    assert standing.ended("localstack") is None


def test_localstacks_status_says_how_to_reach_it(
    stands: dict[str, Standing], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(TargetError, match="No LocalStack stands"):
        launchday("localstack", "status")
    stands["localstack"] = LOCALSTACK
    launchday("localstack", "status", "--json")
    said = json.loads(capsys.readouterr().out)
    expected = {
        "endpoint_url": "http://127.0.0.1:4567",
        "companion_url": "http://127.0.0.1:5000",
        "region": "eu-west-1",
        "access_key_id": "test",
        "secret_access_key": "test",
        "parts": ["lambda"],
        "version": "4.14.0",
    }
    assert said.items() >= expected.items()
    launchday("localstack", "status")
    assert "http://127.0.0.1:5000" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("target", "peak", "warned"),
    [("localstack", 392.0, True), ("localstack", 20.0, False), ("embedded", 9e9, False)],
)
def test_a_surge_beyond_localstack_is_said_beforehand(
    target: str, peak: float, warned: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    warn_of_rate(target, peak)
    said = capsys.readouterr()
    assert said.out == ""
    assert ("LocalStack takes about 50 requests/s" in said.err) is warned


def test_fewer_wait_on_localstack_where_nobody_says_how_many() -> None:
    assert (default_in_flight("localstack"), default_in_flight("embedded")) == (100, 1000)


def test_limits_of_localstack_are_those_that_are_held_there(capsys: pytest.CaptureFixture[str]) -> None:
    launchday("limits", "fresh", "--json", "--target", "localstack")
    held = json.loads(capsys.readouterr().out)["fresh"]
    launchday("limits", "fresh", "--json")
    every = json.loads(capsys.readouterr().out)["fresh"]
    assert held.items() <= every.items()
    assert "dynamodb_table_write_units_per_s" in held
    assert not [name for name in held if name.startswith(("apigateway_", "kinesis_", "sns_"))]


@pytest.mark.parametrize(("arguments", "code"), [((), 0), (("--target", "localstack"), 3)])
def test_the_doctor_counts_what_localstack_needs_when_it_is_asked_for(
    arguments: tuple[str, ...],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    doctor = sys.modules["harness.cli.doctor"]  # the package binds the command by the module's name
    monkeypatch.setattr(doctor, "CHECKS", {"python": lambda: (True, "")})

    monkeypatch.setattr(environment, "find", lambda: None)
    monkeypatch.setattr(interpreter, "find", no_python)
    assert launchday("doctor", "--json", *arguments) == code
    said = json.loads(capsys.readouterr().out)["localstack"]
    assert said["python 3.13"] == {
        "ok": False,
        "detail": "LocalStack needs Python 3.13, and none was found. Install one.",
    }
    assert said["node"].keys() == {"ok", "detail"}
    assert not said["environment"]["ok"]
    assert said["environment"]["detail"].startswith("not installed, and cannot be before python 3.13")


def no_python(*_: object) -> None:
    raise TargetError("LocalStack needs Python 3.13, and none was found.", "Install one.")


def test_the_doctor_wants_no_python_where_the_environment_was_made_with_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, python = Environment(tmp_path / "env"), tmp_path / "far" / "python"
    for path in (made.python, python):
        path.parent.mkdir(parents=True)
        path.touch()
    (made.folder / "venv" / "pyvenv.cfg").write_text(f"home = {python.parent}\nexecutable = {python}\n")
    (made.folder / "whole.json").write_text('{"python": "3.13.7"}')
    monkeypatch.setattr(environment, "find", lambda: made)
    monkeypatch.setattr(interpreter, "find", no_python)
    launchday("doctor", "--json")
    said = json.loads(capsys.readouterr().out)["localstack"]
    assert said["python 3.13"] == {
        "ok": True,
        "detail": f"Python 3.13.7 at {python}, which LocalStack's environment was made with",
    }
    assert said["environment"]["ok"]
    python.unlink()
    assert made.base is None
