"""Where this process is: process ids mean something only within one machine, and one container of it."""

from __future__ import annotations

import contextlib
import platform
from pathlib import Path


def process_space() -> str:
    """The same text in two processes that see each other under the same ids; another in any other."""
    parts = [platform.node()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    with contextlib.suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)
