"""Markdown for a pull request or `GITHUB_STEP_SUMMARY`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reports import wording


def render(result: Mapping[str, Any]) -> str:
    """A summary that fits a comment: verdict, objectives, ledger, bill."""
    parts = [
        f"## Launchday: {result['scenario']}",
        f"**{wording.headline(result)}** {_what(result)}",
        _objectives(result),
        _ledger(result),
        _deliveries(result),
        _bill(result),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _what(result: Mapping[str, Any]) -> str:
    requests = result["requests"]
    return (
        f"{wording.count(requests['planned'])} requests planned, "
        f"{wording.count(requests['accepted'])} accepted, "
        f"{wording.count(requests['throttled'])} throttled, {wording.count(requests['failed'])} failed, "
        f"on {wording.text(result['target'])} with limits `{wording.text(result['limits'])}`."
    )


def _objectives(result: Mapping[str, Any]) -> str:
    rows = []
    for objective in result["objectives"]:
        name = objective["name"]
        mark = {True: "✅", False: "❌", None: f"❔ {wording.judged(objective)}"}[objective["met"]]
        rows.append(
            [
                mark,
                f"`{name}`",
                f"{objective.get('comparison', '')} {wording.figure(name, objective['limit'])}",
                wording.figure(name, objective["actual"]),
            ]
        )
    return _table(["", "objective", "limit", "actual"], rows) if rows else ""


def _ledger(result: Mapping[str, Any]) -> str:
    ledger = result.get("ledger")
    if not ledger:
        return ""
    return _table(["event", "count"], [[a, wording.count(b)] for a, b, _ in wording.ledger_rows(ledger) if b])


def _deliveries(result: Mapping[str, Any]) -> str:
    told = result.get("deliveries")
    if not told:
        return ""
    rows = [[who.strip(), *map(wording.cell, counts)] for who, *counts in wording.delivery_rows(told)]
    return _table(["watchers", "owed", "delivered", "dead-lettered", "missing", "misdirected"], rows)


def _bill(result: Mapping[str, Any]) -> str:
    cost = result.get("cost")
    if not cost:
        return ""
    before = wording.day_before(cost)
    compared = f", **{before[0]}×** {before[1]}" if before else ""
    dearest = sorted(cost["lines"], key=lambda line: float(line["amount"] or 0), reverse=True)[:6]
    rows = [
        [line["service"], line["resource"], line["what"], wording.dollars(line["amount"]), line["basis"]]
        for line in dearest
    ]
    if cost["total"] is None:
        return f"{wording.costs(cost)}\n\n" + _table(["service", "resource", "what", "amount", "basis"], rows)
    return (
        f"**{wording.dollars(cost['total'])}** for this run, "
        f"{wording.dollars(cost['per_million_events'])} per million events, "
        f"{wording.dollars(cost['per_month'])} a month of the same traffic{compared}.\n\n"
        + _table(["service", "resource", "what", "amount", "basis"], rows)
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)
