"""result.json, version 1, from a run folder alone. Its schema is reports/schema/result-1.schema.json.

Durations in ms, money and large quantities as decimal strings. Null carries a reason beside it: `reason` in
the same object, or `<name>_reason` where the null stands at the top.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from importlib.resources import files
from typing import Any, Final

from harness.aws.latencies.route import METHOD, route_latency
from harness.aws.latencies.table import call_latencies
from harness.aws.prices.bill import BillLine
from harness.measure.run_folder import RunFolder
from harness.measure.stored import REQUEST_COUNTS
from harness.measure.usage import FunctionDuration, RunUsage
from harness.objectives import Objective
from reports.checks import latency
from reports.checks.catalogue import Judged, judge, read_metrics
from reports.checks.measured import Measured, read
from reports.verdict import decide, why_invalid

SCHEMA: Final = "launchday.result/1"

_LATENCIES: Final = ("latency_ms", "service_time_ms", "failed_latency_ms", "group_latency_ms")
_NO_TOTALS: Final = "the generator wrote no totals"
_NO_METERS: Final = "the meters were not read from the start of the load on"
_NANO: Final = Decimal("0.000000001")


def build_result(folder: RunFolder) -> dict[str, Any]:
    """The result of the run in `folder`, complete or not. Raises UsageError when its plan has an objective on
    a metric that does not exist."""
    measured = read(folder)
    result = {
        **_head(measured),
        **_load(measured.load, hangs_up=measured.plan.get("hangs_up", False)),
        "modelled_latency_ms": _modelled_latency(measured),
        **_ledger(measured),
        **_deliveries(measured),
        "stages_ms": _stages(measured),
        **_usage(measured.usage),
        **_cost(measured),
        "ceilings": {
            "generator_per_s": None,
            "target_per_s": None,
            "method": "",
            "reason": "a run does not look for ceilings; the benchmarks do",
        },
    }
    invalid = why_invalid(measured, result)
    routes = _routes(measured)
    judged = judge(
        [Objective.parse(text) for text in measured.plan.get("objectives", [])],
        read_metrics(measured, routes),
        routes,
        measured.state.unseen or {},
        valid=invalid is None,
    )
    decision = decide(measured, judged, invalid)
    return {
        **result,
        "objectives": [_objective(one) for one in judged],
        "verdict": decision.verdict,
        "verdict_reason": decision.reason,
    }


def schema() -> dict[str, Any]:
    """The JSON Schema of result.json."""
    found: dict[str, Any] = json.loads(
        (files("reports") / "schema" / "result-1.schema.json").read_text(encoding="utf-8")
    )
    return found


def _routes(measured: Measured) -> list[str]:
    """Those of the plan, with its groups of accounts, and any that answered beside them."""
    answered = (measured.load or {}).get("latency_ms", {})
    planned = (*measured.plan.get("routes", []), *measured.plan.get("groups", []))
    return list(dict.fromkeys([*planned, *answered]))


def _head(measured: Measured) -> dict[str, Any]:
    state, plan = measured.state, measured.plan
    ended_at_s = state.ended_at_s
    head: dict[str, Any] = {
        "schema": SCHEMA,
        "status": state.status,
        "error": state.error,
        "exit_code": state.exit_code,
        "scenario": state.scenario,
        "started_at": _utc(state.started_at_s),
        "ended_at": None if ended_at_s is None else _utc(ended_at_s),
        "duration_s": None if ended_at_s is None else round(ended_at_s - state.started_at_s, 3),
        "versions": measured.environment.get("versions", {}),
        "incidents": list(state.incidents),
        "observer": state.observer,
        "unseen": dict(state.unseen or {}),
    }
    if ended_at_s is None:
        head["ended_at_reason"] = head["duration_s_reason"] = "the run has not ended, or died without a word"
    for name in ("pipeline", "target", "limits", "scale", "seed", "region"):
        head[name] = plan.get(name)
        if head[name] is None:
            head[f"{name}_reason"] = "the run's plan does not say"
    return head


def _utc(at_s: float) -> str:
    at = dt.datetime.fromtimestamp(at_s, dt.UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _load(load: Mapping[str, Any] | None, *, hangs_up: bool) -> dict[str, Any]:
    if load is None:
        return {
            "requests": {**dict.fromkeys(REQUEST_COUNTS), "start_lateness_ms": None, "reason": _NO_TOTALS},
            "events": {"sent": None, "accepted": None, "reason": _NO_TOTALS},
            "throughput": {"planned_per_s": None, "achieved_per_s": None, "reason": _NO_TOTALS},
            **{name: {} for name in _LATENCIES},
        }
    requests = {name: load["requests"][name] for name in (*REQUEST_COUNTS, "start_lateness_ms")}
    return {
        "requests": {**requests, "devices_hang_up": hangs_up},
        "events": dict(load["events"]),
        "throughput": dict(load["throughput"]),
        **{name: load.get(name, {}) for name in _LATENCIES},
        "kinds": load.get("kinds", {}),
        "calls": load.get("calls", {}),
    }


def _modelled_latency(measured: Measured) -> dict[str, Any]:
    """What AWS would answer in, by the model: a column of its own, never mixed with what was measured."""
    modelled = {}
    for route, steps in measured.plan.get("hops", {}).items():
        if steps and all(step in call_latencies() for step in steps):
            latency = route_latency(steps)
            modelled[route] = {
                "p50": latency.p50_ms,
                "p90": latency.p90_ms,
                "p99": latency.p99_ms,
                "basis": "modelled",
                "steps": list(latency.steps),
                "assumed": list(latency.assumed),
                "method": METHOD,
            }
    return modelled


def _ledger(measured: Measured) -> dict[str, Any]:
    ledger, drain = measured.ledger, measured.state.drain
    if ledger is None:
        return {"ledger": None, "ledger_reason": "the ledger was not read"}
    found: dict[str, Any] = {
        name: value for name, value in ledger.to_json().items() if name != "accepted_to_processed_ms"
    }
    found["drain_s"] = None if drain is None else round(drain.duration_s, 3)
    found["drained"] = None if drain is None else drain.emptied
    found["drained_by"] = None if drain is None else "backlog" if drain.waiting is None else "evidence"
    if drain is None:
        found["reason"] = "the run did not come to the drain"
    if found["predictions"] is None:
        found["predictions_reason"] = "the product predicts nothing"
    return {"ledger": found}


def _deliveries(measured: Measured) -> dict[str, Any]:
    """Who was told of what, by channel."""
    told = measured.deliveries
    if told is None:
        return {"deliveries": None, "deliveries_reason": "nobody watched"}
    channels: dict[str, Any] = told.to_json()
    for channel in channels.values():
        if channel is not None:
            del channel["accepted_to_told_ms"]  # it stands in `stages_ms`
    return {"deliveries": channels}


def _stages(measured: Measured) -> dict[str, Any]:
    stages = {name: dict(timed) for name, timed in latency.stages(measured).items() if timed is not None}
    for name, figures in stages.items():
        if not figures["count"]:
            figures["reason"] = latency.untimed(measured, name)
    return stages


def _usage(usage: RunUsage | None) -> dict[str, Any]:
    if usage is None:
        return {"usage": {}, "usage_reason": _NO_METERS}
    totals: dict[str, Decimal] = {}
    for resource in usage.resources:
        for unit, quantity in resource.quantities.items():
            name = "gb_seconds" if "gb_seconds_" in unit else unit
            key = f"{resource.service}.{name}"
            totals[key] = totals.get(key, Decimal(0)) + quantity
    return {
        "usage": {key: _plain(quantity) for key, quantity in sorted(totals.items())},
        "usage_left_out": [
            {
                "service": item.service,
                "resource": item.resource,
                "why": item.why,
                "usage": {unit: _plain(quantity) for unit, quantity in item.quantities.items()},
            }
            for item in usage.left_out
        ],
        "lambda_duration": [_duration(item) for item in usage.functions],
    }


def _duration(item: FunctionDuration) -> dict[str, Any]:
    found: dict[str, Any] = {
        "function": item.function,
        "architecture": item.architecture,
        "memory_mb": item.memory_mb,
        "invocations": item.invocations,
        "cold_starts": item.cold_starts,
        "modelled_gb_s": None if item.modelled_gb_s is None else _plain(item.modelled_gb_s),
        "measured_gb_s": _plain(item.measured_gb_s),
        "calls_not_modelled": dict(item.calls_not_modelled),
    }
    if item.reported_gb_s is not None:
        found["reported_gb_s"] = _plain(item.reported_gb_s)
        found["reason"] = "the target says what it bills, and not what CPU time was used"
    return found


def _cost(measured: Measured) -> dict[str, Any]:
    bill, usage = measured.bill, measured.usage
    if bill is None or usage is None:
        return {"cost": None, "cost_reason": _NO_METERS}
    before = bill.day_before
    cost: dict[str, Any] = {
        "currency": bill.currency,
        "region": bill.region,
        "total": _money(bill.total),
        "per_million_events": _money(bill.per_million_events),
        "per_hour": _money(bill.per_hour),
        "per_month": _money(bill.per_month),
        "times_the_day_before": None if before is None else float(before.times),
        "free_tier": bill.free_tier,
        "complete": usage.complete,
        "lines": [_line(line) for line in bill.lines],
        "unknown": [
            f"{item.service} {item.resource}, {item.unit}: {_plain(item.quantity)}; {item.reason}"
            for item in bill.unpriced
        ]
        + [
            f"lambda {item.function}, the time of {calls} calls of {call}; no latency of it is known"
            for item in usage.functions
            for call, calls in item.calls_not_modelled.items()
        ]
        + [f"{', '.join(services)}: not seen, {why}" for why, services in _by_reason(usage.unseen)],
        **{f"{name}_reason": reason for name, reason in bill.reasons.items()},
    }
    if before is not None:
        cost["day_before"] = {
            "cost_per_hour": _money(before.cost_per_hour),
            "events_per_hour": _plain(before.events_per_hour),
            "times_the_events": float(before.times_the_events),
            "basis": before.basis,
            "source": before.source,
        }
        if before.at_least is not None and before.at_most is not None:
            cost["day_before"]["times_at_least"] = float(before.at_least)
            cost["day_before"]["times_at_most"] = float(before.at_most)
    return {"cost": cost}


def _by_reason(unseen: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Reasons, and the services of each."""
    for why in dict.fromkeys(unseen.values()):
        yield why, [service for service, its in unseen.items() if its == why]


def _line(priced: BillLine) -> dict[str, Any]:
    line, price = priced.line, priced.price
    found: dict[str, Any] = {
        "service": line.service,
        "resource": line.resource,
        "what": line.price_id if price is None else price.what,
        "unit": line.price_id if price is None else price.unit,
        "quantity": _plain(line.quantity),
        "price": None if priced.unit_price is None else _plain(priced.unit_price),
        "amount": None if priced.amount is None else _plain(priced.amount.quantize(_NANO)),
        "basis": line.basis,
        "price_id": line.price_id,
    }
    if price is None:
        found["reason"] = "no price is known"
    else:
        found["price_confidence"] = price.confidence
    if line.note:
        found["note"] = line.note
    return found


def _objective(judged: Judged) -> dict[str, Any]:
    objective, reading = judged.objective, judged.reading
    return {
        "name": objective.metric,
        "comparison": objective.comparison,
        "limit": objective.limit,
        "actual": reading.value,
        "met": judged.met,
        "reason": reading.reason,
        "unit": judged.unit,
    }


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"


def _plain(quantity: Decimal) -> str:
    """At most 15 significant digits, no exponent, no trailing zeros."""
    text = f"{Decimal(f'{quantity:.15g}'):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
