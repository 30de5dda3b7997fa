"""The observer of a LocalStack whose end is seen before its supervisor has said how it came about."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from typing import Any

import pytest

from harness.errors import TargetLost
from harness.targets.localstack.target import WORD_WITHIN_S, LocalStackObserver
from tests.targets.test_embedded_observer import ANSWER

RAW = "LocalStack at http://127.0.0.1:4952 did not answer when observed: Connection refused."
WORD = "LocalStack was killed by SIGKILL; everything on it was lost."


@contextmanager
def companion(observation: dict[str, Any] | None) -> Iterator[str]:
    """One that answers with that observation, or with 500; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = {"parts": []} if self.path.endswith("/health") else observation
            body = json.dumps(answer).encode()
            self.send_response(500 if answer is None else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def said_after(looks: int) -> Callable[[], str | None]:
    said = chain(repeat(None, looks), repeat(WORD))
    return lambda: next(said)


@pytest.mark.parametrize("observation", [{**ANSWER, "incidents": [RAW]}, None])
def test_the_supervisors_word_is_waited_for_and_goes_before_what_was_seen(
    observation: dict[str, Any] | None,
) -> None:
    pauses: list[float] = []
    with companion(observation) as url:
        observer = LocalStackObserver(url, said_after(4), pauses.append)
        with pytest.raises(TargetLost) as caught:
            observer.observe()
    assert caught.value.message == WORD
    assert 0 < len(pauses) <= 4


def test_what_the_supervisor_says_nothing_of_is_told_as_it_was_seen() -> None:
    pauses: list[float] = []
    with companion({**ANSWER, "incidents": [RAW]}) as url:
        seen = LocalStackObserver(url, lambda: None, pauses.append).observe()
    assert seen.incidents == [RAW]
    assert sum(pauses) == pytest.approx(WORD_WITHIN_S)
    pauses.clear()
    with companion(None) as url, pytest.raises(TargetLost, match="answered 500 when observed"):
        LocalStackObserver(url, lambda: None, pauses.append).observe()
    assert sum(pauses) == pytest.approx(WORD_WITHIN_S)


def test_nothing_is_waited_for_where_nothing_is_wrong() -> None:
    pauses: list[float] = []
    with companion({**ANSWER, "incidents": []}) as url:
        assert LocalStackObserver(url, lambda: None, pauses.append).observe().incidents == []
    assert pauses == []
