"""The observer of the embedded AWS against a server that answers, drops connections, or is gone."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from harness.errors import TargetLost
from harness.measure.meters import CallTally, Gauge, Usage
from harness.measure.observation import ProcessState
from harness.targets.embedded import EmbeddedObserver
from harness.targets.local import local_cloud

ROW = {
    "function": "f",
    "request_id": "r",
    "trace_id": "1-a",
    "source": "api",
    "started_at_s": 1.0,
    "init_ms": None,
    "wall_ms": 2.0,
    "cpu_ms": 1.0,
    "init_cpu_ms": None,
    "peak_memory_mb": 40.0,
    "memory_mb": 128,
    "architecture": "arm64",
    "status": "ok",
    "records": 3,
}
ANSWER = {
    "at_s": 7.0,
    "usage": [["s3", "b/k", "put_requests", 2]],
    "gauges": [["sqs", "q", "messages", 1]],
    "invocations": [ROW],
    "calls": [["1-a", "s3", "PutObject", "b/k", 2]],
    "processes": [{"name": "edge", "pid": 5, "cpu_s": 1.5, "rss_bytes": 9}],
    "incidents": ["It died."],
    "lost": 4,
    "cursor": "edge:x.1.1",
}


class Emulator(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: list[str]
    drop_next: int
    status: int

    def do_GET(self) -> None:
        cls = type(self)
        cls.asked.append(self.path)
        if cls.drop_next > 0:
            cls.drop_next -= 1
            self.close_connection = True
            self.connection.close()
            return
        body = json.dumps(ANSWER).encode()
        self.send_response(cls.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None: ...


@contextmanager
def emulator(*, drop_next: int = 0, status: int = 200) -> Iterator[tuple[str, type[Emulator]]]:
    handler = type("Handler", (Emulator,), {"asked": [], "drop_next": drop_next, "status": status})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_an_observation_is_typed_and_its_cursor_is_used_next() -> None:
    with emulator() as (url, handler):
        observer = EmbeddedObserver(url)
        seen = observer.observe()
        observer.observe()
        observer.close()
    assert handler.asked == [f"/_launchday/observation?after={cursor}" for cursor in ("", "edge:x.1.1")]
    assert (seen.at_s, seen.lost, seen.incidents) == (7.0, 4, ["It died."])
    assert seen.usage == [Usage("s3", "b/k", "put_requests", 2)]
    assert seen.gauges == [Gauge("sqs", "q", "messages", 1)]
    assert seen.calls == [CallTally("1-a", "s3", "PutObject", "b/k", 2)]
    assert seen.processes == [ProcessState("edge", 5, 1.5, 9)]
    assert (seen.invocations[0].architecture, seen.invocations[0].records) == ("arm64", 3)


def test_a_dropped_connection_is_tried_again_with_the_same_cursor() -> None:
    with emulator(drop_next=1) as (url, handler):
        assert EmbeddedObserver(url).observe().lost == 4
    assert handler.asked == ["/_launchday/observation?after="] * 2


def test_a_target_that_drops_twice_is_lost_and_may_come_back_without_loss() -> None:
    with emulator(drop_next=2) as (url, handler):
        observer = EmbeddedObserver(url)
        with pytest.raises(TargetLost, match="does not answer"):
            observer.observe()
        assert observer.observe().lost == 4
    assert handler.asked[-1].endswith("after=")


def test_an_answer_that_is_not_ok_is_a_lost_target() -> None:
    with emulator(status=503) as (url, _), pytest.raises(TargetLost, match="answered 503"):
        EmbeddedObserver(url).observe()


def test_a_supervisor_that_ended_is_a_lost_target_at_once() -> None:
    with emulator() as (url, handler), pytest.raises(TargetLost, match="its supervisor ended"):
        EmbeddedObserver(url, alive=lambda: False).observe()
    assert handler.asked == []


def test_nobody_listening_is_a_lost_target() -> None:
    with emulator() as (url, _):
        pass
    with pytest.raises(TargetLost, match="Connection refused"):
        EmbeddedObserver(url).observe()


def test_each_service_is_reached_where_it_lives() -> None:
    cloud = local_cloud({"": "http://127.0.0.1:1", "s3": "http://127.0.0.1:2"})
    assert (cloud.endpoint("s3"), cloud.endpoint("sns")) == ("http://127.0.0.1:2", "http://127.0.0.1:1")
    assert (cloud.access_key_id, cloud.secret_access_key, cloud.region) == ("test", "test", "us-east-1")
