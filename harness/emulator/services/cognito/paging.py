"""Lists in pages: a page ends with a token that says where the next one begins."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, TypeVar

import orjson

from harness.emulator.services.cognito.errors import invalid_parameter

MAX_PAGE = 60
Item = TypeVar("Item")


def page(
    items: Iterable[Item], key: Callable[[Item], Any], token: str | None, limit: int | None
) -> tuple[list[Item], str | None]:
    """At most `limit` (60 when none is given) of `items`, which come in the order of `key`, after the place
    that `token` says; and the token of the next page, if there is one.

    Raises AwsError InvalidParameterException for a token that is none of this list."""
    size = min(limit or MAX_PAGE, MAX_PAGE)
    if token is not None:
        after = _opened(token)
        try:
            items = (item for item in items if key(item) > after)
            found = list(islice(items, size + 1))
        except TypeError:
            raise _no_token() from None
    else:
        found = list(islice(items, size + 1))
    if len(found) <= size:
        return found, None
    return found[:size], base64.urlsafe_b64encode(orjson.dumps([key(found[size - 1])])).decode()


def _opened(token: str) -> Any:
    try:
        (after,) = orjson.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError, TypeError):
        raise _no_token() from None
    return after


def _no_token() -> Exception:
    return invalid_parameter("Invalid pagination token.")
