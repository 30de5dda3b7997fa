"""What minutes of load leave in memory, and how much of it is what was stored.

    python benchmarks/memory.py [--minutes 10] [--rate 500]

Runs the mass registration at a constant rate and looks at the resident memory of each process, from when it
has warmed up (a sixth of the load) to the end of the load: medians of ten looks at either end. Then bare
processes are filled with just what the run had stored in between: registered devices, with their table's
stream; retained stream records, within the budget beyond which they go to disk; objects in S3 and log lines.
Environments of functions that began or ended meanwhile count with what one has. What the run grew beyond that
is unexplained: caches, arrays and rows of each process, and leaks. Prints the ratio of grown to accounted
for. Takes the minutes and one more. Needs nothing beside Launchday itself.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rehearsals import Look, Rehearsed, rehearse
from side_by_side import CannotMeasure, keep, run

from harness.measure.timeline import Timeline

BARE = Path(__file__).parent / "bare"
LOOKS = 10
WARM_SHARE = 1 / 6
MB = 1_000_000


@dataclass(frozen=True)
class Window:
    """What the run had stored at two moments."""

    start_s: float
    end_s: float
    devices: list[int]
    writes: list[int]
    records: list[int]
    objects: list[int]
    invocations: list[int]
    item_bytes: int
    record_bytes: int
    object_bytes: int
    shards: int


def window_of(done: Rehearsed) -> Window:
    """The moments, and what the run's own meters say of them."""
    record = done.record()
    begin, end = (record.marked_usage(mark) for mark in ("load_start", "load_end"))
    if begin is None or end is None:
        raise CannotMeasure(f"The run did not come to its end: {done.result.get('error')}")
    at = (begin.at_s + (end.at_s - begin.at_s) * WARM_SHARE, end.at_s)
    timeline = record.timeline()
    devices = _gauge(timeline, "dynamodb", "item_count", "devices", at)
    item_bytes = _gauge(timeline, "dynamodb", "storage_bytes", "devices", at)
    records = _counted(timeline, "kinesis", "put_records", "", at)
    ingested = _counted(timeline, "kinesis", "ingest_bytes", "", at)
    objects = _counted(timeline, "s3", "put_requests", "/", at)
    stored = _counted(timeline, "s3", "bytes_in", "/", at)
    return Window(
        *at,
        devices=devices,
        writes=_counted(timeline, "dynamodb", "write_request_units", "devices", at),
        records=records,
        objects=objects,
        invocations=_counted(timeline, "lambda", "requests", "", at),
        item_bytes=item_bytes[1] // max(1, devices[1]),
        record_bytes=ingested[1] // max(1, records[1]),
        object_bytes=stored[1] // max(1, objects[1]),
        shards=_gauge(timeline, "kinesis", "open_shards", "", at)[1],
    )


def _gauge(timeline: Timeline, service: str, name: str, part: str, at: tuple[float, float]) -> list[int]:
    """Of all resources with `part` in their name, the sum at each moment."""
    found = [each for each in timeline.select(name, service=service, kind="gauge") if part in each.resource]
    return [round(sum(float(np.interp(t, each.t, each.value)) for each in found)) for t in at]


def _counted(timeline: Timeline, service: str, name: str, part: str, at: tuple[float, float]) -> list[int]:
    """As `_gauge`, of a counter: a rate's rows say what it grew by a second since the look before."""
    total = [0.0 for _ in at]
    looks = np.unique(np.concatenate([each.t for each in timeline]))
    for each in timeline.select(name, service=service, kind="rate"):
        if part in each.resource:
            since = looks[np.maximum(np.searchsorted(looks, each.t) - 1, 0)]
            so_far = np.cumsum(each.value * (each.t - since))
            for i, t in enumerate(at):
                total[i] += float(np.interp(t, each.t, so_far))
    return [round(value) for value in total]


@dataclass(frozen=True)
class Grown:
    """The processes of one role at both ends of the window: resident bytes of all, and how many there are."""

    bytes: tuple[float, float]
    processes: tuple[int, int]

    @property
    def by_bytes(self) -> float:
        return self.bytes[1] - self.bytes[0]

    @property
    def of_new_processes_bytes(self) -> float:
        """What processes that began and ended meanwhile account for."""
        before, after = self.processes
        return (after - before) * max(self.bytes) / max(self.processes)


def grown(done: Rehearsed, window: Window) -> dict[str, Grown]:
    """By role."""
    within = [look for look in done.looks if window.start_s <= look.at_s <= window.end_s]
    if len(within) < 2 * LOOKS:
        raise CannotMeasure("The run was too short to look at its memory; --minutes says how long it lasts.")
    first, last = within[:LOOKS], within[-LOOKS:]
    roles = sorted({role for look in within for role in look.resident_bytes})
    return {
        role: Grown(
            (_resident(first, role), _resident(last, role)), (_count(first, role), _count(last, role))
        )
        for role in roles
    }


def _resident(looks: Sequence[Look], role: str) -> float:
    return statistics.median(look.resident_bytes.get(role, 0.0) for look in looks)


def _count(looks: Sequence[Look], role: str) -> int:
    return round(statistics.median(look.processes.get(role, 0) for look in looks))


def accounted(window: Window, found: Mapping[str, Grown]) -> dict[str, tuple[str, float]]:
    """By role: what accounts for its growth, and how many bytes that is: the growth of a bare process that
    holds just that."""
    table = {"devices": window.devices, "writes": window.writes, "item_bytes": window.item_bytes}
    stream = {"records": window.records, "record_bytes": window.record_bytes, "shards": window.shards}
    objects = {
        "objects": window.objects,
        "object_bytes": window.object_bytes,
        "invocations": window.invocations,
    }
    new = {name: counts[1] - counts[0] for name, counts in vars(window).items() if isinstance(counts, list)}
    environments = {
        role: (f"{each.processes[0]} environments, then {each.processes[1]}", each.of_new_processes_bytes)
        for role, each in found.items()
        if each.processes[0] != each.processes[1]
    }
    return environments | {
        "state": (f"{new['devices']:,} devices, {new['writes']:,} changes of them", _held(table)),
        "edge": (f"{new['records']:,} retained records", _held(stream)),
        "moto": (
            f"{new['objects']:,} objects in S3, log lines of {new['invocations']:,} invocations",
            _held(objects),
        ),
    }


def _held(asked: dict[str, Any]) -> float:
    command = [sys.executable, str(BARE / "holder.py"), json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise CannotMeasure(f"The bare process failed: {done.stderr.strip()[-500:]}")
    grown: int = json.loads(done.stdout)["grown_bytes"]
    return float(grown)


def tell(window: Window, found: Mapping[str, Grown], stored: Mapping[str, tuple[str, float]]) -> None:
    minutes = (window.end_s - window.start_s) / 60
    print(f"\nResident memory over {minutes:.1f} minutes of load, in MB")
    print("  process                  start     end   grown  stored  unexplained")
    for role, each in found.items():
        what, known = stored.get(role, ("", 0.0))
        start, end = each.bytes
        print(
            f"  {role:<22} {start / MB:>7.1f} {end / MB:>7.1f} {each.by_bytes / MB:>+7.1f}"
            f" {known / MB:>7.1f} {(each.by_bytes - known) / MB:>+12.1f}  {what}"
        )
    total, known = sum(each.by_bytes for each in found.values()), sum(known for _, known in stored.values())
    print(f"  {'all':<22} {'':>15} {total / MB:>+7.1f} {known / MB:>7.1f} {(total - known) / MB:>+12.1f}")
    print(f"  grown to accounted for: {total / known:.2f}" if known > 0 else "  nothing was stored")


def benchmark(minutes: float, rate: float) -> None:
    with tempfile.TemporaryDirectory(prefix="launchday-benchmark-") as name:
        asked = [str(BARE / "steady_registration.py"), f"--rate={rate:g}", f"--duration={minutes * 60:g}s"]
        done = rehearse(asked, Path(name) / "run")
        window = window_of(done)
        found = grown(done, window)
        events, verdict = done.result["events"]["accepted"], done.result["verdict"]
    print(f"{events:,} events in {minutes:g} minutes: {verdict}, exit code {done.exit_code}")
    stored = accounted(window, found)
    tell(window, found, stored)
    keep(
        "memory",
        {
            "minutes": minutes,
            "rate": rate,
            "verdict": verdict,
            "window": vars(window),
            "grown": {role: asdict(each) for role, each in found.items()},
            "stored_bytes": stored,
            "others_cores": done.others_cores,
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="how long the load lasts")
    parser.add_argument("--rate", type=float, default=500.0, help="requests/s")
    options = parser.parse_args()
    sys.exit(run(lambda: benchmark(options.minutes, options.rate)))
