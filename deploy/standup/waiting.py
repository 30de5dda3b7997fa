"""Waiting for AWS: until something is so, and through the errors that only mean "not yet"."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import TypeVar

from botocore.exceptions import ClientError

from harness.errors import TargetError

T = TypeVar("T")

FIRST_WAIT_S = 0.05
LONGEST_WAIT_S = 2.0


def code_of(error: ClientError) -> str:
    """The error's name on the wire."""
    return str(error.response.get("Error", {}).get("Code", ""))


def found(call: Callable[[], T], *, missing: Collection[str]) -> T | None:
    """What `call` answers, or None when its error is one of `missing`."""
    try:
        return call()
    except ClientError as error:
        if code_of(error) in missing:
            return None
        raise


def until(
    ready: Callable[[], bool],
    what: str,
    *,
    within_s: float = 300.0,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Wait until `ready`, asking less and less often. Raises TargetError when it takes too long; `what` then
    says what did not happen ("the table accounts is active")."""
    end, wait_s = now() + within_s, FIRST_WAIT_S
    while not ready():
        if now() >= end:
            raise TargetError(f"It was still not so after {within_s:g} s that {what}.")
        sleep(wait_s)
        wait_s = min(LONGEST_WAIT_S, wait_s * 1.6)


def once_possible(
    call: Callable[[], T],
    not_yet: Callable[[ClientError], bool],
    *,
    within_s: float = 90.0,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> T:
    """What `call` answers once its errors are no longer of the kind `not_yet`: a role that Lambda cannot yet
    assume, a queue that was deleted less than a minute ago. The last error is raised."""
    end, wait_s = now() + within_s, 0.5
    while True:
        try:
            return call()
        except ClientError as error:
            if not not_yet(error) or now() >= end:
                raise
        sleep(wait_s)
        wait_s = min(5.0, wait_s * 1.6)
