"""How the resolution of a field ends other than with a value."""

from __future__ import annotations

from typing import Any


class ResolverFailure(Exception):
    """A field's error, as its client sees it: `$util.error` and what goes wrong without it. `data` and `info`
    are JSON values."""

    def __init__(
        self, message: str, error_type: str | None = None, data: Any = None, info: Any = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_type = error_type
        self.data = data
        self.info = info


class Unauthorized(ResolverFailure):
    """`$util.unauthorized()`: the caller may not use the field."""

    def __init__(self, field_name: str, type_name: str) -> None:
        super().__init__(f"Not Authorized to access {field_name} on type {type_name}", "Unauthorized")


class EarlyReturn(Exception):
    """The handler gives `value` at once: neither the data source nor the response handler is run."""

    def __init__(self, value: Any) -> None:
        super().__init__("early return")
        self.value = value


class SourceError(Exception):
    """The data source failed: `$ctx.error`, for the response handler to look at. `data` is what it gave all
    the same."""

    def __init__(self, message: str, error_type: str, data: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.error_type = error_type
        self.data = data


def template_failure(message: str) -> ResolverFailure:
    """What a mapping template that cannot be used ends with."""
    return ResolverFailure(message, "MappingTemplate")
