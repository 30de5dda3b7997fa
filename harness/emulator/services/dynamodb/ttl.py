"""Time to Live: items whose time has come are removed in the background, a stretch of the table at a time.

docs: DynamoDB Developer Guide, Using time to live: the attribute is a number, seconds since the epoch; a time
more than five years past is ignored; items go within days, at no write cost, and the stream says that it was
the service that removed them (read 2026-11). Here they go within minutes.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import islice

from harness.emulator.services.dynamodb.items import WHOLE, unpack
from harness.emulator.services.dynamodb.table import Table

ITEMS_PER_TICK = 400
"""Five times a second, a few tenths of a millisecond each: a million items take eight minutes."""
_TOO_OLD_S = 5 * 365 * 24 * 3600


def is_expired(stored: bytes, attribute: str, now_s: float) -> bool:
    """Whether an item's time has come. Only an item that seems to have the attribute is decoded."""
    if attribute.isascii() and attribute.isidentifier() and f'"{attribute}":'.encode() not in stored:
        return False
    number = unpack(stored).get(attribute, {}).get("N")
    if number is None:
        return False
    expires_s = Decimal(number)
    return now_s - _TOO_OLD_S < expires_s <= now_s


def sweep(table: Table, now_s: float, most: int = ITEMS_PER_TICK) -> int:
    """Look at up to `most` items from where the last sweep ended, and remove those that are expired.

    Returns how many were removed."""
    if table.ttl_attribute is None:
        return 0
    entries = list(islice(table.items.scan(WHOLE, table.ttl_cursor), most))
    table.ttl_cursor = entries[-1][0] if len(entries) == most else None
    expired = [(key, stored) for key, stored in entries if is_expired(stored, table.ttl_attribute, now_s)]
    for key, stored in expired:
        table.apply(key, stored, None, now_s, expired=True)
    return len(expired)
