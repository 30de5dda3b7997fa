"""What an operation of the API is to its service: members and a caller in, a status and members out."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.emulator.services.base import CallContext
from harness.emulator.services.lambda_.errors import invalid
from harness.emulator.services.lambda_.members import Members

Body = dict[str, Any]
Operation = Callable[[Members, CallContext], Awaitable[Body | None]]
"""Answers an operation's output, or None for an empty answer. Raises AwsError."""


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a list, and where the next begins."""

    items: Sequence[Any]
    next_marker: str | None


def page(items: Sequence[Any], members: Members, default: int = 50, at_most: int = 10_000) -> Page:
    """The stretch that Marker and MaxItems ask for. Raises AwsError for a marker that is none of ours."""
    size = min(members.integer("MaxItems", 1, 10_000) or default, at_most)
    marker = members.text("Marker")
    start = 0
    if marker:
        try:
            start = int(base64.urlsafe_b64decode(marker))
        except (binascii.Error, ValueError):
            raise invalid("Marker is not valid.") from None
    end = start + size
    following = base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(items) else None
    return Page(items[start:end], following)


def paged(name: str, result: Page) -> Body:
    """A page as list operations answer it."""
    body: Body = {name: list(result.items)}
    if result.next_marker:
        body["NextMarker"] = result.next_marker
    return body
