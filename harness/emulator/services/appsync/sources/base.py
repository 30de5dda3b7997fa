"""What a data source is to a resolver, and how its requests are read."""

from __future__ import annotations

from typing import Any, Protocol

from harness.emulator.services.appsync.resolvers.failures import ResolverFailure, template_failure
from harness.emulator.services.appsync.resolvers.invocation import Invocation


class Source(Protocol):
    """A data source. `kind` is its type's name in the API."""

    kind: str

    async def run(self, request: Any, call: Invocation, max_batch_size: int) -> Any:
        """Do what a request handler asked for, and answer plain JSON.

        Raises SourceError when the data source fails, ResolverFailure when the request is none."""


def required(request: Any, name: str, kind: type | tuple[type, ...] = dict) -> Any:
    """A member that a request must have. Raises ResolverFailure as AppSync words it."""
    value = request.get(name) if isinstance(request, dict) else None
    if value is None:
        raise template_failure(f"Value for field '$[{name}]' not found.")
    if not isinstance(value, kind):
        raise template_failure(f"Value for field '$[{name}]' is not valid.")
    return value


def optional(request: dict[str, Any], name: str, kind: type | tuple[type, ...] = dict) -> Any:
    """A member that a request may have. Raises ResolverFailure when it is of another type."""
    value = request.get(name)
    if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        raise template_failure(f"Value for field '$[{name}]' is not valid.")
    return value


def operation_of(request: Any) -> str:
    """The operation that a request names. Raises ResolverFailure."""
    return str(required(request, "operation", str))


def bad_operation(kind: str, operation: str) -> ResolverFailure:
    """The failure for an operation that the data source does not have."""
    return template_failure(f"Unsupported operation '{operation[:60]}' for a data source of type {kind}.")
