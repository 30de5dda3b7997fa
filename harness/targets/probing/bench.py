"""What trials share: the target's clients, names of their own, waiting, and taking away what was made."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final, Generic, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from harness.pipeline import Cloud

PREFIX: Final = "launchday-probe-"
WITHIN_S: Final = 8.0
"""How long a trial waits for what the target does by itself."""

_POLL_S = 0.2
_CLIENTS: dict[str, Any] = {
    "connect_timeout": 3,
    "read_timeout": 10,
    # one that was not answered in time may have been heard: tried again, it would be refused as there already
    "retries": {"total_max_attempts": 1},
    "max_pool_connections": 32,
    # a target that does not know the newer checksums is not the worse for it
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
}

T = TypeVar("T")


class CannotDoIt(Exception):
    """The target has not what was tried; the message is what was seen."""


class CannotTell(Exception):
    """The trial does not show whether the target has it; the message is why."""


class Once(Generic[T]):
    """A thing that several trials need and the first of them makes. What kept it from being made is raised
    to each of them."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = Lock()
        self._made: T | None = None
        self._failure: Exception | None = None

    def __call__(self) -> T:
        """The thing."""
        with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._made is None:
                try:
                    self._made = self._make()
                except Exception as why:
                    self._failure = why
                    raise
            return self._made


@dataclass
class Clock:
    """The wall's, or a test's."""

    now_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass
class Bench:
    """For one probing of one target. Trials run in threads of their own and may all use it at once."""

    cloud: Cloud
    token: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    clock: Clock = field(default_factory=Clock)
    left_behind: list[str] = field(default_factory=list)
    _undoing: ExitStack = field(default_factory=ExitStack)
    _over: bool = False
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._clients = self.cloud.clients(**_CLIENTS)

    def client(self, service: str) -> Any:
        """The client of a service, with short timeouts."""
        return self._clients(service)

    def name(self, thing: str) -> str:
        """What a thing of the trials is called."""
        return f"{PREFIX}{self.token}-{thing}"

    @property
    def partition(self) -> str:
        """The first part of an ARN, of the Region's."""
        region = self.cloud.region
        return (
            "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
        )

    def afterwards(self, thing: str, undo: Callable[[], object]) -> None:
        """Take `thing` away when all trials are over, or now where they are; the last made goes first. That
        it is gone already is as good."""

        def taken_away() -> None:
            try:
                undo()
            except (BotoCoreError, ClientError) as why:
                if not _is_gone(why):
                    self.left_behind.append(f"{thing} ({said(why)})")

        with self._lock:
            if not self._over:
                self._undoing.callback(taken_away)
                return
        taken_away()

    def take_away(self) -> None:
        """Take away all that was made. What a trial that nobody waits for makes afterwards goes at once."""
        with self._lock:
            self._over = True
            undoing = self._undoing.pop_all()
        undoing.close()

    def until(self, ask: Callable[[], T | None], failing: str, within_s: float = WITHIN_S) -> T:
        """What `ask` gives once it gives anything. Raises CannotDoIt with `failing` when it does not."""
        until_s = self.clock.now_s() + within_s
        while True:
            found = ask()
            if found is not None and found is not False:
                return found
            if self.clock.now_s() >= until_s:
                raise CannotDoIt(f"{failing} within {within_s:.0f} s")
            self.clock.sleep(_POLL_S)


def said(why: Exception) -> str:
    """What an error of a client's says, in a few words: that of the service itself, where it answered."""
    if isinstance(why, ClientError):
        error = why.response.get("Error", {})
        text = f"{why.operation_name}: {error.get('Code', '')} {error.get('Message', '')}"
    else:
        text = str(why) or type(why).__name__
    text = " ".join(text.split())
    return text if len(text) <= 160 else f"{text[:157]}..."


def _is_gone(why: Exception) -> bool:
    if not isinstance(why, ClientError):
        return False
    code = str(why.response.get("Error", {}).get("Code", ""))
    return "NotFound" in code or "NonExistent" in code or "NoSuch" in code or code == "ParameterNotFound"
