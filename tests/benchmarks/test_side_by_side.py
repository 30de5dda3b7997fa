from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def shared() -> ModuleType:
    spec = importlib.util.spec_from_file_location("side_by_side", BENCHMARKS / "side_by_side.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["side_by_side"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def measurement(shared: Any, per_s: float, errors: int = 0) -> Any:
    return shared.Measurement(per_s=per_s, p50_ms=1.0, p99_ms=2.0, requests=int(per_s), errors=errors)


def test_contenders_take_turns_and_the_first_round_does_not_count(shared: Any) -> None:
    turns: list[str] = []
    rates = {"a": iter([1.0, 10.0, 30.0, 20.0]), "b": iter([1.0, 5.0, 4.0, 6.0])}

    def measure(name: str) -> Any:
        turns.append(name)
        return measurement(shared, next(rates[name]))

    compared = shared.compare("claim", {n: lambda n=n: measure(n) for n in "ab"}, rounds=3)
    assert turns == ["a", "b"] * 4
    assert [run.per_s for run in compared.runs["a"]] == [10.0, 30.0, 20.0]
    assert compared.median("a").per_s == 20.0
    assert compared.ratio("a", "b") == 4.0


def test_a_run_with_errors_is_no_measurement(shared: Any) -> None:
    with pytest.raises(shared.CannotMeasure, match="a refused 3 of 100 requests"):
        shared.compare("claim", {"a": lambda: measurement(shared, 100.0, errors=3)})


def test_figures_are_kept_with_the_machine(
    shared: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shared, "RESULTS", tmp_path / "results")
    runs = {"ours": [measurement(shared, 20.0)], "peer": [measurement(shared, 10.0)]}
    shared.report(shared.Comparison("claim", runs, {"shards": 4}))
    kept = json.loads((tmp_path / "results" / "claim.json").read_text())
    assert (kept["ratios"], kept["ratio_to"], kept["shards"]) == ({"ours": 2.0}, "peer", 4)
    assert kept["machine"]["cores"]
    assert "2.00 x peer" in capsys.readouterr().out


def test_a_missing_tool_is_one_sentence_and_exit_code_2(
    shared: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shared.shutil, "which", lambda _: None)
    assert shared.run(lambda: shared.wrk("http://127.0.0.1:1/", Path("none.lua"))) == 2
    assert capsys.readouterr().err.startswith(
        "wrk is not installed. On Debian and Ubuntu: apt-get install wrk."
    )


def test_a_server_that_does_not_listen_tells_its_last_words(shared: Any) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such luck')"]
    with (
        pytest.raises(shared.CannotMeasure, match="no such luck"),
        shared.Server(command, shared.free_port()),
    ):
        pass


@pytest.mark.parametrize(
    ("text", "literal"), [("aB9", '"aB9"'), ('"\\\n', '"\\034\\092\\010"'), ("{}", '"\\123\\125"')]
)
def test_requests_are_quoted_for_lua(shared: Any, text: str, literal: str) -> None:
    assert shared._lua(text) == literal
