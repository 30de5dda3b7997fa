from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from deploy.predictions import predictions
from deploy.services.processing.handlers.processor import Processor
from deploy.services.processing.handlers.rules import Thresholds
from harness.pipeline import Event
from tests.deploy.fake_aws import FakeAws
from tests.deploy.stream import NOW_MS, location, record, registration, rfc3339

THRESHOLDS = Thresholds()


def test_poison_is_dead_lettered_and_unknown_kinds_are_not_predicted() -> None:
    events = [Event(0, "r-0", "poison", 0, "d", 0.0, {}), Event(1, "r-1", "rumour", 0, "d", 0.0, {})]
    assert list(predictions(events, THRESHOLDS)) == [(0, "dead_lettered")]


def test_devices_of_two_accounts_have_histories_of_their_own() -> None:
    fix = {"recorded_at": rfc3339(NOW_MS), "lat": 1.0, "lon": 2.0}
    events = [Event(n, f"r-{n}", "location", n % 2, "d", NOW_MS / 1000, fix) for n in range(3)]
    assert [outcome for _, outcome in predictions(events, THRESHOLDS)] == [
        "archived",
        "archived",
        "discarded:duplicate",
    ]


steps = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(-90_000, 700),
        st.sampled_from([0, 5, 20, 3000]),
        st.sampled_from([5.0, 250.0]),
        st.booleans(),
    ),
    max_size=30,
)


@given(steps)
def test_what_is_predicted_is_what_the_processor_does(
    life: list[tuple[int, int, int, float, bool]],
) -> None:
    events, records = [], []
    for ordinal, (device, second, metres, accuracy, registering) in enumerate(life):
        sent_ms = NOW_MS + ordinal * 500
        at_ms = sent_ms + second * 1000
        fields: dict[str, Any] = (
            registration("", at_ms)
            if registering
            else location("", at_ms, 50 + metres / 1e5, accuracy=accuracy)
        )
        del fields["event_id"]
        kind = "registration" if registering else "location"
        event = Event(ordinal, f"run-{ordinal}", kind, 0, f"d{device}", sent_ms / 1000, fields)
        events.append(event)
        envelope = {
            "account_id": "acct_000001",
            "kind": kind,
            "request_id": "r",
            "received_at": sent_ms,
            "device_id": event.device_id,
            "event": {"event_id": event.event_id, **fields},
        }
        records.append(record(ordinal, json.dumps(envelope).encode()))
    aws = FakeAws()
    processor = Processor(
        client=aws.client,
        devices_table="t",
        archive_bucket="b",
        archiver="a",
        dead_letter_queue_url="q",
        thresholds=THRESHOLDS,
    )
    if records:
        processor.process(records)
    rows = [row for document in aws.documents("audit/") for row in document["rows"]]
    ended = [(int(row[0][4:]), row[1].replace("handed_over", "archived")) for row in rows]
    assert list(predictions(events, THRESHOLDS)) == ended
