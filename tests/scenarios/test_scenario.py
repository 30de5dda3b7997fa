from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import UsageError
from harness.load.arrivals import Arrivals
from harness.load.chunk import FLAW_CODES
from harness.objectives import Objective
from harness.scenario import Overrides, Scenario, Stages, Trace, load_scenario, packaged_scenarios

NAMES = sorted(packaged_scenarios())


def trace(tmp_path: Path) -> Path:
    path = tmp_path / "trace.csv"
    path.write_text("time,lat,lon\n" + "".join(f"{1396311060 + 60 * n},40.5,-73.5\n" for n in range(50)))
    return path


def ready(name: str, tmp_path: Path, **overrides: Any) -> Scenario:
    if name == "replay":
        overrides["trace"] = trace(tmp_path)
    return Overrides(**overrides).apply(load_scenario(name))


def test_the_packaged_scenarios_are_these() -> None:
    assert NAMES == [
        "api_poll_storm",
        "baseline_day",
        "every_outcome",
        "launch_day",
        "live_map",
        "mass_registration",
        "mass_registration_fixed",
        "noisy_neighbour",
        "poison_records",
        "reconnect_storm",
        "reconnect_storm_jittered",
        "replay",
        "webhook_fanout",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_packaged_scenario_says_what_it_is(name: str, tmp_path: Path) -> None:
    scenario = load_scenario(name)
    assert scenario.name == name
    assert scenario.summary.endswith(".")
    assert scenario.path == packaged_scenarios()[name]
    assert scenario.duration_known is (name != "replay")
    assert len(scenario.objectives) > 0
    planned = ready(name, tmp_path)
    assert 1 <= planned.duration_s <= 120
    assert 0 < planned.peak_per_s < 1000
    assert 0 < planned.peak_events_per_s < 6000  # what a laptop takes
    assert sum(len(chunk) for chunk in Arrivals(planned)) > 0


@pytest.mark.parametrize("name", NAMES)
def test_loading_a_scenario_never_imports_locust(name: str) -> None:
    code = f"import sys; from harness.scenario import load_scenario; load_scenario({name!r}); "
    code += "sys.exit('locust' in sys.modules or 'gevent' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_story_is_told_by_the_numbers() -> None:
    bug, fixed = load_scenario("mass_registration"), load_scenario("mass_registration_fixed")
    assert 250 < bug.peak_per_s < 500
    times = bug.times_the_day_before()
    assert times is not None
    assert 100 <= times <= 1000  # two to three orders of magnitude
    full_size = bug.scaled(1 / bug.traffic.scale)
    assert full_size.peak_per_s == pytest.approx(10_000, rel=0.05)
    assert bug.expected_requests()["registration"] > 500 * fixed.expected_requests()["registration"]
    assert bug.expected_requests()["location"] == fixed.expected_requests()["location"]
    at_s = np.linspace(0, bug.duration_s, 500)
    peak_at_s = at_s[np.argmax(sum(bug.rates(at_s).values()))]
    assert 0.5 * bug.duration_s < peak_at_s < bug.duration_s


@pytest.mark.parametrize("name", ["baseline_day", "mass_registration", "mass_registration_fixed", "replay"])
def test_a_surge_of_sound_events_holds_only_when_none_is_lost_or_dead_lettered(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.traffic.flaws == ()
    wanted = {str(objective) for objective in scenario.objectives}
    assert {"ledger.missing==0", "ledger.dead_lettered==0"} <= wanted


@pytest.mark.parametrize("name", ["baseline_day", "every_outcome", "mass_registration"])
def test_the_mean_hour_has_the_events_by_kind(name: str) -> None:
    scenario = load_scenario(name)
    hour = scenario.hour()
    hours = scenario.duration_s / 3600
    assert hour.events == pytest.approx(sum(scenario.expected_events().values()) / hours)
    assert hour.requests == pytest.approx(sum(scenario.expected_requests().values()) / hours)
    assert sum(hour.kinds.values()) == pytest.approx(hour.events)
    assert ("poison" in hour.kinds) == bool(scenario.traffic.flaws)


def test_every_outcome_must_be_the_predicted_one() -> None:
    wanted = {str(objective) for objective in load_scenario("every_outcome").objectives}
    assert wanted == {"ledger.missing==0", "ledger.duplicated==0", "ledger.mispredicted==0"}


@pytest.mark.parametrize(("name", "does"), [("every_outcome", True), ("mass_registration", False)])
def test_a_scenario_says_whether_its_devices_hang_up(name: str, does: bool) -> None:
    assert load_scenario(name).traffic.hangs_up is does


def test_every_flaw_there_is_occurs_in_every_outcome() -> None:
    scenario = load_scenario("every_outcome")
    assert {flaw for flaw, _ in scenario.traffic.flaws} == set(FLAW_CODES)
    for seed in range(5):
        flaws = [chunk.flaw for chunk in Arrivals(Overrides(seed=seed).apply(scenario))]
        assert set(np.concatenate(flaws)) == {0, *FLAW_CODES.values()}
    assert scenario.population.devices == 10


def test_a_rate_is_the_peak_and_moves_the_day_before_too() -> None:
    scenario = load_scenario("mass_registration")
    faster = Overrides(rate=1500.0).apply(scenario)
    assert faster.peak_per_s == pytest.approx(1500)
    assert faster.times_the_day_before() == pytest.approx(scenario.times_the_day_before())


def test_a_duration_squeezes_the_curve() -> None:
    scenario = load_scenario("mass_registration")
    longer = Overrides(duration_s=100.0).apply(scenario)
    assert longer.peak_per_s == pytest.approx(scenario.peak_per_s, rel=1e-3)
    assert sum(longer.expected_events().values()) == pytest.approx(
        2 * sum(scenario.expected_events().values()), rel=1e-3
    )


def test_a_scenario_lasts_as_long_as_its_shape_unless_it_says_otherwise() -> None:
    scenario = load_scenario("baseline_day")
    stages = replace(scenario.traffic, shape=Stages(((20.0, 5.0), (30.0, 80.0))))
    made = Scenario("x", "X.", stages, scenario.population)
    assert made.duration_s == 50.0
    assert replace(made, duration_s=7.0).duration_s == 7.0
    with pytest.raises(UsageError, match="The duration"):
        replace(made, duration_s=-1.0)


def test_devices_seed_and_objectives_are_overridden() -> None:
    over = Overrides(devices=77, seed=5, objectives=(Objective.parse("latency.p99<1s"),))
    scenario = over.apply(load_scenario("mass_registration"))
    assert (scenario.population.devices, scenario.seed) == (77, 5)
    assert "latency.p99<1000" in [str(objective) for objective in scenario.objectives]
    assert len(scenario.objectives) == len(load_scenario("mass_registration").objectives)


def test_a_replay_takes_its_trace_and_its_compression(tmp_path: Path) -> None:
    scenario = ready("replay", tmp_path, compress=100)
    assert scenario.duration_s == pytest.approx((49 * 60 + 90) / 100)
    assert scenario.population.devices == 50
    assert scenario.settings["stale_after_s"]
    assert isinstance(scenario.traffic.shape, Trace)
    assert ready("replay", tmp_path, duration_s=20.0).duration_s == pytest.approx(20)
    assert ready("replay", tmp_path, duration_s=20.0).traffic.shape.duration_s == pytest.approx(20)


def test_overrides_travel_as_json(tmp_path: Path) -> None:
    over = Overrides(
        rate=5.0, duration_s=7.0, seed=3, devices=9, objectives=(Objective.parse("cost.total<$5"),)
    )
    assert Overrides.from_json(over.to_json()) == over
    replay = Overrides(trace=trace(tmp_path), compress=3.0)
    assert Overrides.from_json(replay.to_json()) == replay
    assert Overrides().to_json() == {}
    with pytest.raises(UsageError, match="volume"):
        Overrides.from_json({"volume": 11})


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"rate": 0.0}, r"The rate, in requests a second, must be from 0\.001 to 1,000,000, not 0\."),
        ({"rate": -3.0}, "not -3"),
        ({"rate": math.nan}, "must be a number"),
        ({"rate": 1e9}, "not 1,000,000,000"),
        ({"duration_s": 0.0}, "The duration, in seconds"),
        ({"duration_s": 1e9}, "The duration, in seconds"),
        ({"seed": -1}, "The seed"),
        ({"devices": 0}, "number of devices"),
        ({"devices": 10**12}, "number of devices"),
        ({"compress": 0.1}, "compression"),
        ({"compress": 5.0, "duration_s": 5.0}, "takes one"),
    ],
)
def test_an_impossible_value_is_refused_before_anything_starts(overrides: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Overrides(**overrides)


@pytest.mark.parametrize(
    ("name", "overrides", "words"),
    [
        ("mass_registration", {"trace": Path("x.csv")}, "--trace is for a replay"),
        ("mass_registration", {"compress": 5.0}, "--compress is for a replay"),
        ("replay", {}, "replay needs a trace"),
        ("replay", {"trace": Path("nowhere.csv")}, "cannot be read"),
    ],
)
def test_what_does_not_fit_the_scenario_is_refused(name: str, overrides: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Overrides(**overrides).apply(load_scenario(name))


def test_a_trace_has_its_own_rate_and_devices(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="rate of its own"):
        ready("replay", tmp_path, rate=5.0)
    with pytest.raises(UsageError, match="devices of its trace"):
        ready("replay", tmp_path, devices=5)
    with pytest.raises(UsageError, match="length of the replay"):
        ready("replay", tmp_path, compress=1e6)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [("mass_registraton", "mass_registration"), ("baseline", "baseline_day"), ("Replay", "replay")],
)
def test_a_name_that_is_nearly_right(asked: str, meant: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_scenario(asked)
    assert caught.value.message == f"There is no scenario '{asked}'."
    assert caught.value.remedy == f"Did you mean {meant}?"


def test_a_name_that_is_nothing_like_it_lists_what_there_is() -> None:
    with pytest.raises(UsageError) as caught:
        load_scenario("zzz")
    assert all(name in str(caught.value.remedy) for name in NAMES)


FILE = """
from harness.scenario import City, Constant, Population, Scenario, Traffic
scenario = Scenario("mine", "Mine.", Traffic(Constant(5.0)), Population(1, 5, (City("A", 0, 0, 0),)))
"""


def test_a_scenario_of_ones_own_by_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    for given in (path, str(path)):
        scenario = load_scenario(given)
        assert (scenario.name, scenario.path) == ("mine", path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1", "binds no scenario"),
        ("scenario = 5", "binds no scenario"),
        ("def (", "line 1: SyntaxError"),
        ("import nothing_of_that_name", "ModuleNotFoundError"),
        (FILE.replace("5.0", "-5.0"), "is not valid: The rate"),
    ],
)
def test_a_scenario_file_with_a_mistake(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(UsageError, match=words) as caught:
        load_scenario(path)
    assert str(path) in caught.value.message


def test_a_scenario_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no scenario file"):
        load_scenario(tmp_path / "nothing.py")
