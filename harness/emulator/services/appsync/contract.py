"""What the halves of AppSync are to each other: execution, authorization and the real-time half.

Execution (service.py and below) implements `Apis` and `Executor`; auth/ implements `Authorizer`; realtime/
implements `Subscriptions`. All are in one process and one event loop, and none imports another's modules.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.emulator.services.appsync.identity import Identity
from harness.emulator.services.appsync.model import ApiAuth


@dataclass(frozen=True, slots=True)
class Operation:
    """The GraphQL half of a request, as it came: nothing in it was parsed or validated."""

    query: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation_name: str | None = None


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """The HTTP half of a request: what resolvers see as `$ctx.request`, and where it came from. Header names
    are lower case. `domain_name` is that of a custom domain, or None."""

    headers: Mapping[str, str]
    source_ip: str = "127.0.0.1"
    request_id: str = ""
    domain_name: str | None = None


class RequestRefused(Exception):
    """The whole request is refused before any field is resolved. Over HTTP the answer has `status` and the
    body `{"errors": [{"errorType": error_type, "message": message}]}`; the real-time half sends the same
    errors in its own frames. `UnauthorizedException` is 401; a malformed one is 400
    (`MalformedHttpRequestException`, `BadRequestException`); too many are 429."""

    def __init__(self, error_type: str, message: str, status: int = 401) -> None:
        super().__init__(f"{error_type}: {message}")
        self.error_type = error_type
        self.message = message
        self.status = status


class OperationRefused(Exception):
    """A GraphQL operation that cannot begin (it does not parse or validate, its subscription field may not be
    used, or its resolver refused). `errors` are GraphQL errors in AppSync's shape, ready to send."""

    def __init__(self, errors: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(str(errors[0].get("message", "")) if errors else "")
        self.errors = errors


class Apis(Protocol):
    """The APIs that exist, as seen from outside the control plane."""

    def auth(self, api_id: str) -> ApiAuth | None:
        """The API's authorization settings, or None when there is no such API."""


class Authorizer(Protocol):
    """Decides who a caller is. Implemented in auth/."""

    async def authorize(
        self,
        api: ApiAuth,
        headers: Mapping[str, str],
        *,
        method: str,
        path: str,
        body: bytes,
        now_s: float,
        operation: Operation | None = None,
        source_ip: str = "127.0.0.1",
        request_id: str = "",
    ) -> Identity:
        """Who sends a request with these (lower case) headers. `path` is raw, `body` as it came, `operation`
        is set when the body could be read as a GraphQL request (a Lambda authorizer is told of it).

        Raises RequestRefused (401)."""

    def reset(self) -> None:
        """Forget what was kept of keys and answers."""


@dataclass(frozen=True, slots=True)
class SubscriptionRequest:
    """A validated subscription, ready to be held.

    `field` is the subscription's field name, `response_key` its alias or the same; `mutations` are the
    mutation fields whose results it is sent. `arguments` are the argument values that the client gave, after
    variables and defaults: an argument that is not there was not given, one that is None was given as null.

    `filter` is what the resolver passed to `extensions.setSubscriptionFilter`
    (`{"filterGroup": [{"filters": [{"fieldName", "operator", "value"}]}]}`) or None; when it is set, it
    stands instead of the arguments' own filter. `invalidation_filter` is that of
    `setSubscriptionInvalidationFilter`.

    `projection` stands for the selection and variables: `Executor.project` gives equal answers for equal
    projections of one API, so that the real-time half may compute each once a published result."""

    api_id: str
    field: str
    response_key: str
    mutations: frozenset[str]
    arguments: Mapping[str, Any]
    identity: Identity
    projection: Hashable
    filter: Mapping[str, Any] | None = None
    invalidation_filter: Mapping[str, Any] | None = None


class Executor(Protocol):
    """GraphQL execution, as the real-time half uses it."""

    async def subscribe(
        self, api_id: str, identity: Identity, operation: Operation, request: RequestInfo
    ) -> SubscriptionRequest:
        """Validate a subscription, check that `identity` may use its fields, and run its field's resolver, if
        it has one. Raises OperationRefused."""

    def project(self, subscription: SubscriptionRequest, result: Any) -> Mapping[str, Any]:
        """What a subscriber is sent for a mutation's result: `{"data": {...}}`, with `errors` beside it when
        a non-null field is not in the result. Never raises. `result` is not changed."""


class Subscriptions(Protocol):
    """Those who listen. Implemented in realtime/. Its methods return at once; sending is its own business."""

    def publish(self, api_id: str, mutation_field: str, arguments: Mapping[str, Any], result: Any) -> None:
        """A mutation field that some subscription field listens to succeeded. `result` is its part of the
        response, almost always a map: the keys are those of the mutation's selection set, aliases included,
        and nothing else is there (an aliased field is therefore not found under its own name, as on AWS).

        Seen on AWS: github.com/aws/aws-appsync-community/issues/160. `result` must not be changed."""

    def invalidate(self, api_id: str, subscription_field: str, payload: Mapping[str, Any]) -> None:
        """A resolver called `extensions.invalidateSubscriptions`: end the subscriptions to this field whose
        invalidation filter fits `payload`."""

    def drop_api(self, api_id: str) -> None:
        """The API is gone: end all of its connections."""
