"""The errors that DynamoDB answers, each as AWS names and words it.

AwsError
  · ValidationException, SerializationException, UnknownOperationException   what was asked is wrong
  · ResourceNotFoundException, ResourceInUseException                        the table is not there, or is
  · ConditionalCheckFailedException, TransactionCanceledException            the data said no
  · ThrottlingException, ProvisionedThroughputExceededException              in harness/.../capacity.py
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from harness.emulator.services.base import AwsError

TYPE_PREFIX = "com.amazonaws.dynamodb.v20120810#"
_CORAL_PREFIXES = {
    "ValidationException": "com.amazon.coral.validate#",
    "SerializationException": "com.amazon.coral.service#",
    "UnknownOperationException": "com.amazon.coral.service#",
}


def type_prefix(code: str) -> str:
    """The namespace that AWS puts before `code` in `__type`."""
    return _CORAL_PREFIXES.get(code, TYPE_PREFIX)


def invalid(message: str) -> AwsError:
    """What DynamoDB says of a request that can never succeed."""
    return AwsError("ValidationException", message)


def invalid_parameter(reason: str) -> AwsError:
    """A ValidationException in the form that most of them have."""
    return AwsError("ValidationException", f"One or more parameter values were invalid: {reason}")


def constraint(value: object, member: str, rule: str) -> AwsError:
    """A member that breaks a rule of the API's model."""
    shown = "null" if value is None else f"'{value}'"
    return AwsError(
        "ValidationException",
        f"1 validation error detected: Value {shown} at '{member}' failed to satisfy constraint: {rule}",
    )


def not_json_type(found: object, wanted: str) -> AwsError:
    """A JSON value of the wrong type, as AWS's deserializer words it."""
    return AwsError("SerializationException", f"{_json_type(found)} cannot be converted to {wanted}")


def _json_type(value: object) -> str:
    if value is None:
        return "NULL_VALUE"
    if isinstance(value, bool):
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    if isinstance(value, int | float):
        return "NUMBER_VALUE"
    if isinstance(value, str):
        return "STRING_VALUE"
    return "Start of list" if isinstance(value, list) else "Start of structure or map"


def not_offered(what: str, instead: str = "") -> AwsError:
    """Something that AWS has and this DynamoDB has not."""
    remedy = f" {instead}" if instead else ""
    return AwsError("ValidationException", f"{what} is not offered by Launchday's DynamoDB.{remedy}")


def table_not_found(name: str | None = None) -> AwsError:
    """Item operations say nothing of the name; DescribeTable and its like do."""
    detail = f": Table: {name} not found" if name else ""
    return AwsError("ResourceNotFoundException", f"Requested resource not found{detail}")


def condition_failed(item: Mapping[str, Any] | None = None) -> AwsError:
    """The condition did not hold; `item` is what is stored, when the caller asked to see it."""
    fields = {"Item": item} if item is not None else {}
    return AwsError("ConditionalCheckFailedException", "The conditional request failed", fields=fields)


def raise_unless_known(request: Mapping[str, Any], operation: str, known: frozenset[str]) -> None:
    """Refuse parameters that are not offered, by name, instead of leaving them without effect."""
    if not request.keys() <= known:
        _raise_unknown(request, operation, known)


_LEGACY = {
    "AttributesToGet": "ProjectionExpression",
    "AttributeUpdates": "UpdateExpression",
    "ConditionalOperator": "ConditionExpression",
    "Expected": "ConditionExpression",
    "KeyConditions": "KeyConditionExpression",
    "QueryFilter": "FilterExpression",
    "ScanFilter": "FilterExpression",
}


def _raise_unknown(request: Mapping[str, Any], operation: str, known: frozenset[str]) -> NoReturn:
    name = min(request.keys() - known)
    instead = f"Use {_LEGACY[name]}." if name in _LEGACY else ""
    raise not_offered(f"The parameter {name} of {operation}", instead)
