"""What is wrong with a request, as its sender is told: `{"error": {"code": ..., "message": ...}}`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


class Problem(Exception):
    """An answer that is no success. `code` is for programs and does not change, `message` for people."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    def answer(self) -> dict[str, Any]:
        """As a Lambda proxy integration takes it."""
        return answer(self.status, {"error": {"code": self.code, "message": self.message}}, self.headers)


def invalid(code: str, message: str) -> Problem:
    """A request that will never be right."""
    return Problem(400, code, message)


def not_found(what: str) -> Problem:
    """Something that is not there, or is another account's: the two are not told apart."""
    return Problem(404, "not_found", f"There is no such {what}.")


def unavailable() -> Problem:
    """Something behind this does not answer, or is throttled."""
    return Problem(503, "unavailable", "Try again later.", {"Retry-After": "1"})


def answer(status: int, body: object, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A Lambda proxy integration's answer in JSON; a `body` of None is no body."""
    text = "" if body is None else json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    own = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return {"statusCode": status, "headers": {**own, **(headers or {})}, "body": text}
