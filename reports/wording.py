"""How figures and states are said, the same in every format."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
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
    unjudged = [o["name"] for o in result["objectives"] if o["met"] is None]
    if result["verdict"] == "missed":
        missed = [o["name"] for o in result["objectives"] if o["met"] is False]
        said = ", ".join(missed) or (result.get("verdict_reason") or "").rstrip(".")
        return f"{verdict}: {said}{_beside(unjudged)}."
    if result["verdict"] == "met" and unjudged:
        return f"All objectives met that can be judged on this target{_beside(unjudged)}."
    if result["verdict"] == "invalid" and result.get("verdict_reason"):
        return f"{verdict}: {result['verdict_reason']}"
    return f"{verdict}."


def judged(objective: Mapping[str, Any]) -> str:
    """What became of an objective, in a word or two."""
    return {True: "met", False: "missed", None: "not judged"}[objective["met"]]


def _beside(unjudged: list[str]) -> str:
    return f"; not judged: {', '.join(unjudged)}" if unjudged else ""


def text(value: Any) -> str:
    """A word or name; `unknown` for what is not known."""
    return "unknown" if value is None else str(value)


def rates(throughput: Mapping[str, Any]) -> str:
    """Achieved of planned, in requests a second."""
    achieved, planned = throughput["achieved_per_s"], throughput["planned_per_s"]
    if achieved is None or planned is None:
        return "how many a second is unknown"
    return f"{achieved:,.0f} requests/s of {planned:,.0f} planned"


def count(value: Any) -> str:
    """A whole number with its thousands apart; `unknown` for what is not known."""
    return "unknown" if value is None else f"{int(value):,}"


def cell(value: int | None) -> str:
    """A whole number in a table; nothing where the row has none."""
    return "" if value is None else count(value)


def never_answered(requests: Mapping[str, Any]) -> str:
    """How many requests nobody knows an answer to, and whether that belongs to the scenario."""
    meant = requests["indeterminate"] and requests.get("devices_hang_up")
    on_purpose = " (in this scenario devices hang up on purpose)" if meant else ""
    return f"{count(requests['indeterminate'])} never answered{on_purpose}"


def quantity(value: Any) -> str:
    """A decimal string as a person reads it: thousands apart; of a fraction, four digits that count."""
    if value is None:
        return "unknown"
    number = Decimal(str(value))
    if number == number.to_integral():
        return f"{number:,.0f}"
    if abs(number) >= 1000:
        return f"{number:,.1f}"
    return f"{Decimal(f'{number:.4g}'):f}"


def dollars(value: Any) -> str:
    """Money: cents from a dollar on, four places from a cent on, six below."""
    if value is None:
        return "unknown"
    amount = Decimal(str(value))
    if amount == 0 or abs(amount) >= 1:
        return f"${amount:,.2f}"
    if abs(amount) < Decimal("0.0000005"):
        return "under $0.000001"
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
    if metric.endswith(("_s", ".s")) and not metric.endswith("_per_s"):
        return f"{float(value):,.1f} s"
    if metric.startswith(("latency", "service_time", "modelled_latency")) or metric.endswith("_ms"):
        return milliseconds(value)
    number = float(value)
    return f"{number:,.0f}" if number == int(number) else f"{number:,.2f}"


def day_before(cost: Mapping[str, Any]) -> tuple[str, str] | None:
    """How many times the day before's cost, and the words that belong to it: the events beside it, as what
    stands without traffic keeps the two apart. None when there is nothing to compare with."""
    times, before = cost.get("times_the_day_before"), cost.get("day_before")
    if times is None:
        return None
    if not before:
        return f"{float(times):,.0f}", "the day before"
    said = [before["basis"]]
    if "times_at_least" in before:
        least, most = (f"{before[name]:,.0f}" for name in ("times_at_least", "times_at_most"))
        if least != most:
            said.append(f"between {least} and {most}")
    said.append(f"{before['times_the_events']:,.0f} times its events")
    return f"{float(times):,.0f}", f"the day before ({', '.join(said)})"


def costs(cost: Mapping[str, Any]) -> str:
    """What the traffic costs by the million events, the hour and the month, or why nobody can say."""
    if cost["total"] is None:
        return f"What this run costs is not known: {cost.get('total_reason') or 'a price is missing'}."
    compared = day_before(cost)
    return (
        f"{dollars(cost['per_million_events'])} per million events, "
        f"{dollars(cost['per_hour'])} an hour, "
        f"{dollars(cost['per_month'])} a month of the same traffic"
        + (f": {compared[0]} times {compared[1]}." if compared else ".")
    )


def bill_rows(cost: Mapping[str, Any], share: str = "0") -> tuple[list[Mapping[str, Any]], Decimal]:
    """The bill's lines, dearest first, without those that are less than `share` of the total, and the sum of
    the ones left out. A line without an amount is never left out."""
    least = Decimal(share) * Decimal(cost["total"] or 0)
    shown = [line for line in cost["lines"] if line["amount"] is None or Decimal(line["amount"]) >= least]
    left_out = [line for line in cost["lines"] if line not in shown]
    return shown, sum((Decimal(line["amount"]) for line in left_out), Decimal(0))


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


def delivery_rows(deliveries: Mapping[str, Any]) -> list[tuple[str, int, int, int, int, int | None]]:
    """(watchers, owed, delivered, dead-lettered, missing, misdirected), a row a channel and, where endpoints
    behave differently, one for each behaviour. Misdirected is counted of a channel alone."""
    rows: list[tuple[str, int, int, int, int, int | None]] = []
    for channel, told in deliveries.items():
        if told is None:
            continue
        names = {"webhook": "webhook endpoints", "subscription": "live subscribers"}
        whole = f"{told['watchers']:,} {names.get(channel, channel)}"
        parts = ("owed", "delivered", "dead_lettered", "missing")
        owed, delivered, dead, missing = (told[part] for part in parts)
        rows.append((whole, owed, delivered, dead, missing, told["misdirected"]))
        if len(told["by_behaviour"]) > 1:
            for behaviour, counts in told["by_behaviour"].items():
                owed, delivered, dead, missing = (counts[part] for part in parts)
                rows.append((f"  of them {behaviour}", owed, delivered, dead, missing, None))
    return rows
