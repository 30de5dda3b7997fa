"""DynamoDB requests of resolvers, as DynamoDB's own API takes them. Pure.

docs: AppSync Developer Guide, Resolver mapping template reference for DynamoDB (read 2026-11)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from harness.emulator.services.appsync.attribute_values import plain_item
from harness.emulator.services.appsync.resolvers.failures import ResolverFailure, template_failure
from harness.emulator.services.appsync.sources.base import bad_operation, operation_of, optional, required

Body = dict[str, Any]
_KIND = "AMAZON_DYNAMODB"


class Prepared(NamedTuple):
    """A call of DynamoDB's API, and what of its answer is the result."""

    operation: str
    body: Body
    result: Callable[[Body], Any]


class Tokens:
    """Pagination tokens: DynamoDB's last key, sealed so that no client can make one of its own."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def seal(self, table: str, key: Body) -> str:
        """A token for the key after which a page of `table` goes on."""
        content = orjson.dumps(key)
        return base64.urlsafe_b64encode(self._signature(table, content) + content).decode()

    def open(self, table: str, token: str) -> Body:
        """The key in a token. Raises ResolverFailure for a token that is none of ours."""
        try:
            sealed = base64.urlsafe_b64decode(token.encode())
        except (binascii.Error, ValueError):
            sealed = b""
        signature, content = sealed[:32], sealed[32:]
        if not hmac.compare_digest(signature, self._signature(table, content)):
            raise ResolverFailure("Invalid pagination token given.", "BadRequest")
        return dict(orjson.loads(content))

    def _signature(self, table: str, content: bytes) -> bytes:
        return hmac.digest(self._secret, table.encode() + b"\0" + content, hashlib.sha256)


def prepare(request: Any, table: str, tokens: Tokens) -> Prepared:
    """The call that a request stands for. Raises ResolverFailure."""
    operation = operation_of(request)
    maker = _MAKERS.get(operation)
    if maker is None:
        raise bad_operation(_KIND, operation)
    return maker(request, table, tokens)


def _expression(given: Any, key: str, body: Body) -> None:
    """An expression with its names and values, into `body` under `key`."""
    if given is None:
        return
    if not isinstance(given, dict):
        raise template_failure("An expression must be an object.")
    expression = given.get("expression")
    if not expression:
        return
    if not isinstance(expression, str):
        raise template_failure("Value for field '$[expression]' is not valid.")
    body[key] = expression
    for name, target in (
        ("expressionNames", "ExpressionAttributeNames"),
        ("expressionValues", "ExpressionAttributeValues"),
    ):
        found = optional(given, name)
        if found:
            body.setdefault(target, {}).update(found)


def _item_or_none(answer: Body, name: str) -> Any:
    item = answer.get(name)
    return plain_item(item) if item else None


def _get(request: Body, table: str, _: Tokens) -> Prepared:
    body: Body = {"TableName": table, "Key": required(request, "key")}
    if optional(request, "consistentRead", bool):
        body["ConsistentRead"] = True
    _expression(request.get("projection"), "ProjectionExpression", body)
    return Prepared("GetItem", body, lambda answer: _item_or_none(answer, "Item"))


def _put(request: Body, table: str, _: Tokens) -> Prepared:
    item = {**(optional(request, "attributeValues") or {}), **required(request, "key")}
    body: Body = {"TableName": table, "Item": item}
    _expression(request.get("condition"), "ConditionExpression", body)
    return Prepared("PutItem", body, lambda _: plain_item(item))


def _update(request: Body, table: str, _: Tokens) -> Prepared:
    body: Body = {"TableName": table, "Key": required(request, "key"), "ReturnValues": "ALL_NEW"}
    _expression(required(request, "update"), "UpdateExpression", body)
    _expression(request.get("condition"), "ConditionExpression", body)
    return Prepared("UpdateItem", body, lambda answer: _item_or_none(answer, "Attributes"))


def _delete(request: Body, table: str, _: Tokens) -> Prepared:
    body: Body = {"TableName": table, "Key": required(request, "key"), "ReturnValues": "ALL_OLD"}
    _expression(request.get("condition"), "ConditionExpression", body)
    return Prepared("DeleteItem", body, lambda answer: _item_or_none(answer, "Attributes"))


def _page(request: Body, table: str, tokens: Tokens) -> Body:
    """What Query and Scan have in common."""
    body: Body = {"TableName": table}
    index = optional(request, "index", str)
    if index:
        body["IndexName"] = index
    limit = optional(request, "limit", int)
    if limit is not None:
        body["Limit"] = limit
    if optional(request, "consistentRead", bool):
        body["ConsistentRead"] = True
    token = optional(request, "nextToken", str)
    if token:
        body["ExclusiveStartKey"] = tokens.open(table, token)
    select = optional(request, "select", str)
    if select:
        body["Select"] = select
    _expression(request.get("filter"), "FilterExpression", body)
    _expression(request.get("projection"), "ProjectionExpression", body)
    return body


def _paged(table: str, tokens: Tokens) -> Callable[[Body], Any]:
    def result(answer: Body) -> Any:
        last = answer.get("LastEvaluatedKey")
        return {
            "items": [plain_item(item) for item in answer.get("Items", ())],
            "nextToken": tokens.seal(table, last) if last else None,
            "scannedCount": answer.get("ScannedCount", 0),
        }

    return result


def _query(request: Body, table: str, tokens: Tokens) -> Prepared:
    body = _page(request, table, tokens)
    _expression(required(request, "query"), "KeyConditionExpression", body)
    forward = optional(request, "scanIndexForward", bool)
    if forward is not None:
        body["ScanIndexForward"] = forward
    return Prepared("Query", body, _paged(table, tokens))


def _scan(request: Body, table: str, tokens: Tokens) -> Prepared:
    body = _page(request, table, tokens)
    for name, target in (("totalSegments", "TotalSegments"), ("segment", "Segment")):
        value = optional(request, name, int)
        if value is not None:
            body[target] = value
    return Prepared("Scan", body, _paged(table, tokens))


def _tables(request: Body) -> dict[str, Any]:
    return dict(required(request, "tables"))


def _keys(value: Any) -> list[Body]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise template_failure("The keys or items of a table must be a list of objects.")
    return value


def _batch_get(request: Body, _: str, __: Tokens) -> Prepared:
    wanted: dict[str, list[Body]] = {}
    items: Body = {}
    for table, value in _tables(request).items():
        settings = value if isinstance(value, dict) else {"keys": value}
        wanted[table] = _keys(settings.get("keys"))
        items[table] = {"Keys": wanted[table]}
        if settings.get("consistentRead") is True:
            items[table]["ConsistentRead"] = True
        _expression(settings.get("projection"), "ProjectionExpression", items[table])

    def result(answer: Body) -> Any:
        found = answer.get("Responses", {})
        rest = answer.get("UnprocessedKeys", {})
        return {
            "data": {table: _in_order(keys, found.get(table, ())) for table, keys in wanted.items()},
            "unprocessedKeys": {
                table: [plain_item(key) for key in rest.get(table, {}).get("Keys", ())] for table in wanted
            },
        }

    return Prepared("BatchGetItem", {"RequestItems": items}, result)


def _in_order(keys: list[Body], items: Any) -> list[Any]:
    """The items in the order of their keys; null for one that is not there."""
    left = list(items)
    out: list[Any] = []
    for key in keys:
        at = next((n for n, item in enumerate(left) if all(item.get(k) == v for k, v in key.items())), None)
        out.append(None if at is None else plain_item(left[at]))
    return out


def _batch_write(request: Body, kind: str) -> Prepared:
    written = {table: _keys(value) for table, value in _tables(request).items()}
    member = "Item" if kind == "PutRequest" else "Key"
    body = {
        "RequestItems": {table: [{kind: {member: one}} for one in items] for table, items in written.items()}
    }
    rest_name = "unprocessedItems" if kind == "PutRequest" else "unprocessedKeys"

    def result(answer: Body) -> Any:
        rest = answer.get("UnprocessedItems", {})
        return {
            "data": {table: [plain_item(one) for one in items] for table, items in written.items()},
            rest_name: {
                table: [plain_item(one[kind][member]) for one in rest.get(table, ())] for table in written
            },
        }

    return Prepared("BatchWriteItem", body, result)


def _transact_get(request: Body, _: str, __: Tokens) -> Prepared:
    items = []
    for item in _keys(required(request, "transactItems", list)):
        get: Body = {"TableName": required(item, "table", str), "Key": required(item, "key")}
        _expression(item.get("projection"), "ProjectionExpression", get)
        items.append({"Get": get})

    def result(answer: Body) -> Any:
        found = [_item_or_none(response, "Item") for response in answer.get("Responses", ())]
        return {"items": found, "cancellationReasons": None}

    return Prepared("TransactGetItems", {"TransactItems": items}, result)


_WRITES = {
    "PutItem": "Put",
    "UpdateItem": "Update",
    "DeleteItem": "Delete",
    "ConditionCheck": "ConditionCheck",
}


def _transact_write(request: Body, _: str, __: Tokens) -> Prepared:
    items = []
    keys = []
    for item in _keys(required(request, "transactItems", list)):
        operation = str(required(item, "operation", str))
        if operation not in _WRITES:
            raise bad_operation(_KIND, operation)
        key = required(item, "key")
        keys.append(plain_item(key))
        write: Body = {"TableName": required(item, "table", str)}
        if operation == "PutItem":
            write["Item"] = {**(optional(item, "attributeValues") or {}), **key}
        else:
            write["Key"] = key
        if operation == "UpdateItem":
            _expression(required(item, "update"), "UpdateExpression", write)
        condition = optional(item, "condition")
        _expression(condition, "ConditionExpression", write)
        if condition and condition.get("returnValuesOnConditionCheckFailure", True):
            write["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        items.append({_WRITES[operation]: write})
    return Prepared(
        "TransactWriteItems",
        {"TransactItems": items},
        lambda _: {"keys": keys, "cancellationReasons": None},
    )


_MAKERS: dict[str, Callable[[Body, str, Tokens], Prepared]] = {
    "GetItem": _get,
    "PutItem": _put,
    "UpdateItem": _update,
    "DeleteItem": _delete,
    "Query": _query,
    "Scan": _scan,
    "BatchGetItem": _batch_get,
    "BatchPutItem": lambda request, _, __: _batch_write(request, "PutRequest"),
    "BatchDeleteItem": lambda request, _, __: _batch_write(request, "DeleteRequest"),
    "TransactGetItems": _transact_get,
    "TransactWriteItems": _transact_write,
}
