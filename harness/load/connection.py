"""One connection: a state machine that gevent's loop calls when its socket is readable or writable.

connecting -> handshake (https only) -> open, with a request on it or idle -> closed
"""

from __future__ import annotations

import errno
import functools
import socket
import ssl
from typing import NamedTuple, Protocol

from gevent import get_hub
from gevent.monkey import get_original

from harness.load.answer import Answer, AnswerParser, UnreadableAnswer
from harness.load.executor import Flight
from harness.load.wire import Origin

_READ_BYTES = 65_536
_READ, _WRITE = 1, 2
_UNDERWAY = (errno.EINPROGRESS, errno.EWOULDBLOCK)
_plain_socket = get_original("socket", "socket")
"""The system's own: it never waits, so gevent's, which would wait in a greenlet, is not needed."""


class Address(NamedTuple):
    """An address as the socket wants it."""

    family: int
    where: tuple[str, int] | tuple[str, int, int, int]


class Owner(Protocol):
    """Whom a connection tells how its request ended."""

    def answered(self, connection: Connection, flight: Flight, answer: Answer) -> None:
        """Its request was answered; it is idle now, or closed."""

    def broke(self, flight: Flight, *, sent: bool) -> None:
        """It ended without an answer; `sent` says that some of the request had left."""


class Connection:
    """At most one request at a time. It begins to connect at once; without an address it fails, as one that
    is refused does."""

    def __init__(self, owner: Owner, origin: Origin, address: Address | None) -> None:
        self.origin = origin
        self.open = True
        self._owner = owner
        self._parser = AnswerParser()
        self._flight: Flight | None = None
        self._unsent = b""
        self._waiting_to_send = b""
        self._sent = False
        self._tls = _Tls(origin.host) if origin.tls else None
        self._ready = False
        self._loop = get_hub().loop
        self._sock = _plain_socket(address.family if address else socket.AF_INET, socket.SOCK_STREAM)
        self._sock.setblocking(False)
        self._reader = self._loop.io(self._sock.fileno(), _READ)
        self._writer = self._loop.io(self._sock.fileno(), _WRITE)
        failed = self._sock.connect_ex(address.where) if address else errno.EHOSTUNREACH
        if failed and failed not in _UNDERWAY:
            self._loop.run_callback(self._ended)  # told by the loop: nobody is called back from here
        else:
            self._writer.start(self._connected)

    def begin(self, flight: Flight, data: bytes) -> None:
        """Send the request `data` of `flight`, as soon as it is connected."""
        self._flight = flight
        flight.channel = self
        self._sent = False
        if self._ready:
            self._send(data)
        else:
            self._waiting_to_send = data

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

    # -- connecting

    def _connected(self) -> None:
        self._writer.stop()
        if self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._ended()
            return
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader.start(self._readable)
        if self._tls is None:
            self._begin_waiting()
        else:
            self._shake_hands()

    def _shake_hands(self) -> None:
        assert self._tls is not None
        try:
            done = self._tls.handshake()
        except ssl.SSLError:  # a certificate that is not trusted, for one
            self._ended()
            return
        self._write(self._tls.outgoing())
        if done:
            self._begin_waiting()

    def _begin_waiting(self) -> None:
        self._ready = True
        data, self._waiting_to_send = self._waiting_to_send, b""
        if data and self.open:
            self._send(data)

    # -- sending

    def _send(self, data: bytes) -> None:
        self._write(self._tls.encrypt(data) if self._tls else data)

    def _write(self, data: bytes) -> None:
        """Send `data` after what is unsent."""
        self._unsent += data
        self._flush()

    def _flush(self) -> None:
        try:
            sent = self._sock.send(self._unsent) if self._unsent else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            self._loop.run_callback(self._ended)
            return
        self._unsent = self._unsent[sent:]
        self._sent = self._sent or (sent > 0 and self._ready)  # a handshake is no request
        if self._unsent:
            if not self._writer.active:
                self._writer.start(self._flush)
        elif self._writer.active:
            self._writer.stop()

    # -- receiving

    def _readable(self) -> None:
        try:
            data = self._sock.recv(_READ_BYTES)
            if self._tls is not None and data:
                self._tls.incoming(data)
                if not self._ready:
                    self._shake_hands()
                    return
                data = self._tls.decrypt()
                if not data and not self._tls.ended:
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
            self._flight = None
            if not answer.reusable or self._unsent:
                self.close()
            self._owner.answered(self, flight, answer)

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
            self._owner.answered(self, flight, answer)
        else:
            self._owner.broke(flight, sent=self._sent)


@functools.cache
def _tls_context() -> ssl.SSLContext:
    return ssl.create_default_context()


class _Tls:
    """TLS over bytes that somebody else sends and receives."""

    def __init__(self, host: str) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = _tls_context().wrap_bio(self._in, self._out, server_hostname=host)
        self.ended = False
        """The other side has closed it properly."""

    def handshake(self) -> bool:
        """Go on with the handshake; True when it is done. Raises ssl.SSLError when it fails."""
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

    def decrypt(self) -> bytes:
        """What was received says, as far as it is whole. Raises ssl.SSLError, an OSError."""
        parts = []
        try:
            while part := self._object.read(_READ_BYTES):
                parts.append(part)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        return b"".join(parts)
