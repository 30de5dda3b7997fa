"""What becomes of an event: pure rules over the event and its device's history.

The rules, in the order in which they are asked; the first that applies names the outcome:

1. an event id that the device's history knows                       -> as it ended then, redelivered
2. not an event of the contract                                      -> discarded:malformed
3. a registration                                                    -> registered
4. recorded more than `stale_after_ms` before it was received        -> discarded:stale
5. recorded more than `future_after_ms` after it was received        -> discarded:future
6. accuracy above `accuracy_m`                                       -> discarded:accuracy
7. time and place of the live fix or of the last archived one        -> discarded:duplicate
8. implied speed from the live fix above `speed_m_per_s`             -> discarded:speed
9. not older than the live fix, and within `unchanged_m` and
   `unchanged_ms` of the last archived fix                           -> discarded:unchanged
10. all other locations                                              -> archived

An event older than the live state is flagged *superseded*: it is registered or archived all the same, and the
live state stays. The live fix is the newest that passed rules 2 to 8, so a device that stands still is seen.
Time is what the gateway noted (`received_at`), so that a record judged again is judged alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, cos, inf, radians, sin, sqrt
from typing import NamedTuple

from .contract import REGISTRATION, Fix, Message, fix_of, registered_at_ms

REGISTERED = "registered"
ARCHIVED = "archived"
MALFORMED = "discarded:malformed"
STALE = "discarded:stale"
FUTURE = "discarded:future"
ACCURACY = "discarded:accuracy"
SPEED = "discarded:speed"
DUPLICATE = "discarded:duplicate"
UNCHANGED = "discarded:unchanged"

OF_THE_EVENT_ALONE = frozenset({MALFORMED, STALE, FUTURE, ACCURACY})
"""Outcomes that need no history: the same record always gets them again."""

_EARTH_RADIUS_M = 6_371_008.8


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where the rules draw their lines. Times in ms, distances in metres."""

    stale_after_ms: int = 24 * 3600 * 1000
    future_after_ms: int = 5 * 60 * 1000
    accuracy_m: float = 100.0
    speed_m_per_s: float = 100.0
    unchanged_m: float = 10.0
    unchanged_ms: int = 60 * 1000


@dataclass(slots=True)
class History:
    """What the rules know of a device: the live fix, the last archived one, its latest registration."""

    live: Fix | None = None
    archived: Fix | None = None
    registered_at_ms: int | None = None


class Verdict(NamedTuple):
    """How an event ended. `live`: it is now what the live state shows. `fix`: a location's place and time."""

    outcome: str
    superseded: bool = False
    live: bool = False
    fix: Fix | None = None


def judge(history: History, message: Message, thresholds: Thresholds) -> Verdict:
    """Rules 2 to 10 on one event; `history` is brought up to date."""
    if message.kind == REGISTRATION:
        return _registration(history, registered_at_ms(message))
    fix = fix_of(message)
    if fix is None:
        return Verdict(MALFORMED)
    by_itself = _discarded_by_itself(message, fix, thresholds)
    if by_itself is not None:
        return Verdict(by_itself)
    return _against_history(history, fix, thresholds)


def _registration(history: History, at_ms: int | None) -> Verdict:
    if at_ms is None:
        return Verdict(MALFORMED)
    if history.registered_at_ms is not None and at_ms < history.registered_at_ms:
        return Verdict(REGISTERED, superseded=True)
    history.registered_at_ms = at_ms
    return Verdict(REGISTERED, live=True)


def _discarded_by_itself(message: Message, fix: Fix, thresholds: Thresholds) -> str | None:
    age_ms = message.received_at_ms - fix.at_ms
    if age_ms > thresholds.stale_after_ms:
        return STALE
    if -age_ms > thresholds.future_after_ms:
        return FUTURE
    accuracy = message.event.get("accuracy")
    return ACCURACY if accuracy is not None and accuracy > thresholds.accuracy_m else None


def _against_history(history: History, fix: Fix, thresholds: Thresholds) -> Verdict:
    live, archived = history.live, history.archived
    if fix in (live, archived):
        return Verdict(DUPLICATE)
    superseded = live is not None and fix.at_ms < live.at_ms
    if live is not None and implied_speed_m_per_s(live, fix) > thresholds.speed_m_per_s:
        return Verdict(SPEED)
    if superseded:
        return Verdict(ARCHIVED, superseded=True, fix=fix)
    history.live = fix
    if archived is not None and _unchanged(archived, fix, thresholds):
        return Verdict(UNCHANGED, live=True, fix=fix)
    history.archived = fix
    return Verdict(ARCHIVED, live=True, fix=fix)


def _unchanged(archived: Fix, fix: Fix, thresholds: Thresholds) -> bool:
    return (
        abs(fix.at_ms - archived.at_ms) <= thresholds.unchanged_ms
        and distance_m(archived, fix) <= thresholds.unchanged_m
    )


def implied_speed_m_per_s(one: Fix, other: Fix) -> float:
    """The speed that takes a device from one fix to the other; infinite for two places at one time."""
    distance = distance_m(one, other)
    if distance == 0.0:
        return 0.0
    elapsed_ms = abs(other.at_ms - one.at_ms)
    return distance * 1000 / elapsed_ms if elapsed_ms else inf


def distance_m(one: Fix, other: Fix) -> float:
    """The great-circle distance (haversine, mean Earth radius of the IUGG)."""
    north = radians(one.lat)
    south = radians(other.lat)
    half_chord = (
        sin((south - north) / 2) ** 2 + cos(north) * cos(south) * sin(radians(other.lon - one.lon) / 2) ** 2
    )
    return 2 * _EARTH_RADIUS_M * asin(sqrt(min(1.0, half_chord)))
