"""The parts of hosting functions: interpreters, what is supplied, layers, output, events, owners."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.emulator.services.lambda_.function_settings import RUNTIMES
from harness.emulator.services.lambda_.hosted import interpreters as interpreters_module
from harness.emulator.services.lambda_.hosted import layers as layers_module
from harness.emulator.services.lambda_.hosted import output as output_module
from harness.emulator.services.lambda_.hosted.code import KeptCode
from harness.emulator.services.lambda_.hosted.events import Origin, origin_of
from harness.emulator.services.lambda_.hosted.interpreters import (
    Interpreters,
    candidates,
    oldest_python,
    own_interpreter,
    version_of,
)
from harness.emulator.services.lambda_.hosted.layers import Layers
from harness.emulator.services.lambda_.hosted.output import HeldOutput
from harness.emulator.services.lambda_.hosted.owners import Owners
from harness.emulator.services.lambda_.hosted.refusal import NotHosted
from harness.emulator.services.lambda_.hosted.supplied import Supplied
from tests.emulator.hosting import Hosting

OWN = sys.version_info[:2]
OWN_RUNTIME = f"python3.{OWN[1]}"


# Interpreters


def test_the_own_version_is_the_interpreter_below_any_virtual_environment() -> None:
    found = Interpreters().of(OWN_RUNTIME)
    assert (found.path, found.version, found.note) == (own_interpreter(), OWN, None)
    prefix = subprocess.check_output(
        [found.path, "-S", "-c", "import sys; print(sys.prefix == sys.base_prefix)"]
    )
    assert prefix.strip() == b"True"


def test_a_version_that_is_not_there_runs_on_the_own_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    other = next(runtime for runtime in RUNTIMES[::-1] if runtime != OWN_RUNTIME)
    monkeypatch.setattr(interpreters_module, "candidates", lambda _version: [])
    found = Interpreters(oldest=(3, 0)).of(other)
    assert (found.path, found.version) == (own_interpreter(), OWN)
    wanted = other.removeprefix("python")
    assert found.note == (
        f"Python {wanted} is not found here, so functions of {other} run on Python 3.{OWN[1]}."
    )


def test_a_version_that_boto3_has_left_behind_runs_on_the_own_and_says_so() -> None:
    found = Interpreters(oldest=(3, 99)).of("python3.9" if OWN != (3, 9) else "python3.10")
    assert found.version == OWN
    assert str(found.note).startswith("boto3 is not to be had for Python 3.")


def test_what_is_found_must_run_and_be_of_the_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = next(runtime for runtime in RUNTIMES[::-1] if runtime != OWN_RUNTIME)
    shim, impostor = tmp_path / "shim", tmp_path / "impostor"
    shim.write_text("#!/bin/sh\nexit 127\n")
    major, minor = version_of(other)
    impostor.write_text(f"#!/bin/sh\necho pypy {major} {minor}\n")
    right = tmp_path / "right"
    right.write_text(f"#!/bin/sh\necho cpython {major} {minor}\n")
    for each in (shim, impostor, right):
        each.chmod(0o755)
    given = [str(tmp_path / "nothing"), str(shim), sys.executable, str(impostor), str(right)]
    monkeypatch.setattr(interpreters_module, "candidates", lambda _version: given)
    assert Interpreters(oldest=(3, 0)).of(other) == (str(right), (major, minor), None)


def test_one_that_is_known_serves_where_none_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = next(runtime for runtime in RUNTIMES[::-1] if runtime != OWN_RUNTIME)
    version = version_of(other)
    known, found = tmp_path / "known", tmp_path / "found"
    for each in (known, found):
        each.write_text(f"#!/bin/sh\necho cpython {version[0]} {version[1]}\n")
        each.chmod(0o755)
    there: list[str] = []
    monkeypatch.setattr(interpreters_module, "candidates", lambda _version: there)
    given = [sys.executable, str(known)]
    assert Interpreters(oldest=(3, 0), known=given).of(other) == (str(known), version, None)
    there.append(str(found))
    assert Interpreters(oldest=(3, 0), known=given).of(other).path == str(found)


def test_tools_that_install_pythons_are_looked_at_the_newest_patch_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("3.77.2", "3.77.10"):
        folder = tmp_path / "versions" / name / "bin"
        folder.mkdir(parents=True)
        (folder / "python3.77").touch()
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    found = list(candidates((3, 77)))
    assert [Path(path).parts[-3] for path in found] == ["3.77.10", "3.77.2"]


def test_other_runtimes_are_refused_in_a_sentence() -> None:
    with pytest.raises(NotHosted, match=r"runtime nodejs22\.x cannot be run without Docker here"):
        Interpreters().of("nodejs22.x")


def test_the_oldest_python_is_what_the_sdk_says() -> None:
    assert (3, 9) <= oldest_python() <= OWN
    assert oldest_python("no-such-distribution") == (3, 9)


def test_a_function_runs_on_the_interpreter_of_its_runtime(hosting: Hosting) -> None:
    finder = Interpreters()
    others = [runtime for runtime in RUNTIMES if version_of(runtime) != OWN and not finder.of(runtime).note]
    if not others:
        pytest.skip("there is no other Python on this machine that a runtime names")
    for runtime in (others[0], others[-1]):
        id_ = hosting.start(
            """
            import boto3, logging, sys
            def handler(event, context):
                logging.getLogger().warning("said")
                client = boto3.client("sqs", region_name="us-east-1").meta.service_model.service_name
                return [list(sys.version_info[:2]), client, [p for p in sys.path if "site-packages" in p]]
            """,
            runtime=runtime,
        )
        ran = hosting.invoke(id_)
        assert ran.payload == [list(version_of(runtime)), "sqs", []], ran
        assert any("\tsaid" in line for line in ran.logs)


# What is supplied


def test_what_is_supplied_is_the_sdk_and_the_client_and_nothing_else(tmp_path: Path) -> None:
    supplied = Supplied(tmp_path)
    client, folders = supplied.for_python(OWN)
    names = {each.name for folder in folders for each in folder.iterdir()}
    assert {"boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3"} <= names
    assert not names & {"moto", "numpy", "aiohttp", "harness", "pip"}
    if sys.platform == "linux":
        assert client == "awslambdaric"
        assert "awslambdaric" in names
    other, others_folders = supplied.for_python((OWN[0], OWN[1] + 1))
    assert other == "builtin"
    assert not {each.name for folder in others_folders for each in folder.iterdir()} & {"awslambdaric"}
    assert supplied.for_python(OWN) == (client, folders)


# Layers


def test_layers_are_merged_in_order_once(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for layer, text in ((one, "1"), (two, "2")):
        (layer / "python").mkdir(parents=True)
        (layer / "python" / "same.py").write_text(text)
    (one / "becomes_folder").write_text("a file")
    (two / "becomes_folder").mkdir()
    (two / "becomes_folder" / "inside").touch()
    (one / "becomes_file").mkdir()
    (two / "becomes_file").write_text("a file")
    (two / "link").symlink_to("python/same.py")
    layers = Layers(tmp_path / "merged")
    opt = layers.merged([one, two])
    assert opt is not None
    assert (opt / "python" / "same.py").read_text() == "2"
    assert (opt / "becomes_folder" / "inside").exists()
    assert (opt / "becomes_file").read_text() == "a file"
    assert (opt / "link").is_symlink()
    assert layers.merged([one, two]) == opt
    reverse = layers.merged([two, one])
    assert reverse is not None
    assert (reverse / "python" / "same.py").read_text() == "1"
    assert layers.merged([]) is None
    with pytest.raises(NotHosted, match="at most 5 layers"):
        layers.merged([one] * 6)
    assert layers_module.import_path(opt, (3, 12)) == [
        opt / "python" / "lib" / "python3.12" / "site-packages",
        opt / "python",
    ]
    assert layers_module.variables(None) == {}


# Code


def test_code_is_kept_while_something_runs_it(tmp_path: Path) -> None:
    folder = tmp_path / "code"
    (folder / "package").mkdir(parents=True)
    (folder / "package" / "app.py").write_text("first")
    (folder / "link").symlink_to("package/app.py")
    code = KeptCode(tmp_path / "kept")
    kept = code.keep(folder)
    assert (kept / "package" / "app.py").read_text() == "first"
    assert (kept / "link").is_symlink()
    assert code.keep(folder) == kept
    code.let_go(folder)
    assert kept.exists()  # it is there still, and may be run again
    shutil.rmtree(folder)
    assert code.keep(folder) == kept
    code.let_go(folder)
    assert not kept.exists()
    with pytest.raises(NotHosted, match="is not there"):
        code.keep(folder)
    folder.mkdir()
    (folder / "app.py").write_text("second")
    assert (code.keep(folder) / "app.py").read_text() == "second"


# Output


def test_output_beyond_its_bound_is_dropped_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_module, "MAX_HELD_CHARACTERS", 10)
    held = HeldOutput()
    held.write("g", "s", [(0, "one\n"), (0, "two\n"), (0, "three\n")])
    assert held.take() == "Launchday dropped 1 lines of output here.\ntwo\nthree\n"
    assert held.take() == ""
    held.write("g", "s", [(0, "a\nb\n")])
    assert held.take() == "a\rb\n"
    assert held.recent() == "one\ntwo\nthree\na\rb\n"


# Events


def record(source: str, arn: str, **members: Any) -> dict[str, Any]:
    return {"eventSource": source, "eventSourceARN": arn, **members}


@pytest.mark.parametrize(
    ("event", "origin"),
    [
        ({"a": 1}, Origin("api")),
        ([1, 2], Origin("api")),
        ({"Records": "of my own"}, Origin("api")),
        ({"Records": [{"id": 1}]}, Origin("api")),
        ({"Records": [record("aws:kinesis", "arn:aws:kinesis:r:0:stream/s")]}, Origin("kinesis:s", 1)),
        (
            {"Records": [record("aws:dynamodb", "arn:aws:dynamodb:r:0:table/t/stream/2026")] * 2},
            Origin("dynamodb:t", 2),
        ),
        ({"Records": [record("aws:sqs", "arn:aws:sqs:r:0:q", body="x")] * 3}, Origin("sqs:q", 3)),
        ({"Records": [{"EventSource": "aws:sns", "Sns": {}}]}, Origin("sns")),
        ({"Records": [{"eventSource": "aws:s3", "s3": {}}]}, Origin("s3")),
        ({"requestContext": {"apiId": "abc"}, "path": "/"}, Origin("apigateway")),
        ({"type": "TOKEN", "methodArn": "arn:aws:execute-api:r:0:abc/dev/GET/"}, Origin("apigateway")),
    ],
)
def test_an_event_says_where_it_came_from(event: Any, origin: Origin) -> None:
    assert origin_of(json.dumps(event).encode()) == origin


def test_what_is_no_json_came_from_a_caller() -> None:
    assert origin_of(b'{"Records"') == Origin("api")


# Owners


def test_an_owner_that_is_gone_already_owns_nothing() -> None:
    async def main() -> None:
        ended: list[int] = []
        owners = Owners(ended.append)
        process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        owners.watch(process.pid)
        owners.watch(process.pid)
        process.communicate(b"\n")
        async with asyncio.timeout(30):
            while not ended:
                await asyncio.sleep(0.01)
        assert ended == [process.pid]
        with pytest.raises(NotHosted, match="There is no process"):
            owners.watch(process.pid)
        owners.close()

    asyncio.run(main())
