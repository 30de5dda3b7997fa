"""How many batches of a queue run side by side, and how a batch fills: decided without a clock.

docs: Lambda Developer Guide, Using Lambda with Amazon SQS: Configuring scaling behavior for SQS event source
mappings (read 2026): five concurrent batches at first, up to 300 more a minute while there are messages, up
to 1,250; MaximumConcurrency bounds them. A batch goes when it is full, has 6 MB, or its window has run out.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.emulator.services.lambda_.mappings.queue_source import Message

FIRST_CONCURRENCY = 5
GROWTH_PER_S = 300 / 60
LAST_CONCURRENCY = 1_250
MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
EMPTY_EVENT_BYTES = 64


class QueueConcurrency:
    """How many batches may be under way. AWS adds 300 a minute; here they are added one by one over it."""

    def __init__(self, most: int | None = None) -> None:
        self.most = most
        self._busy_since_s: float | None = None

    def allowed(self, now_s: float) -> int:
        """How many batches may run at `now_s`."""
        busy_s = 0.0 if self._busy_since_s is None else now_s - self._busy_since_s
        return int(min(FIRST_CONCURRENCY + GROWTH_PER_S * busy_s, self.most or LAST_CONCURRENCY))

    def received(self, now_s: float, messages: int) -> None:
        """A receive brought so many messages; none means that the queue is worked off."""
        if not messages:
            self._busy_since_s = None
        elif self._busy_since_s is None:
            self._busy_since_s = now_s


class FillingBatch:
    """The batch that is being gathered."""

    def __init__(self, batch_size: int, window_s: float) -> None:
        self.messages: list[Message] = []
        self._batch_size = batch_size
        self._window_s = window_s
        self._size_bytes = EMPTY_EVENT_BYTES
        self._began_s: float | None = None

    @property
    def room(self) -> int:
        """How many more messages it takes."""
        return self._batch_size - len(self.messages)

    def add(self, messages: Sequence[Message], now_s: float) -> list[Message]:
        """Take messages in order; those that are too much for the payload are given back."""
        if messages and self._began_s is None:
            self._began_s = now_s
        for index, message in enumerate(messages):
            if self.messages and self._size_bytes + message.size_bytes > MAX_PAYLOAD_BYTES:
                self._batch_size = len(self.messages)
                return list(messages[index:])
            self._size_bytes += message.size_bytes + 1
            self.messages.append(message)
        return []

    def left_s(self, now_s: float) -> float:
        """How long it may wait for more; 0 when it is to go. Its window begins with its first message."""
        if not self.room or self._began_s is None:
            return 0.0
        return max(0.0, self._began_s + self._window_s - now_s)
