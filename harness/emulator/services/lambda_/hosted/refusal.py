"""Why something is not hosted, in a sentence for whoever asked."""

from __future__ import annotations


class NotHosted(Exception):
    """`status` is the HTTP status that says whose fault it is."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
