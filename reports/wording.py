"""How figures and states are said, the same in every format."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

VERDICTS = {
    "met": "All objectives met",
    "missed": "Objectives missed",
    "invalid": "The measurement is not valid",
}


def headline(result: Mapping[str, Any]) -> str:
    """The verdict in one sentence, and why where it is not simply met."""
    status = result["status"]
    if status != "complete":
        reason = result.get("error")
        said = f"The run was {status}" if status == "interrupted" else "The run failed"
        return f"{said}: {reason}" if reason else f"{said}."
    verdict = VERDICTS[result["verdict"]]
    if result["verdict"] == "missed":
        missed = [o["name"] for o in result["objectives"] if not o["met"]]
        return f"{verdict}: {', '.join(missed)}."
    if result["verdict"] == "invalid" and result.get("verdict_reason"):
        return f"{verdict}: {result['verdict_reason']}"
    return f"{verdict}."


def count(value: Any) -> str:
    """A whole number with its thousands apart; `unknown` for what is not known."""
    return "unknown" if value is None else f"{int(value):,}"


def quantity(text: Any) -> str:
    """A decimal string as a person reads it: thousands apart, no needless zeros."""
    if text is None:
        return "unknown"
    try:
        number = Decimal(str(text))
    except InvalidOperation:
        return str(text)
    plain = f"{number.normalize():,f}"
    return plain if abs(number) < 1000 or "." not in plain else f"{number:,.1f}"


def dollars(text: Any) -> str:
    """Money: cents above a dollar, four significant digits below."""
    if text is None:
        return "unknown"
    try:
        amount = Decimal(str(text))
    except InvalidOperation:
        return str(text)
    if amount == 0 or abs(amount) >= 1:
        return f"${amount:,.2f}"
    return f"${amount:.6f}" if abs(amount) < Decimal("0.01") else f"${amount:.4f}"


def milliseconds(value: Any) -> str:
    """A duration in ms, or in s from ten seconds on."""
    if value is None:
        return "unknown"
    number = float(value)
    if number >= 10_000:
        return f"{number / 1000:,.1f} s"
    return f"{number:,.0f} ms" if number >= 100 else f"{number:.1f} ms"


def figure(metric: str, value: Any) -> str:
    """The value of a metric by what its name says it is."""
    if value is None:
        return "unknown"
    if metric.startswith("cost.times"):
        return f"{float(value):,.1f}×"
    if metric.startswith("cost."):
        return dollars(value)
    if metric.endswith(("share", "ratio")):
        return f"{100 * float(value):.2f} %"
    if metric.endswith("_s"):
        return f"{float(value):,.1f} s"
    if metric.startswith(("latency", "service_time", "modelled_latency")) or metric.endswith("_ms"):
        return milliseconds(value)
    number = float(value)
    return f"{number:,.0f}" if number == int(number) else f"{number:,.2f}"


def ledger_rows(ledger: Mapping[str, Any]) -> list[tuple[str, int | None, str]]:
    """(outcome, events, what it means), in the order of the identity that sums to accepted."""
    rows: list[tuple[str, int | None, str]] = [
        ("accepted", ledger["accepted"], "events that an entrance said yes to"),
        ("registered", ledger["registered"], "devices' registrations in the live table"),
        ("archived", ledger["archived"], "locations in the archive"),
    ]
    rows += [
        (f"discarded: {reason}", events, "refused by the pipeline's own rule")
        for reason, events in sorted(ledger["discarded"].items())
    ]
    return [
        *rows,
        ("dead-lettered", ledger["dead_lettered"], "in a dead-letter queue, for a person to look at"),
        ("missing", ledger["missing"], "accepted and found nowhere"),
        ("superseded", ledger["superseded"], "of the above: older than the live state when they came"),
        ("redelivered", ledger["redelivered"], "of the above: seen more than once and absorbed"),
        ("duplicated", ledger["duplicated"], "of the above: a reader can see them twice"),
        ("unexpected", ledger["unexpected"], "ends of events that were never accepted"),
    ]
