from __future__ import annotations

import os
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from deploy.standup.blueprint import SERVICES
from deploy.standup.packaging import PackageCache, chosen
from deploy.standup.serverless import read_service

PATTERNS = ("!**", "handlers/*.py")


def service(directory: Path) -> Path:
    (directory / "handlers" / "__pycache__").mkdir(parents=True)
    for name in (
        "serverless.yml",
        "handlers/b.py",
        "handlers/a.py",
        "handlers/__pycache__/a.py",
        "notes.txt",
    ):
        (directory / name).write_text(name)
    return directory


def test_patterns_choose_files(tmp_path: Path) -> None:
    root = service(tmp_path)
    assert [path.name for path in chosen(root, PATTERNS)] == ["a.py", "b.py"]
    assert [path.name for path in chosen(root, ("!*.txt",))] == ["a.py", "b.py", "serverless.yml"]
    assert [path.name for path in chosen(root, ())] == ["a.py", "b.py", "notes.txt", "serverless.yml"]


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    one, other = service(tmp_path / "one"), service(tmp_path / "other")
    os.utime(other / "handlers" / "a.py", (1, 1))
    (other / "handlers" / "a.py").chmod(0o755)
    first = PackageCache(tmp_path / "c1").package(one, PATTERNS)
    assert PackageCache(tmp_path / "c2").package(other, PATTERNS) == first


def test_a_package_is_built_once_and_found_by_its_hash(tmp_path: Path) -> None:
    cache, root = PackageCache(tmp_path / "cache"), service(tmp_path / "service")
    first = cache.package(root, PATTERNS)
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()}
    assert cache.package(root, PATTERNS) == first
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()} == written
    assert cache.by_sha256(first.sha256) == first.content
    (root / "handlers" / "a.py").write_text("changed")
    assert cache.package(root, PATTERNS).sha256 != first.sha256
    assert cache.by_sha256("nothing") is None


@pytest.mark.parametrize("broken", ["not a folder", "a folder in the place of the file"])
def test_a_cache_that_cannot_be_used_is_said_once_and_not_needed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    root, directory = service(tmp_path / "service"), tmp_path / "cache"
    expected = PackageCache(tmp_path / "working").package(root, PATTERNS)
    if broken == "not a folder":
        directory.touch()
    else:
        for kept in (tmp_path / "working").iterdir():
            (directory / kept.name).mkdir(parents=True)
    cache = PackageCache(directory)
    assert cache.package(root, PATTERNS) == expected
    assert cache.package(root, PATTERNS) == expected
    assert cache.by_sha256(expected.sha256) == expected.content  # an undo finds what this stand-up replaced
    assert cache.by_sha256("nothing") is None
    (said,) = caplog.messages
    assert said.startswith(f"The package cache '{directory}' cannot be used: ")


def test_our_packages_hold_the_handlers_and_nothing_else(tmp_path: Path) -> None:
    described = read_service(SERVICES / "processing")
    content = PackageCache(tmp_path).package(described.directory, described.patterns).content
    names = zipfile.ZipFile(BytesIO(content)).namelist()
    assert "handlers/processor.py" in names
    assert "handlers/rules.py" in names
    assert {name.partition("/")[0] for name in names} == {"handlers"}
    for function in described.functions:
        module, _, _ = function.handler.rpartition(".")
        assert f"{module.replace('.', '/')}.py" in names
