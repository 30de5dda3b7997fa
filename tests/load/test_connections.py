"""Connections against servers of every manner, over loopback; the servers run in threads of their own."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import gevent.event
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from harness.load import connection as connection_module
from harness.load.connections import Connections
from harness.load.executor import Flight
from harness.pipeline import HttpRequest
from tests.load.simulation import Way, arrival

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
Manner = Callable[[socket.socket], None]
"""What a server does with one connection."""


class Server:
    """Listens on a port of its own; counts connections."""

    def __init__(self, manner: Manner) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._manner = manner
        self.connections = 0
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(accepted,), daemon=True).start()

    def _serve(self, accepted: socket.socket) -> None:
        with contextlib.suppress(OSError, ssl.SSLError), accepted:
            self._manner(accepted)

    def close(self) -> None:
        self._listener.close()


def read_request(sock: socket.socket) -> bytes:
    """A whole request, or nothing at the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        got = sock.recv(65536)
        if not got:
            return b""
        data += got
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().rpartition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += sock.recv(65536)
    return body


def answers(*pieces: bytes) -> Manner:
    def serve(sock: socket.socket) -> None:
        while read_request(sock):
            for piece in pieces:
                sock.sendall(piece)

    return serve


class Listener:
    """Stands for the executor: keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, object, object]] = []
        self._told = gevent.event.Event()

    def answered(
        self, flight: Flight, now_s: float, status: int, body: bytes, wait_s: float | None = None
    ) -> None:
        self.said.append(("answered", status, body if wait_s is None else wait_s))
        self._told.set()

    def broken(self, flight: Flight, now_s: float, *, sent: bool) -> None:
        self.said.append(("broken", "sent" if sent else "not sent", None))
        self._told.set()

    def wait(self) -> None:
        assert self._told.wait(10), "nothing was said"
        self._told.clear()


def flight(
    port: int, *, scheme: str = "http", host: str = "127.0.0.1", size: int = 10, hangs_up: bool = False
) -> Flight:
    made = arrival(0, 0.0, unanswered=hangs_up)
    request = HttpRequest("POST", f"{scheme}://{host}:{port}/x", {}, b"x" * size)
    return Flight(made, Way(), made.events, [3], [0], request)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def connections(listener: Listener) -> Iterator[Connections]:
    errors: list[BaseException] = []
    made = Connections(lambda: 0.0, errors.append)
    made.executor = listener
    yield made
    made.close()
    assert errors == []


@pytest.fixture
def serve() -> Iterator[Callable[[Manner], Server]]:
    servers: list[Server] = []

    def start(manner: Manner) -> Server:
        servers.append(Server(manner))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def test_a_connection_is_kept_and_used_again(serve, connections: Connections, listener: Listener) -> None:
    server = serve(answers(OK))
    for _ in range(3):
        connections.send(flight(server.port))
        listener.wait()
    assert listener.said == [("answered", 200, b"hi")] * 3
    assert (server.connections, connections.opened) == (1, 1)


def test_requests_at_once_have_a_connection_each(serve, connections: Connections, listener: Listener) -> None:
    server = serve(answers(OK))
    for _ in range(3):
        connections.send(flight(server.port))
    while len(listener.said) < 3:
        listener.wait()
    assert server.connections == 3


def test_an_answer_in_pieces(serve, connections: Connections, listener: Listener) -> None:
    server = serve(answers(OK[:20], OK[20:-1], OK[-1:]))
    connections.send(flight(server.port))
    listener.wait()
    assert listener.said == [("answered", 200, b"hi")]


def test_a_body_of_a_megabyte_goes_out_whole(serve, connections: Connections, listener: Listener) -> None:
    def count(sock: socket.socket) -> None:
        length = str(len(read_request(sock))).encode()
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(length), length))

    connections.send(flight(serve(count).port, size=1 << 20))
    listener.wait()
    assert listener.said == [("answered", 200, b"1048576")]


def test_retry_after_is_passed_on(serve, connections: Connections, listener: Listener) -> None:
    server = serve(answers(b"HTTP/1.1 429 No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"))
    connections.send(flight(server.port))
    listener.wait()
    assert listener.said == [("answered", 429, 7.0)]


def test_a_server_that_closes_after_each_answer(serve, connections: Connections, listener: Listener) -> None:
    def once(sock: socket.socket) -> None:
        read_request(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end")

    server = serve(once)
    for _ in range(2):
        connections.send(flight(server.port))
        listener.wait()
    assert listener.said == [("answered", 200, b"to the end")] * 2
    assert server.connections == 2


def test_a_kept_connection_that_the_server_closed_is_not_used(
    serve, connections: Connections, listener: Listener
) -> None:
    closed = threading.Event()

    def once(sock: socket.socket) -> None:
        read_request(sock)
        sock.sendall(OK)
        sock.close()
        closed.set()

    server = serve(once)
    connections.send(flight(server.port))
    listener.wait()
    assert closed.wait(10)
    while any(kept.open for idle in connections._idle.values() for kept in idle):
        gevent.sleep(0)  # until the loop has seen the end of it
    connections.send(flight(server.port))
    listener.wait()
    assert [what for what, _, _ in listener.said] == ["answered", "answered"]


def test_nobody_listens(serve, connections: Connections, listener: Listener) -> None:
    server = serve(answers(OK))
    server.close()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    connections.send(flight(port))
    listener.wait()
    assert listener.said == [("broken", "not sent", None)]


def test_a_name_that_is_not_known(connections: Connections, listener: Listener) -> None:
    connections.send(flight(80, host="no-such-name.invalid"))
    listener.wait()
    assert listener.said == [("broken", "not sent", None)]


def test_a_connection_that_is_reset_once_it_was_sent(
    serve, connections: Connections, listener: Listener
) -> None:
    def reset(sock: socket.socket) -> None:
        read_request(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    connections.send(flight(serve(reset).port))
    listener.wait()
    assert listener.said == [("broken", "sent", None)]


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"nonsense\r\n\r\n"])
def test_an_answer_that_breaks_off_or_is_none(
    serve, connections: Connections, listener: Listener, answer: bytes
) -> None:
    def half(sock: socket.socket) -> None:
        read_request(sock)
        sock.sendall(answer)

    connections.send(flight(serve(half).port))
    listener.wait()
    assert listener.said == [("broken", "sent", None)]


def test_a_device_that_hangs_up_takes_no_answer(serve, connections: Connections, listener: Listener) -> None:
    received = threading.Event()

    def serve_one(sock: socket.socket) -> None:
        read_request(sock)
        received.set()
        sock.sendall(OK)

    connections.send(flight(serve(serve_one).port, hangs_up=True))
    listener.wait()
    assert listener.said == [("broken", "sent", None)]
    assert received.is_set()


def test_what_is_abandoned_says_nothing_more(serve, connections: Connections, listener: Listener) -> None:
    release = threading.Event()

    def slow(sock: socket.socket) -> None:
        read_request(sock)
        release.wait(10)
        sock.sendall(OK)

    server = serve(slow)
    forgotten = flight(server.port)
    connections.send(forgotten)
    connections.abandon(forgotten)
    release.set()
    connections.send(flight(server.port))
    listener.wait()
    assert listener.said == [("answered", 200, b"hi")]


@functools.cache
def certificate(folder: Path) -> Path:
    """A certificate for localhost that signs itself, with its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "localhost.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
    return path


def secured(pem: Path, manner: Manner) -> Manner:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def serve(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as wrapped:
            manner(wrapped)

    return serve


def test_https_is_spoken_to_a_server_that_is_trusted(
    serve, connections: Connections, listener: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = certificate(tmp_path)
    monkeypatch.setattr(
        connection_module, "_tls_context", lambda: ssl.create_default_context(cafile=str(pem))
    )
    server = serve(secured(pem, answers(OK)))
    for size in (10, 300_000):
        connections.send(flight(server.port, scheme="https", host="localhost", size=size))
        listener.wait()
    assert listener.said == [("answered", 200, b"hi")] * 2
    assert server.connections == 1


def test_a_server_that_is_not_trusted_gets_no_request(
    serve, connections: Connections, listener: Listener, tmp_path: Path
) -> None:
    requests: list[bytes] = []
    pem = certificate(tmp_path)
    server = serve(secured(pem, lambda sock: requests.append(read_request(sock))))
    connections.send(flight(server.port, scheme="https", host="localhost"))
    listener.wait()
    assert listener.said == [("broken", "not sent", None)]
    assert [request for request in requests if request] == []
