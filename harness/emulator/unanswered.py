"""Why an HTTP request had no answer, in the words that a person knows."""

from __future__ import annotations

import os

import aiohttp


def why_unanswered(error: BaseException) -> str:
    """`Connection refused` for a port on which nobody listens, where aiohttp tells of its own settings; what
    the error says otherwise, or its name where it says nothing."""
    if isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error
        return os.strerror(cause.errno) if cause.errno and cause.errno > 0 else cause.strerror or str(cause)
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__
