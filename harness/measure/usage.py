"""What a run used, ready to be billed: meters from the start of the load to the end of the drain, without
what watching the run used itself, and with Lambda's duration by the model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.aws.latencies.duration import billed_ms, init_ms, round_up
from harness.aws.latencies.table import call_latencies
from harness.aws.prices.bill import Span
from harness.aws.prices.line import ResourceUsage
from harness.errors import MeasurementInvalid
from harness.measure.meters import CallTally
from harness.measure.observation import Invocation
from harness.measure.plan import UnbilledUsage
from harness.measure.run_folder import RunFolder
from harness.measure.run_state import Marked
from harness.measure.timeline import Timeline
from harness.measure.unseen import unseen_services

_MB_A_GB = 1024
_MS_A_SECOND = 1000
# Gauges that a bill needs beside the meters, by service.
_BILLED_GAUGES = {"dynamodb": "storage_bytes"}

_Quantities = dict[tuple[str, str], dict[str, Decimal]]


class _Kind(NamedTuple):
    """What invocations have in common whose duration is worked out together; `reported` of a target that
    does not say what CPU time they used."""

    function: str
    architecture: str
    memory_mb: int
    runtime: str
    reported: bool


@dataclass(frozen=True)
class FunctionDuration:
    """The duration of one function's invocations, as AWS would bill it by the model, and as the target's
    clock had it. `calls_not_modelled` are AWS calls without a latency in the table, by
    `<service>:<operation>`: with them, the model is a lower bound.

    Of a target that says what it bills (`reported_gb_s`), and not what CPU time was used, nothing is
    modelled: `modelled_gb_s` is None."""

    function: str
    architecture: str
    memory_mb: int
    invocations: int
    cold_starts: int
    modelled_gb_s: Decimal | None
    measured_gb_s: Decimal
    calls_not_modelled: Mapping[str, int]
    reported_gb_s: Decimal | None = None

    @property
    def gb_s(self) -> Decimal:
        """What goes on the bill: as modelled, else as reported."""
        gb_s = self.reported_gb_s if self.modelled_gb_s is None else self.modelled_gb_s
        assert gb_s is not None  # one of the two is known
        return gb_s


@dataclass(frozen=True)
class LeftOut:
    """What watching the run used: not on the bill."""

    service: str
    resource: str
    why: str
    quantities: Mapping[str, Decimal]


@dataclass(frozen=True)
class RunUsage:
    """What a run used. `complete` is False when the run ended before its drain did."""

    resources: tuple[ResourceUsage, ...]
    span: Span
    functions: tuple[FunctionDuration, ...]
    left_out: tuple[LeftOut, ...]
    complete: bool
    unseen: Mapping[str, str]
    """The services whose usage nobody counted, each with why: what they used is not in `resources`."""


def run_usage(folder: RunFolder) -> RunUsage | None:
    """From a run folder; None when the load never started, or nothing was observed after it did. Raises
    MeasurementInvalid when the folder is damaged."""
    start = folder.marked_usage("load_start")
    end = folder.marked_usage("end")
    complete = end is not None
    end = end or folder.marked_usage("latest")
    if start is None or end is None or end.at_s <= start.at_s:
        return None
    unbilled = folder.plan().get("unbilled", [])
    used, left_out = _split(_grown(start, end), unbilled)
    _add_gauges(used, folder.timeline(), unbilled)
    functions = function_durations(
        (i for i in folder.invocations() if start.at_s <= i.started_at_s <= end.at_s),
        folder.calls(),
        unbilled,
    )
    on_aws = folder.plan().get("target") == "aws"
    for duration in functions:
        quantities = used.setdefault(("lambda", duration.function), {})
        unit = f"gb_seconds_{duration.architecture}"
        if duration.modelled_gb_s is None:  # AWS says what it bills; what another's clock says is not AWS's
            unit = f"{'billed' if on_aws else 'reported'}_{unit}"
        quantities[unit] = quantities.get(unit, Decimal(0)) + duration.gb_s
    window_s = load_window_s(folder) or (start.at_s, end.at_s)
    span = Span.of_seconds(window_s[1] - window_s[0], end.at_s - start.at_s)
    resources = tuple(
        ResourceUsage(service, resource, quantities, span.metered_h)
        for (service, resource), quantities in sorted(used.items())
    )
    return RunUsage(
        resources, span, functions, left_out, complete, unseen_services(folder.state.unseen or {})
    )


def load_window_s(folder: RunFolder) -> tuple[float, float] | None:
    """When the load began and ended, in seconds since the epoch: as the generator says, without its wait for
    the last answers; else by the meters' marks, which have the generator's own start within. None when it
    never started."""
    summary = folder.load_summary()
    if summary is not None:
        return summary["started_at_s"], summary["started_at_s"] + summary["duration_s"]
    start = folder.marked_usage("load_start")
    end = folder.marked_usage("load_end") or folder.marked_usage("end") or folder.marked_usage("latest")
    return None if start is None or end is None else (start.at_s, end.at_s)


def function_durations(
    invocations: Iterable[Invocation], calls: Iterable[CallTally], unbilled: Sequence[UnbilledUsage] = ()
) -> tuple[FunctionDuration, ...]:
    """The duration model over invocations, a function, architecture and memory size at a time. Calls belong
    to an invocation by its trace id; those of `unbilled` resources are left out; invocations that share a
    trace id share its calls evenly."""
    by_kind: dict[_Kind, list[Invocation]] = {}
    sharing: dict[str, int] = {}
    for invocation in invocations:
        kind = _Kind(
            invocation.function,
            invocation.architecture,
            invocation.memory_mb,
            invocation.runtime,
            invocation.cpu_ms is None,
        )
        by_kind.setdefault(kind, []).append(invocation)
        sharing[invocation.trace_id] = sharing.get(invocation.trace_id, 0) + 1
    waiting, unknown = _call_times(calls, unbilled)
    return tuple(
        _reported(kind, found) if kind.reported else _modelled(kind, found, waiting, unknown, sharing)
        for kind, found in sorted(by_kind.items())
    )


def _modelled(
    kind: _Kind,
    found: Sequence[Invocation],
    waiting: Mapping[str, float],
    unknown: Mapping[str, Mapping[str, int]],
    sharing: Mapping[str, int],
) -> FunctionDuration:
    cold = _column([i.init_ms for i in found])
    init_cpu = np.where(np.isnan(cold), np.nan, np.nan_to_num(_column([i.init_cpu_ms for i in found])))
    calls = _column([waiting.get(i.trace_id, 0.0) / sharing[i.trace_id] for i in found])
    wall = _column([i.wall_ms for i in found])
    init = init_ms(kind.runtime, kind.architecture, kind.memory_mb, init_cpu)
    modelled = billed_ms(init, _column([i.cpu_ms for i in found]), kind.memory_mb, calls)
    timed_out = np.array([i.status == "timeout" for i in found], dtype=np.bool_)
    modelled = np.where(timed_out, round_up(init + wall), modelled)
    measured = round_up(wall + np.nan_to_num(cold))
    missing: dict[str, int] = {}
    for trace_id in {i.trace_id for i in found} & unknown.keys():
        for call, n in unknown[trace_id].items():
            missing[call] = missing.get(call, 0) + n
    return FunctionDuration(
        function=kind.function,
        architecture=kind.architecture,
        memory_mb=kind.memory_mb,
        invocations=len(found),
        cold_starts=int(np.count_nonzero(~np.isnan(cold))),
        modelled_gb_s=_gb_seconds(modelled, kind.memory_mb),
        measured_gb_s=_gb_seconds(measured, kind.memory_mb),
        calls_not_modelled=dict(sorted(missing.items())),
    )


def _reported(kind: _Kind, found: Sequence[Invocation]) -> FunctionDuration:
    """Of a function whose target tells durations and no CPU time. Where it does not say what it bills either,
    that is the duration, and the initialization, rounded up."""
    cold = _column([i.init_ms for i in found])
    measured = round_up(_column([i.wall_ms for i in found]) + np.nan_to_num(cold))
    billed = _column([i.billed_ms for i in found])
    reported = np.where(np.isnan(billed), measured, np.nan_to_num(billed)).astype(np.int64)
    return FunctionDuration(
        function=kind.function,
        architecture=kind.architecture,
        memory_mb=kind.memory_mb,
        invocations=len(found),
        cold_starts=int(np.count_nonzero(~np.isnan(cold))),
        modelled_gb_s=None,
        measured_gb_s=_gb_seconds(measured, kind.memory_mb),
        calls_not_modelled={},
        reported_gb_s=_gb_seconds(reported, kind.memory_mb),
    )


def _gb_seconds(duration_ms: NDArray[np.int64], memory_mb: int) -> Decimal:
    return Decimal(int(duration_ms.sum())) * memory_mb / _MB_A_GB / _MS_A_SECOND


def _column(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _call_times(
    calls: Iterable[CallTally], unbilled: Sequence[UnbilledUsage]
) -> tuple[dict[str, float], dict[str, dict[str, int]]]:
    """By trace id: the modelled time of its calls in ms, and its calls without a latency."""
    table = call_latencies()
    skipped = {(item["service"], item["resource"]) for item in unbilled}
    waiting: dict[str, float] = {}
    unknown: dict[str, dict[str, int]] = {}
    for trace_id, service, operation, resource, n in calls:
        if (service, resource) in skipped:
            continue
        call = f"{service}:{operation}"
        latency = table.get(call)
        if latency is not None:
            waiting[trace_id] = waiting.get(trace_id, 0.0) + latency.mean_ms * n
        else:
            of_trace = unknown.setdefault(trace_id, {})
            of_trace[call] = of_trace.get(call, 0) + n
    return waiting, unknown


def _grown(start: Marked, end: Marked) -> Iterator[tuple[str, str, str, Decimal]]:
    """What the meters grew by. Raises MeasurementInvalid when one fell: its process was started again."""
    before = {usage[:3]: usage.quantity for usage in start.usage}
    for service, resource, unit, quantity in end.usage:
        growth = Decimal(str(quantity)) - Decimal(str(before.get((service, resource, unit), 0)))
        if growth < 0:
            raise MeasurementInvalid(
                f"The meter {service} {resource} {unit} fell during the run: its process was started again."
            )
        yield service, resource, unit, growth


def _split(
    grown: Iterable[tuple[str, str, str, Decimal]], unbilled: Sequence[UnbilledUsage]
) -> tuple[_Quantities, tuple[LeftOut, ...]]:
    why = {(item["service"], item["resource"]): item["why"] for item in unbilled}
    used: _Quantities = {}
    for service, resource, unit, quantity in grown:
        if quantity:
            used.setdefault((service, resource), {})[unit] = quantity
    left_out = tuple(
        LeftOut(service, resource, why[service, resource], used.pop((service, resource)))
        for service, resource in sorted(why.keys() & used.keys())
    )
    return used, left_out


def _add_gauges(used: _Quantities, timeline: Timeline, unbilled: Sequence[UnbilledUsage]) -> None:
    skipped = {(item["service"], item["resource"]) for item in unbilled}
    for service, name in _BILLED_GAUGES.items():
        for series in timeline.select(name, service=service, kind="gauge"):
            if (service, series.resource) not in skipped:
                used.setdefault((service, series.resource), {})[name] = Decimal(str(series.last))
