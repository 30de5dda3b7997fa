"""Python 3.13 for LocalStack, and Node: found where they may be, or missed in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import TargetError, UsageError
from harness.targets.localstack import interpreter, node
from tests.localstack import fakes


@pytest.fixture(autouse=True)
def nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is found is what a test puts there."""
    monkeypatch.setattr(interpreter, "VERSION_OF_THIS_PROCESS", (3, 11))
    monkeypatch.setattr(interpreter, "SYSTEM_PLACES", ())
    monkeypatch.setattr(interpreter.platformdirs, "user_data_dir", lambda name: str(tmp_path / "data" / name))


def found(folder: Path, **more: str) -> Path:
    return interpreter.find(None, fakes.variables(folder, **more)).path


@pytest.mark.parametrize("name", ["python3.13", "python3", "python"])
def test_a_python_on_path_is_found_by_any_of_its_names(tmp_path: Path, name: str) -> None:
    expected = fakes.python(tmp_path / "bin" / name)
    assert found(tmp_path) == expected


def test_what_is_of_another_version_is_passed_over(tmp_path: Path) -> None:
    fakes.python(tmp_path / "bin" / "python3.13", "3.12.9")
    fakes.python(tmp_path / "bin" / "python3", "3.14.0")
    fakes.python(tmp_path / "more" / "python3.13", "3.13.1", "PyPy")
    expected = fakes.python(tmp_path / "last" / "python3.13")
    path = ":".join(str(tmp_path / name) for name in ("bin", "more", "last"))
    assert interpreter.find(None, {"HOME": str(tmp_path), "PATH": path}).path == expected


@pytest.mark.parametrize("variable", [None, "PYENV_ROOT"])
def test_the_newest_of_pyenv_is_found(tmp_path: Path, variable: str | None) -> None:
    root = tmp_path / ("elsewhere" if variable else ".pyenv")
    for version in ("3.13.2", "3.13.10", "3.12.12"):
        fakes.python(root / "versions" / version / "bin" / "python", version)
    more = {variable: str(root)} if variable else {}
    assert found(tmp_path, **more) == root / "versions" / "3.13.10" / "bin" / "python"


@pytest.mark.parametrize("variable", [None, "UV_PYTHON_INSTALL_DIR"])
def test_one_of_uv_is_found(tmp_path: Path, variable: str | None) -> None:
    root = tmp_path / "elsewhere" if variable else tmp_path / "data" / "uv" / "python"
    expected = fakes.python(root / "cpython-3.13.4-linux-x86_64-gnu" / "bin" / "python3.13")
    more = {variable: str(root)} if variable else {}
    assert found(tmp_path, **more) == expected


def test_one_that_is_named_goes_before_all(tmp_path: Path) -> None:
    fakes.python(tmp_path / "bin" / "python3.13")
    by_variable = fakes.python(tmp_path / "mine" / "python")
    by_option = fakes.python(tmp_path / "other" / "python")
    named = {interpreter.VARIABLE: str(by_variable)}
    assert found(tmp_path, **named) == by_variable
    assert interpreter.find(str(by_option), fakes.variables(tmp_path, **named)).path == by_option


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda _path: None, "is not there"),
        (lambda path: path.write_text("root:x:0:0"), "is not an executable Python."),
        (lambda path: path.mkdir(), "is a folder, not an executable Python."),
        (lambda path: fakes.python(path, "3.12.1"), "is Python 3.12.1 (CPython)"),
        (
            lambda path: fakes.python(path, lacks="ensurepip"),
            "lacks a module: ModuleNotFoundError: No module",
        ),
        (
            lambda path: fakes.program(path, "echo no such version >&2; exit 127"),
            "cannot be run: no such version",
        ),
        (lambda path: fakes.program(path, "exit 9"), "cannot be run: it ended with exit code 9"),
    ],
)
def test_one_that_is_named_and_does_not_serve_is_a_wrong_use(tmp_path: Path, make: object, said: str) -> None:
    path = tmp_path / "mine"
    assert callable(make)
    make(path)
    with pytest.raises(UsageError) as caught:
        interpreter.find(str(path), fakes.variables(tmp_path))
    assert f"LocalStack needs Python 3.13, and {path} {said}" in caught.value.message
    assert caught.value.remedy == interpreter.REMEDY


def test_none_at_all_is_said_with_what_to_do(tmp_path: Path) -> None:
    fakes.python(tmp_path / "bin" / "python3", "3.11.7")
    with pytest.raises(TargetError) as caught:
        interpreter.find(None, fakes.variables(tmp_path))
    message = "LocalStack needs Python 3.13, and none was found on PATH, with pyenv or with uv."
    assert caught.value.message == message
    assert "uv python install 3.13" in str(caught.value)


def test_one_that_nearly_serves_is_named(tmp_path: Path) -> None:
    path = fakes.python(tmp_path / "bin" / "python3.13", lacks="ensurepip")
    with pytest.raises(TargetError) as caught:
        interpreter.find(None, fakes.variables(tmp_path))
    assert f"{path} lacks a module: ModuleNotFoundError: No module named 'ensurepip'" in caught.value.message


def test_node_and_npm_are_found(tmp_path: Path) -> None:
    fakes.node(tmp_path / "bin")
    here = node.find(fakes.variables(tmp_path))
    assert (here.node, here.npm, here.version) == (
        tmp_path / "bin" / "node",
        tmp_path / "bin" / "npm",
        "20.1.0",
    )


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ((), "there is no node and no npm on PATH"),
        (("node",), "there is no npm on PATH"),
        (("npm",), "there is no node on PATH"),
    ],
)
def test_what_is_missing_is_said(tmp_path: Path, names: tuple[str, ...], said: str) -> None:
    for name in names:
        fakes.program(tmp_path / "bin" / name, "echo v20.0.0")
    with pytest.raises(TargetError, match=said) as caught:
        node.find(fakes.variables(tmp_path))
    assert "Install Node 18 or newer with npm" in str(caught.value)


@pytest.mark.parametrize(("version", "said"), [("v16.20.2", "is 16.20.2"), ("", "is silent")])
def test_a_node_that_is_too_old_is_said(tmp_path: Path, version: str, said: str) -> None:
    fakes.node(tmp_path / "bin", version)
    with pytest.raises(TargetError, match=f"needs Node 18 or newer; .* {said}"):
        node.find(fakes.variables(tmp_path))
