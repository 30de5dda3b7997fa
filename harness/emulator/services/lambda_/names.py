"""Function names as the API takes them: a name, a partial ARN or an ARN, with or without a qualifier."""

from __future__ import annotations

import re
from typing import NamedTuple

from harness.emulator.services.base import CallContext
from harness.emulator.services.lambda_.errors import not_found, validation

LATEST = "$LATEST"

_REFERENCE = re.compile(
    r"(?:arn:aws[a-z-]*:lambda:(?P<region>[a-z0-9-]+):)?"
    r"(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[a-zA-Z0-9_-]{1,64})(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9_-]{1,128}))?"
)


_QUEUE = re.compile(r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[a-zA-Z0-9_-]{1,80}")


_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[a-zA-Z0-9_-]{1,256}")
_FUNCTION = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[a-zA-Z0-9_-]{1,64}(?::\$LATEST)?")


def is_queue(arn: str) -> bool:
    """Whether `arn` is that of a standard SQS queue."""
    return _QUEUE.fullmatch(arn) is not None


def is_topic(arn: str) -> bool:
    """Whether `arn` is that of a standard SNS topic."""
    return _TOPIC.fullmatch(arn) is not None


def is_function(arn: str) -> bool:
    """Whether `arn` is that of a function."""
    return _FUNCTION.fullmatch(arn) is not None


class FunctionReference(NamedTuple):
    """What a caller means: `arn` is without the qualifier."""

    arn: str
    name: str
    qualifier: str | None


def function_arn(name: str, context: CallContext) -> str:
    """The ARN of the function `name` in the caller's account and Region."""
    return f"arn:aws:lambda:{context.region}:{context.account_id}:function:{name}"


def parse_function(reference: str, context: CallContext) -> FunctionReference:
    """The function that `reference` names. Raises AwsError ValidationException when it can name none."""
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise validation(reference, "functionName", "satisfy the pattern of a function name or ARN")
    region, account = found["region"] or context.region, found["account"] or context.account_id
    arn = f"arn:aws:lambda:{region}:{account}:function:{found['name']}"
    return FunctionReference(arn, found["name"], found["qualifier"])


def only_latest(reference: FunctionReference, qualifier: str | None) -> None:
    """Versions and aliases are not offered, so there is none but $LATEST.

    Raises AwsError ResourceNotFoundException."""
    wanted = qualifier or reference.qualifier
    if wanted not in (None, LATEST):
        raise not_found(f"Function not found: {reference.arn}:{wanted}")
