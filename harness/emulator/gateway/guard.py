"""Who may ask: a local AWS is open to every page in every browser on the machine unless it refuses them.

Lambda's API runs code and needs no secret here, and a browser lets any page post to a local port. So a
request is refused when its Host is a name that we do not answer to (DNS rebinding), or when a browser says
that a page from elsewhere sent it (Origin, Sec-Fetch-Site, Referer), unless that page's origin was allowed by
the user. Programs other than browsers send none of these headers and are not held up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from harness.emulator.gateway.hosts import parse_host

_ALLOWED_METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
_EXPOSED = "ETag, x-amz-request-id, x-amz-version-id, x-amzn-ErrorType, x-amzn-RequestId, x-amzn-trace-id"


class Guard:
    """The rules, with the origins (`https://app.example:3000`) that the user lets in."""

    def __init__(self, allowed_origins: Iterable[str] = ()) -> None:
        self._allowed = frozenset(origin.rstrip("/").lower() for origin in allowed_origins)

    def refusal(self, headers: Mapping[str, str]) -> str | None:
        """Why a request with these (lower case) headers is refused, or None when it may pass."""
        host = headers.get("host", "")
        if parse_host(host) is None:
            return f"The Host '{host}' is not one that this emulator answers to."
        origin = headers.get("origin")
        if origin is None:
            if "sec-fetch-site" not in headers and "referer" not in headers:
                return None
            return self._refuse_without_origin(host, headers)
        if self._is_own(origin, host) or self.allows(origin):
            return None
        return self._foreign(origin)

    def allows(self, origin: str) -> bool:
        """Whether the user let `origin` in."""
        return origin.lower() in self._allowed

    def cors_headers(self, origin: str | None) -> dict[str, str]:
        """What an answer to an allowed origin carries, so that its page may read it."""
        if origin is None or not self.allows(origin):
            return {}
        return {
            "access-control-allow-origin": origin,
            "access-control-expose-headers": _EXPOSED,
            "vary": "Origin",
        }

    def preflight_headers(self, headers: Mapping[str, str]) -> dict[str, str] | None:
        """The answer's headers when this is a preflight from an allowed origin, else None."""
        origin = headers.get("origin")
        if origin is None or "access-control-request-method" not in headers or not self.allows(origin):
            return None
        return {
            **self.cors_headers(origin),
            "access-control-allow-methods": _ALLOWED_METHODS,
            "access-control-allow-headers": headers.get("access-control-request-headers", "*"),
            "access-control-max-age": "600",
        }

    def _refuse_without_origin(self, host: str, headers: Mapping[str, str]) -> str | None:
        """A browser leaves Origin out of plain GETs; Sec-Fetch-Site and Referer still tell."""
        referer = headers.get("referer")
        if referer is not None:
            parts = urlsplit(referer)
            page = f"{parts.scheme}://{parts.netloc}"
            return None if self._is_own(page, host) or self.allows(page) else self._foreign(page)
        if headers.get("sec-fetch-site") in ("same-origin", "none"):
            return None
        return self._foreign("a page of another site")

    @staticmethod
    def _is_own(origin: str, host: str) -> bool:
        scheme, _, rest = origin.lower().partition("://")
        return scheme in ("http", "https") and rest == host.strip().lower()

    @staticmethod
    def _foreign(origin: str) -> str:
        return (
            f"Requests from {origin} are refused: any web page can reach a local port. "
            f"Start the emulator with --allow-origin to let that origin in."
        )
