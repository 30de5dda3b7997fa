"""What a person meets on the command line: help, mistakes, exit codes. Nothing is started here."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from harness.cli import cli, main
from harness.cli.options import Duration, Setting

COMMANDS = sorted(cli.commands)


@pytest.fixture(autouse=True)
def _quiet_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In an empty folder, with no pipeline up; and the process's signal handlers as they were afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAUNCHDAY_STATE_DIR", str(tmp_path / "state"))
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def launchday(*arguments: str) -> int:
    """Run a command line in this process; its exit code."""
    argv, sys.argv = sys.argv, ["launchday", *arguments]
    try:
        with pytest.raises(SystemExit) as ended:
            main()
    finally:
        sys.argv = argv
    return int(ended.value.code or 0)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_every_option_says_what_it_does(name: str) -> None:
    command = cli.commands[name]
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            described = parameter.help or parameter.name in ("port", "region", "format_name")
            assert described, f"{name} {parameter.opts[0]} has no help"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_documentation(name: str) -> None:
    root = Path(__file__).parents[2]
    text = (root / "README.md").read_text() + (root / "docs" / "running.md").read_text()
    assert re.search(rf"launchday (?:\w+ \| )*{name}\b", text), f"`launchday {name}` is not documented"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "mass_registraton"], "Did you mean mass_registration?"),
        (["run", "nowhere/surge.py"], "There is no scenario file"),
        (["run", "mass_registration", "--rate", "-5"], "rate"),
        (["run", "mass_registration", "--rate", "nan"], "rate"),
        (["run", "mass_registration", "--duration", "soon"], "is not a duration"),
        (["run", "mass_registration", "--duration", "0s"], "duration"),
        (["run", "mass_registration", "--devices", "0"], "devices"),
        (["run", "mass_registration", "--trace", "x.csv"], "--trace is for a replay"),
        (["run", "replay"], "--trace FILE"),
        (["run", "mass_registration", "--objective", "latency.p99"], "is not an objective"),
        (
            ["run", "mass_registration", "--objective", "latency.p98<250ms"],
            "There is no metric 'latency.p98'",
        ),
        (["run", "mass_registration", "--objective", "ledger.missing<5ms"], "not in ms"),
        (
            ["run", "mass_registration", "--objectives", "nowhere"],
            "cannot be read: No such file or directory.",
        ),
        (["run", "mass_registration", "--limits", "newish"], "There is no limits profile or file 'newish'"),
        (["run", "mass_registration", "--pipeline", "nowhere"], "There is no pipeline folder"),
        (["run", "mass_registration", "--set", "stage"], "is not of the form name=value"),
        (["run", "mass_registration", "--target", "moon"], "'moon' is not one of"),
        (["localstack", "start", "--without", "lamda"], "There is no part lamda to leave out."),
        (
            [
                "localstack",
                "start",
                "--without",
                "lambda,dynamodb",
                "--without",
                "cognito,appsync,authorizers",
            ],
            "there is nothing of Launchday's in that LocalStack",
        ),
        (["localstack", "install", "--python", "no-such-python"], "no-such-python is not there"),
        (
            ["up", "--target", "localstack", "--allow-delivery", "hooks.example"],
            "LocalStack's SNS delivers to every host.",
        ),
        (["run", "mass_registration", "--scale", "1/20"], "No such option"),
        (["run", "mass_registration", "--baseline", "nowhere"], "There is no run folder"),
        (["run", "mass_registration", "--region", "eu-wst-1"], "no AWS Region. Did you mean eu-west-1?"),
        (["up", "--region", "mars"], "'mars' is no AWS Region."),
        (["run"], "Missing argument"),
        (["forecast", "mass_registration"], "No such command"),
        (["report", "nowhere"], "There is no run folder"),
        (["prices", "kinesys"], "Did you mean kinesis?"),
        (["prices", "--region", "eu-south-2"], "There is no price book for eu-south-2"),
    ],
)
def test_a_mistake_is_one_clear_sentence_and_exit_code_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launchday(*arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err.replace("\n", " ")
    assert "Traceback" not in captured.err
    assert captured.out == ""


def test_a_run_folder_that_is_there_is_not_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "result.json").write_text("{}")
    assert launchday("run", "mass_registration", "--out", "kept") == 2
    assert "is there already" in capsys.readouterr().err
    assert (tmp_path / "kept" / "result.json").read_text() == "{}"


def test_an_objectives_file_is_read_line_by_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "gate.txt").write_text("# the gate\nlatency.p99<250ms\n\nledger.missing is 0\n")
    assert launchday("run", "mass_registration", "--objectives", "gate.txt") == 2
    assert "gate.txt, line 4: 'ledger.missing is 0' is not an objective." in capsys.readouterr().err


def test_status_says_that_nothing_is_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert launchday("status") == 3
    assert capsys.readouterr().err.startswith("launchday: Nothing is up.")


def test_down_of_nothing_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert launchday("down") == 0
    assert "Nothing is up" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["scenarios", "prices", "limits", "doctor"])
def test_lists_have_json_that_a_program_can_read(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    launchday(name, "--json")
    assert json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("1.5m", 90), ("2h", 7200), ("250ms", 0.25), ("7", 7)]
)
def test_durations(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == pytest.approx(seconds)


def test_settings_keep_what_follows_the_first_equals_sign() -> None:
    assert Setting().convert("url=a=b", None, None) == ("url", "a=b")
