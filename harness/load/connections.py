"""Keep-alive connections on gevent's loop.

Reading and writing are callbacks of the loop, not greenlets: a greenlet is made only to open a connection.
Beside geventhttpclient's pool (a greenlet, two locks and a `select` a request) that takes a third of the CPU.
"""

from __future__ import annotations

import ssl
import time
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any, Protocol

import gevent
import gevent.socket
from gevent import get_hub

from harness.load.answer import Answer, AnswerParser, UnreadableAnswer
from harness.load.executor import Flight
from harness.load.retry import retry_after_s
from harness.load.wire import Origin, Wire

CONNECT_TIMEOUT_S = 5.0
_READ_BYTES = 65_536
_ADDRESS_KEPT_S = 30.0
_READ, _WRITE = 1, 2


class Callbacks(Protocol):
    """What the executor is told."""

    def answered(
        self, flight: Flight, now_s: float, status: int, body: bytes, retry_after_s: float | None = None
    ) -> None:
        """See Executor."""

    def broken(self, flight: Flight, now_s: float, *, sent: bool) -> None:
        """See Executor."""


class Connections:
    """Satisfies `Transport`. `clock` gives the seconds since the start of the run; an error that a callback
    raises is given to `failed`, since the loop would only print it."""

    def __init__(self, clock: Callable[[], float], failed: Callable[[BaseException], None]) -> None:
        self._clock = clock
        self._failed = failed
        self._wire = Wire()
        self._idle: defaultdict[Origin, deque[_Connection]] = defaultdict(deque)
        self._addresses: dict[Origin, tuple[float, Any]] = {}
        self._tls: ssl.SSLContext | None = None
        self.executor: Callbacks | None = None
        self.opened = 0

    def send(self, flight: Flight) -> None:
        """See `Transport`."""
        origin, data = self._wire.render(flight.request)
        idle = self._idle[origin]
        while idle:
            connection = idle.pop()  # the one used last: the others may grow old
            if connection.open:
                connection.begin(flight, data)
                return
        flight.channel = gevent.spawn(self._open, origin, flight, data)

    def abandon(self, flight: Flight) -> None:
        """See `Transport`."""
        channel, flight.channel = flight.channel, None
        if isinstance(channel, _Connection):
            channel.forget()
        elif isinstance(channel, gevent.Greenlet):
            channel.kill(block=False)

    def close(self) -> None:
        """Close what is idle."""
        for idle in self._idle.values():
            while idle:
                idle.pop().close()

    # -- for connections

    def _open(self, origin: Origin, flight: Flight, data: bytes) -> None:
        try:
            sock, tls = self._connect(origin)
        except OSError:
            self._addresses.pop(origin, None)
            if flight.channel is not None:
                self.broke(flight, sent=False)
            return
        self.opened += 1
        connection = _Connection(self, origin, sock, tls)
        if flight.channel is None:  # abandoned meanwhile
            connection.close()
        else:
            connection.begin(flight, data)

    def _connect(self, origin: Origin) -> tuple[Any, _Tls | None]:
        found_s, address = self._addresses.get(origin, (0.0, None))
        now_s = time.monotonic()
        if address is None or now_s - found_s > _ADDRESS_KEPT_S:
            address = gevent.socket.getaddrinfo(origin.host, origin.port, 0, gevent.socket.SOCK_STREAM)[0]
            self._addresses[origin] = (now_s, address)
        family, kind, protocol, _, where = address
        sock = gevent.socket.socket(family, kind, protocol)
        try:
            sock.settimeout(CONNECT_TIMEOUT_S)
            sock.connect(where)
            sock.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
            tls = self._secure(sock, origin.host) if origin.tls else None
            sock.settimeout(0.0)
        except BaseException:
            sock.close()
            raise
        return sock, tls

    def _secure(self, sock: Any, host: str) -> _Tls:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        tls = _Tls(self._tls, host)
        while not tls.handshake():
            sock.sendall(tls.outgoing())
            data = sock.recv(_READ_BYTES)
            if not data:
                raise ConnectionResetError("closed during the TLS handshake")
            tls.incoming(data)
        sock.sendall(tls.outgoing())
        return tls

    def answered(self, connection: _Connection, flight: Flight, answer: Answer) -> None:
        """An answer came on `connection`, which is free again, or closed."""
        flight.channel = None
        if connection.open:
            self._idle[connection.origin].append(connection)
        wait_s = retry_after_s(answer.retry_after, time.time()) if answer.retry_after else None
        assert self.executor is not None
        try:
            self.executor.answered(flight, self._clock(), answer.status, answer.body, wait_s)
        except Exception as error:
            self._failed(error)

    def broke(self, flight: Flight, *, sent: bool) -> None:
        """A connection ended, or could not be made, without an answer."""
        flight.channel = None
        assert self.executor is not None
        try:
            self.executor.broken(flight, self._clock(), sent=sent)
        except Exception as error:
            self._failed(error)


class _Tls:
    """TLS over bytes that somebody else sends and receives."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._in, self._out, server_hostname=host)

    def handshake(self) -> bool:
        """Go on with the handshake; True when it is done."""
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def incoming(self, data: bytes) -> None:
        """Take what was received."""
        self._in.write(data)

    def outgoing(self) -> bytes:
        """What is to be sent."""
        return self._out.read()

    def encrypt(self, data: bytes) -> bytes:
        """`data` as it goes over the wire."""
        self._object.write(data)
        return self._out.read()

    def decrypt(self, data: bytes) -> bytes:
        """What `data` from the wire says, as far as it is whole; empty at the end or when it is not yet."""
        self._in.write(data)
        parts = []
        try:
            while part := self._object.read(_READ_BYTES):
                parts.append(part)
        except ssl.SSLWantReadError:
            pass
        return b"".join(parts)


class _Connection:
    """One connection, with at most one request on it."""

    def __init__(self, pool: Connections, origin: Origin, sock: Any, tls: _Tls | None) -> None:
        self.origin = origin
        self.open = True
        self._pool = pool
        self._sock = sock
        self._tls = tls
        self._parser = AnswerParser()
        self._flight: Flight | None = None
        self._unsent = b""
        self._sent = False
        loop = get_hub().loop
        self._reader = loop.io(sock.fileno(), _READ)
        self._writer = loop.io(sock.fileno(), _WRITE)
        self._reader.start(self._readable)

    def begin(self, flight: Flight, data: bytes) -> None:
        """Send the request `data` of `flight`."""
        self._flight = flight
        flight.channel = self
        self._sent = False
        self._unsent = self._tls.encrypt(data) if self._tls else data
        self._write()

    def forget(self) -> None:
        """Nobody waits for the answer."""
        self._flight = None
        self.close()

    def close(self) -> None:
        """Close it."""
        if self.open:
            self.open = False
            for watcher in (self._reader, self._writer):
                watcher.stop()
                watcher.close()
            self._sock.close()

    def _write(self) -> None:
        try:
            sent = self._sock.send(self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            # told by the loop and not from here: `send` must not call back before it returns
            get_hub().loop.run_callback(self._ended)
            return
        self._sent = self._sent or sent > 0
        self._unsent = self._unsent[sent:]
        if self._unsent:
            if not self._writer.active:
                self._writer.start(self._write)
        elif self._writer.active:
            self._writer.stop()

    def _readable(self) -> None:
        try:
            data = self._sock.recv(_READ_BYTES)
            if self._tls and data:
                data = self._tls.decrypt(data)
                if not data:
                    return
        except BlockingIOError:
            return
        except OSError:
            data = b""
        flight = self._flight
        if not data or flight is None or flight.arrival.unanswered:
            self._ended()
            return
        try:
            answer = self._parser.feed(data)
        except UnreadableAnswer:
            self._ended()
            return
        if answer is not None:
            self._answer(flight, answer)

    def _answer(self, flight: Flight, answer: Answer) -> None:
        self._flight = None
        if not answer.reusable or self._unsent:
            self.close()
        self._pool.answered(self, flight, answer)

    def _ended(self) -> None:
        """The connection is over: the answer with it, unless it was one that the end completes."""
        if not self.open:
            return
        flight, self._flight = self._flight, None
        answer = self._parser.end() if flight is not None and not flight.arrival.unanswered else None
        self.close()
        if flight is None:
            return
        if answer is not None:
            self._pool.answered(self, flight, answer)
        else:
            self._pool.broke(flight, sent=self._sent)
