from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import MeasurementInvalid, UsageError
from harness.load.devices import make_devices
from harness.load.events import events_of
from harness.load.watchers.posts import posts
from harness.load.watchers.record import Record
from harness.measure.files import RowLog, read_rows
from harness.measure.receipts import DTYPE, FILE, ReceiptLog, read_receipts
from harness.pipeline import Told
from harness.pipeline_loader import load_pipeline, watchable
from harness.scenario import LOCATION, City, Constant, Population, Scenario, Traffic, Watchers

TELLING = Path(__file__).parent / "telling"
SILENT = Path(__file__).parents[1] / "target"


def scenario(watchers: Watchers | None) -> Scenario:
    return Scenario(
        name="watched",
        summary="",
        traffic=Traffic(Constant(10.0, ((LOCATION, 1.0),), cadence_s=5.0)),
        population=Population(accounts=3, devices=100, cities=(City("A", 40.0, -74.0, utc_offset_h=-5),)),
        duration_s=20.0,
        watchers=watchers,
    )


def manned(watchers: Watchers | None):
    planned = scenario(watchers)
    return posts(planned, make_devices(planned.population, planned.seed), "run")


def test_device_subscribers_watch_devices_that_are_tracked() -> None:
    planned = scenario(Watchers(device_subscribers=50))
    heard = {event.device_id: event.account for event in events_of(planned, planned.seed, "run")}
    watched = {post.watcher.device_id: post.watcher.account for post in manned(planned.watchers)}
    assert watched == heard


def test_more_subscribers_than_devices_share_them() -> None:
    by_device = Counter(post.device for post in manned(Watchers(device_subscribers=250)))
    assert set(by_device.values()) == {2, 3}
    assert len(by_device) == 100


def test_accounts_take_turns_with_webhooks_and_subscribers() -> None:
    found = manned(Watchers(account_subscribers=4, webhooks=(("healthy", 2), ("hanging", 2))))
    assert [post.number for post in found] == list(range(8))
    assert [post.watcher.account for post in found] == [0, 1, 2, 0, 0, 1, 2, 0]
    assert [post.behaviour for post in found[4:]] == ["healthy", "healthy", "hanging", "hanging"]
    assert {post.device for post in found} == {None}


def test_a_scenario_without_watchers_has_no_posts() -> None:
    assert manned(None) == []


@pytest.mark.parametrize(
    "made",
    [
        {},
        {"device_subscribers": -1},
        {"webhooks": (("rude", 1),)},
        {"webhooks": (("slow", 1001),)},
        {"account_subscribers": True},
    ],
)
def test_watchers_that_cannot_be_are_refused(made) -> None:
    with pytest.raises(UsageError):
        Watchers(**made)


def test_only_a_pipeline_that_tells_can_be_watched() -> None:
    assert watchable(load_pipeline(TELLING), "watched")
    with pytest.raises(UsageError, match="tells nobody"):
        watchable(load_pipeline(SILENT), "watched")


def test_receipts_survive_as_they_were(tmp_path: Path) -> None:
    log = ReceiptLog(tmp_path)
    log.add(7, 3, 2.5, 1.25)
    log.flush()
    log.add(8, 4, 3.5, 2.25)
    log.close()
    read = read_receipts(tmp_path)
    assert read is not None
    assert read.tolist() == [(7, 3, 2.5, 1.25), (8, 4, 3.5, 2.25)]


@given(st.integers(min_value=0, max_value=3 * DTYPE.itemsize))
def test_a_row_that_was_being_written_is_left_out(
    tmp_path_factory: pytest.TempPathFactory, size: int
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    log = ReceiptLog(folder)
    for ordinal in range(3):
        log.add(ordinal, 0, 1.0, 1.0)
    log.close()
    path = folder / FILE
    path.write_bytes(path.read_bytes()[:size])
    read = read_receipts(folder)
    assert read is not None
    assert read["ordinal"].tolist() == list(range(size // DTYPE.itemsize))


def test_no_receipts_are_not_an_empty_file(tmp_path: Path) -> None:
    assert read_receipts(tmp_path) is None
    (tmp_path / FILE).mkdir()
    with pytest.raises(MeasurementInvalid, match="cannot be read"):
        read_receipts(tmp_path)


def test_the_record_counts_what_came_and_when(tmp_path: Path) -> None:
    record = Record("run", ReceiptLog(tmp_path), RowLog(tmp_path / "timeline.ndjson"))
    record.told(1, "webhook", [Told("run-0", 10.0), Told("run-1", 10.5)], 11.0)
    record.told(2, "subscription", [Told("run-0", 10.0)], 10.25)
    record.count("refused")
    row = record.close_second(12.0, 9)
    assert (row["webhook"], row["subscription"], row["refused"]) == (2, 1, 1)
    assert (row["webhook_p99_ms"], row["subscription_p99_ms"]) == (1000.0, 250.0)
    assert record.close_second(12.0, 9)["webhook"] == 0
    assert record.totals["webhook"] == 2
    rows = list(read_rows(tmp_path / "timeline.ndjson", lambda _: None))
    assert [(row["t"], row["connected"], row["webhook"]) for row in rows] == [(11.0, 9, 2), (11.0, 9, 0)]
    receipts = read_receipts(tmp_path)
    assert receipts is not None
    assert np.sort(receipts["ordinal"]).tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    "event_id", ["other-1", "run-", "run--1", "run-x", "run-\u0663", "", "run-" + "9" * 16]
)
def test_events_that_are_not_of_the_run_are_counted_apart(tmp_path: Path, event_id: str) -> None:
    record = Record("run", ReceiptLog(tmp_path), RowLog(tmp_path / "timeline.ndjson"))
    record.told(1, "webhook", [Told(event_id, 10.0)], 11.0)
    row = record.close_second(12.0, 9)
    assert (row["webhook"], row["foreign"]) == (0, 1)
    receipts = read_receipts(tmp_path)
    assert receipts is not None
    assert len(receipts) == 0
