"""Where servers listen: on loopback, as they were told, and not on every interface of the machine."""

from __future__ import annotations

import ipaddress
from pathlib import Path

PRELOADED = Path(__file__).with_name("loopback.cjs")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`, a name or an address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def node_options(given: str) -> str:
    """Node's options that keep its servers on loopback, after those that there are."""
    path = str(PRELOADED).replace("\\", "\\\\").replace('"', '\\"')
    return f'{given} --require "{path}"'.strip()
