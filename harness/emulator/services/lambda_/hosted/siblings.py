"""The environments of one version of a function, which help each other out with processes.

Whoever owns them may want many more at once than this machine starts in that time. So an environment without
a process, whose invocation waits, takes that of a sibling that has nothing to do, or that is done first:
what runs in it cannot tell the difference, but for its log stream's name.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from harness.emulator.services.lambda_.hosted.process import HostedProcess

PATIENCE_S = 0.05
"""How long a sibling is waited for before another process is started: as in the embedded AWS (placement)."""


class Member(Protocol):
    """An environment, as its siblings see it."""

    @property
    def alive(self) -> bool:
        """Whether it has a process, or is starting one."""

    def lend(self) -> HostedProcess | None:
        """Its process, if it has one that has nothing to do; it has none then."""


class Siblings:
    """Those of one version. Provisioned environments are not among them: theirs are their own."""

    def __init__(self) -> None:
        self._members: set[Member] = set()
        self._waiting: deque[asyncio.Future[HostedProcess]] = deque()

    def add(self, member: Member) -> None:
        """One more."""
        self._members.add(member)

    def remove(self, member: Member) -> None:
        """One less."""
        self._members.discard(member)

    @property
    def empty(self) -> bool:
        """Whether there are none."""
        return not self._members

    @property
    def alive(self) -> bool:
        """Whether any has a process, or is starting one."""
        return any(member.alive for member in self._members)

    def idle(self) -> HostedProcess | None:
        """The process of one that has nothing to do, if nobody has waited for longer."""
        self._forget_settled()
        if self._waiting:
            return None
        return next((process for member in self._members if (process := member.lend())), None)

    def offer(self, member: Member) -> None:
        """It has nothing to do: whoever has waited the longest has its process."""
        self._forget_settled()
        if self._waiting and (process := member.lend()) is not None:
            self._waiting.popleft().set_result(process)

    def wait(self) -> asyncio.Future[HostedProcess]:
        """A future of the process that a sibling will not need. Cancel it when it is not wanted any more."""
        waiting: asyncio.Future[HostedProcess] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        return waiting

    def _forget_settled(self) -> None:
        """Those at the head who do not wait any more: they were cancelled."""
        while self._waiting and self._waiting[0].done():
            self._waiting.popleft()
