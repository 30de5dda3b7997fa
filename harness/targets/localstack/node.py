"""Node and npm: LocalStack's Kinesis is a program for Node, published on npm."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import TargetError

LEAST_VERSION = 18
_WITHIN_S = 15.0
_REMEDY = f"Install Node {LEAST_VERSION} or newer with npm, and have both on PATH."


@dataclass(frozen=True)
class Node:
    """Node and its npm. `version` as `node --version` says it, without the v."""

    node: Path
    npm: Path
    version: str


def find(environment: Mapping[str, str] = os.environ) -> Node:
    """Node and npm on PATH. Raises TargetError, in one sentence, when one is missing or too old."""
    found = {name: shutil.which(name, path=environment.get("PATH")) for name in ("node", "npm")}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        raise TargetError(
            f"LocalStack's Kinesis runs on Node, and there is no {' and no '.join(missing)} on PATH.", _REMEDY
        )
    node, npm = (Path(path) for path in found.values() if path is not None)
    version = _version(node, environment)
    major = version.partition(".")[0]
    if not major.isdecimal() or int(major) < LEAST_VERSION:
        raise TargetError(
            f"LocalStack's Kinesis needs Node {LEAST_VERSION} or newer; {node} is {version or 'silent'}.",
            _REMEDY,
        )
    return Node(node, npm, version)


def _version(node: Path, environment: Mapping[str, str]) -> str:
    try:
        ended = subprocess.run(
            [str(node), "--version"],
            capture_output=True,
            text=True,
            timeout=_WITHIN_S,
            check=False,
            stdin=subprocess.DEVNULL,
            env=dict(environment),
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ended.stdout.strip().removeprefix("v")
