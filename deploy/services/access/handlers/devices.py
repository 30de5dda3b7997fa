"""An account's devices: one by its id, all of them a page at a time.

The index `by_account` keeps an account's devices in `LIST_PARTITIONS` partitions, by device id in each. A
page is read from one after the other; its cursor says in which it ended, and after which device. The cursor
names no account: that is the caller's, whatever a cursor says.
"""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from . import public_form
from .problems import invalid, not_found, unavailable

INDEX = "by_account"
LIST_PARTITIONS = 8
MAX_PAGE = 100  # BatchGetItem's own limit
MAX_ID_CHARACTERS = 128
_MAX_CURSOR_CHARACTERS = 1024
_ATTEMPTS = 4


class Devices:
    """The `devices` table, as one account after the other sees it."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def get(self, account_id: str, device_id: str) -> dict[str, Any]:
        """The device. Raises Problem 404."""
        key = {"device_key": {"S": f"{account_id}/{device_id}"}}
        item = self._dynamodb.get_item(TableName=self._table, Key=key).get("Item")
        if item is None:
            raise not_found("device")
        return public_form.device(item)

    def page(self, account_id: str, limit: int, cursor: str | None) -> dict[str, Any]:
        """`{"devices": [...], "cursor": ... | None}`: up to `limit` devices after `cursor`.
        Raises Problem 400 for a cursor that this did not give."""
        partition, after = _read_cursor(cursor)
        ids: list[str] = []
        while partition < LIST_PARTITIONS:
            found, more = self._query(account_id, partition, after, limit - len(ids))
            ids += found
            if more:
                after = found[-1] if found else after
                break
            partition, after = partition + 1, None
            if len(ids) == limit:
                break
        return {
            "devices": self._read(account_id, ids),
            "cursor": _cursor(partition, after) if partition < LIST_PARTITIONS else None,
        }

    def _query(
        self, account_id: str, partition: int, after: str | None, limit: int
    ) -> tuple[list[str], bool]:
        """Device ids of a partition in order, and whether there may be more than `limit` let through."""
        list_key = {"S": f"{account_id}#{partition}"}
        start = {
            "device_key": {"S": f"{account_id}/{after}"}, "list_key": list_key, "device_id": {"S": after},
        }  # fmt: skip
        answer = self._dynamodb.query(
            TableName=self._table,
            IndexName=INDEX,
            KeyConditionExpression="list_key = :list_key",
            ExpressionAttributeValues={":list_key": list_key},
            Limit=limit,
            **({"ExclusiveStartKey": start} if after is not None else {}),
        )
        return [item["device_id"]["S"] for item in answer["Items"]], "LastEvaluatedKey" in answer

    def _read(self, account_id: str, ids: list[str]) -> list[dict[str, Any]]:
        """The devices in the order of `ids`; one that went meanwhile is left out."""
        wanted = [{"device_key": {"S": f"{account_id}/{each}"}} for each in ids]
        found: dict[str, Mapping[str, Any]] = {}
        for _ in range(_ATTEMPTS):
            if not wanted:
                break
            answer = self._dynamodb.batch_get_item(RequestItems={self._table: {"Keys": wanted}})
            items = answer["Responses"].get(self._table, ())
            found |= {item["device_key"]["S"]: item for item in items}
            wanted = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
        if wanted:
            raise unavailable()
        keys = (f"{account_id}/{each}" for each in ids)
        return [public_form.device(found[key]) for key in keys if key in found]


def _cursor(partition: int, after: str | None) -> str:
    text = json.dumps([partition, after], separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str | None) -> tuple[int, str | None]:
    if cursor is None:
        return 0, None
    try:
        if len(cursor) > _MAX_CURSOR_CHARACTERS:
            raise ValueError
        raw = cursor.encode("ascii")
        partition, after = json.loads(urlsafe_b64decode(raw + b"=" * (-len(raw) % 4)))
        if type(partition) is not int or not 0 <= partition < LIST_PARTITIONS:
            raise ValueError
        if after is not None and (type(after) is not str or not 0 < len(after) <= MAX_ID_CHARACTERS):
            raise ValueError
    except (ValueError, TypeError, RecursionError, binascii.Error):
        raise invalid("invalid_cursor", "The cursor is not one that a page gave.") from None
    return partition, after
