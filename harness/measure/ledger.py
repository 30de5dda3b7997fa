"""What became of each event: the outcomes that the evidence shows, against what the answers promised.

Rules
1. Every accepted event ends as exactly one of registered, archived, discarded:<reason>, dead_lettered; an
   accepted event without an outcome is *missing*.
2. When the evidence has several rows for one event, the first by time counts. Rows without a time come after
   those with one; rows of the same time are ordered by the name of the outcome. The order in which the rows
   are read changes nothing.
3. A second row makes the event *redelivered*: it was seen more than once and absorbed. Rows that disagree on
   the outcome are a *conflict* beside that. *Duplicated*, a reader can see it twice, the evidence must say.
4. An outcome of an event that was not sent, or was refused (throttled or failed), is *unexpected*; so is
   one with an id that is not of this run, and one that cannot say which event it was.
5. An event that was sent and never answered is *indeterminate*: it may appear or not, and is counted apart.

An event takes 16 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.measure import acceptance as codes
from harness.measure.acceptance import AcceptanceArray
from harness.measure.ledger_result import Difference, LedgerResult, Predictions
from harness.measure.percentiles import percentiles
from harness.pipeline import Outcome

NONE: Final = 0
"""The outcome code of an event that the evidence does not show."""
_FIXED: Final = ("", "registered", "archived", "dead_lettered")
_DISCARDED: Final = "discarded:"

SUPERSEDED: Final = 1
REDELIVERED: Final = 2
DUPLICATED: Final = 4
CONFLICT: Final = 8
LIVE: Final = 16
"""It became what the product tells of its device: its watchers are owed it."""
_STAYING: Final = REDELIVERED | DUPLICATED | CONFLICT | LIVE
"""The flags that stay whichever row wins."""

_CHUNK = 65_536
_EXAMPLES = 20
_MAX_CODES = 256
_MAX_DIGITS = 15

_Rows = tuple[
    NDArray[np.int64], NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32], NDArray[np.float64]
]
_Keys = tuple[NDArray[np.float64 | np.int64 | np.uint8 | np.float32], ...]


class OutcomeCodes:
    """The names of outcomes and the small numbers that stand for them; discard reasons join as they come."""

    def __init__(self, names: Iterable[str] = _FIXED) -> None:
        self._names = list(names)
        self._codes = {name: code for code, name in enumerate(self._names)}

    @property
    def names(self) -> tuple[str, ...]:
        """The names, by code."""
        return tuple(self._names)

    def code(self, outcome: str) -> int:
        """The code of `outcome`. Raises ValueError when it is no terminal outcome, or when there are more
        than 252 reasons for discarding."""
        code = self._codes.get(outcome)
        if code is not None and code != NONE:
            return code
        if not outcome.startswith(_DISCARDED) or outcome == _DISCARDED:
            raise ValueError(
                f"'{outcome}' is no terminal outcome: registered, archived, discarded:<reason>, dead_lettered"
            )
        code = len(self._names)
        if code == _MAX_CODES:
            raise ValueError(f"a ledger holds {_MAX_CODES - len(_FIXED)} reasons for discarding, no more")
        self._names.append(outcome)
        self._codes[outcome] = code
        return code

    def ranks(self) -> NDArray[np.int64]:
        """The place of each code in the order of names: what breaks ties."""
        ranks = np.empty(len(self._names), dtype=np.int64)
        ranks[np.argsort(np.array(self._names))] = np.arange(len(self._names))
        return ranks


class Ledger:
    """The outcomes of one run's events, by ordinal. `acceptance` has a code for each event of the run, sent
    or not; event ids are `<run_id>-<ordinal>`."""

    def __init__(self, acceptance: AcceptanceArray, run_id: str) -> None:
        n = len(acceptance)
        self.acceptance = acceptance
        self.codes = OutcomeCodes()
        self.outcome = np.zeros(n, dtype=np.uint8)
        self.flags = np.zeros(n, dtype=np.uint8)
        self.delay_ms = np.full(n, np.nan, dtype=np.float32)
        self.at_s = np.full(n, np.inf, dtype=np.float64)
        self.predicted = np.zeros(n, dtype=np.uint8)
        self.unknown_ids = 0
        self.unidentified = 0
        self.unknown_examples: list[str] = []
        self._prefix = f"{run_id}-"
        self._pending: list[tuple[int, int, int, float, float]] = []

    def record(self, outcome: Outcome) -> None:
        """Take one row of evidence. Raises ValueError when its outcome is not one of the four kinds."""
        self.record_many((outcome,))

    def record_many(self, outcomes: Iterable[Outcome]) -> None:
        """Take rows of evidence, in any order. Raises ValueError as `record` does."""
        pending, prefix, start = self._pending, self._prefix, len(self._prefix)
        events, code_of = len(self.outcome), self.codes.code
        for row in outcomes:
            code = code_of(row.outcome)
            event_id = row.event_id
            if event_id is None:
                self.unidentified += 1
                continue
            digits = event_id[start:]
            # Only the one way to write an ordinal: no sign, no blank, no leading zero, no other script.
            if (
                not event_id.startswith(prefix)
                or not (digits.isascii() and digits.isdigit())
                or (digits[0] == "0" and len(digits) > 1)
                or len(digits) > _MAX_DIGITS
                or int(digits) >= events
            ):
                self._unknown(event_id)
                continue
            flags = (
                row.superseded * SUPERSEDED
                | row.redelivered * REDELIVERED
                | row.duplicated * DUPLICATED
                | row.live * LIVE
            )
            delay, at_s = row.accepted_to_processed_ms, row.at_s
            pending.append(
                (
                    int(digits),
                    code,
                    flags,
                    np.nan if delay is None else delay,
                    np.inf if at_s is None else at_s,
                )
            )
            if len(pending) >= _CHUNK:
                self._settle()

    def predict_many(self, predictions: Iterable[tuple[int, str]]) -> None:
        """Take what the product's rules say of events: (ordinal, outcome). They check the evidence and never
        replace it. Raises ValueError for an outcome of another kind, IndexError for an ordinal past the
        last."""
        for ordinal, outcome in predictions:
            self.predicted[ordinal] = self.codes.code(outcome)

    def reconcile(self) -> LedgerResult:
        """Hold what was accepted against what became of it."""
        self._settle()
        return _reconcile(self)

    @property
    def waiting(self) -> int:
        """How many accepted events have no outcome so far."""
        self._settle()
        return int(np.count_nonzero((self.acceptance == codes.ACCEPTED) & (self.outcome == NONE)))

    @property
    def live(self) -> NDArray[np.bool_]:
        """Whether each event became what the product tells of its device, by ordinal."""
        self._settle()
        live: NDArray[np.bool_] = self.flags & LIVE != 0
        return live

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """What `ledger/outcomes.npz` keeps, an entry an event; `names` has the outcomes by code."""
        self._settle()
        return {
            "outcome": self.outcome,
            "flags": self.flags,
            "delay_ms": self.delay_ms,
            "at_s": self.at_s,
            "predicted": self.predicted,
            "names": np.array(self.codes.names),
        }

    def _unknown(self, event_id: str) -> None:
        self.unknown_ids += 1
        if len(self.unknown_examples) < _EXAMPLES:
            self.unknown_examples.append(event_id[:100])

    def _settle(self) -> None:
        """Work the pending rows into the arrays (rules 2 and 3)."""
        if not self._pending:
            return
        table = np.array(self._pending, dtype=np.float64)
        self._pending.clear()
        rows: _Rows = (
            table[:, 0].astype(np.int64),
            table[:, 1].astype(np.uint8),
            table[:, 2].astype(np.uint8),
            table[:, 3].astype(np.float32),
            table[:, 4],
        )
        ranks = self.codes.ranks()
        ordinal, code, flags, delay, at_s = self._sorted(rows, ranks)
        first = np.concatenate(([True], ordinal[1:] != ordinal[:-1]))
        winner = np.flatnonzero(first)[np.cumsum(first) - 1]
        again = ~first
        self.flags[ordinal[again]] |= REDELIVERED
        np.bitwise_or.at(self.flags, ordinal, flags & _STAYING)
        self.flags[ordinal[again & (code != code[winner])]] |= CONFLICT
        self._merge((ordinal[first], code[first], flags[first], delay[first], at_s[first]), ranks)

    @staticmethod
    def _sorted(rows: _Rows, ranks: NDArray[np.int64]) -> _Rows:
        ordinal, code, flags, delay, at_s = rows
        order = np.lexsort((delay, 1 - (flags & SUPERSEDED), ranks[code], at_s, ordinal))
        return ordinal[order], code[order], flags[order], delay[order], at_s[order]

    def _merge(self, rows: _Rows, ranks: NDArray[np.int64]) -> None:
        """Put the winners of a chunk, one an event, beside what is there already."""
        ordinal, code, flags, delay, at_s = rows
        there = self.outcome[ordinal]
        seen = there != NONE
        self.flags[ordinal[seen]] |= REDELIVERED
        self.flags[ordinal[seen & (there != code)]] |= CONFLICT
        wins = ~seen | self._before(rows, ranks)
        at = ordinal[wins]
        self.outcome[at] = code[wins]
        self.delay_ms[at] = delay[wins]
        self.at_s[at] = at_s[wins]
        self.flags[at] = (self.flags[at] & ~np.uint8(SUPERSEDED)) | (flags[wins] & SUPERSEDED)

    def _before(self, rows: _Rows, ranks: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each row comes before what is there, in the order that `_sorted` sorts by."""
        ordinal, code, flags, delay, at_s = rows
        ours: _Keys = (at_s, ranks[code], 1 - (flags & SUPERSEDED), np.nan_to_num(delay, nan=np.inf))
        theirs: _Keys = (
            self.at_s[ordinal],
            ranks[self.outcome[ordinal]],
            1 - (self.flags[ordinal] & SUPERSEDED),
            np.nan_to_num(self.delay_ms[ordinal], nan=np.inf),
        )
        before = np.zeros(len(ordinal), dtype=np.bool_)
        level = np.ones(len(ordinal), dtype=np.bool_)
        for mine, other in zip(ours, theirs, strict=True):
            before |= level & (mine < other)
            level &= mine == other
        return before


def _reconcile(ledger: Ledger) -> LedgerResult:
    accepted = ledger.acceptance == codes.ACCEPTED
    indeterminate = ledger.acceptance == codes.INDETERMINATE
    ended = ledger.outcome != NONE
    missing = accepted & ~ended
    by_outcome = np.bincount(ledger.outcome[accepted], minlength=len(ledger.codes.names))
    counts = {name: int(n) for name, n in zip(ledger.codes.names, by_outcome, strict=True)}
    unexpected = ended & ~(accepted | indeterminate)
    unexpected_by = codes.count(ledger.acceptance[unexpected])
    flags = ledger.flags[accepted | indeterminate]
    conflicts = ledger.flags & CONFLICT != 0
    return LedgerResult(
        accepted=int(accepted.sum()),
        registered=counts["registered"],
        archived=counts["archived"],
        discarded={
            name.removeprefix(_DISCARDED): n
            for name, n in sorted(counts.items())
            if name.startswith(_DISCARDED) and n
        },
        dead_lettered=counts["dead_lettered"],
        missing=int(missing.sum()),
        superseded=_count(ledger.flags[accepted], SUPERSEDED),
        redelivered=_count(flags, REDELIVERED),
        duplicated=_count(flags, DUPLICATED),
        conflicts=_count(flags, CONFLICT),
        unexpected=int(unexpected.sum()) + ledger.unknown_ids + ledger.unidentified,
        unexpected_by={
            **{name: unexpected_by[name] for name in ("not_sent", "throttled", "failed")},
            "unknown_id": ledger.unknown_ids,
            "unidentified": ledger.unidentified,
        },
        indeterminate_appeared=int((indeterminate & ended).sum()),
        indeterminate_not_appeared=int((indeterminate & ~ended).sum()),
        accepted_to_processed_ms=percentiles(ledger.delay_ms[accepted & ended]),
        predictions=_predictions(ledger, accepted & ended),
        missing_examples=_first(missing),
        unexpected_examples=(*map(str, _first(unexpected)), *ledger.unknown_examples)[:_EXAMPLES],
        conflict_examples=_first(conflicts),
    )


def _predictions(ledger: Ledger, judged: NDArray[np.bool_]) -> Predictions | None:
    if not ledger.predicted.any():
        return None
    names = ledger.codes.names
    predicted = judged & (ledger.predicted != NONE)
    differ = predicted & (ledger.predicted != ledger.outcome)
    pairs = ledger.predicted[differ].astype(np.int64) * _MAX_CODES + ledger.outcome[differ]
    kinds, counts = np.unique(pairs, return_counts=True)
    return Predictions(
        agree=int((predicted & ~differ).sum()),
        differ=int(differ.sum()),
        unpredicted=int((judged & ~predicted).sum()),
        differences={
            f"{names[kind // _MAX_CODES]} -> {names[kind % _MAX_CODES]}": int(n)
            for kind, n in zip(kinds, counts, strict=True)
        },
        examples=tuple(
            Difference(at, names[ledger.predicted[at]], names[ledger.outcome[at]]) for at in _first(differ)
        ),
    )


def _count(flags: NDArray[np.uint8], flag: int) -> int:
    return int(np.count_nonzero(flags & flag))


def _first(chosen: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(at) for at in np.flatnonzero(chosen)[:_EXAMPLES])
