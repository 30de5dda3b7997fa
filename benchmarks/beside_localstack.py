"""The embedded AWS beside LocalStack, with the same pipeline on both, in one run.

    python benchmarks/beside_localstack.py [--rounds 5]

LocalStack is as `launchday localstack install` made it, with Launchday's extension and its companion: without
them it has neither DynamoDB nor Lambda where there is no Docker. In turn, under the same wrk script: the
ingest path (authorizer cached, mapping template, PutRecord), Kinesis PutRecord, DynamoDB PutItem. Then, of
each by itself: the time of `launchday up`, and one `launchday run` at a rate that it can take for half a
minute, with the events that were through to the end of the drain each second, and the memory of all of its
processes.
Servers have all cores; wrk is kept to the last. Takes about six minutes. Needs wrk.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import dynamodb_put
import ingest
import kinesis_put
from rehearsals import Rehearsed, launchday, rehearse
from side_by_side import CannotMeasure, Comparison, Request, compare, keep, report, run, wrk, wrk_script

from harness.aws.limits.profiles import NONE
from harness.pipeline import Cloud
from harness.targets.embedded import EmbeddedTarget
from harness.targets.localstack import environment
from harness.targets.localstack.target import LocalStackTarget

GOAL = 200.0
"""How many times LocalStack's the embedded AWS's ingest rate is to be."""
EMBEDDED, LOCALSTACK = "embedded", "localstack"
RATES = {EMBEDDED: 1_000.0, LOCALSTACK: 20.0}
"""Arrivals a second of the whole run: what each can take."""
DURATION = "30s"
_OURS = ("command", "generator", "watchers")
"""Processes that are not the target's."""


@dataclass(frozen=True)
class WholeRun:
    """A rehearsal on one target. `events_per_s` is accepted events by the time from the first arrival to the
    end of the drain; memory is the highest of all looks, of the target's processes together."""

    rate: float
    verdict: str
    events: int
    missing: int
    events_per_s: float
    p99_ms: float
    resident_mb: float


def side_by_side(rounds: int) -> dict[str, Comparison]:
    """The three request rates of both, in alternation. Raises CannotMeasure."""
    with ExitStack() as standing, tempfile.TemporaryDirectory(prefix="launchday-benchmark-") as logs:
        targets = {
            EMBEDDED: EmbeddedTarget(limits=NONE, port=0),
            LOCALSTACK: LocalStackTarget(environment.install(print), limits=NONE, port=0),
        }
        clouds = {
            name: standing.enter_context(target.start(Path(logs) / name)).cloud()
            for name, target in targets.items()
        }
        return {
            "ingest": _ingest(clouds, rounds),
            "put_record": _put_record(clouds, rounds),
            "put_item": _put_item(clouds, rounds),
        }


def _url(cloud: Cloud, service: str = "") -> str:
    return (cloud.endpoint(service) or "").rstrip("/") + "/"


def _ingest(clouds: Mapping[str, Cloud], rounds: int) -> Comparison:
    contenders = {}
    with ExitStack() as scripts:
        for name, cloud in clouds.items():
            url = ingest.stand_up(cloud)
            ingest.check(url)
            ingest.check_stream(cloud)
            path = "/" + url.split("/", 3)[3]
            requests = [Request(path, ingest.headers(), json.dumps(event)) for event in ingest.events()]
            script = scripts.enter_context(wrk_script(requests))
            contenders[name] = lambda url=url, script=script: wrk(url, script)
        return compare("localstack_ingest", contenders, rounds=rounds)


def _put_record(clouds: Mapping[str, Cloud], rounds: int) -> Comparison:
    urls = {name: _url(cloud, "kinesis") for name, cloud in clouds.items()}
    with wrk_script(kinesis_put.put_requests()) as script:
        for url in urls.values():
            kinesis_put.create_stream(url)
        contenders = {name: lambda url=url: wrk(url, script) for name, url in urls.items()}
        return compare("localstack_put_record", contenders, rounds=rounds)


def _put_item(clouds: Mapping[str, Cloud], rounds: int) -> Comparison:
    urls = {name: _url(cloud, "dynamodb") for name, cloud in clouds.items()}
    with wrk_script(dynamodb_put.put_requests()) as script:
        for url in urls.values():
            dynamodb_put.create_table(url)
        contenders = {name: lambda url=url: wrk(url, script) for name, url in urls.items()}
        return compare("localstack_put_item", contenders, rounds=rounds)


def stand_up_s(target: str, folder: Path) -> float:
    """Seconds that `launchday up` takes to a deployed pipeline, packages and environments cached."""
    variables = {
        **os.environ,
        "LAUNCHDAY_STATE_DIR": str(folder / f"state-{target}"),
        "LAUNCHDAY_STAGE": "benchmark",
    }
    began = time.monotonic()
    up = subprocess.run(
        [launchday(), "up", "--port", "0", "--target", target],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    took_s = time.monotonic() - began
    if up.returncode:
        raise CannotMeasure(f"`launchday up --target {target}` failed: {up.stderr.strip()[-500:]}")
    subprocess.run([launchday(), "down", "--target", target], env=variables, capture_output=True, check=True)
    return took_s


def whole_run(target: str, folder: Path) -> WholeRun:
    """One rehearsal of the registration on `target`. Raises CannotMeasure."""
    rate = RATES[target]
    done = rehearse(
        ["mass_registration_fixed", "--target", target, f"--rate={rate:g}", f"--duration={DURATION}"],
        folder / f"run-{target}",
    )
    if "ledger" not in done.result or done.result.get("verdict") is None:
        raise CannotMeasure(f"The run on {target} did not come to its end: {done.result.get('error')}")
    start_s, end_s = done.load_window_s()
    accepted = done.result["events"]["accepted"]
    return WholeRun(
        rate=rate,
        verdict=done.result["verdict"],
        events=accepted,
        missing=done.result["ledger"]["missing"],
        events_per_s=accepted / (end_s - start_s),
        p99_ms=max(route["p99"] for route in done.result["latency_ms"].values()),
        resident_mb=_resident_mb(done),
    )


def _resident_mb(done: Rehearsed) -> float:
    return max(
        sum(size for role, size in look.resident_bytes.items() if role not in _OURS) for look in done.looks
    ) / (1024 * 1024)


def benchmark(rounds: int) -> None:
    comparisons = side_by_side(rounds)
    with tempfile.TemporaryDirectory(prefix="launchday-benchmark-") as name:
        folder = Path(name)
        for target in RATES:
            stand_up_s(target, folder)  # builds what is cached from then on
        up_s = {target: stand_up_s(target, folder) for target in RATES}
        runs = {target: whole_run(target, folder) for target in RATES}
    for comparison in comparisons.values():
        report(comparison)
    print("\nof each by itself")
    for target, each in runs.items():
        print(
            f"  {target:<12} up in {up_s[target]:>5.1f} s   {each.events_per_s:>7.1f} events/s through "
            f"(offered {each.rate:g}/s, p99 {each.p99_ms:,.0f} ms, missing {each.missing}, {each.verdict})   "
            f"{each.resident_mb:,.0f} MB"
        )
    ratio = comparisons["ingest"].ratio(EMBEDDED, LOCALSTACK)
    print(
        f"  goal: ingest {GOAL:.0f} times LocalStack's: {ratio:.0f} ({'met' if ratio >= GOAL else 'missed'})"
    )
    keep(
        "localstack",
        {
            "ratios": {
                name: round(each.ratio(EMBEDDED, LOCALSTACK), 1) for name, each in comparisons.items()
            },
            "up_s": up_s,
            "runs": {target: asdict(each) for target, each in runs.items()},
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    sys.exit(run(lambda: benchmark(options.rounds)))
