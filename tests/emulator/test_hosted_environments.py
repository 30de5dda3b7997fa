"""Functions of a Lambda that is elsewhere, in real processes, by the companion's API."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.emulator.services.lambda_.hosted import environment as environment_module
from harness.emulator.services.lambda_.hosted.host import MAX_STARTING
from tests.emulator.hosting import ARN, RUNTIME, Hosting
from tests.processes import gone


@pytest.fixture
def hosting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosting]:
    # Lambda's 10 s are little on a machine that is busy with other tests: what is not initialized by then is
    # begun again by its first invocation, as on AWS, and is no process that a sibling could have.
    monkeypatch.setattr(environment_module, "INIT_LIMIT_S", 120.0)
    hosting = Hosting(tmp_path)
    yield hosting
    hosting.close()


def test_a_function_sees_its_own_variables_and_the_supplied_sdk_and_nothing_of_its_host(
    hosting: Hosting,
) -> None:
    id_ = hosting.start(
        """
        import boto3, importlib.util, json, os, sys
        def handler(event, context):
            modules = ("boto3", "botocore", "aiohttp", "moto", "numpy", "harness", "pip", "pytest")
            return {
                "environment": dict(os.environ),
                "path": sys.path,
                "found": [name for name in modules if importlib.util.find_spec(name)],
                "arn": context.invoked_function_arn,
                "id": context.aws_request_id,
                "trace": os.environ["_X_AMZN_TRACE_ID"],
                "left_ms": context.get_remaining_time_in_millis(),
                "exit": callable(exit),
                "boto3": boto3.client("sqs", region_name="us-east-1").meta.service_model.service_name,
            }
        """,
        variables={"MINE": "yes", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
    )
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    ran = hosting.invoke(
        id_, b'{"a": "\xc3\xa9"}', **{"x-launchday-request-id": "r-1", "x-launchday-trace-header": trace}
    )
    seen = ran.payload
    environment = seen["environment"]
    assert ran.error is None
    assert (seen["arn"], seen["id"], seen["trace"]) == (ARN, "r-1", trace)
    assert 0 < seen["left_ms"] <= 20_000
    assert seen["found"] == ["boto3", "botocore"]
    assert seen["boto3"] == "sqs"
    assert seen["exit"]
    assert seen["path"][0] == environment["LAMBDA_TASK_ROOT"]
    assert not [entry for entry in seen["path"] if "site-packages" in entry or "dist-packages" in entry]
    assert environment["MINE"] == "yes"
    assert environment["AWS_EXECUTION_ENV"] == f"AWS_Lambda_{RUNTIME}"
    assert environment["AWS_LAMBDA_LOG_STREAM_NAME"] == f"2026/11/24/[$LATEST]{id_}"
    ours = {
        "PATH",
        "LANG",
        "TZ",
        "LC_CTYPE",
        "MINE",
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "PWD",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    }
    assert not [name for name in environment if name not in ours and not name.startswith("AWS_")]
    (noted,) = hosting.api.take_invocations()
    assert (noted.trace_id, noted.request_id) == ("1-5759e988-bd862e3fe1be46a994272793", "r-1")


def test_lines_come_once_in_order_and_whole(hosting: Hosting) -> None:
    id_ = hosting.start(
        """
        import logging
        print("loading")
        def handler(event, context):
            print("out")
            logging.getLogger().warning("two\\nlines")
            if event:
                raise ValueError("no\\nno")
        """
    )
    first = hosting.invoke(id_)
    assert [line.split(" ")[0] for line in first.logs[:3]] == ["loading\n", "START", "out\n"]
    warning = r"\[WARNING\]\t[\d:.TZ-]+\t[0-9a-f-]{36}\ttwo[\r\n]lines\n"
    assert re.fullmatch(warning, "".join(first.logs[3:-2]))
    assert re.fullmatch(r"END RequestId: [0-9a-f-]{36}\n", first.logs[-2])
    assert re.fullmatch(
        r"REPORT RequestId: [0-9a-f-]{36}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\t"
        r"Memory Size: 128 MB\tMax Memory Used: \d+ MB\tInit Duration: [\d.]+ ms\t\n",
        first.logs[-1],
    )
    second = hosting.invoke(id_, b'{"fail": 1}')
    assert (second.payload["errorType"], second.payload["errorMessage"]) == ("ValueError", "no\nno")
    said = "".join(second.logs)
    error = r"\[ERROR\] ValueError: no\nno\r.*"
    assert re.fullmatch(rf"START .*\nout\n{warning}{error}\nEND .*\nREPORT .*\n", said), said
    assert "Init Duration" not in said
    assert hosting.ask("GET", f"/{id_}/logs").body.decode() == "".join([*first.logs, *second.logs])


def test_each_invocation_is_measured_and_metered(hosting: Hosting) -> None:
    id_ = hosting.start(
        """
        def handler(event, context):
            return sum(range(event["n"])) and len(b"x" * event["bytes"])
        """,
        memory_mb=512,
    )
    for n, size in ((10, 10), (2_000_000, 10), (10, 60_000_000)):
        hosting.invoke(id_, json.dumps({"n": n, "bytes": size}).encode())
    cold, busy, large = hosting.api.take_invocations()
    assert hosting.api.take_invocations() == []
    assert cold.init_ms is not None
    assert cold.init_ms > 0
    assert busy.init_ms is None
    assert busy.cpu_ms > 5 * cold.cpu_ms
    if sys.platform == "linux":
        assert large.peak_memory_mb > cold.peak_memory_mb + 50
    assert (cold.function, cold.source, cold.memory_mb, cold.runtime) == ("app", "api", 512, RUNTIME)
    assert [(u.unit, u.quantity) for u in hosting.meters.usage()] == [("requests", 3)]
    assert {g.name: g.value for g in hosting.meters.gauges()} == {
        "concurrent_executions": 0,
        "environments": 1,
    }


def test_a_batch_says_its_source_and_its_size(hosting: Hosting) -> None:
    id_ = hosting.start("def handler(event, context): return {'batchItemFailures': []}")
    arn = "arn:aws:kinesis:us-east-1:000000000000:stream/events"
    records = [{"eventSource": "aws:kinesis", "eventSourceARN": arn, "kinesis": {"data": "eA=="}}] * 2
    hosting.invoke(id_, json.dumps({"Records": records}).encode())
    (noted,) = hosting.api.take_invocations()
    assert (noted.source, noted.records) == ("kinesis:events", 2)


def test_a_timeout_ends_the_process_and_the_next_invocation_has_another(hosting: Hosting) -> None:
    id_ = hosting.start(
        """
        import os, time
        def handler(event, context):
            print("slow", flush=True)
            time.sleep(event.get("sleep", 0))
            return os.getpid()
        """,
        timeout_s=1,
    )
    pid = hosting.invoke(id_).payload
    late = hosting.invoke(id_, b'{"sleep": 30}')
    assert late.error == "Sandbox.Timedout"
    assert late.payload["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert any("Task timed out after 1.00 seconds" in line for line in late.logs)
    assert late.logs[-1].rstrip().endswith("Status: timeout")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    again = hosting.invoke(id_)
    assert again.error is None
    assert again.payload != pid
    assert "Init Duration" in again.logs[-1]
    assert [each.status for each in hosting.api.take_invocations()] == ["ok", "timeout", "ok"]


@pytest.mark.parametrize(
    ("end", "how"), [("os._exit(3)", "exit status 3"), ("os.kill(os.getpid(), 9)", "signal: killed")]
)
def test_a_crash_is_the_invocations_and_the_environment_goes_on(hosting: Hosting, end: str, how: str) -> None:
    id_ = hosting.start(
        f"""
        import os
        def handler(event, context):
            if event: {end}
            return os.getpid()
        """
    )
    before = hosting.invoke(id_).payload
    crashed = hosting.invoke(id_, b'{"end": 1}')
    assert crashed.error == "Runtime.ExitError"
    assert crashed.payload["errorMessage"].endswith(f"Error: Runtime exited with error: {how}")
    assert hosting.invoke(id_).payload != before
    assert hosting.invoke(id_).error is None


def test_what_fails_to_initialize_tells_its_first_invocation(hosting: Hosting) -> None:
    id_ = hosting.start("import nowhere")
    failed = hosting.invoke(id_, **{"x-launchday-request-id": "r-1"})
    assert failed.error == "Runtime.ImportModuleError"
    assert "No module named 'nowhere'" in failed.payload["errorMessage"]
    order = [line.split(" ")[0] for line in failed.logs]
    assert order[-4:] == ["INIT_REPORT", "START", "END", "REPORT"]
    assert "[ERROR]" in order
    assert failed.logs[-1].rstrip().endswith("Status: error")
    assert hosting.invoke(id_).error == "Runtime.ImportModuleError"  # tried again
    assert [each.status for each in hosting.api.take_invocations()] == ["error", "error"]


def test_a_provisioned_environment_that_fails_to_initialize_is_none(hosting: Hosting) -> None:
    specification = hosting.specification("1 / 0", "p1", provisioned=True)
    status, answer = hosting.put("p1", specification)
    assert status == 422
    assert json.loads(answer["error"])["errorType"] == "ZeroDivisionError"
    assert hosting.invoke("p1").status == 404


def test_a_response_over_six_megabytes_is_refused(hosting: Hosting) -> None:
    id_ = hosting.start("def handler(event, context): return 'x' * event['n']")
    assert hosting.invoke(id_, b'{"n": 7000000}').error == "Function.ResponseSizeTooLarge"
    assert len(hosting.invoke(id_, b'{"n": 6000000}').payload) == 6_000_000


def test_layers_are_found_by_import_and_by_path_the_later_over_the_earlier(
    hosting: Hosting, tmp_path: Path
) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    for layer, value in ((first, 1), (second, 2)):
        (layer / "python").mkdir(parents=True)
        (layer / "python" / "shared.py").write_text(f"value = {value}")
    (first / "python" / "only_first.py").write_text("value = 'first'")
    versioned = second / "python" / "lib" / RUNTIME / "site-packages"
    versioned.mkdir(parents=True)
    (versioned / "only_second.py").write_text("value = 'second'")
    (second / "bin").mkdir()
    (second / "bin" / "tool").write_text("#!/bin/sh\necho from a layer\n")
    (second / "bin" / "tool").chmod(0o755)
    (second / "extensions").mkdir()
    (second / "extensions" / "watcher").touch()
    folder = hosting.folder(
        """
        import only_first, only_second, shared, subprocess
        def handler(event, context):
            said = subprocess.run(["tool"], capture_output=True, text=True).stdout
            return [shared.value, only_first.value, only_second.value, said]
        """
    )
    id_ = uuid_of(hosting)
    status, answer = hosting.put(id_, hosting.specification(folder, id_, layers=[str(first), str(second)]))
    assert status == 200
    assert any("not at /opt" in note for note in answer["notes"])
    assert any("watcher" in note for note in answer["notes"])
    assert hosting.invoke(id_).payload == [2, "first", "second", "from a layer\n"]


def uuid_of(hosting: Hosting) -> str:
    return f"e{len(json.loads(hosting.ask('GET', '').body)['environments'])}"


def test_what_cannot_be_hosted_is_refused_in_a_sentence(hosting: Hosting, tmp_path: Path) -> None:
    folder = hosting.folder("")
    for changes, status, words in (
        ({"runtime": "nodejs22.x"}, 400, "Functions of the runtime nodejs22.x cannot be run without Docker"),
        ({"folder": str(tmp_path / "nowhere")}, 400, "is not there"),
        ({"layers": [str(tmp_path / "nowhere")]}, 400, "is not there"),
        ({"owner_pid": 2**22 + 1}, 400, "There is no process"),
        ({"log_stream": "another"}, 400, "must carry the environment's id"),
        ({"timeout_s": "soon"}, 400, "not described as it must be"),
    ):
        answered, answer = hosting.put("x", hosting.specification(folder, "x", **changes))
        assert (answered, words in answer["message"]) == (status, True), answer
    assert hosting.ask("PUT", "/x", b"[]").status == 400
    assert hosting.ask("PUT", "/x", b"{").status == 400
    assert hosting.ask("PATCH", "/x").status == 404
    assert hosting.invoke("x").status == 404
    assert hosting.stop("x") == 200  # it is stopped


def test_a_check_says_what_start_would(hosting: Hosting) -> None:
    code = {"runtime": RUNTIME, "architecture": "arm64", "folder": str(hosting.folder("")), "layers": []}
    notes = json.loads(hosting.ask("POST", "/checks", json.dumps(code).encode()).body)["notes"]
    assert [note.startswith("It is for arm64") for note in notes] == [True]
    code["runtime"] = "java21"
    refused = hosting.ask("POST", "/checks", json.dumps(code).encode())
    assert refused.status == 400
    assert "java21" in json.loads(refused.body)["message"]


WAITS = """
import os, pathlib
def handler(event, context):
    if event:
        pathlib.Path(event["begun"]).touch()
        while not pathlib.Path(event["go_on"]).exists():
            pass
    return os.getpid()
"""


def test_an_invocation_goes_on_to_its_end_when_its_environment_is_stopped(
    hosting: Hosting, tmp_path: Path
) -> None:
    id_ = hosting.start(WAITS)
    pid = hosting.invoke(id_).payload
    begun, go_on = tmp_path / "begun", tmp_path / "go_on"
    running = hosting.invoke_later(id_, json.dumps({"begun": str(begun), "go_on": str(go_on)}).encode())
    while not begun.exists():
        time.sleep(0.001)
    assert hosting.invoke(id_).status == 409
    assert hosting.stop(id_) == 200
    assert hosting.invoke(id_).status == 404
    go_on.touch()
    assert hosting.ran(running.result(30)).payload == pid
    assert gone(pid)


def slow_start(hosting: Hosting, id_: str) -> Any:
    """An environment that takes a minute to start, and has begun to; a future of the answer."""
    folder = hosting.folder("import time; open('began', 'w').close(); time.sleep(60)")
    starting = hosting.put_later(id_, hosting.specification(folder, id_, in_place=True))
    while not (folder / "began").exists():
        time.sleep(0.001)
    return starting


def test_what_is_not_initialized_in_time_is_begun_again_by_its_first_invocation(
    hosting: Hosting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment_module, "INIT_LIMIT_S", 0.0)
    folder = hosting.folder("import os\ndef handler(event, context): return os.getpid()")
    for id_ in ("first", "second"):  # no sibling of the second has a process
        assert hosting.put(id_, hosting.specification(folder, id_))[1]["state"] == "ready"
    ran = hosting.invoke("first")
    assert ran.error is None
    assert "Init Duration" in ran.logs[-1]


def test_a_stop_ends_what_is_only_starting(hosting: Hosting) -> None:
    starting = slow_start(hosting, "slow")
    (pid,) = [child.pid for child in psutil.Process().children() if "app.handler" in child.cmdline()]
    hosting.stop("slow")
    assert starting.result(30).status == 410
    assert gone(pid)


def test_more_starts_than_turns_wait_for_their_first_invocation(hosting: Hosting) -> None:
    starting = [slow_start(hosting, f"slow-{number}") for number in range(MAX_STARTING)]
    folder = hosting.folder("import os\ndef handler(event, context): return os.getpid()")
    specification = hosting.specification(folder, "quick")
    assert hosting.put("quick", specification)[1] == {"state": "waiting", "notes": []}
    assert hosting.put("quick", specification)[0] == 409  # it is there
    for number in range(MAX_STARTING):
        hosting.stop(f"slow-{number}")
    assert [each.result(30).status for each in starting] == [410] * MAX_STARTING
    assert hosting.invoke("quick").payload > 0


def test_an_environment_may_begin_again_under_its_name(hosting: Hosting) -> None:
    folder = hosting.folder("import os\ndef handler(event, context): return os.getpid()")
    specification = hosting.specification(folder, "same")
    hosting.put("same", specification)
    first = hosting.invoke("same").payload
    hosting.stop("same")
    hosting.put("same", specification)
    second = hosting.invoke("same").payload
    assert first != second
    assert gone(first)
    assert hosting.invoke("same").payload == second  # no sweep for the first has taken the second


LEAVES = """
import os, subprocess, sys
LEFT = "import os, time; open({pids!r}, 'a').write(f'{{os.getpid()}} '); time.sleep(120)"
DAEMON = f"import os; os.fork() and os._exit(0); os.setsid(); {{LEFT}}"
def handler(event, context):
    for program in (LEFT, DAEMON):
        subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    while not os.path.exists({pids!r}) or len(open({pids!r}).read().split()) < 2:
        pass
    return os.getpid()
"""


def test_environments_end_with_their_owner_and_all_that_they_left(hosting: Hosting, tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    pids = tmp_path / "pids"
    id_ = hosting.start(LEAVES.format(pids=str(pids)), owner_pid=owner.pid)
    pid = hosting.invoke(id_).payload
    left = [int(each) for each in pids.read_text().split()]
    other = hosting.start(WAITS)
    lives_on = hosting.invoke(other).payload
    owner.kill()
    owner.wait()
    assert gone(pid, *left)
    assert hosting.invoke(id_).status == 404
    assert hosting.invoke(other).payload == lives_on


def test_a_reset_ends_every_environment(hosting: Hosting) -> None:
    pids = [hosting.invoke(hosting.start(WAITS)).payload for _ in range(2)]
    hosting.run(hosting.api.reset())
    assert gone(*pids)
    assert json.loads(hosting.ask("GET", "").body) == {"environments": []}


def both(hosting: Hosting, source: str) -> tuple[str, str]:
    """Two environments of one version; the second found no turn to start, as it had a sibling."""
    folder = hosting.folder(source)
    assert hosting.put("first", hosting.specification(folder, "first"))[1]["state"] == "ready"
    assert hosting.put("second", hosting.specification(folder, "second"))[1]["state"] == "waiting"
    return "first", "second"


SAYS = """
import os
def handler(event, context):
    print(event)
    return os.getpid()
"""


def test_an_environment_takes_the_process_of_a_sibling_that_has_nothing_to_do(hosting: Hosting) -> None:
    first, second = both(
        hosting, "import os\ndef handler(event, context):\n print(event)\n return os.getpid()"
    )
    one = hosting.invoke(first, b'"one"')
    two = hosting.invoke(second, b'"two"')
    again = hosting.invoke(first, b'"again"')
    assert one.payload == two.payload == again.payload
    assert ["Init Duration" in ran.logs[-1] for ran in (one, two, again)] == [True, False, False]
    assert [ran.logs[1] for ran in (one, two, again)] == ["one\n", "two\n", "again\n"]
    assert len(two.logs) == 4
    assert [each.init_ms is None for each in hosting.api.take_invocations()] == [False, True, True]


def test_beside_a_sibling_that_is_busy_another_process_is_started(hosting: Hosting, tmp_path: Path) -> None:
    first, second = both(hosting, WAITS)
    begun, go_on = tmp_path / "begun", tmp_path / "go_on"
    running = hosting.invoke_later(first, json.dumps({"begun": str(begun), "go_on": str(go_on)}).encode())
    while not begun.exists():
        time.sleep(0.001)
    other = hosting.invoke(second).payload
    go_on.touch()
    assert hosting.ran(running.result(30)).payload != other


def test_whoever_waits_has_the_first_process_that_comes_free(hosting: Hosting, tmp_path: Path) -> None:
    first, second = both(hosting, WAITS)
    begun, go_on = tmp_path / "begun", tmp_path / "go_on"
    payload = json.dumps({"begun": str(begun), "go_on": str(go_on)}).encode()
    running = hosting.invoke_later(first, payload)
    while not begun.exists():
        time.sleep(0.001)
    starting = [slow_start(hosting, f"slow-{number}") for number in range(MAX_STARTING)]  # no other may now
    waiting = hosting.invoke_later(second)
    go_on.touch()
    assert hosting.ran(running.result(30)).payload == hosting.ran(waiting.result(30)).payload
    for number in range(MAX_STARTING):
        hosting.stop(f"slow-{number}")
    assert {each.result(30).status for each in starting} == {410}
    waits = {usage.unit: usage.quantity for usage in hosting.meters.usage()}["process_wait_ms"]
    assert waits > 0


def test_a_process_outlives_the_environment_that_started_it_where_a_sibling_has_it(hosting: Hosting) -> None:
    first, second = both(hosting, "import os\ndef handler(event, context): return os.getpid()")
    pid = hosting.invoke(first).payload
    assert hosting.invoke(second).payload == pid
    hosting.stop(first)
    assert hosting.invoke(second).payload == pid
    hosting.stop(second)
    assert gone(pid)


def test_environments_that_differ_share_no_process(hosting: Hosting) -> None:
    folder = hosting.folder("import os\ndef handler(event, context): return [os.getpid(), os.environ['V']]")
    for id_, changes in (
        ("a", {"variables": {"V": "1"}}),
        ("b", {"variables": {"V": "2"}}),
        ("c", {"variables": {"V": "1"}, "memory_mb": 256}),
        ("d", {"variables": {"V": "1"}, "code_stamp": 7}),
        ("e", {"variables": {"V": "1"}, "provisioned": True}),
    ):
        assert hosting.put(id_, hosting.specification(folder, id_, **changes))[1]["state"] == "ready"
    answers = [hosting.invoke(id_).payload for id_ in "abcde"]
    assert len({pid for pid, _ in answers}) == 5
    assert [value for _, value in answers] == ["1", "2", "1", "1", "1"]


def test_what_runs_goes_on_with_its_code_when_that_is_removed(hosting: Hosting, tmp_path: Path) -> None:
    folder = hosting.folder(
        """
        import os, pathlib
        def handler(event, context):
            pathlib.Path(event["begun"]).touch()
            while not pathlib.Path(event["go_on"]).exists():
                pass
            import late
            return late.value
        """
    )
    (folder / "late.py").write_text("value = 'imported'")
    hosting.put("old", hosting.specification(folder, "old"))
    begun, go_on = tmp_path / "begun", tmp_path / "go_on"
    running = hosting.invoke_later("old", json.dumps({"begun": str(begun), "go_on": str(go_on)}).encode())
    while not begun.exists():
        time.sleep(0.001)
    hosting.stop("old")
    shutil.rmtree(folder)
    go_on.touch()
    assert hosting.ran(running.result(30)).payload == "imported"


def test_code_that_is_run_in_place_is_what_its_folder_has(hosting: Hosting) -> None:
    folder = hosting.folder("def handler(event, context): return 1")
    for stamp in (1, 2):
        hosting.put(
            f"hot-{stamp}", hosting.specification(folder, f"hot-{stamp}", in_place=True, code_stamp=stamp)
        )
        assert hosting.invoke(f"hot-{stamp}").payload == stamp
        (folder / "app.py").write_text("def handler(event, context): return 1 + 1")
