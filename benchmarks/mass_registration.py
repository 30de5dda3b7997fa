"""A whole run of `mass_registration` on this machine: whether it holds, and where the CPU time goes.

    python benchmarks/mass_registration.py [--rate 1500] [--duration 60s] [--rounds 3] [--search]

Runs `launchday run mass_registration --rate … --duration …` and tells for each round: exit code, p99, the
backlog in seconds of arrivals in the middle and at the end of the load (about the batching window, if it does
not grow), missing events, records a batch; then the CPU time that an event takes in each process, from the
first arrival to the end of the drain, and the ratio of what that comes to at the peak rate to the cores there
are. `--search` then raises the rate by a quarter at a time while the objectives are met: the highest that
this machine holds. A round takes the duration and about half a minute. Needs nothing beside Launchday itself.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rehearsals import Rehearsed, metric, rehearse, spread
from side_by_side import CannotMeasure, keep, run

from harness.measure.timeline import summed

OBJECTIVES = ("latency.p99<500ms", "throughput.achieved_share>=99%", "ledger.missing==0")
WATCHED = ("ledger.duplicated==0", "backlog.growing<1000000")
STEP = 1.25


@dataclass(frozen=True)
class Round:
    """What came of one run. CPU in ms an accepted event, by process."""

    rate: float
    exit_code: int
    verdict: str
    why: str
    events: int
    p50_ms: float
    p99_ms: float
    achieved_share: float
    missing: int
    backlog_growing_per_s: float | None
    backlog_s: tuple[float, float]
    drain_s: float | None
    late_share: float
    mean_batch: dict[str, float]
    cpu_ms: dict[str, float]
    others_cores: float
    wall_s: float

    @property
    def cpu_ms_an_event(self) -> float:
        return sum(self.cpu_ms.values())


def one_round(rate: float, duration: str, folder: Path) -> Round:
    asked = [f"--objective={objective}" for objective in (*OBJECTIVES, *WATCHED)]
    done = rehearse(["mass_registration", f"--rate={rate:g}", f"--duration={duration}", *asked], folder)
    return _round(rate, done)


def _round(rate: float, done: Rehearsed) -> Round:
    result, load = done.result, done.record().load_summary()
    if load is None or "verdict" not in result:
        raise CannotMeasure(f"The run did not come to its load: {result.get('error')}")
    route = result["latency_ms"]["POST /v1/devices"]
    accepted = result["events"]["accepted"]
    cpu_s = done.cpu_s(*done.load_window_s())
    return Round(
        rate=rate,
        exit_code=done.exit_code,
        verdict=result["verdict"],
        why=result.get("reason") or "",
        events=accepted,
        p50_ms=route["p50"],
        p99_ms=metric(done, "latency.p99") or float("nan"),
        achieved_share=metric(done, "throughput.achieved_share") or 0.0,
        missing=result["ledger"]["missing"],
        backlog_growing_per_s=metric(done, "backlog.growing"),
        backlog_s=_backlog_s(done),
        drain_s=result["ledger"]["drain_s"],
        late_share=load["late_share"],
        mean_batch=_mean_batch(done),
        cpu_ms={role: used * 1000 / accepted for role, used in cpu_s.items()},
        others_cores=done.others_cores,
        wall_s=done.wall_s,
    )


def _mean_batch(done: Rehearsed) -> dict[str, float]:
    """Records in a batch, by function that is given batches. Of each by itself: a table's stream of forty
    shards gives many small ones, and a mean over all would say nothing of either."""
    batches: dict[str, list[int]] = {}
    for each in done.record().invocations():
        if each.records:
            batches.setdefault(each.function.rpartition("-")[2], []).append(each.records)
    return {role: statistics.fmean(sizes) for role, sizes in sorted(batches.items())}


def _backlog_s(done: Rehearsed) -> tuple[float, float]:
    """Records that wait, by arrivals a second: medians of two fifths of the load, the middle and the last."""
    start_s, _ = done.load_window_s()
    end = done.record().marked_usage("load_end")
    assert end is not None  # load_window_s has seen the mark that comes after it
    timeline = done.record().timeline()
    waiting = summed(timeline.select("backlog_records", kind="gauge"), "backlog")
    (arriving,) = timeline.select("put_records", service="kinesis", kind="rate")
    at = np.linspace(start_s, end.at_s, 101)
    rate = np.interp(at, arriving.t, arriving.value)
    seconds = np.interp(at, waiting.t, waiting.value) / np.maximum(rate, 1.0)
    return float(np.median(seconds[40:60])), float(np.median(seconds[80:]))


def tell(at: str, each: Round) -> None:
    middle_s, end_s = each.backlog_s
    print(
        f"  {at}  {each.rate:>6,.0f}/s  exit {each.exit_code} {each.verdict:<7}  p50 {each.p50_ms:>6.1f}"
        f"  p99 {each.p99_ms:>6.1f} ms  backlog {middle_s:.1f}, {end_s:.1f} s  missing {each.missing}"
        f"  late {each.late_share:.2%}"
        f"  CPU {each.cpu_ms_an_event:.3f} ms an event  (others: {each.others_cores:.2f} cores)",
        flush=True,
    )


def summarize(rounds: Sequence[Round], rate: float) -> None:
    cores = os.cpu_count() or 1
    print(f"\nmass_registration at {rate:,.0f}/s: {len(rounds)} rounds, median (lowest to highest)")
    held = sum(each.exit_code == 0 for each in rounds)
    print(f"  objectives met              {held} of {len(rounds)}")
    print(f"  p99                         {spread(each.p99_ms for each in rounds)} ms")
    print(f"  backlog at the end          {spread(each.backlog_s[1] for each in rounds)} s of arrivals")
    for function in sorted({function for each in rounds for function in each.mean_batch}):
        sizes = spread(each.mean_batch.get(function, 0.0) for each in rounds)
        print(f"  records a batch, {function:<10} {sizes}")
    print(f"  CPU an event, all processes {spread(each.cpu_ms_an_event for each in rounds)} ms")
    for role in sorted({role for each in rounds for role in each.cpu_ms}):
        print(f"    {role:<25} {spread(each.cpu_ms.get(role, 0.0) for each in rounds)} ms")
    used = statistics.median(each.cpu_ms_an_event for each in rounds) * rate / 1000
    print(f"  at the peak that is         {used:.2f} of {cores} cores: {used / cores:.0%}")


def search(rate: float, duration: str, folder: Path) -> list[Round]:
    rounds: list[Round] = []
    while not rounds or rounds[-1].exit_code == 0:
        rounds.append(one_round(rate, duration, folder / f"search-{len(rounds)}"))
        tell("search", rounds[-1])
        rate *= STEP
    return rounds


def benchmark(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="launchday-benchmark-") as name:
        folder = Path(name)
        rounds = []
        for at in range(1, options.rounds + 1):
            rounds.append(one_round(options.rate, options.duration, folder / f"round-{at}"))
            tell(f"{at}/{options.rounds}", rounds[-1])
        found = search(options.rate * STEP, options.duration, folder) if options.search else []
    summarize(rounds, options.rate)
    met = [each.rate for each in [*rounds, *found] if each.exit_code == 0]
    if options.search:
        print(f"  highest rate that held      {max(met):,.0f}/s" if met else "  no rate held")
    keep(
        "mass_registration",
        {
            "rounds": [asdict(each) for each in rounds],
            "search": [asdict(each) for each in found],
            "highest_rate_held": max(met, default=None),
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=float, default=1500.0, help="peak, in requests/s")
    parser.add_argument(
        "--duration", default="60s", help="how long the load lasts, as `launchday run` has it"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--search", action="store_true", help="go on with higher rates while they hold")
    options = parser.parse_args()
    sys.exit(run(lambda: benchmark(options)))
