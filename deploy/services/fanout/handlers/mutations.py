"""Moves to AppSync: the mutation `publishLocation`, to whose results live subscribers listen.

Many go in one request, as fields with aliases. Their selection has every field of the type: a subscriber gets
only what the mutation selected (docs: AppSync, Real-time data, read 2026-11). Requests are signed with the
function's own credentials (IAM, Signature Version 4).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError

from .moves import Move

MUTATIONS_A_REQUEST = 25
_FIELDS = (
    "account_id device_id event_id lat lon accuracy speed bearing altitude activity battery context "
    "recorded_at received_at"
)


class Response(NamedTuple):
    """What an HTTP request was answered."""

    status: int
    body: bytes


Post = Callable[[bytes], Response]
"""Posts a body to the API, signed. Raises BotoCoreError when there is no answer."""


class Refused(ValueError):
    """AppSync did not take a request as a whole."""


def publish(post: Post, moves: Sequence[Move]) -> list[Move]:
    """Publish all; the moves whose mutation did not succeed."""
    failed: list[Move] = []
    for start in range(0, len(moves), MUTATIONS_A_REQUEST):
        chunk = moves[start : start + MUTATIONS_A_REQUEST]
        try:
            done = _published(post(_request(chunk)))
        except (BotoCoreError, ValueError) as why:
            print(f"AppSync: {type(why).__name__}: {why}")
            done = {}
        failed += [move for number, move in enumerate(chunk) if done.get(f"m{number}") is None]
    return failed


def _request(moves: Sequence[Move]) -> bytes:
    variables = {
        f"l{number}": {"account_id": move.account_id, **move.location} for number, move in enumerate(moves)
    }
    return json.dumps({"query": query(len(moves)), "variables": variables}, separators=(",", ":")).encode()


@cache
def query(count: int) -> str:
    """The document of `count` mutations: the same text every time, which a server parses once."""
    given = ",".join(f"$l{number}:LocationInput!" for number in range(count))
    fields = " ".join(
        f"m{number}:publishLocation(location:$l{number}){{{_FIELDS}}}" for number in range(count)
    )
    return f"mutation Publish({given}){{{fields}}}"


def _published(response: Response) -> Mapping[str, Any]:
    if response.status != 200:
        raise Refused(f"AppSync answered {response.status}: {response.body[:500]!r}")
    answer = json.loads(response.body)
    for error in answer.get("errors") or ():
        print(f"A mutation failed: {error.get('errorType')}: {error.get('message')}")
    return answer.get("data") or {}
