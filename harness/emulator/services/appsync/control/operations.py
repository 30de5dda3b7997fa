"""What an operation of the control plane is: members and a caller in, members out; and pages of lists."""

from __future__ import annotations

import base64
import binascii
import secrets
import string
from collections.abc import Callable, Sequence
from typing import Any

from harness.emulator.services.appsync.control.members import Members
from harness.emulator.services.appsync.errors import bad_request
from harness.emulator.services.base import CallContext

Body = dict[str, Any]
Operation = Callable[[Members, CallContext], Body]
"""Answers an operation's output. Raises AwsError."""

PAGE_SIZE = 25
"""docs: AppSync API Reference, maxResults: at most 25 (read 2026-11)."""
_LETTERS = string.ascii_lowercase + string.digits


def new_id(length: int = 26) -> str:
    """An id as AppSync makes them."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def paged(name: str, items: Sequence[Body], members: Members) -> Body:
    """The stretch of `items` that nextToken and maxResults ask for. Raises AwsError for a token that is none
    of ours."""
    size = members.integer("maxResults", 0, PAGE_SIZE) or PAGE_SIZE
    token = members.text("nextToken")
    start = 0
    if token:
        try:
            start = int(base64.urlsafe_b64decode(token))
        except (binascii.Error, ValueError):
            raise bad_request("The nextToken is not valid.") from None
    end = start + size
    body: Body = {name: list(items[max(0, start) : end])}
    if end < len(items):
        body["nextToken"] = base64.urlsafe_b64encode(str(end).encode()).decode()
    return body


def without_none(values: Body) -> Body:
    """The members that are set."""
    return {name: value for name, value in values.items() if value is not None}
