"""What every group of helpers is."""

from __future__ import annotations

from harness.emulator.services.appsync.resolvers.invocation import Invocation


class Group:
    """A group of helpers within one run of a resolver."""

    __slots__ = ("call",)

    def __init__(self, call: Invocation) -> None:
        self.call = call
