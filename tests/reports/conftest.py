"""A made-up run: a folder with everything in it, small enough to check by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.measure.histogram import LatencyHistogram
from harness.measure.ledger import Ledger
from harness.measure.meters import CallTally, Gauge, Usage
from harness.measure.observation import Invocation, Observation
from harness.measure.run_folder import RunFolder
from harness.measure.run_state import Drain
from harness.pipeline import Outcome

T0 = 1_800_000_000.0
DEVICES, LOCATIONS = "POST /v1/devices", "POST /v1/locations"
EVENTS = 1000

PLAN: dict[str, Any] = {
    "run_id": "r",
    "scenario": "made_up",
    "target": "embedded",
    "limits": "established",
    "scale": 1.0,
    "seed": 7,
    "region": "us-east-1",
    "pipeline": {"name": "reference", "hash": "3f2a9c"},
    "routes": [DEVICES, LOCATIONS],
    "objectives": ["latency.p99<250ms", "ledger.missing==0", "throughput.achieved_share>=90%", "drain.s<30s"],
    "unbilled": [{"service": "s3", "resource": "data/audit", "why": "the ledger reads it"}],
    "hops": {DEVICES: ["apigateway:rest", "kinesis:PutRecord"]},
    "day_before": {"events_per_hour": 3600.0, "cost_per_hour": None, "source": "the model of the day before"},
    "free_tier": False,
}

METERS = {
    ("apigateway", "ingest", "requests"): 1000,
    ("apigateway", "ingest", "throttled"): 40,
    ("apigateway", "ingest", "bytes_out"): 120_000,
    ("apigateway", "ingest", "authorizer_hits"): 990,
    ("kinesis", "events", "put_records"): 950,
    ("kinesis", "events", "ingest_kb"): 950,
    ("kinesis", "events", "put_payload_units"): 950,
    ("kinesis", "events", "read_bytes"): 500_000,
    ("kinesis", "events", "on_demand_stream_seconds"): 70,
    ("lambda", "processor", "requests"): 20,
    ("lambda", "processor", "errors"): 1,
    ("dynamodb", "devices", "write_request_units"): 940,
    ("dynamodb", "devices", "read_request_units"): 470.5,
    ("s3", "data/archive", "put_requests"): 3,
    ("s3", "data/archive", "bytes_in"): 40_000,
    ("s3", "data/audit", "put_requests"): 20,
    ("s3", "data/audit", "bytes_in"): 90_000,
    ("logs", "/aws/lambda/processor", "ingested_bytes"): 9_000,
    ("ssm", "parameters", "requests"): 2,
}


def summary() -> dict[str, Any]:
    """The generator's totals."""
    by_route: dict[str, dict[str, Any]] = {}
    encoded: dict[str, str] = {}
    for route, durations in ((DEVICES, np.linspace(1, 100, 600)), (LOCATIONS, np.linspace(1, 200, 350))):
        histogram = LatencyHistogram()
        histogram.record_many(durations)
        by_route[route] = dict(histogram.percentiles())
        encoded[route] = histogram.encode()
    return {
        "requests": {
            "planned": 1010,
            "sent": 1000,
            "dropped": 10,
            "accepted": 950,
            "throttled": 40,
            "failed": 8,
            "indeterminate": 2,
            "retries": 5,
            "start_lateness_ms": {"p50": 0.1, "p99": 1.2, "max": 4.0},
        },
        "events": {"sent": 1000, "accepted": 950},
        "throughput": {"planned_per_s": 16.8, "achieved_per_s": 15.8},
        "latency_ms": by_route,
        "service_time_ms": by_route,
        "failed_latency_ms": {},
        "histograms": {
            "latency_ms": encoded,
            "service_time_ms": encoded,
            "failed_latency_ms": {},
            "start_lateness_ms": LatencyHistogram().encode(),
        },
        "valid": True,
        "invalid_reason": None,
        "started_at_s": T0 + 1,
        "ended_at_s": T0 + 61.5,
        "duration_s": 60.0,
        "kinds": {
            "registration": {"sent": 620, "accepted": 600},
            "location": {"sent": 380, "accepted": 350},
        },
    }


def acceptance() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.array([1] * 950 + [2] * 40 + [3] * 8 + [4] * 2, dtype=np.uint8)


def outcomes() -> list[Outcome]:
    found = [Outcome(f"r-{n}", "registered", T0 + n / 20, 300.0 + n) for n in range(600)]
    found += [Outcome(f"r-{n}", "archived", T0 + n / 20, 300.0 + n) for n in range(600, 940)]
    found += [Outcome(f"r-{n}", "discarded:speed", T0 + n / 20, 300.0) for n in range(940, 948)]
    return [*found, Outcome("r-948", "dead_lettered", T0), Outcome("r-949", "archived", T0), found[0]]


def invocations() -> list[Invocation]:
    return [
        Invocation(
            function="processor",
            request_id=f"q{n}",
            trace_id=f"1-{n}",
            source="kinesis:events",
            started_at_s=T0 + 2 + n,
            init_ms=900.0 if n == 0 else None,
            wall_ms=80.0,
            cpu_ms=20.0,
            init_cpu_ms=300.0 if n == 0 else None,
            peak_memory_mb=90.0,
            memory_mb=512,
            architecture="arm64",
            status="ok",
            records=47,
            runtime="python3.13",
        )
        for n in range(20)
    ]


def observe(folder: RunFolder) -> None:
    """Seventy seconds, ten apart, the meters growing evenly."""
    for step in range(8):
        at_s = T0 + 10 * step
        usage = [Usage(*key, quantity * step / 7) for key, quantity in METERS.items()]
        backlog = [0.0, 50.0, 120.0, 90.0, 60.0, 40.0, 20.0, 0.0][step]
        gauges = [
            Gauge("lambda", "processor", "backlog_records", backlog),
            Gauge("lambda", "processor", "iterator_age_ms", backlog * 10),
            Gauge("dynamodb", "devices", "storage_bytes", 100_000.0 * step),
        ]
        seen = Observation(at_s, usage, gauges)
        if step == 7:
            seen.invocations = invocations()
            seen.calls = [CallTally(f"1-{n}", "dynamodb", "BatchWriteItem", "devices", 2) for n in range(20)]
            seen.calls += [CallTally(f"1-{n}", "s3", "PutObject", "data/audit", 1) for n in range(20)]
        folder.append_observation(seen)
        if step == 0:
            folder.mark_usage("load_start", usage, at_s)
        if step == 7:
            folder.mark_usage("end", usage, at_s)


MakeRun = Callable[..., RunFolder]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Makes the run's folder. `plan` and `load` are merged over the made-up ones."""

    def made(
        plan: dict[str, Any] | None = None,
        load: dict[str, Any] | None = None,
        *,
        emptied: bool = True,
        evidence: list[Outcome] | None = None,
        unseen: dict[str, str] | None = None,
        waiting: int | None = None,
    ) -> RunFolder:
        folder = RunFolder.create(tmp_path / "runs", "made_up", T0)
        folder.write_plan(PLAN | (plan or {}))
        folder.write_environment({"versions": {"launchday": "0.1.0", "python": "3.11"}})
        folder.set_observer("it sees everything", unseen or {})
        observe(folder)
        (folder.load_path / "summary.json").write_text(json.dumps(summary() | (load or {})))
        seconds = [{"t": T0 + 1 + n, "planned": 17, "sent": 17, "accepted": 16} for n in range(60)]
        (folder.load_path / "timeline.ndjson").write_text("".join(json.dumps(s) + "\n" for s in seconds))
        np.save(folder.load_path / "acceptance.npy", acceptance())
        folder.set_drain(Drain(8.25, emptied=emptied, waiting=waiting))
        ledger = Ledger(acceptance(), "r")
        ledger.record_many(outcomes() if evidence is None else evidence)
        ledger.predict_many((n, "registered") for n in range(600))
        folder.write_ledger(ledger)
        folder.finish("complete", T0 + 75)
        return folder

    return made
