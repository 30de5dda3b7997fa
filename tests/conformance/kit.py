"""What the cases share: expecting an error, waiting with a deadline, a folder of cleanups."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from tests import waiting
from tests.conformance.verdicts import refused

WITHIN_S = 15.0
_T = TypeVar("_T")


@contextlib.contextmanager
def refusing(*codes: str, saying: str = "", status: int | None = None) -> Iterator[None]:
    """The block must be answered with one of the error `codes`, its message matching `saying`, its HTTP
    status `status`. Another error is an AssertionError; that there is no such operation stays what it is."""
    got: ClientError | None = None
    try:
        yield
    except ClientError as error:
        got = error
    expected = " or ".join(codes)
    assert got is not None, f"{expected} expected, but it was accepted"
    answer: Any = got.response
    if answer["Error"].get("Code") not in codes and refused(got):
        raise got
    assert answer["Error"].get("Code") in codes, f"{expected} expected, got {got}"
    message = answer["Error"].get("Message") or ""
    assert re.search(saying, message), f"a message like {saying!r} expected, got {got}"
    answered = answer["ResponseMetadata"]["HTTPStatusCode"]
    assert status in (None, answered), f"HTTP status {status} expected, got {answered}"


def until(look: Callable[[], _T], what: str, *, within_s: float = WITHIN_S) -> _T:
    """Look again and again until what is seen is true, and return it. AssertionError names `what` when the
    time is over: a target is another process, there is no clock of it to jump."""
    return waiting.until(look, what, within_s=within_s)


def at_once(call: Callable[[], _T], times: int) -> list[_T]:
    """What `times` calls answered that were made side by side. Raises what the first that failed raised."""
    with ThreadPoolExecutor(times) as threads:
        return [made.result() for made in [threads.submit(call) for _ in range(times)]]


@dataclass(frozen=True)
class Reply:
    """An HTTP answer. Header names are lower case; of a repeated header `headers` has the last."""

    status: int
    headers: Mapping[str, str]
    repeated: Sequence[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON. AssertionError when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise AssertionError(f"JSON expected, got {self.status} {self.body[:100]!r}") from None


def send(
    method: str,
    url: str,
    body: bytes | str = b"",
    lines: Sequence[tuple[str, str]] = (),
    **headers: str,
) -> Reply:
    """One HTTP request. `_` in a header's name is `-`; `lines` are further headers, as they stand."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=WITHIN_S * 2)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    content = body.encode() if isinstance(body, str) else body
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    try:
        connection.putrequest(method, path or "/", skip_host="host" in headers)
        for name, value in [*named, *lines]:
            connection.putheader(name, value)
        if content:
            connection.putheader("content-length", str(len(content)))
        connection.endheaders(content or None)
        answer = connection.getresponse()
        repeated = [(name.lower(), value) for name, value in answer.getheaders()]
        return Reply(answer.status, dict(repeated), repeated, answer.read())
    finally:
        connection.close()


class Cleanup:
    """What is to be taken away at the end, the last first. What cannot be is left: no case is about that."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()

    def add(self, remove: Callable[..., Any], /, *arguments: Any, **named: Any) -> None:
        """Call `remove` at the end."""

        def quietly() -> None:
            with contextlib.suppress(ClientError, BotoCoreError):
                remove(*arguments, **named)

        self._stack.callback(quietly)

    def close(self) -> None:
        """Take everything away."""
        self._stack.close()
