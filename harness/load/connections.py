"""Keep-alive connections on gevent's loop.

All of it is callbacks of the loop: no greenlet is made for a connection or a request (geventhttpclient's pool
takes a greenlet, two locks and a `select` a request), and a target that refuses connections by the thousand
does not make starts late.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Protocol

import gevent
import gevent.socket

from harness.load.answer import Answer
from harness.load.connection import Address, Connection
from harness.load.executor import Flight
from harness.load.retry import retry_after_s
from harness.load.wire import Origin, Wire

_ADDRESS_KEPT_S = 30.0


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
        self._idle: defaultdict[Origin, deque[Connection]] = defaultdict(deque)
        self._addresses: dict[Origin, Address] = {}
        self._resolved_s: dict[Origin, float] = {}
        self.executor: Callbacks | None = None
        self.opened = 0

    def send(self, flight: Flight) -> None:
        """See `Transport`. Blocks its greenlet while a name is looked up for the first time."""
        origin, data = self._wire.render(flight.request)
        idle = self._idle[origin]
        while idle:
            connection = idle.pop()  # the one used last: the others may grow old
            if connection.open:
                connection.begin(flight, data)
                return
        self.opened += 1
        Connection(self, origin, self._address(origin)).begin(flight, data)

    def abandon(self, flight: Flight) -> None:
        """See `Transport`."""
        channel, flight.channel = flight.channel, None
        if isinstance(channel, Connection):
            channel.forget()

    def close(self) -> None:
        """Close what is idle."""
        for idle in self._idle.values():
            while idle:
                idle.pop().close()

    def _address(self, origin: Origin) -> Address | None:
        """Where `origin` is; None when its name is not known. Looked up again, aside, every 30 s."""
        now_s = time.monotonic()
        resolved_s = self._resolved_s.get(origin)
        if resolved_s is None:
            self._resolve(origin)
        elif now_s - resolved_s > _ADDRESS_KEPT_S:
            self._resolved_s[origin] = now_s
            gevent.spawn(self._resolve, origin)
        return self._addresses.get(origin)

    def _resolve(self, origin: Origin) -> None:
        try:
            is_name = False
            version = ipaddress.ip_address(origin.host).version
        except ValueError:
            is_name = True
        self._resolved_s[origin] = time.monotonic()
        if not is_name:
            family = socket.AF_INET if version == 4 else socket.AF_INET6
            self._addresses[origin] = Address(family, (origin.host, origin.port))
            return
        try:
            found = gevent.socket.getaddrinfo(origin.host, origin.port, 0, socket.SOCK_STREAM)
        except OSError:  # not now; an address from before still counts
            return
        # IPv4 first: a local server listens there for certain
        family, _, _, _, where = min(found, key=lambda entry: entry[0] != socket.AF_INET)
        self._addresses[origin] = Address(family, where)

    # -- what connections say

    def answered(self, connection: Connection, flight: Flight, answer: Answer) -> None:
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
