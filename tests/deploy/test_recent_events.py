from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deploy.services.processing.handlers.recent import KEPT, KEPT_AT_MOST, RecentEvents


def after(text: str, *ids: str, outcome: str = "registered") -> str:
    recent = RecentEvents(text)
    for event_id in ids:
        if recent.ended(event_id) is None:
            recent.note(event_id, outcome, False)
    return recent.text()


@given(st.lists(st.text(min_size=1, max_size=20), unique=True, max_size=40), st.booleans())
def test_what_was_noted_is_known_after_it_was_stored(ids: list[str], superseded: bool) -> None:
    recent = RecentEvents()
    for event_id in ids:
        recent.note(event_id, "archived", superseded)
    stored = RecentEvents(recent.text())
    assert all(stored.ended(event_id) == ("archived", superseded) for event_id in ids)
    assert stored.ended("never seen before") is None


def test_old_events_give_way_to_new_ones() -> None:
    text = ""
    for number in range(100):
        text = after(text, f"e{number}")
    known = [number for number in range(100) if RecentEvents(text).ended(f"e{number}")]
    assert known == list(range(100 - KEPT, 100))


def test_a_batch_is_kept_whole_however_large() -> None:
    ids = [f"e{number}" for number in range(500)]
    text = after("", *ids)
    assert all(RecentEvents(text).ended(event_id) for event_id in ids)


def test_a_redelivered_half_keeps_the_other_half() -> None:
    ids = [f"e{number}" for number in range(500)]
    text = after(after("", *ids), *ids[:250], "new")
    assert all(RecentEvents(text).ended(event_id) for event_id in [*ids, "new"])


def test_there_is_a_bound_all_the_same() -> None:
    text = after("", *(f"e{number}" for number in range(KEPT_AT_MOST)))
    text = after(text, "e0", "new")
    assert len(text) == KEPT_AT_MOST * 9
    assert RecentEvents(text).ended("new")
