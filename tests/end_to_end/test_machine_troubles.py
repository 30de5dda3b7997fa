"""What a machine can lack: a port, open files, a disk, the right to write. A sentence, and the exit code."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.product import Product, obey_permissions, one_sentence

pytestmark = pytest.mark.slow


def test_a_port_in_use_is_told_with_who_uses_it(product: Product) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = product.rehearse("--port", str(port)).end()
    assert ended.code == 3
    assert f"Port {port} on 127.0.0.1 is already in use by process {os.getpid()} (" in ended.said
    assert "--port" in ended.said
    assert "Traceback" not in ended.said
    assert product.result["status"] == "failed"
    product.assert_nothing_left()


def open_files(number: int) -> Callable[[], None]:
    """Let a process have `number` open files at most."""
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))


def test_too_few_file_descriptors_are_told_before_the_load(product: Product) -> None:
    ended = product.rehearse(prepare=open_files(512)).end()
    assert ended.code == 2
    assert "1000 requests in flight take 1128 open files; a process may have 512." in ended.said
    assert "ulimit -n" in ended.said
    assert "--in-flight" in ended.said
    assert "Traceback" not in ended.said
    product.assert_nothing_left()


def test_fewer_in_flight_need_fewer_descriptors(product: Product) -> None:
    product.measured(product.rehearse("--in-flight", "100", prepare=open_files(512)))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 192 KB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if sys.platform != "linux" or mount is None or os.geteuid() != 0:
        pytest.skip("only root on Linux can mount a small disk")
    mounted = subprocess.run([mount, "-t", "tmpfs", "-o", "size=192k", "small", str(disk)], check=False)
    if mounted.returncode != 0:
        pytest.skip("this container may not mount a small disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.parametrize("free_bytes", [48 * 1024, 4 * 1024, 0])
def test_a_full_disk_makes_the_measurement_invalid(
    product: Product, small_disk: Path, free_bytes: int
) -> None:
    ballast = small_disk / "ballast"
    with ballast.open("wb") as file:
        file.write(b"\0" * (shutil.disk_usage(small_disk).free - free_bytes))
    ended = product.rehearse("--out", small_disk / "run", "--duration", "20s").end()
    assert ended.code == 4, ended.said
    assert "Traceback" not in ended.said
    assert "The disk is full" in ended.said
    assert str(small_disk / "run") in ended.said
    product.assert_nothing_left()


def test_a_full_disk_for_temporary_files_is_told_before_the_load(product: Product, small_disk: Path) -> None:
    ended = product.rehearse(environment={"TMPDIR": str(small_disk)}).end()
    assert ended.code == 3
    assert f"The disk that holds {small_disk}" in ended.said
    assert "is full. Free some space there." in ended.said
    assert product.result["status"] == "failed"
    product.assert_nothing_left()
    assert list(small_disk.iterdir()) == []


def test_a_run_folder_that_cannot_be_made(product: Product) -> None:
    closed = product.folder / "closed"
    closed.mkdir(mode=0o500)
    ended = product.rehearse("--out", closed / "run", prepare=obey_permissions).end()
    assert ended.code == 2
    assert one_sentence(ended).startswith(
        f"The run folder '{closed / 'run'}' cannot be made: Permission denied."
    )
    file = product.folder / "file"
    file.touch()
    ended = product.rehearse("--out", file / "run").end()
    assert ended.code == 2
    assert one_sentence(ended).startswith(f"The run folder '{file / 'run'}' cannot be made: Not a directory.")


def test_a_working_directory_that_cannot_be_written_to(product: Product) -> None:
    product.work.chmod(0o500)
    ended = product.run("run", "every_outcome", "--port", "0", prepare=obey_permissions)
    assert ended.code == 2
    assert "cannot be made: Permission denied." in one_sentence(ended)
    assert "--out" in one_sentence(ended)
    product.measured(product.rehearse("--duration", "1s", prepare=obey_permissions))


def test_a_cache_that_cannot_be_written_to(product: Product) -> None:
    closed = product.folder / "closed"
    closed.mkdir(mode=0o500)
    running = product.rehearse(
        "--duration", "1s", environment={"XDG_CACHE_HOME": str(closed)}, prepare=obey_permissions
    )
    said = running.end().said
    product.measured(running)
    assert said.count(f"The package cache '{closed / 'launchday' / 'packages'}' cannot be used") == 1
    assert "Permission denied" in said
    assert list(closed.iterdir()) == []
