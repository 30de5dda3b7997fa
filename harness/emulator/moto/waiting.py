"""Receives that wait for messages end when the process is to end: each would keep it for up to 20 s."""

from __future__ import annotations

from typing import Any


class Waits:
    """The receives of all queues."""

    def __init__(self) -> None:
        self._ended = False

    def watch_over(self, queue_class: Any) -> None:
        """Have the queues of moto's `queue_class` ask here before they wait."""
        wait = queue_class.wait_for_messages

        def wait_for_messages(queue: Any, timeout: int) -> None:
            if self._ended:
                raise InterruptedError("The embedded AWS ends.")
            wait(queue, timeout)

        queue_class.wait_for_messages = wait_for_messages

    def end(self) -> None:
        """No receive waits for another second."""
        self._ended = True
