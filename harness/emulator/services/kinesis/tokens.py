"""What clients carry between calls: shard iterators and NextTokens. Opaque, signed, and good for 300 s.

docs: GetShardIterator and ListShards API reference (read 2026)
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from typing import Any, NamedTuple

import orjson

from harness.emulator.services.base import AwsError
from harness.emulator.services.kinesis.errors import invalid_argument

LIFETIME_MS = 300_000
_VERSION = (1).to_bytes(8, "big")
_SIGNATURE_BYTES = 16


class Position(NamedTuple):
    """Where a shard iterator stands: before the record at `record_index`."""

    account_id: str
    region: str
    stream: str
    shard_number: int
    shard_created_ms: int
    """Tells the shard from one of the same number in a later stream of the same name."""
    record_index: int


class ShardListPage(NamedTuple):
    """Where ListShards goes on: after the shard of that number, with the filter it began with."""

    stream: str
    after_shard_number: int
    filter_type: str
    filter_value: float


class Tokens:
    """Signs and reads tokens. Those of another Tokens are as invalid as any other text."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def iterator(self, position: Position, now_ms: int) -> str:
        """A shard iterator."""
        return self._sign(b"i", [now_ms, *position])

    def read_iterator(self, token: str, now_ms: int) -> Position:
        """Raises AwsError: InvalidArgumentException, ExpiredIteratorException."""
        fields = self._read(b"i", token)
        if fields is None:
            raise invalid_argument("Invalid ShardIterator.")
        issued_ms = fields[0]
        if now_ms - issued_ms > LIFETIME_MS:
            raise AwsError(
                "ExpiredIteratorException",
                f"Iterator expired. The iterator was created at time {_utc(issued_ms)} while right now it is "
                f"{_utc(now_ms)} which is further in the future than the tolerated delay of {LIFETIME_MS} "
                "milliseconds.",
            )
        return Position(*fields[1:])

    def next_page(self, page: ShardListPage, now_ms: int) -> str:
        """A NextToken of ListShards."""
        return self._sign(b"n", [now_ms, *page])

    def read_next_page(self, token: str, now_ms: int) -> ShardListPage:
        """Raises AwsError: InvalidArgumentException, ExpiredNextTokenException."""
        fields = self._read(b"n", token)
        if fields is None:
            raise invalid_argument("Invalid NextToken.")
        if now_ms - fields[0] > LIFETIME_MS:
            raise AwsError("ExpiredNextTokenException", f"NextToken {token} has expired.")
        return ShardListPage(*fields[1:])

    def _signature(self, payload: bytes) -> bytes:
        return hashlib.blake2b(payload, key=self._key, digest_size=_SIGNATURE_BYTES).digest()

    def _sign(self, kind: bytes, fields: list[str | int | float]) -> str:
        payload = kind + orjson.dumps(fields)
        return base64.b64encode(_VERSION + self._signature(payload) + payload).decode()

    def _read(self, kind: bytes, token: str) -> list[Any] | None:
        try:
            raw = base64.b64decode(token, validate=True)
        except ValueError:
            return None
        signature, payload = raw[8 : 8 + _SIGNATURE_BYTES], raw[8 + _SIGNATURE_BYTES :]
        if not hmac.compare_digest(signature, self._signature(payload)) or payload[:1] != kind:
            return None
        fields: list[Any] = orjson.loads(payload[1:])
        return fields


def _utc(at_ms: int) -> str:
    return time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(at_ms / 1000))
