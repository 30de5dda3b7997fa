"""Where a client that connects puts its credentials, and for which host they are.

docs: AppSync Developer Guide, Building a real-time WebSocket client, Handshake details (read 2026-11). The
headers come as the query parameter `header` (base64 of JSON), as a second subprotocol `header-<base64url of
JSON>`, or as the HTTP headers of the upgrade request. Their `host` is the GraphQL endpoint's, "which is used
to validate the connection": headers made for another API do not open this one.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from urllib.parse import parse_qs

import orjson

from harness.emulator.services.appsync.contract import RequestRefused
from harness.emulator.services.appsync.realtime.protocol import SUBPROTOCOL, header_map

_OF_API = re.compile(
    r"([a-z0-9-]+)\.appsync-api(?:\.[a-z0-9-]+)?"
    r"\.(?:amazonaws\.com(?:\.cn)?|localhost(?:\.localstack\.cloud)?)(?::\d+)?",
    re.ASCII,
)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


def offers_subprotocol(headers: Mapping[str, str]) -> bool:
    """Whether the client asks for `graphql-ws`, without which AppSync takes no connection."""
    return SUBPROTOCOL in _subprotocols(headers)


def connection_headers(headers: Mapping[str, str], query: str) -> dict[str, str]:
    """The headers that authorize the connection, names in lower case; `headers` are those of the upgrade
    request. Raises RequestRefused (BadRequestException, 400) when they cannot be read."""
    encoded = parse_qs(query).get("header", [""])[0]
    if not encoded:
        offered = (name for name in _subprotocols(headers) if name.startswith("header-"))
        encoded = next(offered, "").removeprefix("header-")
    if not encoded:
        return dict(headers)
    try:
        found = header_map(orjson.loads(_decoded(encoded)))
    except ValueError:
        found = None
    if found is None:
        raise RequestRefused("BadRequestException", "The connection headers cannot be read.", 400)
    return found


def check_host(given: str | None, api_id: str, connected_host: str) -> None:
    """Refuse headers whose `host` is not that of this API's GraphQL endpoint. Where several APIs share a
    host, it must be the one that the client connects to; loopback's names are one.

    Raises RequestRefused (UnauthorizedException)."""
    host = (given or "").strip().lower()
    of_api = _OF_API.fullmatch(host)
    if of_api is not None:
        if of_api[1] == api_id:
            return
    elif host and _same(host, connected_host.strip().lower()):
        return
    raise RequestRefused("UnauthorizedException", "You are not authorized to make this call.")


def _same(host: str, connected: str) -> bool:
    connected = connected.replace("appsync-realtime-api", "appsync-api")
    return host == connected or (
        _name(host) in _LOOPBACK and _name(connected) in _LOOPBACK and _port(host) == _port(connected)
    )


def _name(host: str) -> str:
    return host[: host.index("]") + 1] if "]" in host else host.partition(":")[0]


def _port(host: str) -> str:
    return host.removeprefix(_name(host))


def _subprotocols(headers: Mapping[str, str]) -> list[str]:
    return [name.strip() for name in headers.get("sec-websocket-protocol", "").split(",")]


def _decoded(encoded: str) -> bytes:
    """Base64 or base64url, padded or not (a `+` in a query arrives as a space). Raises ValueError."""
    text = encoded.replace(" ", "+").replace("-", "+").replace("_", "/").rstrip("=")
    return b64decode(text + "=" * (-len(text) % 4), validate=True)
