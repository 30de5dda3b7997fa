"""Deployment packages: a zip file as it came, and the folder it was unpacked to.

docs: Lambda quotas, deployment package size: 50 MB zipped through the API, 250 MB unzipped (read 2026)
"""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from harness.emulator.services.lambda_.errors import invalid

MAX_ZIPPED_BYTES = 50 * 1024 * 1024
MAX_UNZIPPED_BYTES = 250 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CodePackage:
    """Code as a function runs it. `folder` is its LAMBDA_TASK_ROOT, `archive` the zip file it came in."""

    folder: Path
    archive: Path
    sha256: str
    """Base64, as the API shows it."""
    size_bytes: int


def check_package(zipped: bytes) -> None:
    """Raises AwsError InvalidParameterValueException unless `zipped` is a zip file within AWS's bounds."""
    if len(zipped) > MAX_ZIPPED_BYTES:
        raise invalid(f"Zipped size must be smaller than {MAX_ZIPPED_BYTES} bytes")
    try:
        with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
            unzipped = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile:
        raise invalid(
            "Could not unzip uploaded file. Please check your file, then try to upload again."
        ) from None
    if unzipped > MAX_UNZIPPED_BYTES:
        raise invalid(f"Unzipped size must be smaller than {MAX_UNZIPPED_BYTES} bytes")


def unpack(zipped: bytes, under: Path) -> CodePackage:
    """Store and unpack a checked package under a folder of its own; the same package is unpacked once."""
    digest = hashlib.sha256(zipped).digest()
    home = under / digest.hex()[:32]
    if not home.exists():
        under.mkdir(parents=True, exist_ok=True)
        # Made apart and moved whole: several may unpack the same package at once, and the first is as good.
        making = Path(tempfile.mkdtemp(prefix="making-", dir=under))
        try:
            with zipfile.ZipFile(io.BytesIO(zipped)) as source:
                source.extractall(making / "task")
            (making / "code.zip").write_bytes(zipped)
            making.chmod(0o755)
            making.rename(home)
        except OSError:
            if not home.exists():
                raise
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return CodePackage(home / "task", home / "code.zip", base64.b64encode(digest).decode(), len(zipped))
