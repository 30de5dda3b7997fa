"""Open files: a request in flight is a connection, and a connection is a file descriptor."""

from __future__ import annotations

import resource

from harness.errors import UsageError

_MARGIN = 128  # the interpreter's own, logs, Locust's sockets, connections on their way out


def ensure_descriptors(in_flight_cap: int) -> None:
    """Have room for `in_flight_cap` connections; the soft limit is raised as far as that takes.

    Raises UsageError, in one sentence, when the system does not allow it."""
    needed = in_flight_cap + _MARGIN
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    try:
        if hard != resource.RLIM_INFINITY and hard < needed:
            raise ValueError
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    except (ValueError, OSError):
        allowed = soft if hard == resource.RLIM_INFINITY else hard
        raise UsageError(
            f"{in_flight_cap} requests in flight take {needed} open files; a process may have {allowed}.",
            f"Raise the limit (ulimit -n {needed}), or lower --in-flight.",
        ) from None
