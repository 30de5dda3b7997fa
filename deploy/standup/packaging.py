"""Packages of a service's files: the same bytes for the same files, built once and kept by their hash."""

from __future__ import annotations

import hashlib
import io
import zipfile
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from platformdirs import user_cache_dir

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say
_READABLE = 0o100644 << 16


@dataclass(frozen=True)
class Package:
    """A zip. `sha256` is in base64, as Lambda's CodeSha256."""

    content: bytes
    sha256: str


class PackageCache:
    """Packages on disk: by the hash of the files they are made of, and by their own."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory or Path(user_cache_dir("launchday")) / "packages"

    def package(self, service: Path, patterns: Sequence[str]) -> Package:
        """The package of the files of `service` that `patterns` choose, built when it is not there."""
        files = {
            path.relative_to(service).as_posix(): path.read_bytes() for path in chosen(service, patterns)
        }
        source = self._directory / f"{fingerprint(files)}.zip"
        try:
            content = source.read_bytes()
        except FileNotFoundError:
            content = _zip(files)
            self._keep(source, content)
            self._keep(self._by_sha256(_sha256(content)), content)
        return Package(content, _sha256(content))

    def by_sha256(self, sha256: str) -> bytes | None:
        """A package that was built here before, by its CodeSha256."""
        try:
            return self._by_sha256(sha256).read_bytes()
        except FileNotFoundError:
            return None

    def _by_sha256(self, sha256: str) -> Path:
        return self._directory / f"code-{sha256.replace('/', '_')}.zip"

    def _keep(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        being_written = path.with_suffix(f".{hashlib.sha256(content).hexdigest()[:8]}.part")
        being_written.write_bytes(content)
        being_written.replace(path)


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
