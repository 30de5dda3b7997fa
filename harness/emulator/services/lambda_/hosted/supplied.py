"""What every function finds beside its own code, as in /var/runtime on AWS: the SDK, and the runtime client.

A folder of links to what this process has installed of these, and of nothing else. The SDK is pure Python, so
that it serves every interpreter; AWS's runtime client is compiled for this process's own.

docs: Lambda Developer Guide, Runtime-included SDK versions (read 2026)
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from harness.emulator.services.lambda_.environments.sandbox import DEFAULT_CLIENT
from harness.emulator.services.lambda_.hosted.interpreters import Version

SDK = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")
CLIENT = ("awslambdaric", "simplejson", "snapshot-restore-py")


class Supplied:
    """The folders, made once under `home`."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._made: dict[str, Path] = {}

    def for_python(self, version: Version) -> tuple[str, Sequence[Path]]:
        """The runtime client that an interpreter of `version` can run, and the folders with what it needs."""
        if version == sys.version_info[:2] and DEFAULT_CLIENT == "awslambdaric":
            return DEFAULT_CLIENT, [self._folder("sdk", SDK), self._folder("client", CLIENT)]
        return "builtin", [self._folder("sdk", SDK)]

    def _folder(self, name: str, distributions: Iterable[str]) -> Path:
        found = self._made.get(name)
        if found is None:
            self._home.mkdir(parents=True, exist_ok=True)
            found = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._home))
            found.chmod(0o755)
            for each in distributions:
                _link(each, found)
            self._made[name] = found
        return found


def _link(name: str, folder: Path) -> None:
    """Link all that the distribution installed beside each other: packages, modules, its metadata."""
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        return
    tops = {file.parts[0] for file in installed.files or () if file.parts[0] not in ("..", "__pycache__")}
    for top in sorted(tops):
        target = Path(str(installed.locate_file(top)))
        if target.exists():
            (folder / top).symlink_to(target)
