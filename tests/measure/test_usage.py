"""What a run used: between its marks, without what watched it, Lambda by the model."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from harness.aws.latencies.table import call_latencies
from harness.errors import MeasurementInvalid
from harness.measure.meters import CallTally, Gauge, Usage
from harness.measure.observation import Invocation, Observation
from harness.measure.plan import UnbilledUsage
from harness.measure.run_folder import RunFolder
from harness.measure.usage import function_durations, load_window_s, run_usage

T0 = 1_800_000_000.0
AUDIT: UnbilledUsage = {"service": "s3", "resource": "data/audit", "why": "the ledger reads it"}


def invocation(trace_id: str, **changes: object) -> Invocation:
    made = Invocation(
        function="f",
        request_id=trace_id,
        trace_id=trace_id,
        source="api",
        started_at_s=T0 + 5,
        init_ms=None,
        wall_ms=100.0,
        cpu_ms=10.0,
        init_cpu_ms=None,
        peak_memory_mb=50.0,
        memory_mb=1769,
        architecture="x86_64",
        status="ok",
    )
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def ms(gb_s: Decimal) -> Decimal:
    """Milliseconds at 1,769 MB."""
    return gb_s * 1024 / 1769 * 1000


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder.create(tmp_path, "s", T0)
    made.mark_usage("load_start", [Usage("sqs", "q", "requests", 10)], T0)
    return made


def test_what_was_used_before_the_load_is_not_the_runs(folder: RunFolder) -> None:
    folder.mark_usage("load_end", [Usage("sqs", "q", "requests", 20)], T0 + 60)
    folder.mark_usage(
        "end", [Usage("sqs", "q", "requests", 25), Usage("s3", "b", "put_requests", 1)], T0 + 72
    )
    used = run_usage(folder)
    assert used is not None
    assert {(r.service, r.resource): dict(r.quantities) for r in used.resources} == {
        ("sqs", "q"): {"requests": Decimal(15)},
        ("s3", "b"): {"put_requests": Decimal(1)},
    }
    assert used.complete
    assert (used.span.traffic_h, used.span.metered_h) == (Decimal(60) / 3600, Decimal(72) / 3600)


def test_watching_itself_is_left_out_and_said(folder: RunFolder) -> None:
    folder.write_plan({"unbilled": [AUDIT]})
    folder.mark_usage("end", [Usage("s3", "data/audit", "put_requests", 9)], T0 + 60)
    used = run_usage(folder)
    assert used is not None
    assert used.resources == ()
    (left_out,) = used.left_out
    assert (left_out.resource, left_out.quantities) == ("data/audit", {"put_requests": Decimal(9)})


def test_a_partial_run_is_billed_to_its_last_observation(folder: RunFolder) -> None:
    folder.append_observation(Observation(T0 + 30, [Usage("sqs", "q", "requests", 14)], []))
    used = run_usage(folder)
    assert used is not None
    assert not used.complete
    assert used.resources[0].quantities == {"requests": Decimal(4)}


def test_a_run_without_a_load_used_nothing_that_is_known(tmp_path: Path, folder: RunFolder) -> None:
    assert run_usage(folder) is None
    assert run_usage(RunFolder.create(tmp_path, "other", T0)) is None


def test_a_meter_that_fell_is_no_bill(folder: RunFolder) -> None:
    folder.mark_usage("end", [Usage("sqs", "q", "requests", 9)], T0 + 60)
    with pytest.raises(MeasurementInvalid, match="sqs q requests fell"):
        run_usage(folder)


def test_storage_is_as_it_was_at_the_end(folder: RunFolder) -> None:
    for at_s, size in ((T0 + 1, 5.0), (T0 + 2, 7.0)):
        folder.append_observation(Observation(at_s, [], [Gauge("dynamodb", "t", "storage_bytes", size)]))
    used = run_usage(folder)
    assert used is not None
    (table,) = used.resources
    assert table.quantities == {"storage_bytes": Decimal(7)}


def test_invocations_outside_the_run_are_not_its(folder: RunFolder) -> None:
    seen = [
        invocation("early", started_at_s=T0 - 1),
        invocation("in"),
        invocation("late", started_at_s=T0 + 99),
    ]
    folder.append_observation(Observation(T0 + 60, [], [], invocations=seen))
    folder.mark_usage("end", [Usage("sqs", "q", "requests", 10)], T0 + 60)
    used = run_usage(folder)
    assert used is not None
    assert [f.invocations for f in used.functions] == [1]
    assert used.resources[0].quantities == {"gb_seconds_x86_64": Decimal(10) * 1769 / 1024 / 1000}


def test_the_generators_own_times_are_the_loads(folder: RunFolder) -> None:
    folder.mark_usage("end", [], T0 + 72)
    assert load_window_s(folder) == (T0, T0 + 72)
    names = ("planned", "sent", "dropped", "accepted", "throttled", "failed", "indeterminate", "retries")
    latencies = ("latency_ms", "service_time_ms", "failed_latency_ms")
    totals = {
        "started_at_s": T0 + 2,
        "ended_at_s": T0 + 65,
        "duration_s": 60,
        "valid": True,
        "invalid_reason": None,
        "requests": {
            **dict.fromkeys(names, 0),
            "start_lateness_ms": dict.fromkeys(("p50", "p99", "max"), 0.5),
        },
        "events": {"sent": 0, "accepted": 0},
        "throughput": {"planned_per_s": 0, "achieved_per_s": 0},
        **{name: {} for name in latencies},
        "histograms": {name: {} for name in latencies},
    }
    (folder.load_path / "summary.json").write_text(json.dumps(totals))
    assert load_window_s(folder) == (T0 + 2, T0 + 62)


def test_calls_belong_to_their_invocation_and_unbilled_ones_to_none() -> None:
    put = call_latencies()["s3:PutObject"].mean_ms
    calls = [
        CallTally("a", "s3", "PutObject", "data/archive", 2),
        CallTally("a", "s3", "PutObject", "data/audit", 50),
        CallTally("elsewhere", "s3", "PutObject", "data/archive", 50),
    ]
    (duration,) = function_durations([invocation("a")], calls, [AUDIT])
    assert ms(duration.modelled_gb_s) == int(10 + 2 * put) + 1
    assert ms(duration.measured_gb_s) == 100
    assert duration.calls_not_modelled == {}


def test_invocations_of_one_trace_share_its_calls() -> None:
    put = call_latencies()["s3:PutObject"].mean_ms
    calls = [CallTally("a", "s3", "PutObject", "b", 1)]
    (duration,) = function_durations([invocation("a"), invocation("a")], calls)
    assert ms(duration.modelled_gb_s) == 2 * (int(10 + put / 2) + 1)


def test_a_call_without_a_latency_is_named() -> None:
    calls = [CallTally("a", "rocketry", "Launch", "pad", 3)]
    (duration,) = function_durations([invocation("a")], calls)
    assert duration.calls_not_modelled == {"rocketry:Launch": 3}
    assert ms(duration.modelled_gb_s) == 10


def test_a_cold_start_is_billed_and_counted() -> None:
    cold = invocation("a", init_ms=700.0, init_cpu_ms=250.0, runtime="python3.13")
    (duration,) = function_durations([cold], [])
    assert duration.cold_starts == 1
    assert ms(duration.modelled_gb_s) == 260
    assert ms(duration.measured_gb_s) == 800


def test_a_timeout_is_billed_for_all_of_it() -> None:
    (duration,) = function_durations([invocation("a", status="timeout", wall_ms=3000.0)], [])
    assert ms(duration.modelled_gb_s) == 3000


def test_each_size_of_a_function_is_billed_by_its_own() -> None:
    found = function_durations([invocation("a"), invocation("b", memory_mb=885)], [])
    assert [(f.memory_mb, f.invocations) for f in found] == [(885, 1), (1769, 1)]
    assert found[0].modelled_gb_s == Decimal(20) * 885 / 1024 / 1000


def reported(request_id: str, **changes: object) -> Invocation:
    return invocation(request_id, cpu_ms=None, peak_memory_mb=64.0, **changes)


def test_durations_of_report_lines_are_taken_as_they_are() -> None:
    (duration,) = function_durations(
        [reported("a", wall_ms=12.2, billed_ms=13), reported("b", wall_ms=7.0, init_ms=100.5, billed_ms=108)],
        [],
    )
    assert duration.modelled_gb_s is None
    assert duration.cold_starts == 1
    gb = Decimal(duration.memory_mb) / 1024
    assert duration.reported_gb_s == Decimal(121) / 1000 * gb
    assert duration.measured_gb_s == Decimal(13 + 108) / 1000 * gb


def test_a_report_that_does_not_say_what_it_bills_is_rounded_up() -> None:
    (duration,) = function_durations([reported("a", wall_ms=12.2)], [])
    assert duration.reported_gb_s == Decimal(13) / 1000 * Decimal(duration.memory_mb) / 1024


def test_reported_and_modelled_durations_are_kept_apart() -> None:
    found = function_durations([invocation("a"), reported("b", billed_ms=5)], [])
    assert [each.modelled_gb_s is None for each in found] == [False, True]
