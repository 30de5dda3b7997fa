"""500 events a second through all of the platform for a minute, and where the CPU time goes.

    python benchmarks/everything.py [--rate 500] [--rounds 3] [--limits established]

Each event is stored, archived, published, pushed to one of 1,000 live subscribers and posted to one of
20 webhook endpoints, all on this machine. Tells for each round what is missing anywhere, the time from
acceptance to a subscriber and to a webhook, and the CPU time of an event in each process. A round takes two
minutes. Needs nothing beside Launchday itself.

AWS polls a stream's shard once a second, so half of the time to a subscriber would be waiting for that. Here
it is polled five times a second, the most that Kinesis takes, and the table has the four partitions of a new
one (bare/everything_limits.json): what is measured is the pipeline. `--limits established` has AWS's waits,
and the forty partitions of a warm table, whose small batches take more CPU time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rehearsals import Rehearsed, metric, rehearse, spread
from side_by_side import CannotMeasure, keep, run

SCENARIO = Path(__file__).parent / "bare" / "everything.py"
LIMITS = SCENARIO.with_name("everything_limits.json")


@dataclass(frozen=True)
class Round:
    """What came of one run. Missing deliveries by channel; CPU in ms an accepted event, by process."""

    exit_code: int
    verdict: str
    events: int
    missing: int
    owed: dict[str, int]
    undelivered: dict[str, int]
    p99_ms: dict[str, float | None]
    drain_s: float | None
    cpu_ms: dict[str, float]
    others_cores: float

    @property
    def cpu_ms_an_event(self) -> float:
        return sum(self.cpu_ms.values())


def one_round(arguments: list[str], folder: Path) -> Round:
    done = rehearse([str(SCENARIO), *arguments], folder)
    told: dict[str, Any] | None = done.result.get("deliveries")
    if not told:
        raise CannotMeasure(f"The run did not come to its end: {done.result.get('error')}")
    events = done.result["events"]["accepted"]
    cpu_s = done.cpu_s(*done.load_window_s())
    return Round(
        exit_code=done.exit_code,
        verdict=done.result["verdict"],
        events=events,
        missing=done.result["ledger"]["missing"],
        owed={channel: counts["owed"] for channel, counts in told.items()},
        undelivered={channel: counts["owed"] - counts["delivered"] for channel, counts in told.items()},
        p99_ms=_p99_ms(done),
        drain_s=done.result["ledger"]["drain_s"],
        cpu_ms={role: used * 1000 / events for role, used in cpu_s.items()},
        others_cores=done.others_cores,
    )


def _p99_ms(done: Rehearsed) -> dict[str, float | None]:
    stages = ("processed", "webhook", "subscriber")
    found = {stage: metric(done, f"stages.accepted_to_{stage}.p99") for stage in stages}
    return {"answered": metric(done, "latency.p99"), **found}


def tell(at: str, each: Round) -> None:
    times = ", ".join(f"{name} {value or float('nan'):,.0f}" for name, value in each.p99_ms.items())
    print(
        f"  {at}  exit {each.exit_code} {each.verdict}  {each.events:,} events, missing {each.missing}, "
        f"undelivered {each.undelivered} of {each.owed}\n"
        f"       p99 in ms: {times}; drained in {each.drain_s} s; CPU {each.cpu_ms_an_event:.2f} ms an event "
        f"(others: {each.others_cores:.2f} cores)",
        flush=True,
    )


def benchmark(options: argparse.Namespace) -> None:
    arguments = [f"--rate={options.rate:g}", f"--limits={options.limits}"]
    with tempfile.TemporaryDirectory(prefix="launchday-benchmark-") as name:
        rounds = []
        for at in range(1, options.rounds + 1):
            rounds.append(one_round(arguments, Path(name) / f"round-{at}"))
            tell(f"{at}/{options.rounds}", rounds[-1])
    cores = os.cpu_count() or 1
    print(f"\neverything at {options.rate:,.0f}/s: {len(rounds)} rounds, median (lowest to highest)")
    print(f"  objectives met              {sum(each.exit_code == 0 for each in rounds)} of {len(rounds)}")
    subscriber = [each.p99_ms["subscriber"] for each in rounds if each.p99_ms["subscriber"] is not None]
    if subscriber:
        print(f"  accepted to subscriber, p99 {spread(subscriber)} ms")
    print(f"  CPU an event, all processes {spread(each.cpu_ms_an_event for each in rounds)} ms")
    for role in sorted({role for each in rounds for role in each.cpu_ms}):
        print(f"    {role:<25} {spread(each.cpu_ms.get(role, 0.0) for each in rounds)} ms")
    used = statistics.median(each.cpu_ms_an_event for each in rounds) * options.rate / 1000
    print(f"  at this rate that is        {used:.2f} of {cores} cores: {used / cores:.0%}")
    keep("everything", {"rate": options.rate, "rounds": [asdict(each) for each in rounds]})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=float, default=500.0, help="events a second")
    parser.add_argument("--limits", default=str(LIMITS), help="as `launchday run` has them")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    sys.exit(run(lambda: benchmark(options)))
