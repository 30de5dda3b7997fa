"""The generator as its parent sees it, with small processes in its place."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from harness.errors import Interrupted, LaunchdayError, MeasurementInvalid, TargetError, UsageError
from harness.load import child
from harness.load.launch import Done, Generator, Ready, Second
from harness.load.plan import LoadPlan

PLAN = LoadPlan(Path("/s.py"), "run", Path("/p"), {"key": "secret"})
SECOND = {
    **dict.fromkeys(("planned", "sent", "accepted", "events_sent", "events_accepted", "devices"), 7),
    **dict.fromkeys(("calls_sent", "calls_accepted"), 3),
    **dict.fromkeys(("dropped", "throttled", "failed", "indeterminate", "retries", "in_flight"), 0),
    "t": 1.0,
    "p50_ms": 1.5,
    "p95_ms": 2.0,
    "p99_ms": None,
    "lateness_p99_ms": None,
    "later": "more",
}

Stand = Callable[[str], Generator]


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """A generator whose process runs the given Python code."""

    def generator(code: str) -> Generator:
        monkeypatch.setattr(Generator, "command", lambda _self, plan: [sys.executable, "-c", code, str(plan)])
        return Generator(PLAN, tmp_path / "load", tmp_path / "log")

    return generator


def says(*rows: dict[str, object]) -> str:
    return "import time, sys, os, signal\n" + "\n".join(
        f"print({json.dumps(json.dumps(row))}, flush=True)" for row in rows
    )


def test_the_events_of_a_run(stand_in: Stand) -> None:
    rows = ({"type": "ready"}, {"type": "second", **SECOND}, {"type": "done", "interrupted": False})
    with stand_in(says(*rows)) as generator:
        events = list(generator.events())
    assert [type(event) for event in events] == [Ready, Second, Done]
    assert isinstance(events[1], Second)
    assert (events[1].planned, events[1].p50_ms, events[1].p99_ms) == (7, 1.5, None)


@pytest.mark.parametrize(
    ("exit_code", "kind"),
    [(2, UsageError), (3, TargetError), (4, MeasurementInvalid), (130, Interrupted), (99, LaunchdayError)],
)
def test_an_error_comes_back_as_what_it_is(
    stand_in: Stand, exit_code: int, kind: type[LaunchdayError]
) -> None:
    row = {"type": "error", "message": "Sorry.", "remedy": "Do so.", "exit_code": exit_code}
    with stand_in(says(row)) as generator, pytest.raises(kind) as caught:
        list(generator.events())
    assert type(caught.value) is kind
    assert (caught.value.message, caught.value.remedy) == ("Sorry.", "Do so.")


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("\nsys.exit(3)", "ended with exit code 3"),
        ("\nos.kill(os.getpid(), signal.SIGKILL)", "was killed by signal 9"),
        ("", "ended with exit code 0"),
    ],
)
def test_a_process_that_dies_is_noticed(stand_in: Stand, tmp_path: Path, end: str, said: str) -> None:
    with stand_in(says({"type": "ready"}) + end) as generator:
        events = generator.events()
        assert next(events) == Ready()
        with pytest.raises(MeasurementInvalid, match=said) as caught:
            next(events)
    assert str(tmp_path / "log") in str(caught.value.remedy)


def test_a_process_that_falls_silent_is_ended(stand_in: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "SILENCE_S", 0.2)
    with stand_in("import time; time.sleep(600)") as generator:
        with pytest.raises(MeasurementInvalid, match="said nothing"):
            list(generator.events())
        assert generator.pid is not None
        assert not psutil.pid_exists(generator.pid)


@pytest.mark.parametrize("line", ["not json", "{}", '{"type": "song"}', '{"type": "second", "t": 1}', "[1]"])
def test_a_line_that_is_no_event_is_an_error(stand_in: Stand, line: str) -> None:
    with stand_in(f"print({line!r})") as generator, pytest.raises(MeasurementInvalid, match="something un"):
        list(generator.events())


def test_stop_lets_it_write_what_it_has(stand_in: Stand) -> None:
    code = """import os, signal, sys, time
def stop(*_):
    os.write(1, b'{"type": "done", "interrupted": true}\\n')  # print() may be running still
    sys.exit()
signal.signal(signal.SIGINT, stop)  # before it says that it is ready
print('{"type": "ready"}', flush=True)
time.sleep(600)
"""
    with stand_in(code) as generator:
        events = generator.events()
        next(events)
        generator.stop()
        assert list(events) == [Done(interrupted=True)]


def test_a_process_that_does_not_stop_is_killed(stand_in: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "STOP_S", 0.2)
    code = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + says({"type": "ready"})
    with stand_in(code + "\ntime.sleep(600)") as generator:
        next(generator.events())
        generator.stop()
        assert generator.pid is not None
        assert not psutil.pid_exists(generator.pid)
        generator.stop()


def test_the_plan_is_for_the_process_alone_and_gone_afterwards(stand_in: Stand) -> None:
    code = "import json, os, sys, stat; path = sys.argv[1]\n" + (
        "print(json.dumps({'type': 'error', 'exit_code': 2, 'remedy': path,"
        " 'message': oct(stat.S_IMODE(os.stat(path).st_mode)) + open(path).read()}))"
    )
    with stand_in(code) as generator, pytest.raises(UsageError) as caught:
        list(generator.events())
    mode, _, rest = caught.value.message.partition("{")
    assert mode == "0o600"
    assert LoadPlan.from_json(json.loads("{" + rest)) == PLAN
    assert caught.value.remedy is not None
    assert not Path(caught.value.remedy).exists()


def test_the_command_is_the_generator(tmp_path: Path) -> None:
    command = Generator(PLAN, tmp_path).command(Path("/p.json"))
    assert command[1:4] == ["-m", "harness.load", "--plan"]


def test_launching_never_imports_locust_or_gevent() -> None:
    import subprocess

    code = "import sys, harness.load.launch, harness.load.events; "
    code += "sys.exit('locust' in sys.modules or 'gevent' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
