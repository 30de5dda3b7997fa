"""Requests as the bytes of HTTP/1.1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from harness.errors import UsageError
from harness.pipeline import HttpRequest

_MAX_REMEMBERED = 10_000


class Origin(NamedTuple):
    """Where a connection goes."""

    host: str
    port: int
    tls: bool


class Wire:
    """Renders requests. Heads are remembered: an entrance mostly gives the same URL and headers again."""

    def __init__(self) -> None:
        self._heads: dict[tuple[str, str, int], tuple[Origin, bytes, Mapping[str, str]]] = {}

    def render(self, request: HttpRequest) -> tuple[Origin, bytes]:
        """Where `request` goes, and its bytes. Raises UsageError for a URL that is not http or https, and for
        a header with a line break."""
        key = (request.method, request.url, id(request.headers))
        known = self._heads.get(key)
        if known is None:
            origin, head = _head(request)
            if len(self._heads) >= _MAX_REMEMBERED:
                self._heads.clear()
            # keeping the headers keeps their id from being given to others
            known = self._heads[key] = (origin, head, request.headers)
        return known[0], b"%b%d\r\n\r\n%b" % (known[1], len(request.body), request.body)


def _head(request: HttpRequest) -> tuple[Origin, bytes]:
    url = urlsplit(request.url)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise UsageError(f"'{request.url}' is not an http or https address.")
    tls = url.scheme == "https"
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    lines = [f"{request.method} {target} HTTP/1.1", f"Host: {url.netloc.rpartition('@')[2]}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    if any("\r" in line or "\n" in line for line in lines):
        raise UsageError(f"A request to {request.url} has a line break in its head.")
    head = "\r\n".join([*lines, "Content-Length: "])
    return Origin(url.hostname, url.port or (443 if tls else 80), tls), head.encode("latin-1")
