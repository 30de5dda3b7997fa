"""What an environment's function and its platform say, held until an invocation's answer carries it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

MAX_HELD_CHARACTERS = 8 * 1024 * 1024
RECENT_LINES = 200


class HeldOutput:
    """A LogSink of one environment. What is beyond the bound is dropped, oldest first, counted and said."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._held = 0
        self._dropped = 0
        self._recent: deque[str] = deque(maxlen=RECENT_LINES)

    def write(self, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:  # noqa: ARG002
        """Hold the messages. One of several lines is kept together by carriage returns, as runtimes do."""
        for _, message in events:
            line = message.rstrip("\n").replace("\n", "\r") + "\n"
            self._lines.append(line)
            self._held += len(line)
            self._recent.append(line)
        while self._held > MAX_HELD_CHARACTERS:
            self._held -= len(self._lines.popleft())
            self._dropped += 1

    def take(self) -> str:
        """All that was not taken yet, a line an event."""
        said = f"Launchday dropped {self._dropped} lines of output here.\n" if self._dropped else ""
        taken = said + "".join(self._lines)
        self._lines.clear()
        self._held = self._dropped = 0
        return taken

    def recent(self) -> str:
        """The last lines, taken or not."""
        return "".join(self._recent)
