"""The data source AMAZON_DYNAMODB: a table, reached through DynamoDB's own API.

A condition that does not hold is looked into, as AppSync does it: the item is read, and when it is already as
the write would have left it, the write counts as done; else the error carries the item.
docs: AppSync Developer Guide, Condition expressions (DynamoDB), Handling a condition check failure
(read 2026-11)
"""

from __future__ import annotations

from typing import Any

import orjson

from harness.emulator.services.appsync.attribute_values import NotTyped, plain_item
from harness.emulator.services.appsync.resolvers.failures import (
    ResolverFailure,
    SourceError,
    template_failure,
)
from harness.emulator.services.appsync.resolvers.invocation import Invocation
from harness.emulator.services.appsync.sources.base import optional
from harness.emulator.services.appsync.sources.dynamodb_requests import Prepared, Tokens, prepare
from harness.emulator.services.base import AwsCalls, AwsError, CallContext

_MODELLED = frozenset(
    (
        *("BackupInUseException", "ConditionalCheckFailedException", "IdempotentParameterMismatchException"),
        *("ItemCollectionSizeLimitExceededException", "ProvisionedThroughputExceededException"),
        *("RequestLimitExceeded", "ResourceNotFoundException", "TransactionCanceledException"),
        *("TransactionConflictException", "TransactionInProgressException", "InternalServerError"),
    )
)
"""The errors that DynamoDB's model names for item operations; all others are a DynamoDbException."""
_NONE: dict[str, Any] = {}


class DynamoDbSource:
    """One table."""

    kind = "AMAZON_DYNAMODB"

    def __init__(self, calls: AwsCalls, table: str, region: str, tokens: Tokens) -> None:
        self._calls = calls
        self._table = table
        self._region = region
        self._tokens = tokens

    async def run(self, request: Any, call: Invocation, max_batch_size: int) -> Any:  # noqa: ARG002
        """As Source.run."""
        try:
            prepared = prepare(request, self._table, self._tokens)
        except NotTyped as error:
            raise template_failure(str(error)) from None
        context = CallContext(self._region, call.request.calls.account_id)
        try:
            return prepared.result(await self._call(prepared.operation, prepared.body, context))
        except AwsError as error:
            if error.code == "ConditionalCheckFailedException":
                return await self._condition_failed(request, prepared, error, context)
            raise source_error(error) from None

    async def _call(self, operation: str, body: dict[str, Any], context: CallContext) -> dict[str, Any]:
        answer = await self._calls.call("dynamodb", operation, orjson.dumps(body), context)
        return dict(orjson.loads(answer))

    async def _condition_failed(
        self, request: dict[str, Any], prepared: Prepared, error: AwsError, context: CallContext
    ) -> Any:
        condition = request.get("condition") or _NONE
        handler = optional(condition, "conditionalCheckFailedHandler") or _NONE
        if handler.get("strategy", "Reject") != "Reject":
            message = "The embedded AppSync does not offer conditional check failed handlers of their own."
            raise ResolverFailure(message, "BadRequest")
        consistent = condition.get("consistentRead") is not False
        body = {"TableName": self._table, "Key": request["key"], "ConsistentRead": consistent}
        try:
            item = (await self._call("GetItem", body, context)).get("Item")
        except AwsError as second:
            raise source_error(second) from None
        if prepared.operation == "DeleteItem" and item is None:
            return None
        if prepared.operation == "PutItem" and item is not None:
            ignored = set(condition.get("equalsIgnore") or ())
            wanted = prepared.body["Item"]
            if all(item.get(k) == wanted.get(k) for k in {*item, *wanted} - ignored):
                return plain_item(item)
        raise source_error(error, plain_item(item) if item else None)


def source_error(error: AwsError, data: Any = None) -> SourceError:
    """DynamoDB's error as AppSync gives it on."""
    kind = error.code if error.code in _MODELLED else "DynamoDbException"
    message = f"{error.message} (Service: DynamoDb, Status Code: {error.status})"
    reasons = error.fields.get("CancellationReasons")
    if reasons is not None:
        data = {"keys": None, "items": None, "cancellationReasons": [_reason(reason) for reason in reasons]}
    return SourceError(message, f"DynamoDB:{kind}", data)


def _reason(reason: dict[str, Any]) -> dict[str, Any]:
    item = reason.get("Item")
    return {
        "type": reason.get("Code"),
        "message": reason.get("Message"),
        "item": plain_item(item) if item else None,
    }
