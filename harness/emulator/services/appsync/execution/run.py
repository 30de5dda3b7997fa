"""One request: its plan's fields resolved and completed.

Fields of a query are resolved side by side, those of a mutation one after the other. A field with a resolver
runs it; one without takes its value from the object it is in. Whether the caller may use a field is asked
before either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import CoroutineType
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLObjectType,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute_sync,
)

from harness.emulator.services.appsync.execution.coercion import BadValue
from harness.emulator.services.appsync.execution.completion import (
    Completed,
    NullBubble,
    discard,
    settle,
)
from harness.emulator.services.appsync.execution.errors import (
    GraphQLErrorBody,
    Path,
    field_error,
    path_list,
    request_error,
)
from harness.emulator.services.appsync.execution.plan import Field, Plan
from harness.emulator.services.appsync.identity import Identity
from harness.emulator.services.appsync.model import AuthProvider
from harness.emulator.services.appsync.resolvers.compiled import Parts
from harness.emulator.services.appsync.resolvers.failures import (
    ResolverFailure,
    SourceError,
    Unauthorized,
    template_failure,
)
from harness.emulator.services.appsync.resolvers.invocation import Invocation, RequestState, copied
from harness.emulator.services.appsync.schema.access import allowed

Published = Callable[[str, Mapping[str, Any], Any], None]
"""Told of each mutation field that succeeded: its name, its arguments, its part of the response."""


class Run:
    """The execution of one plan. `given` are the variables as they came; `published` is None where no
    resolver is to be run: then every field takes its value from the object it is in."""

    def __init__(
        self,
        plan: Plan,
        parts: Parts,
        state: RequestState,
        default: AuthProvider,
        given: Mapping[str, Any],
        resolver_limit: int,
        published: Published | None,
    ) -> None:
        self.errors: list[GraphQLErrorBody] = []
        self.resolvers_run = 0
        self._plan = plan
        self._parts = parts
        self._state = state
        self._default = default
        self._given = given
        self._limit = resolver_limit
        self._published = published
        self._mutates = plan.operation.operation is OperationType.MUTATION
        self._reported: set[tuple[str | int, ...]] = set()
        caller = state.identity
        pool = default.user_pool
        denies = pool is not None and pool.default_action == "DENY"
        self._passes: bool = caller.mode == default.mode and not denies and not caller.denied_fields
        """Whether the caller may use every field that no directive speaks of."""

    async def query(self) -> dict[str, Any] | None:
        """The data of a query."""
        try:
            done = self.fields(self._plan.root, self._plan.root_type, None, None)
            return await done if type(done) is CoroutineType else done  # type: ignore[no-any-return]
        except NullBubble:
            return None

    def projection(self, value: Any) -> dict[str, Any] | None:
        """The data of a subscription whose field has `value`."""
        field = self._plan.root[0]
        try:
            return {field.key: field.completion.complete(self, value, (None, field.key))}
        except NullBubble:
            return None

    async def mutation(self) -> dict[str, Any] | None:
        """The data of a mutation, its fields one after the other."""
        data: dict[str, Any] = {}
        nulled = False
        for field in self._plan.root:
            path = (None, field.key)
            try:
                done = self._field(field, self._plan.root_type, None, path)
                data[field.key] = await done if type(done) is CoroutineType else done
            except NullBubble:
                nulled = True
        return None if nulled else data

    # -- what completions ask for

    def report(self, error: GraphQLErrorBody, path: Path) -> None:
        """As Runner.report."""
        mark = tuple(path_list(path))
        if mark not in self._reported:
            self._reported.add(mark)
            self.errors.append(error)

    def _fail(self, failure: ResolverFailure | SourceError, field: Field, path: Path) -> None:
        self._reported.add(tuple(path_list(path)))
        self.errors.append(field_error(failure, path, [field.place]))

    def fields(
        self, fields: tuple[Field, ...], kind: GraphQLObjectType, source: Any, path: Path
    ) -> Completed:
        """As Runner.fields."""
        out: dict[str, Any] = {}
        pending: list[tuple[str, Any]] = []
        try:
            for field in fields:
                done = self._field(field, kind, source, (path, field.key))
                if type(done) is CoroutineType:
                    pending.append((field.key, done))
                    done = None
                out[field.key] = done
        except NullBubble:
            discard(pending)
            raise
        return settle(out, pending) if pending else out

    def _field(self, field: Field, kind: GraphQLObjectType, source: Any, path: Path) -> Completed:
        if field.name == "__typename":
            return kind.name
        if field.introspects:
            return self._introspected(field)
        if not (self._passes and field.rule is None) and not self._allowed(field):
            self._fail(Unauthorized(field.name, field.type_name), field, path)
            return field.completion.complete(self, None, path)
        if field.resolver is not None and self._published is not None:
            return self._resolved(field, source, path)
        value = source.get(field.name) if source is not None else None
        return field.completion.complete(self, value, path)

    def _allowed(self, field: Field) -> bool:
        caller: Identity = self._state.identity
        return allowed(self._plan.schema.rules, self._default, field.type_name, field.name, caller)

    async def _resolved(self, field: Field, source: Any, path: Path) -> Any:
        value: Any = None
        arguments: dict[str, Any] = {}
        failed = True
        try:
            call = self._begin(field, source)
            arguments = copied(call.arguments) if self._mutates else call.arguments
            try:
                assert field.resolver is not None
                value = await field.resolver.resolve(call, self._parts)
                failed = False
            finally:
                self.errors += [field_error(error, path, [field.place]) for error in call.appended]
        except (ResolverFailure, SourceError) as failure:
            self._fail(failure, field, path)
        except BadValue as bad:
            self._fail(ResolverFailure(str(bad)), field, path)
        except RecursionError:
            self._fail(template_failure("The value is nested too deeply."), field, path)
        done = field.completion.complete(self, value, path)
        if type(done) is CoroutineType:
            done = await done
        at_root = path is not None and path[0] is None
        if at_root and self._mutates and not failed and done is not None and self._published:
            self._published(field.name, arguments, done)
        return done

    def _begin(self, field: Field, source: Any) -> Invocation:
        """Raises ResolverFailure when the request may run no more resolvers; BadValue."""
        if self.resolvers_run >= self._limit:
            raise ResolverFailure(
                f"Resolver count exceeds the limit of {self._limit} for one request.",
                "ResolverExecutionLimitReached",
            )
        self.resolvers_run += 1
        static = field.static_arguments
        arguments = copied(static) if static is not None else copied(field.arguments(self._state.variables))
        return Invocation(self._state, field, arguments, source)

    def _introspected(self, field: Field) -> Any:
        """`__schema` and `__type`: graphql-core's own execution of just that field."""
        operation = self._plan.operation
        document = DocumentNode(
            definitions=(
                OperationDefinitionNode(
                    operation=OperationType.QUERY,
                    variable_definitions=operation.variable_definitions,
                    directives=(),
                    selection_set=SelectionSetNode(selections=tuple(field.nodes)),
                ),
                *self._plan.document.fragments.values(),
            )
        )
        result = execute_sync(self._plan.schema.graphql, document, variable_values=dict(self._given))
        for error in result.errors or ():
            self.errors.append(request_error(error.message, [field.place]))
        return (result.data or {}).get(field.key)
