"""LocalStack's environment: made once, kept in the user's cache, told apart by what it is made of.

A folder whose name is a hash of the pinned packages, of the npm lock and of the Python holds a virtual
environment and LocalStack's Kinesis. A file that is written last says that it is whole; a folder without it
is what an interrupted install left, and is made anew. A lock lets one install go on at a time.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import platformdirs

from harness.errors import TargetError
from harness.targets.localstack import interpreter, node, shipped
from harness.targets.localstack.interpreter import Interpreter
from harness.targets.localstack.node import Node

LOCALSTACK_VERSION = "4.14.0"
KINESIS_VERSION = "0.5.2"
"""Of npm's `kinesis-local`: the one that LocalStack 4.14.0 asks for. localstack/kinesis locks it."""
DIR_VARIABLE = "LAUNCHDAY_LOCALSTACK_DIR"
"""Moves the folder of LocalStack's environments from the user's cache."""
_WHOLE = "whole.json"
_PIP_WITHIN_S = 1800.0
_NPM_WITHIN_S = 600.0
_UNWANTED = re.compile(
    r"PYTHON(?!IOENCODING|UTF8)\w*|VIRTUAL_ENV|npm_config_prefix"
    r"|PIP_(?:TARGET|PREFIX|USER|ROOT|REQUIRE_VIRTUALENV|PYTHON)"
)
"""What would lead pip or npm to install elsewhere; the rest of their configuration is the user's."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Environment:
    """An environment that is whole."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its Python."""
        return self.folder / "venv" / "bin" / "python"

    @property
    def pip(self) -> list[str | Path]:
        """Its pip's command to install what is named after it, and nothing that this depends on."""
        quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
        return [self.python, "-m", "pip", "install", *quiet, "--no-deps"]

    @property
    def base(self) -> Interpreter | None:
        """The Python of this machine that it was made with; None where it does not say, or that is gone. It
        costs no process."""
        try:
            config = (self.folder / "venv" / "pyvenv.cfg").read_text()
            version = str(orjson.loads((self.folder / _WHOLE).read_bytes())["python"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        facts = {
            name.strip(): value.strip()
            for name, _, value in (line.partition("=") for line in config.splitlines())
        }
        path = Path(facts.get("executable") or Path(facts.get("home", ""), "python3.13"))
        return Interpreter(path, version) if path.is_file() else None

    @property
    def libraries(self) -> Path:
        """What LocalStack calls its static libraries: packages of its own package manager."""
        return self.folder / "libs"


def root() -> Path:
    """Where the environments are kept."""
    moved = os.environ.get(DIR_VARIABLE)
    return Path(moved) if moved else Path(platformdirs.user_cache_dir("launchday")) / "localstack"


def find() -> Environment | None:
    """The whole environment of this Launchday's packages, or None. It costs no process."""
    for folder in sorted(root().glob(f"{_packages_hash()}-*")):
        if (folder / _WHOLE).is_file() and Environment(folder).python.is_file():
            return Environment(folder)
    return None


def install(tell: Tell, python: str | None = None) -> Environment:
    """The environment, made if it is not there. `tell` hears what takes a while; `python` names a Python
    3.13.

    Raises UsageError or TargetError in one sentence: no Python 3.13, no Node, a download that fails."""
    already = find() if python is None else None
    if already is not None:
        return already
    base, nodejs = interpreter.find(python), node.find()
    folder = root() / f"{_packages_hash()}-{base.version}"
    environment = Environment(folder)
    with _alone(folder, tell):
        if (folder / _WHOLE).is_file() and environment.python.is_file():
            return environment
        tell(
            f"Making an environment for LocalStack {LOCALSTACK_VERSION} with Python {base.version}: "
            "about 500 MB, and a minute or two, once."
        )
        try:
            _make(environment, base, nodejs, tell)
        except OSError as error:  # no room is left, say
            raise TargetError(
                f"LocalStack's environment could not be made in {folder}: {error.strerror or error}.",
                f"Make room there, or name another folder with {DIR_VARIABLE}.",
            ) from error
    return environment


def _packages_hash() -> str:
    """A hash of all that is installed."""
    parts = [shipped.constraints(), shipped.kinesis() / "package-lock.json"]
    return hashlib.sha256(b"\0".join(part.read_bytes() for part in parts)).hexdigest()[:16]


@contextmanager
def _alone(folder: Path, tell: Tell) -> Iterator[None]:
    """Nobody else installs into `folder` meanwhile."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = folder.with_name(f"{folder.name}.lock").open("ab")
    except OSError as error:
        raise TargetError(
            f"{folder.parent} cannot be written to: {error.strerror or error}.",
            f"Make it writable, or name another folder with {DIR_VARIABLE}.",
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            tell("Another install is under way; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(environment: Environment, base: Interpreter, nodejs: Node, tell: Tell) -> None:
    folder = environment.folder
    if folder.exists():
        tell("What an interrupted install left is made anew.")
        shutil.rmtree(folder)
    folder.mkdir()
    variables = clean(os.environ)
    what = f"The virtual environment {folder / 'venv'} could not be made"
    run([base.path, "-m", "venv", folder / "venv"], variables, _PIP_WITHIN_S, what)
    constraints = shipped.constraints()
    pinned = constraints.read_text()
    first = folder / "build-tools.txt"
    first.write_text(requirement(pinned, "setuptools"))
    packages = len(re.findall(r"^\S+==", pinned, re.MULTILINE))
    tell(f"Installing LocalStack's {packages} Python packages with pip, the most of the wait.")
    # Three of the packages are published as source only: they are built with the pinned setuptools, not with
    # whatever is newest.
    steps: list[list[str | Path]] = [["-r", first], ["--no-build-isolation", "-r", constraints]]
    for arguments in steps:
        run(
            [*environment.pip, "--require-hashes", *arguments],
            variables,
            _PIP_WITHIN_S,
            "LocalStack's Python packages could not be installed",
            "pip downloads them from its package index: check the network and pip's configuration "
            "(`pip config list`), then install again.",
        )
    tell(f"Installing LocalStack's Kinesis with npm (Node {nodejs.version}).")
    _install_kinesis(environment, nodejs, variables)
    facts = {"localstack": LOCALSTACK_VERSION, "python": base.version, "node": nodejs.version}
    fresh = folder / f"{_WHOLE}.fresh"
    fresh.write_bytes(orjson.dumps(facts))
    fresh.replace(folder / _WHOLE)


def _install_kinesis(environment: Environment, nodejs: Node, variables: Mapping[str, str]) -> None:
    """Put `kinesis-local` where LocalStack's package manager looks for it, from the lock: npm checks each
    package's hash."""
    folder = environment.libraries / "kinesis-local" / KINESIS_VERSION
    folder.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(shipped.kinesis() / name, folder / name)
    run(
        [nodejs.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        variables,
        _NPM_WITHIN_S,
        "LocalStack's Kinesis could not be installed",
        "npm downloads it from its registry: check the network and npm's configuration (`npm config list`; "
        "NODE_EXTRA_CA_CERTS where the network has certificates of its own), then install again.",
        cwd=folder,
    )
    main = folder / "node_modules" / "kinesis-local" / "main.js"
    if not main.is_file():
        raise TargetError(f"npm said that it installed LocalStack's Kinesis, and {main} is not there.")


def clean(variables: Mapping[str, str]) -> dict[str, str]:
    """`variables` without those that would lead pip or npm to install elsewhere."""
    return {name: value for name, value in variables.items() if not _UNWANTED.fullmatch(name)}


def requirement(constraints: str, name: str) -> str:
    """The lines of one package, its hashes with it."""
    found = re.search(rf"^{re.escape(name)}==(?:.*\\\n)*.*\n", constraints, re.MULTILINE)
    if found is None:
        raise TargetError(f"The constraints of LocalStack's environment do not name {name}.")
    return found[0]


def run(
    command: Sequence[str | Path],
    variables: Mapping[str, str],
    within_s: float,
    failed: str,
    remedy: str | None = None,
    cwd: Path | None = None,
) -> None:
    """Run `command`. Raises TargetError with `failed` and what it said."""
    try:
        ended = subprocess.run(
            [str(word) for word in command],
            env=dict(variables),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=within_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TargetError(f"{failed}: it was not done after {within_s / 60:.0f} minutes.", remedy) from None
    except OSError as error:
        raise TargetError(f"{failed}: {error.strerror or error}.", remedy) from None
    if ended.returncode:
        raise TargetError(f"{failed}: {reason(ended.stdout.decode(errors='replace'))}.", remedy)


def reason(output: str) -> str:
    """The line of pip's or npm's output that says what is wrong: an error's first, or else the last."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    # What pip begins with an apology ends, after a blank line, with the reason: of hashes, that they differ.
    errors = [line for line in lines if re.match(r"(ERROR:|error:|npm (ERR!|error)( \w+)?\s+\S)", line)]
    said = errors[0] if errors else (lines[-1] if lines else "it said nothing")
    return re.sub(r"^(ERROR:|error:|npm (ERR!|error))\s*", "", said).rstrip(".")[:400]
