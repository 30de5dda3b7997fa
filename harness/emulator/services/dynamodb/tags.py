"""Tags of tables.

docs: DynamoDB Developer Guide, Tagging restrictions: 50 a resource, keys to 128 characters, values to 256, no
key begins with `aws:` (read 2026-11)
"""

from __future__ import annotations

from typing import Any

from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.dynamodb.errors import constraint, invalid, raise_unless_known
from harness.emulator.services.dynamodb.request import Answer, Request, listed, structure, table_name, text
from harness.emulator.services.dynamodb.table import Table
from harness.emulator.services.dynamodb.tables import Tables

MAX_TAGS = 50
_PAGE = 10


def checked_tags(given: list[Any]) -> dict[str, str]:
    """Tags by key. Raises AwsError for what AWS refuses."""
    tags: dict[str, str] = {}
    for tag in given:
        key, value = text(structure(tag, "tag"), "Key"), text(tag, "Value")
        if key is None or value is None:
            missing = "key" if key is None else "value"
            raise constraint(None, f"tags.1.member.{missing}", "Member must not be null")
        if not 1 <= len(key) <= 128 or len(value) > 256 or key.startswith("aws:"):
            raise invalid(f"One or more parameter values are not valid. Invalid tag: {key}")
        tags[key] = value
    if len(tags) > MAX_TAGS:
        raise AwsError("LimitExceededException", f"Too many tags: a table can have up to {MAX_TAGS}")
    return tags


def tag_resource(tables: Tables, request: Request, context: CallContext) -> Answer:
    """TagResource."""
    raise_unless_known(request, "TagResource", frozenset(("ResourceArn", "Tags")))
    table = _resource(tables, request, context)
    tags = {**table.tags, **checked_tags(listed(request, "Tags"))}
    if len(tags) > MAX_TAGS:
        raise AwsError("LimitExceededException", f"Too many tags: a table can have up to {MAX_TAGS}")
    table.tags = tags
    return {}


def untag_resource(tables: Tables, request: Request, context: CallContext) -> Answer:
    """UntagResource."""
    raise_unless_known(request, "UntagResource", frozenset(("ResourceArn", "TagKeys")))
    table = _resource(tables, request, context)
    for key in listed(request, "TagKeys"):
        table.tags.pop(key, None)
    return {}


def list_tags(tables: Tables, request: Request, context: CallContext) -> Answer:
    """ListTagsOfResource: ten a page, as AWS gives them."""
    raise_unless_known(request, "ListTagsOfResource", frozenset(("ResourceArn", "NextToken")))
    table = _resource(tables, request, context)
    after = text(request, "NextToken") or ""
    keys = sorted(key for key in table.tags if key > after)
    answer: Answer = {"Tags": [{"Key": key, "Value": table.tags[key]} for key in keys[:_PAGE]]}
    if len(keys) > _PAGE:
        answer["NextToken"] = keys[_PAGE - 1]
    return answer


def _resource(tables: Tables, request: Request, context: CallContext) -> Table:
    arn = text(request, "ResourceArn")
    if arn is None:
        raise constraint(None, "resourceArn", "Member must not be null")
    if not arn.startswith("arn:"):
        raise invalid(f"Invalid TableArn: Invalid ResourceArn provided as input {arn}")
    return tables.named(table_name(request, "ResourceArn"), context, shown=True)
