"""An HTTP endpoint of a case's own on this machine, for what pushes: SNS."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Received:
    """A request that came. Header names are lower case."""

    headers: Mapping[str, str]
    body: bytes


@dataclass
class Endpoint:
    """What came so far, and what is answered: the statuses in their order, then 200 for ever."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    def of_type(self, type_: str) -> list[Received]:
        """The requests whose x-amz-sns-message-type is `type_`."""
        return [each for each in self.received if each.headers.get("x-amz-sns-message-type") == type_]


@contextmanager
def listening() -> Iterator[Endpoint]:
    """An endpoint on a port of its own, for the time of a `with` block."""
    endpoint = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            endpoint.received.append(Received(headers, body))
            self.send_response(endpoint.statuses.pop(0) if endpoint.statuses else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    endpoint.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
