"""Packages from npm, for tests with published JavaScript clients; where none can be had, the test says so."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

_WITHIN_S = 90.0


def installed(folder: Path, *packages: str) -> Path:
    """`folder` with `packages` in it. Skips the test, with the reason, when node or npm is missing, or when
    npm cannot install them, or not in time: its registry is not ours."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    command = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", *packages]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_WITHIN_S)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not install {' '.join(packages)} within {_WITHIN_S:.0f} s")
    if ended.returncode:
        pytest.skip(f"npm could not install {' '.join(packages)}: {ended.stderr[-300:]}")
    return folder
