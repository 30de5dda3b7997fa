"""`launchday report` on a run folder that somebody edited or cut: a sentence with the file's name and the
right exit code, never a traceback, and never a report that is silently another one."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.errors import LaunchdayError
from harness.measure.run_folder import RunFolder
from reports.result import schema

MakeRun = Callable[..., RunFolder]
JSON_FILES = (
    "run.json",
    "plan.json",
    "environment.json",
    "usage.json",
    "load/summary.json",
    "ledger/ledger.json",
)
ROW_FILES = ("timeline.ndjson", "invocations.ndjson", "calls.ndjson", "load/timeline.ndjson")
ARRAY_FILES = ("load/acceptance.npy", "ledger/outcomes.npz")
FILES = (*JSON_FILES, *ROW_FILES, *ARRAY_FILES)
NOT_READ = (("histograms", "start_lateness_ms"),)
WORDS = (("scenario",), ("observer",))  # of run.json: any will do
UNKNOWN_WITHOUT = (("observer",),)
MAY_BE_LEFT_OUT = ("seals",)
VALIDATOR = jsonschema.Draft202012Validator(schema())

Place = tuple[str | int, ...]


@pytest.fixture
def folder(make_run: MakeRun) -> RunFolder:
    return make_run()


def reported(path: Path, form: str = "json") -> tuple[int, str, dict[str, Any] | None]:
    """Exit code, the sentence, and the result if there is one."""
    ended = CliRunner().invoke(cli, ["report", str(path), "--format", form], standalone_mode=False)
    if ended.exception is not None:
        assert isinstance(ended.exception, LaunchdayError), repr(ended.exception)
        said = str(ended.exception)
        assert "\n" not in said
        return ended.exception.exit_code, said, None
    if form != "json":
        return ended.return_value, "", None
    result = json.loads(ended.stdout)
    assert [error.message for error in VALIDATOR.iter_errors(result)] == []
    return ended.return_value, result["verdict_reason"] or "", result


def assert_said(folder: Path, file: str, *field: str) -> None:
    """The damage is said, with the file and the field, and no format passes over it."""
    code, said, result = reported(folder)
    assert (code, Path(file).name in said) == (2 if file == "run.json" else 4, True), (
        file,
        field,
        code,
        said,
    )
    assert result is None or result["verdict"] == "invalid"
    for name in field:
        assert name in said, (file, field, said)
    for form in ("console", "html", "junit", "markdown"):
        assert reported(folder, form)[0] == code, form


def leaves(value: Any, at: Place = ()) -> Iterator[Place]:
    """Every field, objects and lists too; of a list the first item."""
    if at:
        yield at
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, (*at, name))
    elif isinstance(value, list) and value:
        yield from leaves(value[0], (*at, 0))


def changed(document: Any, at: Place, change: Callable[[Any, str | int], None]) -> Any:
    document = copy.deepcopy(document)
    inner = document
    for step in at[:-1]:
        inner = inner[step]
    change(inner, at[-1])
    return document


def wrong(value: Any) -> Any:
    """A value of a type that the field never has."""
    if isinstance(value, bool | int | float):
        return "x"
    return {"x": []} if isinstance(value, str | list) or value is None else [7]


def test_the_folder_is_right_to_begin_with(folder: RunFolder) -> None:
    assert reported(folder.path)[0] == 0
    assert {
        file.relative_to(folder.path).as_posix() for file in folder.path.rglob("*") if file.is_file()
    } == {*FILES}


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_is_missing(folder: RunFolder, file: str) -> None:
    (folder.path / file).unlink()
    if file == "run.json":
        code, said, _ = reported(folder.path)
        assert (code, "is not a run folder" in said) == (2, True)
    else:
        assert_said(folder.path, file, "is missing")


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    "damage", ["halved", "a byte less", "not text", b"", b"nonsense\n", b"null\n", b"[]\n", b"7\n"]
)
def test_a_file_that_is_another_or_cut_short(folder: RunFolder, file: str, damage: str | bytes) -> None:
    path = folder.path / file
    content = path.read_bytes()
    if isinstance(damage, bytes):
        path.write_bytes(damage)
    elif damage == "halved":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "a byte less":
        path.write_bytes(content.rstrip(b"\n")[:-1])
    else:
        path.write_bytes(b"\xff\xfe\n" + content)
    code, said, result = reported(folder.path)
    if file == "run.json":
        assert (code, result) == (2, None)
        assert "is damaged" in said or "is not a run folder" in said
    else:
        assert_said(folder.path, file)


@pytest.mark.parametrize("file", JSON_FILES)
def test_a_field_of_another_type(folder: RunFolder, file: str) -> None:
    path = folder.path / file
    document = json.loads(path.read_text())
    sound = reported(folder.path)[2]
    for at in leaves(document):

        def put(inner: Any, name: str | int) -> None:
            inner[name] = wrong(inner[name])

        path.write_text(json.dumps(changed(document, at, put)))
        code, said, result = reported(folder.path)
        assert (code, result is None or result != sound) == (2 if file == "run.json" else 4, True), at
        name = next(str(step) for step in reversed(at) if isinstance(step, str))
        if at in (("format",), ("version",)):
            assert "is not a run folder" in said or "another Launchday" in said
        elif at[:2] in NOT_READ:
            assert f"{file}' was changed after the run ended" in said
        else:
            assert Path(file).name in said, (at, said)
            assert name in said, (at, said)


@pytest.mark.parametrize("file", JSON_FILES)
def test_a_field_that_is_missing(folder: RunFolder, file: str) -> None:
    path = folder.path / file
    document = json.loads(path.read_text())
    sound = reported(folder.path)[2]
    assert sound is not None

    def remove(inner: Any, name: str | int) -> None:
        del inner[name]

    for at in leaves(document):
        path.write_text(json.dumps(changed(document, at, remove)))
        code, said, result = reported(folder.path)
        if at in UNKNOWN_WITHOUT:
            assert result == sound | {at[0]: None}
        elif file == "run.json" and at[0] in MAY_BE_LEFT_OUT:
            assert result == sound
        elif file == "run.json":
            assert code in (2, 4)
            assert str(at[-1]) in said or "is not a run folder" in said, (at, said)
        else:
            assert (code, Path(file).name in said) == (4, True), (at, code, said)


@pytest.mark.parametrize("file", JSON_FILES[1:])
def test_a_figure_of_the_right_type(folder: RunFolder, file: str) -> None:
    path = folder.path / file
    document = json.loads(path.read_text())

    def raise_by_one(inner: Any, name: str | int) -> None:
        inner[name] += 1

    for at in leaves(document):
        value = document
        for step in at:
            value = value[step]
        if type(value) in (int, float):
            path.write_text(json.dumps(changed(document, at, raise_by_one)))
            code, said, _ = reported(folder.path)
            assert (code, bool(said)) == (4, True), (at, said)


@pytest.mark.parametrize("amount", ["a lot", "NaN", "Infinity", ""])
def test_an_amount_that_is_none(make_run: MakeRun, amount: str) -> None:
    folder = make_run({"day_before": {"events_per_hour": 1.0, "cost_per_hour": amount, "source": "a run"}})
    assert_said(folder.path, "plan.json", "day_before.cost_per_hour must be an amount")


@pytest.mark.parametrize("file", JSON_FILES)
def test_a_text_that_is_another(folder: RunFolder, file: str) -> None:
    path = folder.path / file
    document = json.loads(path.read_text())

    def garble(inner: Any, name: str | int) -> None:
        inner[name] = "nonsense"

    for at in leaves(document):
        value = document
        for step in at:
            value = value[step]
        if isinstance(value, str):
            path.write_text(json.dumps(changed(document, at, garble)))
            code, said, _ = reported(folder.path)
            assert (code, bool(said)) in ((2, True), (4, True)) or at in WORDS, (at, code, said)
            assert reported(folder.path, "html")[0] == code, at
