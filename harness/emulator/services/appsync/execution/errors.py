"""GraphQL errors in AppSync's shape.

Seen on AWS: github.com/graphql/graphql-over-http/issues/81, github.com/aws/aws-appsync-community/issues/273
and 343 (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.emulator.services.appsync.resolvers.failures import ResolverFailure, SourceError

GraphQLErrorBody = dict[str, Any]
Location = tuple[int, int]
Path = tuple[Any, ...] | None
"""A place in the response: the place around it and a key or index; None is the response itself."""


def path_list(path: Path) -> list[str | int]:
    """The path as a response has it."""
    out: list[str | int] = []
    while path is not None:
        out.append(path[1])
        path = path[0]
    out.reverse()
    return out


def path_text(path: Path) -> str:
    """The path as messages have it: `/listPosts/items[0]/id`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f"/{part}" for part in path_list(path))


def locations(found: Sequence[Location]) -> list[dict[str, Any]]:
    """Places in the query; lines and columns count from 1."""
    return [{"line": line, "column": column, "sourceName": None} for line, column in found]


def request_error(message: str, found: Sequence[Location] | None = None) -> GraphQLErrorBody:
    """An error of the whole operation: it was not executed."""
    return {"path": None, "locations": None if found is None else locations(found), "message": message}


def field_error(
    failure: ResolverFailure | SourceError, path: Path, found: Sequence[Location]
) -> GraphQLErrorBody:
    """A resolver's error."""
    return {
        "path": path_list(path),
        "data": failure.data,
        "errorType": failure.error_type,
        "errorInfo": failure.info if isinstance(failure, ResolverFailure) else None,
        "locations": locations(found),
        "message": failure.message,
    }


def value_error(message: str, path: Path) -> GraphQLErrorBody:
    """A value that does not fit the schema."""
    return {"path": path_list(path), "locations": None, "message": message}


def null_error(type_name: str, parent: str, path: Path) -> GraphQLErrorBody:
    """A non-null field without a value."""
    where = f"within parent '{parent}' ({path_text(path)})"
    text = f"Cannot return null for non-nullable type: '{type_name}' {where}"
    return value_error(text, path)
