"""Resolvers and functions as they are run: handlers before and after a data source, one or several in a row.

docs: AppSync Developer Guide, Resolver mapping template overview: unit and pipeline resolvers (read 2026-11)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from harness.emulator.services.appsync.resolvers.failures import EarlyReturn, ResolverFailure, SourceError
from harness.emulator.services.appsync.resolvers.invocation import Invocation
from harness.emulator.services.appsync.sources.base import Source


class Handlers(Protocol):
    """The code of a resolver or function, in whichever language. `passes_through`: there is no request
    handler, and the data source is given the whole context."""

    passes_through: bool

    def request(self, call: Invocation) -> Any:
        """What to ask of the data source. Raises ResolverFailure, EarlyReturn."""

    def response(self, call: Invocation) -> Any:
        """What to make of its result. Raises ResolverFailure, SourceError, EarlyReturn."""


class Parts(Protocol):
    """What a resolver finds by name when it is run: data sources and functions may change after it."""

    @property
    def sources(self) -> Mapping[str, Source]:
        """The API's data sources by name."""

    @property
    def steps(self) -> Mapping[str, Step]:
        """The API's functions by id."""


@dataclass(frozen=True, slots=True)
class Step:
    """A unit resolver or a function: a request, a data source, a response.

    The response handler sees the data source's error as `$ctx.error`; only under the template version
    2017-02-28 the field ends with it."""

    handlers: Handlers
    source: str
    max_batch_size: int = 0

    async def run(self, call: Invocation, parts: Parts) -> Any:
        """The step's result. Raises ResolverFailure, SourceError."""
        try:
            request = self.handlers.request(call)
        except EarlyReturn as early:
            return early.value
        source = parts.sources.get(self.source)
        if source is None:
            raise ResolverFailure(f"There is no data source '{self.source}'.", "BadRequest")
        call.result, call.error = None, None
        try:
            call.result = await source.run(request, call, self.max_batch_size)
        except SourceError as error:
            if isinstance(request, dict) and request.get("version") == "2017-02-28":
                raise
            call.error, call.result = error, error.data
        try:
            return self.handlers.response(call)
        except EarlyReturn as early:
            return early.value


class Resolver(Protocol):
    """What runs for a field."""

    async def resolve(self, call: Invocation, parts: Parts) -> Any:
        """The field's value, before it is completed. Raises ResolverFailure, SourceError."""


@dataclass(frozen=True, slots=True)
class UnitResolver:
    """One step."""

    step: Step

    async def resolve(self, call: Invocation, parts: Parts) -> Any:
        """As Resolver.resolve."""
        return await self.step.run(call, parts)


@dataclass(frozen=True, slots=True)
class PipelineResolver:
    """Functions in a row between two handlers: each sees the one before as `$ctx.prev.result`, and all share
    the stash. An error ends the row; in the response handlers of functions it can still be handled."""

    handlers: Handlers
    functions: tuple[str, ...]

    async def resolve(self, call: Invocation, parts: Parts) -> Any:
        """As Resolver.resolve."""
        call.in_pipeline = True
        try:
            call.previous = self.handlers.request(call)
        except EarlyReturn as early:
            return early.value
        for function_id in self.functions:
            step = parts.steps.get(function_id)
            if step is None:
                raise ResolverFailure(f"There is no function '{function_id}'.", "BadRequest")
            call.previous = await step.run(call, parts)
        call.result, call.error = call.previous, None
        try:
            return self.handlers.response(call)
        except EarlyReturn as early:
            return early.value
