"""Packages of a service's files: the same bytes for the same files, built once and kept by their hash."""

from __future__ import annotations

import hashlib
import io
import logging
import zipfile
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from platformdirs import user_cache_dir

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say
_READABLE = 0o100644 << 16
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Package:
    """A zip. `sha256` is in base64, as Lambda's CodeSha256."""

    content: bytes
    sha256: str


class PackageCache:
    """Packages on disk: by the hash of the files they are made of, and by their own.

    A disk that cannot be read or written costs time, not the stand-up: that is said once, as a
    warning, and the packages are kept in memory."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory or Path(user_cache_dir("launchday")) / "packages"
        self._in_memory: dict[str, bytes] | None = None

    def package(self, service: Path, patterns: Sequence[str]) -> Package:
        """The package of the files of `service` that `patterns` choose, built when it is not there."""
        files = {
            path.relative_to(service).as_posix(): path.read_bytes() for path in chosen(service, patterns)
        }
        source = f"{fingerprint(files)}.zip"
        content = self._read(source)
        if content is None:
            content = _zip(files)
            self._keep(source, content)
            self._keep(_code_name(_sha256(content)), content)
        return Package(content, _sha256(content))

    def by_sha256(self, sha256: str) -> bytes | None:
        """A package that was built here before, by its CodeSha256."""
        return self._read(_code_name(sha256))

    def _read(self, name: str) -> bytes | None:
        if self._in_memory is None:
            try:
                return (self._directory / name).read_bytes()
            except FileNotFoundError:
                return None
            except OSError as error:
                self._in_memory = self._without_disk(error)
        return self._in_memory.get(name)

    def _keep(self, name: str, content: bytes) -> None:
        if self._in_memory is None:
            try:
                self._directory.mkdir(parents=True, exist_ok=True)
                part = f"{name}.{hashlib.sha256(content).hexdigest()[:8]}.part"
                (self._directory / part).write_bytes(content)
                (self._directory / part).replace(self._directory / name)
                return
            except OSError as error:
                self._in_memory = self._without_disk(error)
        self._in_memory[name] = content

    def _without_disk(self, error: OSError) -> dict[str, bytes]:
        _log.warning(
            "The package cache '%s' cannot be used: %s. Packages are built again each time.",
            self._directory,
            error.strerror or error,
        )
        return {}


def _code_name(sha256: str) -> str:
    return f"code-{sha256.replace('/', '_')}.zip"


def chosen(service: Path, patterns: Sequence[str]) -> list[Path]:
    """The files that `package.patterns` choose: all are in until a pattern with `!` says otherwise, and the
    last pattern that matches decides. `*` stops at a slash, `**` does not."""
    files = sorted(path for path in service.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return [path for path in files if _included(path.relative_to(service).as_posix(), patterns)]


def _included(name: str, patterns: Sequence[str]) -> bool:
    included = True
    for pattern in patterns:
        bare = pattern.removeprefix("!")
        if fnmatchcase(name, bare) and ("**" in bare or bare.count("/") == name.count("/")):
            included = not pattern.startswith("!")
    return included


def fingerprint(files: dict[str, bytes]) -> str:
    """A hash over names and contents."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{len(name)}:{name}{len(content)}:".encode() + content)
    return digest.hexdigest()


def _zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = _READABLE
            entry.create_system = 3  # Unix, wherever it is made
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()


def _sha256(content: bytes) -> str:
    return b64encode(hashlib.sha256(content).digest()).decode()
