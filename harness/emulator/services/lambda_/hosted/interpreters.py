"""An interpreter for each runtime: of the same Python where the machine has one, else the nearest there is.

Never one of a virtual environment: what is installed there is none of a function's business. Candidates are
tried, because a name on the PATH may be a shim of something that is not installed.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import NamedTuple

from harness.emulator.services.lambda_.function_settings import RUNTIMES
from harness.emulator.services.lambda_.hosted.refusal import NotHosted

Version = tuple[int, int]
TRIAL_S = 10.0
_TRIAL = "import ctypes, json, ssl, sys; print(sys.implementation.name, *sys.version_info[:2])"
_INSTALLED = (
    "{home}/.pyenv/versions/{version}.*/bin/python{version}",
    "{home}/.local/share/uv/python/cpython-{version}.*/bin/python{version}",
    "{home}/.local/share/mise/installs/python/{version}*/bin/python{version}",
    "{home}/.asdf/installs/python/{version}.*/bin/python{version}",
    "/usr/bin/python{version}",
    "/usr/local/bin/python{version}",
    "/opt/homebrew/bin/python{version}",
    "/Library/Frameworks/Python.framework/Versions/{version}/bin/python{version}",
)
"""Where the tools that developers install Pythons with put them."""


class Interpreter(NamedTuple):
    """What functions of a runtime run on."""

    path: str
    version: Version
    note: str | None = None
    """What is to be said when it is not the runtime's own version."""


class Interpreters:
    """Finds each runtime's interpreter once. Looking starts processes: call it off the event loop."""

    def __init__(self, oldest: Version | None = None, known: Sequence[str] = ()) -> None:
        """`oldest` is the oldest Python that what every function is given (boto3) runs on; `known` are
        interpreters that whoever started this knows of, for where none is found."""
        self._oldest = oldest or oldest_python()
        self._known = known
        self._found: dict[str, Interpreter] = {}

    def of(self, runtime: str) -> Interpreter:
        """The interpreter of `runtime` (`python3.13`). Raises NotHosted when it is no Python."""
        found = self._found.get(runtime)
        if found is None:
            found = self._found[runtime] = self._find(runtime)
        return found

    def _find(self, runtime: str) -> Interpreter:
        if runtime not in RUNTIMES:
            raise NotHosted(
                f"Functions of the runtime {runtime} cannot be run without Docker here: only those of "
                f"{', '.join(RUNTIMES)} can."
            )
        version = version_of(runtime)
        own = sys.version_info[:2]
        if version == own:
            return Interpreter(own_interpreter(), own)
        if version >= self._oldest:
            for path in [*candidates(version), *self._known]:
                if _runs(path) == version:
                    return Interpreter(path, version)
        wanted, instead = ".".join(map(str, version)), ".".join(map(str, own))
        why = f"Python {wanted} is not found here"
        if version < self._oldest:
            why = f"boto3 is not to be had for Python {wanted} any more"
        return Interpreter(
            own_interpreter(), own, f"{why}, so functions of {runtime} run on Python {instead}."
        )


def version_of(runtime: str) -> Version:
    """`python3.13` as (3, 13)."""
    major, minor = runtime.removeprefix("python").split(".")
    return int(major), int(minor)


def own_interpreter() -> str:
    """The interpreter that this process runs on, and not the virtual environment that it may run in."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def candidates(version: Version) -> Iterable[str]:
    """Interpreters that may be of `version`, each once, links followed."""
    text = ".".join(map(str, version))
    places = [pattern.format(home=Path.home(), version=text) for pattern in _INSTALLED]
    if "PYENV_ROOT" in os.environ:
        places.insert(0, f"{os.environ['PYENV_ROOT']}/versions/{text}.*/bin/python{text}")
    if "UV_PYTHON_INSTALL_DIR" in os.environ:
        places.insert(0, f"{os.environ['UV_PYTHON_INSTALL_DIR']}/cpython-{text}.*/bin/python{text}")
    named = shutil.which(f"python{text}")
    found = [named] if named else []
    for place in places:
        found += sorted(glob.glob(place), key=_by_number, reverse=True)  # noqa: PTH207 - absolute patterns
    return dict.fromkeys(os.path.realpath(path) for path in found)


def _by_number(path: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path)]


def _runs(path: str) -> Version | None:
    """The version of the interpreter, if it is one that runs and has what functions need of it."""
    try:
        tried = subprocess.run(
            [path, "-S", "-c", _TRIAL],
            env={"PATH": os.defpath},
            capture_output=True,
            text=True,
            timeout=TRIAL_S,
            check=True,
        )
        name, major, minor = tried.stdout.split()
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return (int(major), int(minor)) if name == "cpython" else None


def oldest_python(distribution: str = "boto3") -> Version:
    """The oldest Python that the installed `distribution` says it runs on."""
    try:
        required = str(metadata(distribution)["Requires-Python"])
    except PackageNotFoundError:
        required = ""
    found = re.search(r">=\s*(\d+)\.(\d+)", required)
    return (int(found[1]), int(found[2])) if found else (3, 9)
