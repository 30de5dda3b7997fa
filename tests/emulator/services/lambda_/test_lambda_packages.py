"""Deployment packages on disk."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from harness.emulator.services.lambda_.packages import unpack


def test_one_package_unpacked_by_many_at_once_is_whole_for_each(
    tmp_path: Path, zipped: Callable[..., bytes]
) -> None:
    package = zipped("x = 1\n" * 1000)
    together = Barrier(8)

    def unpack_together(_: int) -> str:
        together.wait(10)
        unpacked = unpack(package, tmp_path / "app")
        return (unpacked.folder / "app.py").read_text() + unpacked.sha256

    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(unpack_together, range(8)))
    assert len(found) == 1
    assert len(list((tmp_path / "app").iterdir())) == 1


def test_a_package_is_unpacked_once(tmp_path: Path, zipped: Callable[..., bytes]) -> None:
    package = zipped("x = 1\n")
    first = unpack(package, tmp_path)
    (first.folder / "kept").touch()
    assert (unpack(package, tmp_path).folder / "kept").exists()
    assert unpack(zipped("x = 2\n"), tmp_path).folder != first.folder
