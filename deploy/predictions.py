"""What the pipeline's own rules give for the events of a run, from the events alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from deploy.accounts import account_id
from deploy.dead_letter_queues import DEAD_LETTERED
from deploy.services.processing.handlers.contract import LOCATION, REGISTRATION, Message
from deploy.services.processing.handlers.rules import History, Thresholds, judge
from harness.pipeline import Event

POISON = "poison"


def predictions(events: Iterable[Event], thresholds: Thresholds) -> Iterator[tuple[int, str]]:
    """(ordinal, outcome) of each of `events`, which come in the order in which they are sent.

    An event is taken to be received when it is sent, and in that order; what a network reorders or loses
    ends otherwise, and shows as a difference."""
    histories: dict[tuple[int, str], History] = {}
    for event in events:
        if event.kind == POISON:
            yield event.ordinal, DEAD_LETTERED
        elif event.kind == LOCATION:
            history = histories.setdefault((event.account, event.device_id), History())
            yield event.ordinal, judge(history, _message(event), thresholds).outcome
        elif event.kind == REGISTRATION:  # ends alike whatever came before it
            yield event.ordinal, judge(History(), _message(event), thresholds).outcome


def _message(event: Event) -> Message:
    account = account_id(event.account)
    return Message(
        event.event_id,
        event.kind,
        account,
        event.device_id,
        "",
        round(event.at_s * 1000),
        event.fields,
        f"{account}/{event.device_id}",
    )
