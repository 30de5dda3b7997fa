"""Finds the Python 3.13 that LocalStack 4.14 needs: its source has that version's syntax, and its pinned
packages are of that version."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from harness.errors import TargetError, UsageError

VARIABLE = "LAUNCHDAY_LOCALSTACK_PYTHON"
"""Names the Python 3.13 to use, where `--python` does not."""
VERSION = (3, 13)
VERSION_OF_THIS_PROCESS = sys.version_info[:2]
SYSTEM_PLACES = (
    *("/opt/homebrew/bin", "/usr/local/bin"),  # Homebrew's, where a PATH lacks them
    "/Library/Frameworks/Python.framework/Versions/3.13/bin",  # python.org's on macOS
)
_NAME = "python3.13"
_WITHIN_S = 15.0
_QUESTION = (
    "import sys, platform\n"
    "print(platform.python_implementation(), '.'.join(map(str, sys.version_info[:3])))\n"
    "import ssl, sqlite3, venv, ensurepip\n"
)
"""What a Python has to have. The version is said first, so that one that lacks a module is told by it."""
REMEDY = (
    "Install Python 3.13 (`uv python install 3.13`, `pyenv install 3.13`, or your system's package of it "
    "with its venv module), or name one with `launchday localstack install --python PROGRAM`, or with the "
    f"variable {VARIABLE}."
)


@dataclass(frozen=True)
class Interpreter:
    """A Python that can run LocalStack."""

    path: Path
    version: str


def find(given: str | None = None, environment: Mapping[str, str] = os.environ) -> Interpreter:
    """The Python 3.13 to make LocalStack's environment with: the one named by `given` or by VARIABLE, or the
    first of those that lie about.

    Raises UsageError when the one that is named does not serve, TargetError when there is none."""
    named = given or environment.get(VARIABLE)
    if named:
        found = shutil.which(named, path=environment.get("PATH"))
        answer = _ask(Path(found)) if found else _why_not(named)
        if isinstance(answer, Interpreter):
            return answer
        raise UsageError(f"LocalStack needs Python 3.13, and {named} {answer}.", REMEDY)
    refused: list[str] = []
    for path in candidates(environment):
        answer = _ask(path)
        if isinstance(answer, Interpreter):
            return answer
        if "is Python" not in answer:  # of another version there are many, and nobody expects them to serve
            refused.append(f"{path} {answer}")
    looked = "none was found on PATH, with pyenv or with uv"
    raise TargetError(f"LocalStack needs Python 3.13, and {'; '.join([looked, *refused])}.", REMEDY)


def _why_not(named: str) -> str:
    """Why a name is no program."""
    path = Path(named)
    if path.is_dir():
        return "is a folder, not an executable Python"
    return "is not an executable Python" if path.exists() else "is not there"


def candidates(environment: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """Where a Python 3.13 may be, the likeliest first, each once and only where there is a file."""
    seen: set[Path] = set()
    for path in _places(environment):
        if path not in seen and path.is_file() and os.access(path, os.X_OK):
            seen.add(path)
            yield path


def _places(environment: Mapping[str, str]) -> Iterator[Path]:
    if VERSION_OF_THIS_PROCESS == VERSION:
        yield Path(getattr(sys, "_base_executable", None) or sys.executable)
    home = Path(environment.get("HOME") or Path.home())
    for name in (_NAME, "python3", "python"):
        for folder in environment.get("PATH", os.defpath).split(os.pathsep):
            if folder:
                yield Path(folder, name)
    pyenv = Path(environment.get("PYENV_ROOT") or home / ".pyenv")
    yield from _newest_first(pyenv / "versions", "3.13*/bin/python")
    uv = environment.get("UV_PYTHON_INSTALL_DIR") or Path(platformdirs.user_data_dir("uv")) / "python"
    yield from _newest_first(Path(uv), f"cpython-3.13*/bin/{_NAME}")
    for folder in SYSTEM_PLACES:
        yield Path(folder, _NAME)


def _newest_first(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern), key=_numbers, reverse=True)


def _numbers(path: Path) -> list[int]:
    """The numbers in a path, so that 3.13.10 is newer than 3.13.9."""
    digits = "".join(letter if letter.isdigit() else " " for letter in str(path))
    return [int(number) for number in digits.split()]


def _ask(path: Path) -> Interpreter | str:
    """What `path` is, or why it does not serve."""
    try:
        ended = subprocess.run(
            [str(path), "-I", "-c", _QUESTION],
            capture_output=True,
            text=True,
            timeout=_WITHIN_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return f"did not answer within {_WITHIN_S:.0f} s"
    except OSError as error:
        return f"cannot be run: {error.strerror or error}"
    implementation, _, version = ended.stdout.strip().partition(" ")
    if not version:
        last = ended.stderr.strip().splitlines()
        return f"cannot be run: {last[-1] if last else f'it ended with exit code {ended.returncode}'}"
    if implementation != "CPython" or version.split(".")[:2] != [str(number) for number in VERSION]:
        return f"is Python {version} ({implementation})"
    if ended.returncode:
        return f"lacks a module: {ended.stderr.strip().splitlines()[-1]}"
    return Interpreter(path, version)
