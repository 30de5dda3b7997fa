"""One run of a resolver: what its handlers see, and what they may leave behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Protocol

from harness.emulator.services.appsync.contract import RequestInfo
from harness.emulator.services.appsync.identity import Identity
from harness.emulator.services.appsync.resolvers.failures import ResolverFailure, SourceError
from harness.emulator.services.base import CallContext


class FieldInfo(Protocol):
    """The field as the request asks for it."""

    @property
    def name(self) -> str:
        """Its name in the schema."""

    @property
    def type_name(self) -> str:
        """The type that it is a field of."""

    @property
    def selection_list(self) -> list[str]:
        """`["id", "author", "author/name"]`; aliases stand for the fields they name."""

    @property
    def selection_graphql(self) -> str:
        """The selection set as text."""


def copied(value: Any) -> Any:
    """A copy of a JSON value, which handlers may change."""
    if isinstance(value, dict):
        return {name: copied(item) for name, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value


@dataclass(slots=True)
class RequestState:
    """What all resolvers of one request share. `variables` are those of the operation, `environment` the
    API's; `response_headers` are what handlers add to the answer; `extensions` are what a subscription's
    resolver set (`filter`, `invalidation_filter`), and `invalidations` what mutations asked for."""

    identity: Identity
    info: RequestInfo
    calls: CallContext
    clock: Callable[[], float]
    environment: Mapping[str, str]
    variables: Mapping[str, Any]
    response_headers: dict[str, str] = dataclass_field(default_factory=dict)
    extensions: dict[str, Any] = dataclass_field(default_factory=dict)
    invalidations: list[Mapping[str, Any]] = dataclass_field(default_factory=list)
    batches: dict[Any, Any] = dataclass_field(default_factory=dict)
    _identity: Any = None

    def identity_map(self) -> Any:
        """`$ctx.identity`, a copy that this request may do with as it likes."""
        if self._identity is None and self.identity.context is not None:
            self._identity = copied(dict(self.identity.context))
        return self._identity


@dataclass(slots=True)
class Invocation:
    """`stash` is shared by all handlers of one resolver; `previous` is `$ctx.prev.result`; `appended` are the
    errors of `$util.appendError`."""

    request: RequestState
    field: FieldInfo
    arguments: dict[str, Any]
    source: Any
    stash: dict[str, Any] = dataclass_field(default_factory=dict)
    previous: Any = None
    result: Any = None
    error: SourceError | None = None
    appended: list[ResolverFailure] = dataclass_field(default_factory=list)
    in_pipeline: bool = False

    def error_map(self) -> dict[str, Any] | None:
        """`$ctx.error`."""
        if self.error is None:
            return None
        found: dict[str, Any] = {"message": self.error.message, "type": self.error.error_type}
        if self.error.data is not None:
            found["data"] = self.error.data
        return found

    def info_map(self) -> dict[str, Any]:
        """`$ctx.info`."""
        return {
            "fieldName": self.field.name,
            "parentTypeName": self.field.type_name,
            "variables": dict(self.request.variables),
            "selectionSetList": list(self.field.selection_list),
            "selectionSetGraphQL": self.field.selection_graphql,
        }
