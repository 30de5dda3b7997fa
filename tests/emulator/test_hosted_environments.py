"""Processes of functions of a Lambda that is elsewhere: how they begin, end and are shared."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.emulator.services.lambda_.hosted import environment as environment_module
from harness.emulator.services.lambda_.hosted.host import MAX_STARTING
from tests.emulator.hosting import Hosting
from tests.processes import gone
from tests.waiting import until

WAITS = """
import os, pathlib
def handler(event, context):
    if event:
        pathlib.Path(event["begun"]).touch()
        while not pathlib.Path(event["go_on"]).exists():
            pass
    return os.getpid()
"""


def test_an_invocation_goes_on_to_its_end_when_its_environment_is_stopped(
    hosting: Hosting, tmp_path: Path
) -> None:
    id_ = hosting.start(WAITS)
    pid = hosting.invoke(id_).payload
    begun, go_on = tmp_path / "begun", tmp_path / "go_on"
    running = hosting.invoke_later(id_, json.dumps({"begun": str(begun), "go_on": str(go_on)}).encode())
    until(begun.exists, "the invocation runs", every_s=0.001)
    assert hosting.invoke(id_).status == 409
    assert hosting.stop(id_) == 200
    assert hosting.invoke(id_).status == 404
    go_on.touch()
    assert hosting.ran(running.result(30)).payload == pid
    assert gone(pid)


def slow_start(hosting: Hosting, id_: str) -> Any:
    """An environment that takes a minute to start, and has begun to; a future of the answer."""
    folder = hosting.folder("import time; open('began', 'w').close(); time.sleep(60)")
    starting = hosting.put_later(id_, hosting.specification(folder, id_, in_place=True))
    until((folder / "began").exists, "it begins to start", every_s=0.001)
    return starting


def test_what_is_not_initialized_in_time_is_begun_again_by_its_first_invocation(
    hosting: Hosting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment_module, "INIT_LIMIT_S", 0.0)
    folder = hosting.folder("import os\ndef handler(event, context): return os.getpid()")
    for id_ in ("first", "second"):  # no sibling of the second has a process
        assert hosting.put(id_, hosting.specification(folder, id_))[1]["state"] == "ready"
    ran = hosting.invoke("first")
    assert ran.error is None
    assert "Init Duration" in ran.logs[-1]


def test_a_stop_ends_what_is_only_starting(hosting: Hosting) -> None:
    starting = slow_start(hosting, "slow")
    (pid,) = [child.pid for child in psutil.Process().children() if "app.handler" in child.cmdline()]
    hosting.stop("slow")
    assert starting.result(30).status == 410
    assert gone(pid)


def test_more_starts_than_turns_wait_for_their_first_invocation(hosting: Hosting) -> None:
    starting = [slow_start(hosting, f"slow-{number}") for number in range(MAX_STARTING)]
    folder = hosting.folder("import os\ndef handler(event, context): return os.getpid()")
    specification = hosting.specification(folder, "quick")
    assert hosting.put("quick", specification)[1] == {"state": "waiting", "notes": []}
    assert hosting.put("quick", specification)[0] == 409  # it is there
    for number in range(MAX_STARTING):
        hosting.stop(f"slow-{number}")
    assert [each.result(30).status for each in starting] == [410] * MAX_STARTING
    assert hosting.invoke("quick").payload > 0


def test_an_environment_may_begin_again_under_its_name(hosting: Hosting) -> None:
    folder = hosting.folder("import os\ndef handler(event, context): return os.getpid()")
    specification = hosting.specification(folder, "same")
    hosting.put("same", specification)
    first = hosting.invoke("same").payload
    hosting.stop("same")
    hosting.put("same", specification)
    second = hosting.invoke("same").payload
    assert first != second
    assert gone(first)
    assert hosting.invoke("same").payload == second  # no sweep for the first has taken the second


LEAVES = """
import os, subprocess, sys
LEFT = "import os, time; open({pids!r}, 'a').write(f'{{os.getpid()}} '); time.sleep(120)"
DAEMON = f"import os; os.fork() and os._exit(0); os.setsid(); {{LEFT}}"
def handler(event, context):
    for program in (LEFT, DAEMON):
        subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    while not os.path.exists({pids!r}) or len(open({pids!r}).read().split()) < 2:
        pass
    return os.getpid()
"""


def test_environments_end_with_their_owner_and_all_that_they_left(hosting: Hosting, tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    pids = tmp_path / "pids"
    id_ = hosting.start(LEAVES.format(pids=str(pids)), owner_pid=owner.pid)
    pid = hosting.invoke(id_).payload
    left = [int(each) for each in pids.read_text().split()]
    other = hosting.start(WAITS)
    lives_on = hosting.invoke(other).payload
    owner.kill()
    owner.wait()
    assert gone(pid, *left)
    assert hosting.invoke(id_).status == 404
    assert hosting.invoke(other).payload == lives_on


def test_a_reset_ends_every_environment(hosting: Hosting) -> None:
    pids = [hosting.invoke(hosting.start(WAITS)).payload for _ in range(2)]
    hosting.run(hosting.api.reset())
    assert gone(*pids)
    assert json.loads(hosting.ask("GET", "").body) == {"environments": []}


def both(hosting: Hosting, source: str) -> tuple[str, str]:
    """Two environments of one version; the second found no turn to start, as it had a sibling."""
    folder = hosting.folder(source)
    assert hosting.put("first", hosting.specification(folder, "first"))[1]["state"] == "ready"
    assert hosting.put("second", hosting.specification(folder, "second"))[1]["state"] == "waiting"
    return "first", "second"


SAYS = """
import os
def handler(event, context):
    print(event)
    return os.getpid()
"""


def test_an_environment_takes_the_process_of_a_sibling_that_has_nothing_to_do(hosting: Hosting) -> None:
    first, second = both(hosting, SAYS)
    one = hosting.invoke(first, b'"one"')
    two = hosting.invoke(second, b'"two"')
    again = hosting.invoke(first, b'"again"')
    assert one.payload == two.payload == again.payload
    assert ["Init Duration" in ran.logs[-1] for ran in (one, two, again)] == [True, False, False]
    assert [ran.logs[1] for ran in (one, two, again)] == ["one\n", "two\n", "again\n"]
    assert len(two.logs) == 4
    assert [each.init_ms is None for each in hosting.api.take_invocations()] == [False, True, True]


def test_beside_a_sibling_that_is_busy_another_process_is_started(hosting: Hosting, tmp_path: Path) -> None:
    first, second = both(hosting, WAITS)
    begun, go_on = tmp_path / "begun", tmp_path / "go_on"
    running = hosting.invoke_later(first, json.dumps({"begun": str(begun), "go_on": str(go_on)}).encode())
    until(begun.exists, "the invocation runs", every_s=0.001)
    other = hosting.invoke(second).payload
    go_on.touch()
    assert hosting.ran(running.result(30)).payload != other


def test_whoever_waits_has_the_first_process_that_comes_free(hosting: Hosting, tmp_path: Path) -> None:
    first, second = both(hosting, WAITS)
    begun, go_on = tmp_path / "begun", tmp_path / "go_on"
    payload = json.dumps({"begun": str(begun), "go_on": str(go_on)}).encode()
    running = hosting.invoke_later(first, payload)
    until(begun.exists, "the invocation runs", every_s=0.001)
    starting = [slow_start(hosting, f"slow-{number}") for number in range(MAX_STARTING)]  # no other may now
    waiting = hosting.invoke_later(second)
    go_on.touch()
    assert hosting.ran(running.result(30)).payload == hosting.ran(waiting.result(30)).payload
    for number in range(MAX_STARTING):
        hosting.stop(f"slow-{number}")
    assert {each.result(30).status for each in starting} == {410}
    waits = {usage.unit: usage.quantity for usage in hosting.meters.usage()}["process_wait_ms"]
    assert waits > 0


def test_a_process_outlives_the_environment_that_started_it_where_a_sibling_has_it(hosting: Hosting) -> None:
    first, second = both(hosting, "import os\ndef handler(event, context): return os.getpid()")
    pid = hosting.invoke(first).payload
    assert hosting.invoke(second).payload == pid
    hosting.stop(first)
    assert hosting.invoke(second).payload == pid
    hosting.stop(second)
    assert gone(pid)


def test_environments_that_differ_share_no_process(hosting: Hosting) -> None:
    folder = hosting.folder("import os\ndef handler(event, context): return [os.getpid(), os.environ['V']]")
    for id_, changes in (
        ("a", {"variables": {"V": "1"}}),
        ("b", {"variables": {"V": "2"}}),
        ("c", {"variables": {"V": "1"}, "memory_mb": 256}),
        ("d", {"variables": {"V": "1"}, "code_stamp": 7}),
        ("e", {"variables": {"V": "1"}, "provisioned": True}),
    ):
        assert hosting.put(id_, hosting.specification(folder, id_, **changes))[1]["state"] == "ready"
    answers = [hosting.invoke(id_).payload for id_ in "abcde"]
    assert len({pid for pid, _ in answers}) == 5
    assert [value for _, value in answers] == ["1", "2", "1", "1", "1"]


def test_what_runs_goes_on_with_its_code_when_that_is_removed(hosting: Hosting, tmp_path: Path) -> None:
    folder = hosting.folder(
        """
        import os, pathlib
        def handler(event, context):
            pathlib.Path(event["begun"]).touch()
            while not pathlib.Path(event["go_on"]).exists():
                pass
            import late
            return late.value
        """
    )
    (folder / "late.py").write_text("value = 'imported'")
    hosting.put("old", hosting.specification(folder, "old"))
    begun, go_on = tmp_path / "begun", tmp_path / "go_on"
    running = hosting.invoke_later("old", json.dumps({"begun": str(begun), "go_on": str(go_on)}).encode())
    until(begun.exists, "the invocation runs", every_s=0.001)
    hosting.stop("old")
    shutil.rmtree(folder)
    go_on.touch()
    assert hosting.ran(running.result(30)).payload == "imported"


def test_code_that_is_run_in_place_is_what_its_folder_has(hosting: Hosting) -> None:
    folder = hosting.folder("def handler(event, context): return 1")
    for stamp in (1, 2):
        hosting.put(
            f"hot-{stamp}", hosting.specification(folder, f"hot-{stamp}", in_place=True, code_stamp=stamp)
        )
        assert hosting.invoke(f"hot-{stamp}").payload == stamp
        (folder / "app.py").write_text("def handler(event, context): return 1 + 1")
