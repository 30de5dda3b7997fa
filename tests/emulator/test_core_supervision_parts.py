"""What supervision rests on, without starting the emulator."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import cast

import psutil
import pytest

from harness.aws.limits.profiles import FRESH, NONE
from harness.emulator.child import ProcessConfig
from harness.emulator.children import BoundedLog, Child, describe_exit
from harness.emulator.endpoints import function_environment, service_endpoints
from harness.emulator.machine import child_environment, claim_data_dir, listen, raise_file_limit
from harness.emulator.restarts import RestartPolicy
from harness.emulator.supervisor import Settings, Supervisor
from harness.errors import PortInUse, TargetError

# Restarts


def test_a_process_is_started_again_with_growing_waits_and_then_given_up() -> None:
    policy = RestartPolicy()
    assert [policy.after_death(now_s) for now_s in (0, 1, 2, 3, 4)] == [0.0, 0.5, 1.0, 2.0, None]


def test_deaths_that_are_far_apart_do_not_add_up() -> None:
    policy = RestartPolicy()
    assert [policy.after_death(now_s) for now_s in range(0, 600, 60)] == [0.0] * 10


# The machine


def test_a_port_in_use_is_said_with_whom() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            PortInUse, match=f"Port {port} on 127.0.0.1 is already in use by process"
        ) as caught:
            listen("127.0.0.1", port)
    assert caught.value.remedy == "Stop that, or choose another port with --port."


@pytest.mark.parametrize("closed", ["parent", "net_connections", "cmdline"])
def test_a_process_that_cannot_be_looked_into_does_not_hide_who_listens(
    closed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []

    def denied(process: psutil.Process, *_: object) -> object:
        looked.append(process.pid)
        raise psutil.AccessDenied(process.pid)

    monkeypatch.setattr(psutil.Process, closed, denied)
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=f"is already in use by process {os.getpid()}[ .]"):
            listen("127.0.0.1", port)
    assert looked


@pytest.mark.parametrize(("host", "port"), [("203.0.113.1", 0), ("127.0.0.1", 70_000)])
def test_an_address_that_cannot_be_listened_on_is_one_sentence(host: str, port: int) -> None:
    with pytest.raises(TargetError, match=r"^(Port 0 on 203|70000 is not a port)"):
        listen(host, port)


def test_a_data_directory_belongs_to_one_emulator(tmp_path: Path) -> None:
    with claim_data_dir(tmp_path / "d"), pytest.raises(TargetError, match="Another emulator uses"):
        claim_data_dir(tmp_path / "d")
    claim_data_dir(tmp_path / "d").close()


def test_a_data_directory_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TargetError, match=r"cannot be written to: Not a directory\.") as caught:
        claim_data_dir(tmp_path / "file" / "d")
    assert caught.value.remedy == "Make it writable."


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(TargetError, match=f"The disk that holds {tmp_path} is full."):
        claim_data_dir(tmp_path)


@pytest.mark.parametrize(
    ("soft", "hard", "raised_to", "warns"),
    [
        (1_024, 1_048_576, 65_536, False),
        (256, resource.RLIM_INFINITY, 65_536, False),
        (1_024, 4_096, 4_096, True),
        (200_000, 200_000, None, False),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, None, False),
    ],
)
def test_the_file_limit_is_raised_as_far_as_is_allowed(
    soft: int, hard: int, raised_to: int | None, warns: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _which, limits: asked.append(limits[0]))
    warning = raise_file_limit()
    assert asked == ([] if raised_to is None else [raised_to])
    assert (warning is not None) == warns
    if warning is not None:
        assert warning.startswith("Only 4096 files may be open at once")


def test_a_system_that_allows_less_than_it_says_is_asked_for_less(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed: list[int] = []

    def setrlimit(_which: int, limits: tuple[int, int]) -> None:
        if limits[0] > 10_240:
            raise ValueError("not allowed to raise maximum limit")
        allowed.append(limits[0])

    monkeypatch.setattr(resource, "getrlimit", lambda _which: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", setrlimit)
    assert raise_file_limit() is None
    assert allowed == [10_240]


def test_children_know_nothing_of_a_real_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://elsewhere.example")
    environment = child_environment()
    assert [name for name in environment if name.startswith("AWS_")] == [
        "AWS_CONFIG_FILE",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_SHARED_CREDENTIALS_FILE",
    ]
    assert "127.0.0.1" in environment["NO_PROXY"].split(",")


# Children


@pytest.mark.parametrize("limits", [FRESH, NONE])
def test_what_a_child_is_told_survives_the_wire(limits: object, tmp_path: Path) -> None:
    config = ProcessConfig(
        name="edge",
        listen_fd=3,
        endpoints={"edge": "http://127.0.0.1:1"},
        data_dir=tmp_path,
        limits=FRESH if limits is FRESH else NONE,
        allow_origins=("http://app.example",),
        allow_deliveries=("hooks.example",),
        incidents=("It died.",),
        interpreters=("/opt/python3.13",),
        supervisor_pid=7,
    )
    assert ProcessConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "ended with exit code 0"), (-9, "was killed by SIGKILL"), (-200, "was killed by signal 200")],
)
def test_how_a_process_ended_in_words(code: int, words: str) -> None:
    assert describe_exit(code) == words


def test_a_log_is_bounded(tmp_path: Path) -> None:
    log = BoundedLog(tmp_path / "logs" / "edge.log", max_bytes=100)
    for number in range(100):
        log.write(b"line %03d\n" % number)
    log.close()
    newest, older = (tmp_path / "logs" / name for name in ("edge.log", "edge.log.1"))
    assert newest.read_bytes().endswith(b"line 099\n")
    assert newest.stat().st_size <= 100
    assert older.stat().st_size <= 100
    assert log.tail[-1] == "line 099"


def module(folder: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> str:
    (folder / f"{name}.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return name


def run_child_of(name: str, folder: Path) -> Child:
    listening = socket.socket()
    return Child(name, listening, folder / "child.log")


def config_of(folder: Path) -> ProcessConfig:
    return ProcessConfig(name="x", listen_fd=0, endpoints={}, data_dir=folder, limits=FRESH)


def test_a_child_that_ends_before_it_is_ready_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = module(tmp_path, "launchday_broken_child", "raise SystemExit('no such thing')", monkeypatch)

    async def scenario() -> None:
        child = run_child_of(name, tmp_path)
        await child.start(config_of(tmp_path))
        await child.until_ready()

    with pytest.raises(TargetError, match="ended with exit code 1 before it was ready: no such thing"):
        asyncio.run(scenario())


DEAF = """
import os, signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
os.write(1, b'{"event":"ready"}\\n')
print(grandchild.pid, file=sys.stderr, flush=True)
while True:
    signal.pause()
"""


def test_a_child_that_will_not_stop_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Child, "stop_timeout_s", 0.2)
    name = module(tmp_path, "launchday_deaf_child", DEAF, monkeypatch)
    ended: list[int] = []
    grandchildren: list[int] = []

    async def scenario() -> None:
        child = run_child_of(name, tmp_path)
        await child.start(config_of(tmp_path))
        await child.until_ready()
        waiting = asyncio.create_task(child.wait())
        await child.stop()
        ended.append(await waiting)
        grandchildren.append(int(child.log.tail[-1]))

    asyncio.run(scenario())
    assert ended == [-signal.SIGKILL]
    with pytest.raises(psutil.NoSuchProcess):
        _until_gone(grandchildren[0])


def _until_gone(pid: int) -> None:
    """Raises NoSuchProcess as soon as nothing runs under `pid`; a zombie whose parent died runs no more."""
    process = psutil.Process(pid)
    if process.status() == psutil.STATUS_ZOMBIE:
        raise psutil.NoSuchProcess(pid)
    process.wait(5)
    raise psutil.NoSuchProcess(pid)


# Endpoints

PROCESSES = {
    "edge": "http://127.0.0.1:1",
    "state": "http://127.0.0.1:2",
    "moto": "http://127.0.0.1:3",
    "push": "http://127.0.0.1:4",
}


def test_services_are_reached_where_they_live() -> None:
    endpoints = service_endpoints(PROCESSES)
    assert (endpoints[""], endpoints["kinesis"]) == ("http://127.0.0.1:1", "http://127.0.0.1:1")
    assert (endpoints["dynamodb"], endpoints["dynamodbstreams"]) == ("http://127.0.0.1:2",) * 2
    assert (endpoints["s3"], endpoints["sqs"]) == ("http://127.0.0.1:3",) * 2
    assert (endpoints["sns"], endpoints["appsync"]) == ("http://127.0.0.1:4",) * 2


def test_the_variables_for_functions_are_those_that_botocore_reads() -> None:
    """botocore derives the variable from the service id of its model."""
    from botocore.session import get_session

    variables = function_environment(PROCESSES)
    session = get_session()
    for service, url in service_endpoints(PROCESSES).items():
        if not service:
            assert variables["AWS_ENDPOINT_URL"] == url
            continue
        service_id = session.get_service_model(service).service_id
        assert variables[f"AWS_ENDPOINT_URL_{service_id.replace(' ', '_').upper()}"] == url


# Signals


class Stubborn:
    """A child that neither stops nor dies until it is killed."""

    def __init__(self) -> None:
        self.killed = asyncio.Event()
        self.log = BoundedLog(Path("/dev/null"))

    async def stop(self) -> None:
        await self.killed.wait()

    def kill(self) -> None:
        self.killed.set()


def test_a_second_signal_kills_what_does_not_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signals: list[Callable[[], None]] = []
    child = Stubborn()

    async def start(supervisor: Supervisor) -> None:
        supervisor._children = {"edge": cast("Child", child)}
        signals.append(supervisor._on_signal)

    monkeypatch.setattr(Supervisor, "_start", start)

    async def scenario() -> None:
        settings = Settings(
            host="127.0.0.1", port=0, data_dir=tmp_path, logs_dir=tmp_path / "logs", limits=FRESH
        )
        running = asyncio.create_task(Supervisor(settings, lambda _event: None).run())
        while not signals:
            await asyncio.sleep(0)
        signals[0]()
        for _ in range(10):
            await asyncio.sleep(0)
        assert not running.done()
        signals[0]()
        await running

    asyncio.run(scenario())
    assert child.killed.is_set()
