"""The accounts of a deployment: what they identify themselves with, in the `accounts` table.

An account is two items: one by its publishable key, one by its id with the hash of its secret key.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

from deploy.accounts import DISABLED, account_id, new_seed, publishable_key, secret_sha256
from deploy.standup.engine import Clients, Facts, Journal, Known
from deploy.standup.parameters import read
from harness.errors import TargetError

ITEMS_A_WRITE = 25  # BatchWriteItem's own limit
_THREADS = 4
_ATTEMPTS = 10


@dataclass(frozen=True)
class Accounts:
    """At least `count` accounts, and the disabled one. The seed and the number of those written are kept in
    SSM, so that a second stand-up writes only what is missing."""

    clients: Clients
    name: str
    table_name: str
    count: int
    seed_parameter: str
    count_parameter: str
    sleep: Callable[[float], None] = time.sleep
    needs: Sequence[str] = ()

    def stand_up(self, known: Known, journal: Journal) -> Facts:  # noqa: ARG002
        """Write the accounts that are not there yet."""
        kept = read(self.clients, [self.seed_parameter, self.count_parameter])
        seed = kept.get(self.seed_parameter)
        if seed is None:
            seed = new_seed()
            self._put(self.seed_parameter, seed, "SecureString")
            journal.note(f"made the seed {self.seed_parameter}", self.take_down)
        written = int(kept.get(self.count_parameter, "0"))
        if written < self.count:
            self._write(seed, written)
            self._put(self.count_parameter, str(self.count))
            journal.note(
                f"wrote {self.count - written} accounts",
                # Accounts beyond the count that is kept harm nobody, and are written over the next time.
                lambda: self._put(self.count_parameter, str(written)) if written else None,
            )
        return {"seed": seed, "count": str(max(self.count, written))}

    def _write(self, seed: str, written: int) -> None:
        items = (
            item
            for number in range(written, self.count)
            for item in _items(seed, account_id(number), "active")
        )
        with ThreadPoolExecutor(_THREADS) as threads:
            for _ in threads.map(self._write_batch, _chunks(items)):
                pass
        if not written:
            self._write_batch(_items(seed, DISABLED, "disabled"))

    def _write_batch(self, items: Sequence[dict[str, Any]]) -> None:
        requests: list[dict[str, Any]] = [{"PutRequest": {"Item": item}} for item in items]
        for attempt in range(_ATTEMPTS):
            answer = self.clients("dynamodb").batch_write_item(RequestItems={self.table_name: requests})
            requests = answer.get("UnprocessedItems", {}).get(self.table_name, [])
            if not requests:
                return
            self.sleep(0.05 * 2**attempt)
        raise TargetError(f"The table {self.table_name} does not take its accounts: it is throttled.")

    def _put(self, name: str, value: str, kind: str = "String") -> None:
        self.clients("ssm").put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)

    def take_down(self) -> None:
        """Forget the seed; the accounts go with their table."""
        self.clients("ssm").delete_parameters(Names=[self.seed_parameter, self.count_parameter])


def _items(seed: str, account: str, status: str) -> list[dict[str, Any]]:
    both = {"account_id": {"S": account}, "status": {"S": status}}
    return [
        {"credential": {"S": publishable_key(seed, account)}, **both},
        {
            "credential": {"S": f"account#{account}"},
            "secret_sha256": {"S": secret_sha256(seed, account)},
            **both,
        },
    ]


def _chunks(items: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, ITEMS_A_WRITE)):
        yield chunk
