"""GraphQL requests from their text to their answer, and subscriptions from their text to what is pushed.

docs: AppSync endpoints and quotas: a request may run 30 s (read 2026-11)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from graphql import OperationDefinitionNode, OperationType

from harness.emulator.services.appsync.contract import (
    Operation,
    OperationRefused,
    RequestInfo,
    RequestRefused,
    SubscriptionRequest,
    Subscriptions,
)
from harness.emulator.services.appsync.execution.coercion import BadValue, coerce_variables
from harness.emulator.services.appsync.execution.documents import Document, Documents
from harness.emulator.services.appsync.execution.errors import (
    GraphQLErrorBody,
    field_error,
    request_error,
)
from harness.emulator.services.appsync.execution.plan import Field, Plan, condition_variables
from harness.emulator.services.appsync.execution.run import Run
from harness.emulator.services.appsync.identity import Identity
from harness.emulator.services.appsync.resolvers.failures import (
    ResolverFailure,
    SourceError,
    Unauthorized,
)
from harness.emulator.services.appsync.resolvers.invocation import Invocation, RequestState, copied
from harness.emulator.services.appsync.schema.access import allowed
from harness.emulator.services.appsync.state import AllApis, Api
from harness.emulator.services.base import CallContext

TIMEOUT_S = 30.0
_MAX_PLANS = 64
"""Of one document: one for each operation and outcome of its `@skip` and `@include`."""


class Outcome(NamedTuple):
    """What a query or mutation came to: the answer's body, the headers that resolvers added to it, and how
    many resolvers ran."""

    body: dict[str, Any]
    headers: Mapping[str, str]
    resolvers: int


class Projection:
    """A subscription's selection as its subscribers see it: equal for those who see the same."""

    __slots__ = ("_key", "identity", "plan")

    def __init__(self, key: tuple[Any, ...], plan: Plan, identity: Identity) -> None:
        self._key = key
        self.plan = plan
        self.identity = identity

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Projection) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


class _Prepared(NamedTuple):
    plan: Plan
    variables: dict[str, Any]
    key: tuple[Any, ...]


class GraphQLExecutor:
    """Executes for all APIs. `subscriptions` are told of mutations, and set once they are made: they are made
    of this."""

    subscriptions: Subscriptions

    def __init__(self, apis: AllApis, clock: Callable[[], float]) -> None:
        self._apis = apis
        self._clock = clock
        self._documents: dict[str, tuple[int, Documents]] = {}

    def forget(self, api_id: str) -> None:
        """The API is gone."""
        self._documents.pop(api_id, None)

    async def execute(
        self, api: Api, identity: Identity, operation: Operation, request: RequestInfo
    ) -> Outcome:
        """Run a query or mutation. Raises RequestRefused, OperationRefused."""
        prepared = self._prepare(api, operation)
        kind = prepared.plan.operation.operation
        if kind is OperationType.SUBSCRIPTION:
            message = "Subscriptions are served over the real-time endpoint, not over HTTP."
            raise OperationRefused([request_error(message)])
        state = self._state(api, identity, request, prepared.variables)
        run = self._run(api, prepared.plan, state, operation)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                data = await (run.query() if kind is OperationType.QUERY else run.mutation())
        except TimeoutError:
            failure = ResolverFailure("Execution timed out.", "ExecutionTimeout")
            return Outcome({"data": None, "errors": [field_error(failure, None, [])]}, {}, run.resolvers_run)
        except RecursionError:
            raise OperationRefused([request_error("The query is nested too deeply.")]) from None
        for wanted in state.invalidations:
            self.subscriptions.invalidate(api.api_id, wanted["subscriptionField"], wanted["payload"])
        return Outcome(_body(data, run.errors), state.response_headers, run.resolvers_run)

    async def subscribe(
        self, api_id: str, identity: Identity, operation: Operation, request: RequestInfo
    ) -> SubscriptionRequest:
        """As contract.Executor.subscribe. Raises OperationRefused."""
        api = self._apis.find(api_id)
        if api is None:
            raise OperationRefused([request_error("There is no such API.")])
        try:
            prepared = self._prepare(api, operation)
        except RequestRefused as refused:
            error = {"errorType": refused.error_type, "message": refused.message}
            raise OperationRefused([error]) from None
        plan = prepared.plan
        if plan.operation.operation is not OperationType.SUBSCRIPTION:
            raise OperationRefused([request_error("Only subscriptions can be started here.")])
        field = plan.root[0]
        if not allowed(plan.schema.rules, api.auth.default, field.type_name, field.name, identity):
            raise _refusal(Unauthorized(field.name, field.type_name), field)
        state = self._state(api, identity, request, prepared.variables)
        try:
            arguments = field.arguments(prepared.variables)
        except BadValue as bad:
            raise OperationRefused([request_error(str(bad), [field.place])]) from None
        await self._ask_resolver(api, field, Invocation(state, field, copied(arguments), None))
        seen = (identity.mode, identity.groups, identity.denied_fields)
        return SubscriptionRequest(
            api_id=api_id,
            field=field.name,
            response_key=field.key,
            mutations=plan.schema.mutations.get(field.name, frozenset()),
            arguments=arguments,
            identity=identity,
            projection=Projection((api_id, *prepared.key, *seen), plan, identity),
            filter=state.extensions.get("filter"),
            invalidation_filter=state.extensions.get("invalidation_filter"),
        )

    def project(self, subscription: SubscriptionRequest, result: Any) -> Mapping[str, Any]:
        """As contract.Executor.project."""
        projection = subscription.projection
        api = self._apis.find(subscription.api_id)
        if api is None or not isinstance(projection, Projection):
            return {"data": None}
        state = self._state(api, projection.identity, RequestInfo({}), {})
        run = Run(projection.plan, api, state, api.auth.default, {}, 0, None)
        try:
            return _body(run.projection(result), run.errors)
        except RecursionError:
            return {"data": None, "errors": [request_error("The value is nested too deeply.")]}

    # -- within

    async def _ask_resolver(self, api: Api, field: Field, call: Invocation) -> None:
        """Run the resolver of a subscription's field, if it has one. Raises OperationRefused."""
        if field.resolver is None:
            return
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await field.resolver.resolve(call, api)
        except (ResolverFailure, SourceError) as failure:
            raise _refusal(failure, field) from None
        except TimeoutError:
            raise _refusal(ResolverFailure("Execution timed out.", "ExecutionTimeout"), field) from None
        if call.appended:
            raise _refusal(call.appended[0], field)

    def _run(self, api: Api, plan: Plan, state: RequestState, operation: Operation) -> Run:
        listeners = plan.schema.listeners

        def published(field: str, arguments: Mapping[str, Any], result: Any) -> None:
            if field in listeners:
                self.subscriptions.publish(api.api_id, field, arguments, result)

        limit = api.resolver_count_limit
        return Run(plan, api, state, api.auth.default, operation.variables, limit, published)

    def _state(
        self, api: Api, identity: Identity, request: RequestInfo, variables: Mapping[str, Any]
    ) -> RequestState:
        context = CallContext(api.region, api.account_id, request_id=request.request_id)
        return RequestState(identity, request, context, self._clock, api.environment, variables)

    def _prepare(self, api: Api, operation: Operation) -> _Prepared:
        schema = api.schema
        if schema is None or not schema.executable:
            raise OperationRefused([request_error("There is no schema for this API.")])
        generation, documents = self._documents.get(api.api_id, (-1, None))
        if documents is None or generation != api.generation:
            documents = Documents()
            self._documents[api.api_id] = api.generation, documents
        document = documents.get(schema, operation.query, introspection=api.introspection)
        node = document.operation(operation.operation_name)
        variables = coerce_variables(schema.graphql, node.variable_definitions or (), operation.variables)
        plan, conditions = _plan(api, document, node, operation.operation_name, variables)
        key = (api.generation, operation.query, operation.operation_name, conditions)
        return _Prepared(plan, variables, key)


def _plan(
    api: Api,
    document: Document,
    node: OperationDefinitionNode,
    name: str | None,
    variables: Mapping[str, Any],
) -> tuple[Plan, tuple[bool, ...]]:
    """The plan of an operation, made once. Raises OperationRefused when it is too deep."""
    asked: tuple[str, ...] | None = document.plans.get(name)
    if asked is None:
        asked = document.plans[name] = condition_variables(document, node)
    conditions = tuple(bool(variables.get(one)) for one in asked)
    plan = document.plans.get((name, conditions))
    if plan is None:
        assert api.schema is not None
        held = dict(zip(asked, conditions, strict=True))
        plan = Plan(api.schema, api.resolvers, document, node, held)
        limit = api.query_depth_limit
        if limit and plan.depth(limit) > limit:
            raise OperationRefused([request_error(f"The query is nested deeper than the limit of {limit}.")])
        if len(document.plans) > _MAX_PLANS:
            document.plans.clear()
            document.plans[name] = asked
        document.plans[name, conditions] = plan
    return plan, conditions


def _refusal(failure: ResolverFailure | SourceError, field: Field) -> OperationRefused:
    return OperationRefused([field_error(failure, (None, field.key), [field.place])])


def _body(data: Any, errors: list[GraphQLErrorBody]) -> dict[str, Any]:
    return {"data": data, "errors": errors} if errors else {"data": data}
