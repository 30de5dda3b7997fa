"""Functions of a Lambda that is elsewhere, in real processes: what they see, tell and are refused."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

from tests.emulator.hosting import ARN, RUNTIME, Hosting


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
