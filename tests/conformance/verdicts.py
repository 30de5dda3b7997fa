"""What became of a case on a target: it passes, it fails, or the target does not offer what it asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError

Outcome = Literal["passes", "fails", "not offered"]

_REFUSING_CODES = frozenset(
    {
        "InvalidAction",
        "NotImplemented",
        "NotImplementedException",
        "UnknownOperation",
        "UnknownOperationException",
        "UnknownService",
        "UnsupportedOperation",
        "UnsupportedOperationException",
    }
)
_REFUSING_WORDS = re.compile(
    r"not (yet |been |currently )*(implemented|supported|emulated|offered|available|included)|unsupported"
    r"|pro feature|no such (action|operation)|unknown (operation|action|service)"
    r"|the requested url was not found on the server",
    re.IGNORECASE,
)
_RANDOM = re.compile(r"\b(lc-[a-z-]*?)[0-9a-f]{8}\b")
_TAGS = re.compile(r"<[!/a-zA-Z][^>]*>")
_LONGEST = 200


class NotOffered(Exception):
    """The target says that it has no such thing, in a way that boto3 makes no ClientError of."""


class Lost(Exception):
    """The target does not answer any more."""


@dataclass(frozen=True)
class Verdict:
    """`error` is one line, empty where the case passes."""

    outcome: Outcome
    error: str = ""


def judge(error: BaseException | None) -> Verdict:
    """The verdict of a case that ended with `error`. Raises Lost when the target was not there."""
    if error is None:
        return Verdict("passes")
    if isinstance(error, EndpointConnectionError | ConnectionClosedError):
        raise Lost(one_line(error))
    return Verdict("not offered" if refused(error) else "fails", one_line(error))


def excused(verdict: Verdict, stored: str | None) -> bool:
    """Whether a case may end so on a target of other people's, of which `stored` is known. What passed has to
    pass; what failed or was not offered need not, nor need what is not offered and nothing is known of."""
    if verdict.outcome == "passes" or stored == "passes":
        return False
    return stored is not None or verdict.outcome == "not offered"


def refused(error: BaseException) -> bool:
    """Whether `error` is a target's clear word that it has no such service, operation or parameter."""
    if isinstance(error, NotOffered):
        return True
    if not isinstance(error, ClientError):
        return False
    answer: Any = error.response
    code = str(answer.get("Error", {}).get("Code", ""))
    message = str(answer.get("Error", {}).get("Message", ""))
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status == 501 or code in _REFUSING_CODES or bool(_REFUSING_WORDS.search(message))


def one_line(error: BaseException) -> str:
    """What an error says, without what differs between two runs (names that a case made up)."""
    said = str(error).strip() or type(error).__name__
    if isinstance(error, AssertionError):
        said = said.splitlines()[0]
    elif not isinstance(error, ClientError | NotOffered):
        said = f"{type(error).__name__}: {said}"
    line = _RANDOM.sub(r"\1…", " ".join(_TAGS.sub(" ", said).split()))
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
