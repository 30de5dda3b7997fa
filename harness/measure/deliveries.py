"""Who was told of what, against who was owed it.

Rules
1. A watcher is owed each event that became live, is of its account (of its device, where it watches one), and
   of a kind that its channel tells of.
2. What is owed is delivered, or dead-lettered, or *missing*: owed = delivered + dead_lettered + missing. What
   was delivered after all is delivered, whatever a dead-letter queue holds beside it.
3. Told twice of an event, a watcher has it *duplicated*; deliveries are at least once, so that is no loss.
4. An event of another account or device is *misdirected*: somebody was shown what is not theirs.
5. An event of its own that was not owed is *unasked*.

A pair of an event and a watcher takes 8 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.measure.percentiles import Percentiles, percentiles
from harness.measure.receipts import Receipts
from harness.pipeline import Channel

_EXAMPLES = 20
_HEALTHY = "healthy"

_Keys = NDArray[np.int64]
"""An event and a watcher as one number: watcher * events + ordinal."""


@dataclass(frozen=True, slots=True)
class EventColumns:
    """Of all events of a run, by ordinal: whose they are, and their kind as an index into `kinds`."""

    device: NDArray[np.int64]
    account: NDArray[np.int32]
    kind: NDArray[np.uint8]
    kinds: tuple[str, ...]

    def first(self, events: int) -> EventColumns:
        """Only the first `events` of them: an interrupted run did not plan all."""
        return EventColumns(self.device[:events], self.account[:events], self.kind[:events], self.kinds)


@dataclass(frozen=True, slots=True)
class Assigned:
    """A watcher, by its number: what it watches (a whole account when `device` is None), how a webhook
    endpoint behaves, and the kinds of event that its channel tells of."""

    number: int
    channel: Channel
    account: int
    device: int | None
    behaviour: str
    owed_kinds: frozenset[str]


@dataclass(frozen=True)
class ChannelResult:
    """Pairs of an event and a watcher. `accepted_to_told_ms` is of first deliveries to healthy watchers;
    `missing_examples` has (ordinal, watcher)."""

    watchers: int
    owed: int
    delivered: int
    dead_lettered: int
    missing: int
    duplicated: int
    misdirected: int
    unasked: int
    by_behaviour: dict[str, dict[str, int]]
    """owed, delivered, dead_lettered and missing of the watchers that behave so."""
    accepted_to_told_ms: Percentiles
    missing_examples: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Deliveries:
    """By channel; None where there was no watcher."""

    webhook: ChannelResult | None
    subscription: ChannelResult | None

    def to_json(self) -> dict[str, Any]:
        """As `deliveries.json` has it."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Deliveries:
        """The inverse of `to_json`. Raises TypeError or KeyError for anything else."""
        channels = {}
        for name in ("webhook", "subscription"):
            found = values[name]
            if found is not None:
                examples = tuple((int(event), int(watcher)) for event, watcher in found["missing_examples"])
                found = ChannelResult(**{**found, "missing_examples": examples})
            channels[name] = found
        return cls(**channels)


def reconcile_deliveries(
    events: EventColumns,
    live: NDArray[np.bool_],
    watchers: Sequence[Assigned],
    receipts: Receipts,
    lost: Iterable[tuple[int, int]],
) -> Deliveries:
    """Hold what watchers were told against what they were owed. `live` is by ordinal; `lost` has (ordinal,
    watcher) of the deliveries that ended in a dead-letter queue."""
    books = _Books(events, live)
    lost_keys = np.array([watcher * books.events + ordinal for ordinal, watcher in lost], dtype=np.int64)
    found: dict[str, ChannelResult | None] = {}
    for channel in ("webhook", "subscription"):
        its = [watcher for watcher in watchers if watcher.channel == channel]
        found[channel] = books.channel(its, receipts, lost_keys) if its else None
    return Deliveries(**found)


class _Books:
    """Events sorted by device and by account, so that a watcher finds its own without a look at the rest."""

    def __init__(self, events: EventColumns, live: NDArray[np.bool_]) -> None:
        self.events = len(live)
        self._columns = events
        self._live = live
        self._by_device = np.argsort(events.device, kind="stable")
        self._by_account = np.argsort(events.account, kind="stable")
        self._devices = events.device[self._by_device]
        self._accounts = events.account[self._by_account]

    def owed(self, watcher: Assigned) -> _Keys:
        """Rule 1, in the order of ordinals."""
        own = self._own(watcher)
        told_of = np.array([kind in watcher.owed_kinds for kind in self._columns.kinds], dtype=np.bool_)
        own = own[self._live[own] & told_of[self._columns.kind[own]]]
        return self._keys(watcher, own)

    def _keys(self, watcher: Assigned, ordinals: NDArray[np.int64]) -> _Keys:
        keys: _Keys = watcher.number * self.events + ordinals
        return keys

    def _own(self, watcher: Assigned) -> NDArray[np.int64]:
        if watcher.device is not None:
            return _between(self._by_device, self._devices, watcher.device)
        return _between(self._by_account, self._accounts, watcher.account)

    def channel(self, watchers: Sequence[Assigned], receipts: Receipts, lost: _Keys) -> ChannelResult:
        owed = np.concatenate([self.owed(watcher) for watcher in watchers])
        numbers = np.array([watcher.number for watcher in watchers], dtype=np.int64)
        rows = receipts[np.isin(receipts["watcher"], numbers)]
        known = rows[(rows["ordinal"] >= 0) & (rows["ordinal"] < self.events)]
        keys = known["watcher"].astype(np.int64) * self.events + known["ordinal"]
        told, times = np.unique(keys, return_counts=True)
        delivered = np.isin(owed, told)
        dead = np.isin(owed, lost) & ~delivered
        missing = owed[~delivered & ~dead]
        not_owed = told[~np.isin(told, owed)]
        own = np.isin(not_owed, self._everything_of(watchers))
        behaves = {watcher.number: watcher.behaviour for watcher in watchers}
        behaviour = np.array([behaves[number] for number in (owed // max(1, self.events)).tolist()])
        return ChannelResult(
            watchers=len(watchers),
            owed=len(owed),
            delivered=int(delivered.sum()),
            dead_lettered=int(dead.sum()),
            missing=len(missing),
            duplicated=int(np.count_nonzero(times > 1)),
            misdirected=int(np.count_nonzero(~own)) + len(rows) - len(known),
            unasked=int(np.count_nonzero(own)),
            by_behaviour={
                name: {
                    "owed": int(np.count_nonzero(behaviour == name)),
                    "delivered": int(np.count_nonzero(delivered & (behaviour == name))),
                    "dead_lettered": int(np.count_nonzero(dead & (behaviour == name))),
                    "missing": int(np.count_nonzero(~delivered & ~dead & (behaviour == name))),
                }
                for name in dict.fromkeys(watcher.behaviour for watcher in watchers)
            },
            accepted_to_told_ms=self._latency(known, keys, owed[delivered & (behaviour == _HEALTHY)]),
            missing_examples=tuple(
                (int(key % self.events), int(key // self.events)) for key in missing[:_EXAMPLES]
            ),
        )

    def _everything_of(self, watchers: Sequence[Assigned]) -> _Keys:
        return np.concatenate([self._keys(watcher, self._own(watcher)) for watcher in watchers])

    @staticmethod
    def _latency(rows: Receipts, keys: _Keys, of: _Keys) -> Percentiles:
        """Of the first delivery of each pair."""
        order = np.lexsort((rows["at_s"], keys))
        pairs, first = np.unique(keys[order], return_index=True)
        firsts = rows[order][first][np.isin(pairs, of)]
        return percentiles((firsts["at_s"] - firsts["accepted_s"]) * 1000.0)


def _between(order: NDArray[np.int64], values: NDArray[np.integer[Any]], wanted: int) -> NDArray[np.int64]:
    """The part of `order` where the sorted `values` are `wanted`."""
    return order[np.searchsorted(values, wanted, "left") : np.searchsorted(values, wanted, "right")]
