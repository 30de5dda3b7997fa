"""The ledger against a slow, obvious model of its rules, and its sums as laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.measure import acceptance, ledger
from harness.measure.ledger import Ledger
from harness.measure.ledger_result import LedgerResult
from harness.pipeline import Outcome

RUN = "run-1"
OUTCOMES = (
    "registered",
    "archived",
    "dead_lettered",
    "discarded:speed",
    "discarded:stale",
    "discarded:accuracy",
)


def made(codes: list[int]) -> Ledger:
    return Ledger(np.array(codes, dtype=np.uint8), RUN)


def outcome(
    ordinal: int | str | None, what: str = "archived", at_s: float | None = 1.0, **rest: object
) -> Outcome:
    event_id = f"{RUN}-{ordinal}" if isinstance(ordinal, int) else ordinal
    return Outcome(event_id, what, at_s, **rest)  # type: ignore[arg-type]


rows = st.builds(
    Outcome,
    event_id=st.one_of(
        st.integers(0, 14).map(lambda n: f"{RUN}-{n}"),
        st.sampled_from(
            [None, "other-1", f"{RUN}-", f"{RUN}-x", f"{RUN}-+1", f"{RUN}-01", f"{RUN}-{'9' * 5000}"]
        ),
    ),
    outcome=st.sampled_from(OUTCOMES),
    at_s=st.one_of(st.none(), st.integers(0, 4).map(float)),
    accepted_to_processed_ms=st.one_of(st.none(), st.integers(0, 3).map(float)),
    superseded=st.booleans(),
    redelivered=st.booleans(),
    duplicated=st.booleans(),
)
worlds = st.tuples(st.lists(st.integers(0, 4), max_size=12), st.lists(rows, max_size=40))


def naive(codes: list[int], evidence: list[Outcome]) -> dict[str, object]:
    """The rules of the module's docstring, one event at a time."""
    by_event: dict[int, list[Outcome]] = {}
    strays = 0
    known = {f"{RUN}-{n}": n for n in range(len(codes))}
    for row in evidence:
        if row.event_id in known:
            by_event.setdefault(known[row.event_id], []).append(row)
        else:
            strays += 1
    infinity = float("inf")

    def order(row: Outcome) -> tuple[float, str, bool, float]:
        at_s = infinity if row.at_s is None else row.at_s
        delay = infinity if row.accepted_to_processed_ms is None else row.accepted_to_processed_ms
        return at_s, row.outcome, not row.superseded, delay

    winners = {event: min(found, key=order) for event, found in by_event.items()}
    accepted = [event for event, code in enumerate(codes) if code == acceptance.ACCEPTED]
    maybe = [event for event, code in enumerate(codes) if code == acceptance.INDETERMINATE]
    both = [event for event in (*accepted, *maybe) if event in by_event]
    ends = [winners[event].outcome for event in accepted if event in winners]
    return {
        "accepted": len(accepted),
        "registered": ends.count("registered"),
        "archived": ends.count("archived"),
        "dead_lettered": ends.count("dead_lettered"),
        "discarded": {
            end.partition(":")[2]: ends.count(end)
            for end in sorted(set(ends))
            if end.startswith("discarded:")
        },
        "missing": len(accepted) - len(ends),
        "superseded": sum(winners[event].superseded for event in accepted if event in winners),
        "redelivered": sum(
            len(by_event[event]) > 1 or any(row.redelivered for row in by_event[event]) for event in both
        ),
        "duplicated": sum(any(row.duplicated for row in by_event[event]) for event in both),
        "conflicts": sum(len({row.outcome for row in by_event[event]}) > 1 for event in both),
        "unexpected": strays
        + sum(codes[e] not in (acceptance.ACCEPTED, acceptance.INDETERMINATE) for e in by_event),
        "indeterminate_appeared": sum(event in by_event for event in maybe),
        "indeterminate_not_appeared": sum(event not in by_event for event in maybe),
        "delays": sorted(
            delay
            for e in accepted
            if e in winners and (delay := winners[e].accepted_to_processed_ms) is not None
        ),
    }


@settings(max_examples=300, deadline=None)
@given(worlds, st.integers(1, 9))
def test_agrees_with_the_naive_model_however_the_rows_are_cut(
    world: tuple[list[int], list[Outcome]], chunk: int
) -> None:
    codes, evidence = world
    book = made(codes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "_CHUNK", chunk)
        book.record_many(evidence)
        result = book.reconcile()
    expected = naive(codes, evidence)
    delays = expected.pop("delays")
    assert {name: getattr(result, name) for name in expected} == expected
    assert result.accepted_to_processed_ms["count"] == len(delays)  # type: ignore[arg-type]
    assert result.accepted_to_processed_ms["max"] == (delays[-1] if delays else None)  # type: ignore[index]


@settings(max_examples=100, deadline=None)
@given(worlds, st.randoms(use_true_random=False))
def test_the_order_of_the_evidence_changes_nothing(world: tuple[list[int], list[Outcome]], random) -> None:  # type: ignore[no-untyped-def]
    codes, evidence = world
    shuffled = list(evidence)
    random.shuffle(shuffled)
    one, other = made(codes), made(codes)
    one.record_many(evidence)
    other.record_many(shuffled)
    left, right = one.reconcile().to_json(), other.reconcile().to_json()
    # Examples of strays are the first that were read.
    left.pop("unexpected_examples")
    right.pop("unexpected_examples")
    assert left == right


@settings(max_examples=200, deadline=None)
@given(worlds)
def test_every_accepted_event_ends_once_or_is_missing(world: tuple[list[int], list[Outcome]]) -> None:
    codes, evidence = world
    book = made(codes)
    book.record_many(evidence)
    result = book.reconcile()
    ended = result.registered + result.archived + sum(result.discarded.values()) + result.dead_lettered
    assert result.accepted == codes.count(acceptance.ACCEPTED) == ended + result.missing
    assert result.broken_identity() is None
    assert sum(result.unexpected_by.values()) == result.unexpected
    assert LedgerResult.from_json(result.to_json()) == result


def test_a_broken_sum_is_said() -> None:
    book = made([acceptance.ACCEPTED] * 3)
    book.record(outcome(0))
    values = book.reconcile().to_json() | {"missing": 0}
    said = LedgerResult.from_json(values).broken_identity()
    assert said == "The ledger does not add up: 3 events were accepted, but 1 ended and 0 are missing."


def test_missing_and_unexpected_are_named() -> None:
    book = made([acceptance.ACCEPTED, acceptance.ACCEPTED, acceptance.THROTTLED, acceptance.NOT_SENT])
    book.record_many([outcome(0), outcome(2), outcome("alien-7"), outcome(None, "dead_lettered")])
    result = book.reconcile()
    assert result.missing_examples == (1,)
    assert result.unexpected_examples == ("2", "alien-7")
    assert result.unexpected_by == {
        "not_sent": 0,
        "throttled": 1,
        "failed": 0,
        "unknown_id": 1,
        "unidentified": 1,
    }


def test_the_first_by_time_wins_and_the_disagreement_is_listed() -> None:
    book = made([acceptance.ACCEPTED] * 2)
    book.record_many([outcome(1, "discarded:duplicate", 9.0), outcome(1, "registered", 2.0)])
    result = book.reconcile()
    assert (result.registered, result.redelivered, result.conflicts) == (1, 1, 1)
    assert result.conflict_examples == (1,)
    assert result.duplicated == 0


def test_predictions_check_and_never_replace() -> None:
    book = made([acceptance.ACCEPTED] * 4)
    book.record_many([outcome(0), outcome(1, "discarded:speed"), outcome(2)])
    book.predict_many([(0, "archived"), (1, "archived"), (3, "archived")])
    result = book.reconcile()
    assert result.archived == 2
    assert result.missing == 1
    assert result.predictions is not None
    assert (result.predictions.agree, result.predictions.differ, result.predictions.unpredicted) == (1, 1, 1)
    assert result.predictions.differences == {"archived -> discarded:speed": 1}
    assert result.predictions.examples[0].ordinal == 1


@pytest.mark.parametrize("what", ["", "lost", "discarded:", "discarded"])
def test_an_outcome_that_is_not_terminal_is_refused(what: str) -> None:
    with pytest.raises(ValueError, match="no terminal outcome"):
        made([1]).record(outcome(0, what))


def test_reasons_for_discarding_join_until_the_codes_run_out() -> None:
    book = made([1])
    for n in range(252):
        book.record(outcome(0, f"discarded:r{n:03}"))
    with pytest.raises(ValueError, match="252 reasons"):
        book.record(outcome(0, "discarded:one-more"))


def test_an_event_takes_sixteen_bytes() -> None:
    book = made([1] * 1000)
    per_event = [array for array in book.arrays().values() if len(array) == 1000]
    assert sum(array.nbytes for array in per_event) + book.acceptance.nbytes == 16_000
