"""Lists a page at a time. A token is the place after the last item given, so that deletions in between skip
and repeat nothing."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import TypeVar

from harness.emulator.services.sns.errors import invalid_parameter

PAGE = 100
"""docs: SNS API Reference, ListTopics: at most 100 in an answer (read 2026)"""
Item = TypeVar("Item")


def page(
    items: Sequence[Item], key: Callable[[Item], str], token: str | None
) -> tuple[Sequence[Item], str | None]:
    """The items after `token` and the token for those after them, None at the end; `items` are in the order
    of `key`. Raises AwsError InvalidParameter for a token that was not given here."""
    start = bisect_right(items, _place(token), key=key) if token else 0
    found = items[start : start + PAGE]
    more = start + PAGE < len(items)
    return found, base64.urlsafe_b64encode(key(found[-1]).encode()).decode() if more else None


def _place(token: str) -> str:
    try:
        place = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        place = ""
    if not place.startswith("arn:"):
        raise invalid_parameter("NextToken")
    return place
