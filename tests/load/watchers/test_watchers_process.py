"""The watchers' process against a server that tells."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from harness.errors import MeasurementInvalid, TargetError, UsageError
from harness.load.plan import LoadPlan
from harness.load.watchers.launch import WatchedSecond, Watching
from harness.measure.receipts import read_receipts
from tests.load.watchers.teller import Teller, teller

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
HEALTHY, SLOW, FAILING, HANGING = 5, 6, 7, 8  # the webhooks' numbers, after five subscribers


@pytest.fixture
def telling() -> Iterator[Teller]:
    with teller() as running:
        yield running


def plan(telling: Teller, pipeline: str = "telling", **outputs: str) -> LoadPlan:
    folder = HERE / pipeline if pipeline == "telling" else HERE.parent / pipeline
    return LoadPlan(HERE / "watched.py", "run", folder, {"url": telling.url, **outputs})


def watching(
    plan: LoadPlan, folder: Path, heard: Callable[[WatchedSecond], None] = lambda _: None
) -> Watching:
    return Watching(plan, folder / "watch", folder / "log", heard)


def webhook(telling: Teller, number: int) -> str:
    return next(url for url in telling.webhooks if url.endswith(f"/{number}"))


def until(holds: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline_s, "it never came about"
        time.sleep(0.02)


def test_a_run_is_watched(telling: Teller, tmp_path: Path) -> None:
    heard: list[WatchedSecond] = []
    told_at_s = time.time()
    body = json.dumps({"events": [["run-0", told_at_s], ["run-1", told_at_s]]})
    with watching(plan(telling), tmp_path, heard.append) as watchers:
        watchers.wait_ready()
        assert sorted(telling.webhooks.values()) == [0, 0, 1, 2]
        assert len(telling.subscriptions) == 5
        assert telling.notify(webhook(telling, HEALTHY), body) == 200
        assert telling.notify(webhook(telling, SLOW), body) == 200
        assert telling.notify(webhook(telling, FAILING), body) == 500
        assert telling.notify(webhook(telling, HANGING), body) is None
        assert telling.notify(webhook(telling, HEALTHY), "no message of ours") == 400
        telling.push({"events": [["run-2", told_at_s], ["elsewhere-1", told_at_s]]})
        until(lambda: sum(second.subscription for second in heard) == 5)
        watchers.finish()
    receipts = read_receipts(tmp_path / "watch")
    assert receipts is not None
    by_webhook = receipts[receipts["watcher"] >= HEALTHY]
    assert sorted(zip(by_webhook["watcher"].tolist(), by_webhook["ordinal"].tolist(), strict=True)) == [
        (HEALTHY, 0), (HEALTHY, 1), (SLOW, 0), (SLOW, 1),
    ]  # fmt: skip
    assert sorted(receipts[receipts["watcher"] < HEALTHY]["watcher"].tolist()) == [0, 1, 2, 3, 4]
    assert (receipts["accepted_s"] == told_at_s).all()
    assert (receipts["at_s"] >= told_at_s).all()
    summary = json.loads((tmp_path / "watch" / "summary.json").read_text())
    assert summary["totals"] == {
        "webhook": 4, "subscription": 5, "refused": 2, "foreign": 6, "lost_connections": 0,
    }  # fmt: skip
    assert heard[-1].connected == 9
    assert sorted(set(telling.forgotten)) == [0, 1, 2]


def test_a_broken_connection_is_counted_and_opened_again(telling: Teller, tmp_path: Path) -> None:
    heard: list[WatchedSecond] = []
    with watching(plan(telling), tmp_path, heard.append) as watchers:
        watchers.wait_ready()
        telling.hang_up()
        until(lambda: len(telling.subscriptions) == 10)
        telling.push({"events": [["run-3", time.time()]]})
        until(lambda: sum(second.subscription for second in heard) == 5)
        watchers.finish()
    assert sum(second.lost_connections for second in heard) == 5


def test_a_subscription_that_is_refused_is_said_before_the_run(telling: Teller, tmp_path: Path) -> None:
    with (
        watching(plan(telling, key="wrong"), tmp_path) as watchers,
        pytest.raises(TargetError, match="Permission denied"),
    ):
        watchers.wait_ready()


def test_an_api_that_does_not_answer_is_said(telling: Teller, tmp_path: Path) -> None:
    mistaken = LoadPlan(HERE / "watched.py", "run", HERE / "telling", {"url": "http://127.0.0.1:9"})
    with (
        watching(mistaken, tmp_path) as watchers,
        pytest.raises(TargetError, match=r"could not|cannot be opened"),
    ):
        watchers.wait_ready()


def test_a_pipeline_that_tells_nobody_is_said(telling: Teller, tmp_path: Path) -> None:
    with (
        watching(plan(telling, "target"), tmp_path) as watchers,
        pytest.raises(UsageError, match="tells nobody"),
    ):
        watchers.wait_ready()


def test_it_can_be_stopped_before_all_are_there(telling: Teller, tmp_path: Path) -> None:
    telling.confirms = False
    heard: list[WatchedSecond] = []
    with watching(plan(telling), tmp_path, heard.append) as watchers:
        until(lambda: bool(heard) and heard[-1].connected == 5)
        with pytest.raises(MeasurementInvalid, match="stopped before"):
            watchers.finish()
    assert watchers.pid is not None
    assert not psutil.pid_exists(watchers.pid)


def test_a_process_that_is_killed_is_noticed(telling: Teller, tmp_path: Path) -> None:
    with watching(plan(telling), tmp_path) as watchers:
        watchers.wait_ready()
        assert watchers.pid is not None
        psutil.Process(watchers.pid).kill()
        with pytest.raises(MeasurementInvalid, match="killed by signal 9"):
            watchers.finish()
