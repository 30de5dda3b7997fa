"""HTTP servers of tests, each on a port of its own for the time of a `with` block."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Request(BaseHTTPRequestHandler):
    """A request, and the way to answer it. Logs nothing."""

    def body(self) -> bytes:
        """All that came with it."""
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send the whole answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class KeptRequest(Request):
    """One of a connection that is kept for the next."""

    protocol_version = "HTTP/1.1"


@contextmanager
def serving(verb: str, respond: Callable[[Any], None], request: type[Request] = Request) -> Iterator[str]:
    """A server that lets `respond` answer each `request` with that verb; any other is answered 501. Its URL,
    without a slash at the end."""
    handler = type("Handler", (request,), {f"do_{verb}": respond})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def answering(answer: Callable[[str], tuple[int, Any]]) -> Iterator[str]:
    """A server of GETs: `answer` gives the status and the JSON for a path. Its URL."""

    def respond(request: Request) -> None:
        status, content = answer(request.path)
        request.answer(status, json.dumps(content).encode())

    with serving("GET", respond) as url:
        yield url
