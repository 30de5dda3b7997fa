from __future__ import annotations

import contextlib
import gzip
import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.services.processing.handlers.archiver import Archiver
from deploy.services.processing.handlers.processor import Processor
from deploy.services.processing.handlers.rules import Thresholds
from tests.deploy.fake_aws import FakeAws, Throttled
from tests.deploy.stream import NOW_MS, batch, envelope, location, record, registration


def processor(aws: FakeAws) -> Processor:
    return Processor(
        client=aws.client,
        devices_table="devices",
        archive_bucket="archive",
        archiver="archiver",
        dead_letter_queue_url="queue",
        thresholds=Thresholds(),
        clock=lambda: NOW_MS / 1000 + 0.5,
        sleep=lambda _: None,
    )


def rows(aws: FakeAws) -> list[list[Any]]:
    return [row for document in aws.documents("audit/processor/") for row in document["rows"]]


def archive_all(aws: FakeAws) -> None:
    archiver = Archiver(s3=aws, bucket="archive", clock=lambda: NOW_MS / 1000 + 0.9)
    for handover in aws.handovers:
        archiver.archive(handover)


def test_a_batch_ends_in_the_live_state_the_archive_and_the_audit() -> None:
    aws = FakeAws()
    records = batch(
        envelope(registration("e0"), received_ms=NOW_MS),
        envelope(location("e1", battery={"level": 0.5}), received_ms=NOW_MS + 20),
        envelope(location("e2", accuracy=500.0)),
        envelope(location("e3"), device="d2"),
    )
    assert processor(aws).process(records) == []
    assert rows(aws) == [
        ["e0", "registered", NOW_MS, 0],
        ["e1", "handed_over", NOW_MS + 20, 4],
        ["e2", "discarded:accuracy", NOW_MS, 0],
        ["e3", "handed_over", NOW_MS, 4],
    ]
    assert aws.calls == ["batch_get_item", "invoke", "batch_write_item", "put_object"]
    recent = aws.items["acct_000001/d1"].pop("recent")["S"]
    assert [recent[0], recent[9], len(recent)] == ["A", "R", 18]
    assert aws.items["acct_000001/d1"] == {
        "device_key": {"S": "acct_000001/d1"},
        "device_id": {"S": "d1"},
        "list_key": {"S": "acct_000001#6"},
        "changed": {"S": "location"},
        "location_event_id": {"S": "e1"},
        "location_received_at": {"N": str(NOW_MS + 20)},
        "registered_at": {"N": str(NOW_MS)},
        "platform": {"S": "android"},
        "push_token": {"S": "t-1"},
        "reason": {"S": "app_launch"},
        "recorded_at": {"N": str(NOW_MS)},
        "lat": {"N": "53.4"},
        "lon": {"N": "-2.9"},
        "accuracy": {"N": "5.0"},
        "battery": {"N": "0.5"},
        "context": {"S": "stopped"},
    }


def test_the_archive_object_holds_the_locations_and_the_archiver_says_so() -> None:
    aws = FakeAws()
    hour_ms = 3_600_000
    processor(aws).process(
        batch(
            envelope(location("e1")),
            envelope(location("e2", NOW_MS - 1000, lat=53.4001), received_ms=NOW_MS + hour_ms),
        )
    )
    archive_all(aws)
    archived = {key: body for key, body in aws.objects.items() if key.startswith("archive/")}
    lines = [json.loads(line) for body in archived.values() for line in gzip.decompress(body).splitlines()]
    assert [key.split("/")[:3] for key in archived] == [
        ["archive", "date=2025-11-23", "hour=12"],
        ["archive", "date=2025-11-23", "hour=13"],
    ]
    assert [line["event_id"] for line in lines] == ["e1", "e2"]
    assert lines[0]["account_id"] == "acct_000001"
    assert lines[1]["superseded"] is True
    audits = aws.documents("audit/archiver/")
    assert [row for audit in audits for row in audit["rows"]] == [
        ["e1", "archived", NOW_MS, 0],
        ["e2", "archived", NOW_MS + hour_ms, 1],
    ]
    assert audits[0]["at"] == NOW_MS + 900
    assert audits[0]["processed_at"] == NOW_MS + 500


def test_what_cannot_be_parsed_is_dead_lettered_and_blocks_nobody() -> None:
    aws = FakeAws()
    poison = record(7, b'\xff{"event_id": "run-9", ', "k")
    records = [poison, *batch(envelope(registration("e1")), first=8)]
    assert processor(aws).process(records) == []
    [letter] = aws.letters
    assert letter["event_id"] == "run-9"
    assert letter["shard_id"] == "shardId-000000000000"
    assert letter["sequence_number"] == poison["kinesis"]["sequenceNumber"]
    assert letter["partition_key"] == "k"
    assert rows(aws) == [["e1", "registered", NOW_MS, 0]]


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"null", b"12", b'"x"', b'{"account_id": "a"}', b"[" * 100_000]
    + [json.dumps({**envelope(registration("e")), name: value}).encode() for name, value in
       [("received_at", "now"), ("kind", "rumour"), ("account_id", ""), ("device_id", {})]],
)  # fmt: skip
def test_no_data_can_break_the_processor(data: bytes) -> None:
    aws = FakeAws()
    assert processor(aws).process([record(1, data)]) == []
    assert len(aws.letters) == 1


def test_an_event_that_is_no_object_is_malformed_not_poison() -> None:
    aws = FakeAws()
    processor(aws).process(batch(envelope(["not", "an", "object"])))
    assert rows(aws) == [[None, "discarded:malformed", NOW_MS, 0]]


def test_devices_that_the_table_refuses_are_delivered_again_and_not_audited() -> None:
    aws = FakeAws()
    aws.refused_keys = {"acct_000001/d1"}
    records = batch(
        envelope(registration("e1")), envelope(registration("e2"), device="d2"), envelope(location("e3"))
    )
    failed = processor(aws).process(records)
    assert failed == [records[0]["kinesis"]["sequenceNumber"], records[2]["kinesis"]["sequenceNumber"]]
    assert rows(aws) == [["e2", "registered", NOW_MS, 0]]
    assert aws.calls.count("batch_write_item") == 6

    aws.refused_keys = set()
    assert processor(aws).process(records) == []
    assert [row[:2] + row[3:] for row in rows(aws)] == [
        ["e1", "registered", 0],
        ["e2", "registered", 2],
        ["e3", "handed_over", 4],
    ]


def test_a_throttled_write_is_tried_again() -> None:
    aws = FakeAws()
    throttles = iter([Throttled(), Throttled(), None])
    aws.fails["batch_write_item"] = lambda _: next(throttles)
    assert processor(aws).process(batch(envelope(registration("e1")))) == []
    assert "acct_000001/d1" in aws.items


def test_a_crash_before_the_audit_is_absorbed_by_the_retry() -> None:
    aws = FakeAws()
    records = batch(envelope(registration("e1")), envelope(location("e2")), envelope(location("e3")))
    aws.fails["put_object"] = lambda _: OSError("gone")
    with pytest.raises(OSError, match="gone"):
        processor(aws).process(records)
    aws.fails.clear()
    items = dict(aws.items)
    assert processor(aws).process(records) == []
    assert rows(aws) == [
        ["e1", "registered", NOW_MS, 2],
        ["e2", "handed_over", NOW_MS, 6],
        ["e3", "discarded:duplicate", NOW_MS, 2],
    ]
    assert aws.items == items
    assert len(aws.handovers) == 1


def test_a_clients_retry_has_no_second_effect() -> None:
    aws = FakeAws()
    processor(aws).process(batch(envelope(location("e1"))))
    processor(aws).process(batch(envelope(location("e2", NOW_MS + 30_000, lat=53.41)), first=2))
    processor(aws).process(batch(envelope(location("e1"), received_ms=NOW_MS + 60_000), first=3))
    assert rows(aws)[-1] == ["e1", "handed_over", NOW_MS + 60_000, 2]
    assert len(aws.handovers) == 2


def test_the_newest_location_of_a_device_and_batch_is_live_and_no_other() -> None:
    aws = FakeAws()
    records = batch(
        envelope(location("e1")),
        envelope(location("e2", NOW_MS + 1000, lat=53.4001)),
        envelope(location("e3", NOW_MS - 1000)),
        envelope(location("e4"), device="d2"),
        envelope(location("e5", accuracy=500.0), device="d3"),
        envelope(registration("e6"), device="d2"),
    )
    processor(aws).process(records)
    assert {row[0]: bool(row[3] & 4) for row in rows(aws)} == {
        "e1": False, "e2": True, "e3": False, "e4": True, "e5": False, "e6": False,
    }  # fmt: skip
    assert {item["device_id"]["S"]: item["changed"]["S"] for item in aws.writes} == {
        "d1": "location",
        "d2": "location",
    }


def test_a_registration_or_an_old_location_changes_no_place() -> None:
    aws = FakeAws()
    processor(aws).process(batch(envelope(location("e1"))))
    processor(aws).process(batch(envelope(registration("e2")), first=2))
    processor(aws).process(batch(envelope(location("e3", NOW_MS - 1000)), first=3))
    assert [item["changed"]["S"] for item in aws.writes] == ["location", "registration", "history"]
    assert [row[3] & 4 for row in rows(aws)] == [4, 0, 0]


def test_a_large_batch_stays_under_the_services_limits() -> None:
    aws = FakeAws()
    incompressible = [random.Random(n).randbytes(500).hex() for n in range(1000)]
    events = [
        envelope(location(f"e{n}", sdk_version=text), device=f"d{n}") for n, text in enumerate(incompressible)
    ]
    assert processor(aws).process(batch(*events)) == []
    assert len(aws.items) == 1000
    assert len(aws.handovers) > 1
    assert [event[0] for each in aws.handovers for event in each["events"]] == [f"e{n}" for n in range(1000)]
    archive_all(aws)
    archived = [body for key, body in sorted(aws.objects.items()) if key.startswith("archive/")]
    lines = [line for body in archived for line in gzip.decompress(body).splitlines()]
    assert {json.loads(line)["sdk_version"] for line in lines} == set(incompressible)


# A short life of three devices, with every outcome that history can give.
moves = st.builds(
    lambda device, second, metres, registering: (device, second, metres, registering),
    st.sampled_from(["d1", "d2", "d3"]),
    st.integers(0, 200),
    st.sampled_from([0, 0, 5, 20, 2000, 50_000]),
    st.booleans(),
)


def life(steps: list[tuple[str, int, int, bool]]) -> list[dict[str, Any]]:
    envelopes = []
    for number, (device, second, metres, registering) in enumerate(steps):
        at_ms = NOW_MS + second * 1000
        event = (
            registration(f"run-{number}", at_ms)
            if registering and second % 3 == 0
            else location(f"run-{number}", at_ms, lat=50 + metres / 111_195)
        )
        envelopes.append(envelope(event, device=device, received_ms=NOW_MS))
    return batch(*envelopes)


def ends(aws: FakeAws) -> dict[str, tuple[str, int]]:
    """Each event's outcome and whether it was superseded; fails when two audits disagree."""
    found: dict[str, tuple[str, int]] = {}
    for event_id, outcome, _, flags in rows(aws):
        assert found.setdefault(event_id, (outcome, flags & 1)) == (outcome, flags & 1)
    return found


def shown(aws: FakeAws) -> dict[str, dict[str, Any]]:
    """The live state without its memory of events."""
    return {key: {**item, "recent": None, "changed": None} for key, item in aws.items.items()}


def told(aws: FakeAws) -> set[str]:
    """The events whose places the table's stream tells of."""
    moved = (item for item in aws.writes if item["changed"]["S"] == "location")
    return {item["location_event_id"]["S"] for item in moved}


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(moves, min_size=1, max_size=24), st.data())
def test_any_split_crash_and_redelivery_ends_every_event_alike(
    steps: list[tuple[str, int, int, bool]], data: st.DataObject
) -> None:
    records = life(steps)
    once = FakeAws()
    processor(once).process(records)

    often = FakeAws()
    start = 0
    while start < len(records):
        size = data.draw(st.integers(1, len(records) - start), label="batch")
        part = records[start : start + size]
        crash = data.draw(
            st.sampled_from(["", "", "invoke", "batch_write_item", "put_object"]), label="crash"
        )
        if crash:
            often.fails[crash] = lambda _: OSError("crashed")
            with contextlib.suppress(OSError):
                processor(often).process(part)
            often.fails.clear()
        if data.draw(st.booleans(), label="bisected"):
            cut = data.draw(st.integers(0, size), label="cut")
            for half in (part[:cut], part[cut:]):
                if half:
                    assert processor(often).process(half) == []
        else:
            assert processor(often).process(part) == []
        start += size
    assert ends(often) == ends(once)
    assert {row[0] for row in rows(often) if row[3] & 4} == told(often)
    assert shown(often) == shown(once)
    archived = {entry[0] for each in often.handovers for entry in each["events"]}
    assert archived == {entry[0] for each in once.handovers for entry in each["events"]}
