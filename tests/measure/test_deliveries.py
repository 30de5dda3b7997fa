from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.deliveries import Assigned, Deliveries, EventColumns, reconcile_deliveries
from harness.measure.receipts import DTYPE

BOTH = frozenset({"location", "registration"})
KINDS = ("location", "registration")


def columns(*rows: tuple[int, int, str]) -> EventColumns:
    """(device, account, kind) of each event."""
    return EventColumns(
        np.array([device for device, _, _ in rows], dtype=np.int64),
        np.array([account for _, account, _ in rows], dtype=np.int32),
        np.array([KINDS.index(kind) for _, _, kind in rows], dtype=np.uint8),
        KINDS,
    )


def received(*rows: tuple[int, int, float, float]) -> np.ndarray:
    """(ordinal, watcher, when told, when accepted)."""
    return np.array(list(rows), dtype=DTYPE)


def hook(number: int, account: int, behaviour: str = "healthy", kinds: frozenset[str] = BOTH) -> Assigned:
    return Assigned(number, "webhook", account, None, behaviour, kinds)


def subscriber(number: int, account: int, device: int | None = None) -> Assigned:
    return Assigned(number, "subscription", account, device, "healthy", BOTH)


EVENTS = columns((10, 0, "location"), (10, 0, "location"), (11, 0, "registration"), (20, 1, "location"))
LIVE = np.array([True, False, True, True])


def test_a_watcher_is_owed_the_live_events_of_its_account_or_device() -> None:
    watchers = [hook(0, account=0), subscriber(1, account=0, device=10), subscriber(2, account=1)]
    told = received((0, 0, 2.0, 1.0), (0, 1, 1.5, 1.0), (3, 2, 1.25, 1.0))
    found = reconcile_deliveries(EVENTS, LIVE, watchers, told, [])
    assert found.webhook is not None
    assert found.subscription is not None
    assert (found.webhook.owed, found.webhook.delivered, found.webhook.missing) == (2, 1, 1)
    assert found.webhook.missing_examples == ((2, 0),)
    assert (found.subscription.owed, found.subscription.delivered, found.subscription.missing) == (2, 2, 0)
    assert found.subscription.accepted_to_told_ms["max"] == 500.0
    assert (found.webhook.misdirected, found.subscription.misdirected) == (0, 0)


def test_a_channel_tells_only_of_its_kinds() -> None:
    found = reconcile_deliveries(EVENTS, LIVE, [hook(0, 0, kinds=frozenset({"location"}))], received(), [])
    assert found.webhook is not None
    assert found.webhook.owed == 1
    assert found.subscription is None


def test_what_was_delivered_after_all_is_delivered() -> None:
    watchers = [hook(0, 0, "failing"), hook(1, 0)]
    told = received((0, 1, 2.0, 1.0), (2, 1, 2.0, 1.0))
    lost = [(0, 0), (2, 0), (0, 1)]
    found = reconcile_deliveries(EVENTS, LIVE, watchers, told, lost).webhook
    assert found is not None
    assert found.by_behaviour == {
        "failing": {"owed": 2, "delivered": 0, "dead_lettered": 2, "missing": 0},
        "healthy": {"owed": 2, "delivered": 2, "dead_lettered": 0, "missing": 0},
    }


def test_told_twice_is_duplicated_and_timed_by_the_first() -> None:
    told = received((0, 0, 3.0, 1.0), (0, 0, 2.0, 1.0))
    found = reconcile_deliveries(EVENTS, LIVE, [hook(0, 0)], told, []).webhook
    assert found is not None
    assert (found.delivered, found.duplicated) == (1, 1)
    assert found.accepted_to_told_ms["max"] == 1000.0


def test_what_is_somebody_elses_is_misdirected_and_what_is_not_owed_is_unasked() -> None:
    told = received((3, 0, 2.0, 1.0), (1, 0, 2.0, 1.0), (99, 0, 2.0, 1.0))
    found = reconcile_deliveries(EVENTS, LIVE, [hook(0, 0)], told, []).webhook
    assert found is not None
    assert (found.misdirected, found.unasked, found.delivered) == (2, 1, 0)


def test_a_device_subscriber_is_not_to_see_another_device_of_its_account() -> None:
    found = reconcile_deliveries(EVENTS, LIVE, [subscriber(0, 0, device=10)], received((2, 0, 2.0, 1.0)), [])
    assert found.subscription is not None
    assert found.subscription.misdirected == 1


def test_only_healthy_watchers_are_timed() -> None:
    watchers = [hook(0, 0, "slow"), hook(1, 0)]
    told = received((0, 0, 9.0, 1.0), (0, 1, 1.5, 1.0))
    found = reconcile_deliveries(EVENTS, LIVE, watchers, told, []).webhook
    assert found is not None
    assert found.accepted_to_told_ms["count"] == 1
    assert found.accepted_to_told_ms["p99"] == 500.0


def test_nothing_owed_and_nobody_told() -> None:
    found = reconcile_deliveries(columns(), np.zeros(0, dtype=np.bool_), [hook(0, 0)], received(), [])
    assert found.webhook is not None
    assert found.webhook.owed == 0
    assert found.webhook.accepted_to_told_ms["count"] == 0


def test_it_is_stored_as_it_is() -> None:
    watchers = [hook(0, 0), subscriber(1, 1)]
    found = reconcile_deliveries(EVENTS, LIVE, watchers, received((0, 0, 2.0, 1.0)), [(2, 0)])
    assert Deliveries.from_json(found.to_json()) == found


def test_a_damaged_record_is_refused() -> None:
    with pytest.raises((KeyError, TypeError)):
        Deliveries.from_json({"webhook": {"owed": 1}, "subscription": None})


events = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(KINDS), st.booleans()).map(
        lambda row: (row[0], row[0] % 2, row[1], row[2])
    ),
    max_size=12,
)
watching = st.lists(
    st.tuples(st.sampled_from(["webhook", "subscription"]), st.integers(0, 1), st.none() | st.integers(0, 5)),
    min_size=1,
    max_size=4,
)


@given(
    events,
    watching,
    st.lists(st.tuples(st.integers(-1, 13), st.integers(0, 3)), max_size=30),
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 3)), max_size=10),
)
def test_it_is_what_counting_one_by_one_gives(rows, watchers, told, lost) -> None:
    assigned = [
        Assigned(
            n, channel, account if device is None else device % 2, device, "healthy", BOTH - {"registration"}
        )
        for n, (channel, account, device) in enumerate(watchers)
    ]
    lost = [(ordinal, watcher) for ordinal, watcher in lost if ordinal < len(rows)]
    live = np.array([row[3] for row in rows], dtype=np.bool_)
    receipts = received(*((ordinal, watcher, 2.0, 1.0) for ordinal, watcher in told))
    found = reconcile_deliveries(columns(*(row[:3] for row in rows)), live, assigned, receipts, lost)
    for channel in ("webhook", "subscription"):
        its = {watcher.number: watcher for watcher in assigned if watcher.channel == channel}
        result = getattr(found, channel)
        if not its:
            assert result is None
            continue

        def of(watcher: Assigned, row: tuple[int, int, str, bool]) -> bool:
            return row[0] == watcher.device if watcher.device is not None else row[1] == watcher.account

        owed = {
            (n, ordinal)
            for n, watcher in its.items()
            for ordinal, row in enumerate(rows)
            if row[3] and row[2] == "location" and of(watcher, row)
        }
        times = Counter((watcher, ordinal) for ordinal, watcher in told if watcher in its)
        dead = {(watcher, ordinal) for ordinal, watcher in lost}
        known = {pair: n for pair, n in times.items() if 0 <= pair[1] < len(rows)}
        own = {pair for pair in known if of(its[pair[0]], rows[pair[1]])}
        outside = sum(n for pair, n in times.items() if pair not in known)
        assert result.owed == len(owed)
        assert result.delivered == len(owed & set(known))
        assert result.dead_lettered == len((owed & dead) - set(known))
        assert result.missing == len(owed - set(known) - dead)
        assert result.owed == result.delivered + result.dead_lettered + result.missing
        assert result.duplicated == sum(n > 1 for n in known.values())
        assert result.misdirected == len(set(known) - own) + outside
        assert result.unasked == len(own - owed)
