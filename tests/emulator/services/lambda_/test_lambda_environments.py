"""Functions in real processes, under AWS's runtime client and under ours."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.emulator.services.base import CallContext

CLIENTS = ["builtin"] + (["awslambdaric"] if sys.platform == "linux" else [])


@pytest.fixture(params=CLIENTS)
def running(request: pytest.FixtureRequest, start_lambda: Callable[..., Any]) -> Any:
    return start_lambda(runtime_client=request.param)


def test_a_function_sees_what_aws_shows_it(running: Any) -> None:
    running.create(
        """
        import importlib.util, json, logging, os, sys
        def handler(event, context):
            return {
                "event": event,
                "environment": dict(os.environ),
                "path": sys.path,
                "folder": os.getcwd(),
                "boto3": importlib.util.find_spec("boto3") is not None,
                "id": context.aws_request_id,
                "arn": context.invoked_function_arn,
                "left_ms": context.get_remaining_time_in_millis(),
                "memory": context.memory_limit_in_mb,
            }
        """,
        Environment={"Variables": {"MINE": "yes"}},
        MemorySize=512,
    )
    answer = running.invoke(b'{"a": [1, "\\u00e9"]}')
    seen = json.loads(answer["Payload"])
    environment = seen["environment"]
    assert seen["event"] == {"a": [1, "é"]}
    assert seen["id"] == answer["ResponseMetadata"]["RequestId"]
    assert seen["arn"] == "arn:aws:lambda:us-east-1:000000000000:function:app"
    assert 0 < seen["left_ms"] <= 20_000
    assert int(seen["memory"]) == 512
    assert seen["boto3"]
    assert seen["path"][0] == seen["folder"] == environment["LAMBDA_TASK_ROOT"]
    assert os.getcwd() not in seen["path"]  # noqa: PTH109 - where this program lies is no place for functions
    assert environment["MINE"] == "yes"
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "us-east-1"
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "512"
    assert environment["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.12"
    assert environment["TZ"] == ":UTC"
    assert re.fullmatch(
        r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0", environment["_X_AMZN_TRACE_ID"]
    )
    assert "HOME" not in environment


def test_each_invocation_is_measured_and_has_a_trace_of_its_own(running: Any) -> None:
    running.create(
        """
        def handler(event, context):
            return sum(range(event["n"])) and len(b"x" * event["bytes"])
        """
    )
    for n, size in ((10, 10), (2_000_000, 10), (10, 60_000_000)):
        running.invoke(json.dumps({"n": n, "bytes": size}).encode())
    cold, busy, large = running.service.take_invocations()
    assert running.service.take_invocations() == []
    assert cold.init_ms > 0
    assert cold.init_cpu_ms > 0
    assert busy.init_ms is None
    assert busy.init_cpu_ms is None
    assert busy.cpu_ms > 5 * cold.cpu_ms
    assert busy.wall_ms >= 0.5 * busy.cpu_ms
    if sys.platform == "linux":  # elsewhere the system does not tell a peak
        assert large.peak_memory_mb > cold.peak_memory_mb + 50
    assert {each.status for each in (cold, busy, large)} == {"ok"}
    assert len({each.trace_id for each in (cold, busy, large)}) == 3
    assert (cold.function, cold.source, cold.memory_mb, cold.architecture) == ("app", "api", 128, "x86_64")


def test_an_exception_is_the_callers_and_the_environment_lives_on(running: Any) -> None:
    running.create(
        """
        import os
        def handler(event, context):
            if event.get("fail"):
                raise KeyError("no such thing")
            return os.getpid()
        """
    )
    before = running.invoke()["Payload"]
    failed = running.invoke(b'{"fail": true}')
    error = json.loads(failed["Payload"])
    assert failed["StatusCode"] == 200
    assert failed["FunctionError"] == "Unhandled"
    assert (error["errorType"], error["errorMessage"]) == ("KeyError", "'no such thing'")
    assert "app.py" in error["stackTrace"][-1]
    assert running.invoke()["Payload"] == before
    assert [each.status for each in running.service.take_invocations()] == ["ok", "error", "ok"]


def test_a_crash_ends_the_environment_and_the_next_invocation_has_another(running: Any) -> None:
    running.create(
        """
        import os
        def handler(event, context):
            if event.get("exit"):
                os._exit(event["exit"])
            if event.get("kill"):
                os.kill(os.getpid(), 9)
            return os.getpid()
        """
    )
    first = running.invoke()["Payload"]
    exited = json.loads(running.invoke(b'{"exit": 3}')["Payload"])
    killed = json.loads(running.invoke(b'{"kill": true}')["Payload"])
    second = running.invoke()["Payload"]
    assert exited["errorType"] == killed["errorType"] == "Runtime.ExitError"
    assert exited["errorMessage"].endswith("Error: Runtime exited with error: exit status 3")
    assert killed["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    assert first != second
    statuses = [each.status for each in running.service.take_invocations()]
    assert statuses == ["ok", "crash", "crash", "ok"]


def test_a_timeout_kills_the_environment(running: Any) -> None:
    running.create(
        """
        import os, time
        def handler(event, context):
            print("slow", flush=True)
            time.sleep(event.get("sleep", 0))
            return os.getpid()
        """,
        Timeout=1,
    )
    pid = int(running.invoke()["Payload"])
    answer = running.invoke(b'{"sleep": 30}', LogType="Tail")
    error = json.loads(answer["Payload"])
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    tail = base64.b64decode(answer["LogResult"]).decode()
    assert "slow\n" in tail
    assert "Task timed out after 1.00 seconds" in tail
    assert tail.rstrip().endswith("Status: timeout")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert {u.unit: u.quantity for u in running.meters.usage()}["timeouts"] == 1


@pytest.mark.parametrize(
    ("source", "handler", "error_type", "message"),
    [
        (
            "import nowhere",
            "app.handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'app': No module named",
        ),
        (
            "def other(): pass",
            "app.handler",
            "Runtime.HandlerNotFound",
            "Handler 'handler' missing on module 'app'",
        ),
        ("def broken(:", "app.handler", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("", "handler", "Runtime.MalformedHandlerName", "Bad handler 'handler'"),
        ("1 / 0", "app.handler", "ZeroDivisionError", "division by zero"),
        ("raise type('Über', (Exception,), {})('boom')", "app.handler", "Über", "boom"),
        (
            "import os; os._exit(7)",
            "app.handler",
            "Runtime.ExitError",
            "Runtime exited with error: exit status 7",
        ),
    ],
)
def test_an_initialization_that_fails_is_the_invocations_error(
    running: Any, source: str, handler: str, error_type: str, message: str
) -> None:
    running.create(source, Handler=handler)
    answer = running.invoke(LogType="Tail")
    error = json.loads(answer["Payload"])
    assert answer["FunctionError"] == "Unhandled"
    assert error["errorType"] == error_type
    assert message in error["errorMessage"]
    assert f"Status: error\tError Type: {error_type}" in base64.b64decode(answer["LogResult"]).decode()
    assert running.service.take_invocations()[0].init_ms > 0


def test_a_response_over_six_megabytes_is_refused(running: Any) -> None:
    running.create(
        """
        def handler(event, context):
            return "x" * event["n"]
        """
    )
    assert (
        json.loads(running.invoke(b'{"n": 7000000}')["Payload"])["errorType"]
        == "Function.ResponseSizeTooLarge"
    )
    assert len(running.invoke(b'{"n": 6000000}')["Payload"]) == 6_000_002


def test_what_it_prints_is_logged_between_start_and_end(running: Any, logs: Any) -> None:
    running.create(
        """
        import logging, sys
        def handler(event, context):
            print("out")
            sys.stderr.write("err\\n")
            logging.getLogger().warning("two\\nlines")
        """
    )
    running.invoke()
    lines = [message for _, _, message in logs.events]
    assert [line.split(" ")[0].strip() for line in lines[:3]] == ["START", "out", "err"]
    assert re.fullmatch(
        r"\[WARNING\]\t\d{4}-\d\d-\d\dT[\d:.]+Z\t[0-9a-f-]{36}\ttwo\nlines\n", "".join(lines[3:-2])
    )
    assert lines[-2].startswith("END RequestId: ")
    assert lines[-1].startswith("REPORT RequestId: ")
    assert {group for group, _, _ in logs.events} == {"/aws/lambda/app"}
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", logs.events[0][1])


def test_functions_end_with_the_service(running: Any) -> None:
    running.create("import os\ndef handler(event, context): return os.getpid()")
    pid = int(running.invoke()["Payload"])
    running.run(running.service.close())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("crash", [False, True])
def test_what_a_function_left_in_sessions_of_their_own_ends_with_it(
    running: Any, tmp_path: Path, crash: bool
) -> None:
    pids = tmp_path / "pids"
    running.create(
        f"""
        import os, subprocess, sys
        LEFT = "import os, time; open({str(pids)!r}, 'a').write(f'{{os.getpid()}} '); time.sleep(60)"
        DAEMON = f"import os; os.fork() and os._exit(0); os.setsid(); {{LEFT}}"
        BARE = f"import os; os.environ.clear(); {{DAEMON}}"
        def handler(event, context):
            for program in (LEFT, DAEMON, BARE):
                subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
            while not os.path.exists({str(pids)!r}) or len(open({str(pids)!r}).read().split()) < 3:
                pass
            if {crash}:
                os._exit(3)
        """
    )
    running.invoke()
    running.run(running.service.reset())
    left = [int(pid) for pid in pids.read_text().split()]
    assert len(left) == 3
    deadline = time.monotonic() + 10
    while any(psutil.pid_exists(pid) for pid in left) and time.monotonic() < deadline:
        time.sleep(0.02)  # killed, and reaped by whoever has adopted them
    assert not [pid for pid in left if psutil.pid_exists(pid)]


def test_new_code_runs_in_new_environments(running: Any, zipped: Callable[..., bytes]) -> None:
    running.create("def handler(event, context): return 1")
    assert running.invoke()["Payload"] == b"1"
    code = zipped("import os\ndef handler(event, context): return int(os.environ.get('VALUE', '2'))")
    running.client.update_function_code(FunctionName="app", ZipFile=code)
    running.settle()
    assert running.invoke()["Payload"] == b"2"
    running.client.update_function_configuration(
        FunctionName="app", Environment={"Variables": {"VALUE": "3"}}
    )
    assert running.invoke()["Payload"] == b"3"


def test_a_caller_who_stops_waiting_does_not_end_the_function(running: Any, tmp_path: Path) -> None:
    running.create(
        """
        import os, pathlib
        def handler(event, context):
            pathlib.Path(event["begun"]).touch()
            while not pathlib.Path(event["go_on"]).exists():
                pass
            return os.getpid()
        """
    )
    begun, go_on = tmp_path / "begun", tmp_path / "go_on"
    payload = json.dumps({"begun": str(begun), "go_on": str(go_on)}).encode()

    async def give_up() -> None:
        waiting = asyncio.create_task(running.service.invoke("app", payload, context=CallContext()))
        while not begun.exists():
            await asyncio.sleep(0.001)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    running.run(give_up())
    go_on.touch()
    while any(each.value for each in running.meters.gauges() if each.name == "concurrent_executions"):
        pass
    assert [each.status for each in running.service.take_invocations()] == ["ok"]
    assert running.invoke(payload)["StatusCode"] == 200
    assert running.service.take_invocations()[0].init_ms is None  # in the same environment


def test_a_process_that_cannot_begin_is_its_functions_error_and_holds_up_no_other(running: Any) -> None:
    source = "def handler(event, context): return 'ran'"
    for number in range(3):  # more than may start at once
        running.create(source, f"nul-{number}", Environment={"Variables": {"NUL": "a\0b"}})
        answer = running.invoke(name=f"nul-{number}")
        assert json.loads(answer["Payload"])["errorType"] == "Runtime.InvalidEntrypoint"
    running.create(source)
    assert running.invoke()["Payload"] == b'"ran"'


def test_a_web_page_cannot_take_an_environments_work(running: Any) -> None:
    running.create("import os\ndef handler(event, context): return os.environ['AWS_LAMBDA_RUNTIME_API']")
    address = json.loads(running.invoke()["Payload"])
    for headers in (
        {"Origin": "http://elsewhere"},
        {"Host": "elsewhere:80"},
        {"Sec-Fetch-Site": "cross-site"},  # what asks for an image or a script names no Origin
        {"Referer": "http://elsewhere/page"},
        {"x-amz-sns-message-type": "SubscriptionConfirmation"},  # SNS posts wherever it is subscribed
    ):
        request = urllib.request.Request(
            f"http://{address}/2018-06-01/runtime/invocation/next", headers=headers
        )
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=10)
        assert caught.value.code == 403
        caught.value.close()
    assert json.loads(running.invoke()["Payload"]) == address
