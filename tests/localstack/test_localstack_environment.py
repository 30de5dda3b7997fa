"""LocalStack's environment: what is pinned, and how it is made, with fake programs for Python and npm."""

from __future__ import annotations

import errno
import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from harness.errors import TargetError
from harness.targets.localstack import environment, extension, interpreter, shipped
from tests.localstack import fakes

PACKAGE = re.compile(r"^([a-z0-9][a-z0-9.-]*)==([0-9][^ ;\\]*)( ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


def packages() -> dict[str, str]:
    """The pinned packages and their versions; each line of the constraints is one, or one of its hashes."""
    found: dict[str, str] = {}
    hashed: set[str] = set()
    name = ""
    for line in shipped.constraints().read_text().splitlines():
        if line.startswith("#"):
            continue
        package = PACKAGE.match(line)
        if package:
            name = package[1]
            assert name not in found
            found[name] = package[2]
        else:
            assert HASH.match(line), line
            hashed.add(name)
    assert hashed == set(found)
    return found


def test_everything_is_pinned_and_hashed() -> None:
    found = packages()
    assert len(found) > 100
    assert found["localstack-core"] == environment.LOCALSTACK_VERSION == "4.14.0"
    assert found["moto-ext"] == "5.1.25"


def test_what_builds_is_pinned_too() -> None:
    assert {"setuptools", "hatchling"} <= set(packages())
    build = (shipped.extension() / "pyproject.toml").read_text()
    assert 'build-backend = "hatchling.build"' in build


def test_no_index_is_named() -> None:
    for path in (shipped.constraints(), shipped.kinesis() / "package-lock.json"):
        text = path.read_text()
        assert not re.search(r"https?://|--(extra-)?index-url|--find-links|resolved", text), path.name


def test_the_kinesis_that_localstack_asks_for_is_locked_by_hash() -> None:
    lock = json.loads((shipped.kinesis() / "package-lock.json").read_text())
    locked = {path: package for path, package in lock["packages"].items() if path}
    assert locked["node_modules/kinesis-local"]["version"] == environment.KINESIS_VERSION
    assert all(package["integrity"].startswith("sha512-") for package in locked.values())


def test_the_lines_of_one_package() -> None:
    text = "a==1 \\\n    --hash=sha256:x \\\n    --hash=sha256:y\nab==2 \\\n    --hash=sha256:z\n"
    assert environment.requirement(text, "a") == "a==1 \\\n    --hash=sha256:x \\\n    --hash=sha256:y\n"
    assert environment.requirement(text, "ab") == "ab==2 \\\n    --hash=sha256:z\n"
    with pytest.raises(TargetError, match="do not name b"):
        environment.requirement(text, "b")


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("warning: x\nERROR: Could not find a version\nERROR: No matching distribution.\n", "Could not find"),
        ("npm error code ENOTFOUND\nnpm error network request failed\n", "code ENOTFOUND"),
        ("npm ERR! code E404\n", "code E404"),
        ("one\n\nthe last.\n", "the last"),
        ("", "it said nothing"),
    ],
)
def test_what_went_wrong_is_the_line_that_says_so(output: str, said: str) -> None:
    assert environment.reason(output).startswith(said)
    assert not environment.reason(output).endswith(".")


def test_nothing_leads_pip_or_npm_elsewhere_and_their_configuration_stays() -> None:
    led = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_USER", "npm_config_prefix")
    kept = ("PIP_INDEX_URL", "PIP_CERT", "NODE_EXTRA_CA_CERTS", "npm_config_registry", "HOME", "PYTHONUTF8")
    assert set(environment.clean(dict.fromkeys((*led, *kept), "x"))) == set(kept)


# Making it


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with a Python 3.13, Node and npm of its own; what its Python is asked is in `asked`."""
    monkeypatch.setenv(environment.DIR_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", fakes.on_path(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(interpreter, "VERSION_OF_THIS_PROCESS", (3, 11))
    fakes.making_python(tmp_path / "bin" / "python3.13", tmp_path / "asked")
    fakes.node(tmp_path / "bin")
    return tmp_path


def asked(machine: Path, word: str) -> int:
    """How often the fake Python, or one that it made, was asked for something."""
    return sum(word in line for line in (machine / "asked").read_text().splitlines())


def test_it_is_made_once(machine: Path) -> None:
    assert environment.find() is None
    said: list[str] = []
    made = environment.install(said.append)
    assert "about 500 MB" in said[0]
    assert said[1].startswith(f"Installing LocalStack's {len(packages())} Python packages with pip")
    assert environment.find() == made
    assert (made.libraries / "kinesis-local" / "0.5.2" / "node_modules" / "kinesis-local").is_dir()
    assert (asked(machine, "-m venv"), asked(machine, "-m pip")) == (1, 2)
    said.clear()
    assert environment.install(said.append) == made
    assert (said, asked(machine, "-m venv")) == ([], 1)


def test_pip_insists_on_hashes_and_builds_with_what_is_pinned(machine: Path) -> None:
    made = environment.install(lambda _: None)
    first, second = [line for line in (machine / "asked").read_text().splitlines() if "-m pip" in line]
    assert "--require-hashes" in first
    assert "--require-hashes" in second
    assert "--no-deps --require-hashes --no-build-isolation" in second
    assert str(shipped.constraints()) in second
    assert (made.folder / "build-tools.txt").read_text().startswith("setuptools==")


def test_what_an_interrupted_install_left_is_not_taken_for_whole(machine: Path) -> None:
    made = environment.install(lambda _: None)
    (made.folder / "whole.json").unlink()
    (made.folder / "left").touch()
    assert environment.find() is None
    said: list[str] = []
    assert environment.install(said.append) == made
    assert "What an interrupted install left is made anew." in said
    assert not (made.folder / "left").exists()


def test_a_python_that_was_removed_is_noticed(machine: Path) -> None:
    made = environment.install(lambda _: None)
    made.python.unlink()
    assert environment.find() is None
    assert environment.install(lambda _: None).python.is_file()


def test_two_at_a_time_make_one(machine: Path) -> None:
    fakes.node(machine / "bin", npm="sleep 0.3; mkdir -p node_modules/kinesis-local; echo > "
               "node_modules/kinesis-local/main.js")  # fmt: skip
    made: list[object] = []
    threads = [
        threading.Thread(target=lambda: made.append(environment.install(lambda _: None))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(str, made))) == 1
    assert len(made) == 3
    assert asked(machine, "-m venv") == 1


def test_two_processes_at_a_time_make_one(machine: Path) -> None:
    code = "from harness.targets.localstack import environment; environment.install(print)"
    running = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait(60) for process in running] == [0, 0]
    assert asked(machine, "-m venv") == 1


def test_packages_that_cannot_be_had_are_said_with_pips_reason(machine: Path) -> None:
    fakes.making_python(
        machine / "bin" / "python3.13",
        machine / "asked",
        "echo 'ERROR: No matching distribution found for x' >&2; exit 1",
    )
    with pytest.raises(TargetError) as caught:
        environment.install(lambda _: None)
    message = "LocalStack's Python packages could not be installed: No matching distribution found for x."
    assert caught.value.message == message
    assert "pip config list" in str(caught.value)
    assert environment.find() is None


def test_a_registry_that_does_not_answer_is_said_with_npms_reason(machine: Path) -> None:
    fakes.node(machine / "bin", npm="echo 'npm error code ENOTFOUND'; exit 1")
    with pytest.raises(TargetError) as caught:
        environment.install(lambda _: None)
    assert caught.value.message == "LocalStack's Kinesis could not be installed: code ENOTFOUND."
    assert "NODE_EXTRA_CA_CERTS" in str(caught.value)
    assert environment.find() is None


def test_an_npm_that_installs_nothing_is_not_believed(machine: Path) -> None:
    fakes.node(machine / "bin", npm=":")
    with pytest.raises(TargetError, match="npm said that it installed"):
        environment.install(lambda _: None)


def test_a_disk_that_is_full_is_said(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(environment.shutil, "copyfile", full)
    with pytest.raises(TargetError, match=r"could not be made in .*: No space left on device\.") as caught:
        environment.install(lambda _: None)
    assert environment.DIR_VARIABLE in str(caught.value)
    assert environment.find() is None


def test_a_folder_that_cannot_be_made_is_said(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine / "file").touch()
    monkeypatch.setenv(environment.DIR_VARIABLE, str(machine / "file" / "cache"))
    with pytest.raises(TargetError, match="cannot be written to: Not a directory"):
        environment.install(lambda _: None)


# The extension


def test_the_extension_is_told_by_its_content(tmp_path: Path) -> None:
    source = tmp_path / "extension"
    (source / "package" / "__pycache__").mkdir(parents=True)
    (source / "package" / "a.py").write_text("1")
    before = extension.fingerprint(source)
    (source / "package" / "__pycache__" / "a.pyc").write_text("x")
    (source / "launchday_localstack.egg-info").mkdir()
    (source / "launchday_localstack.egg-info" / "PKG-INFO").write_text("x")
    assert extension.fingerprint(source) == before
    (source / "package" / "a.py").write_text("2")
    assert extension.fingerprint(source) != before


def test_an_extension_that_cannot_be_built_leaves_nothing(machine: Path) -> None:
    made = environment.install(lambda _: None)
    fakes.program(made.python, "echo 'ERROR: it cannot be built'; exit 1")
    before = sorted(environment.root().iterdir())
    with pytest.raises(TargetError, match="LocalStack's extension could not be built: it cannot be built"):
        extension.build(made)
    assert sorted(environment.root().iterdir()) == before
