"""The report in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reports import wording

SMALL = "0.001"
"""Lines of less than this share of the total stand together."""
STYLES = {"met": "bold green", "missed": "bold red", "invalid": "bold yellow"}


def render(result: Mapping[str, Any]) -> RenderableType:
    """Verdict, objectives, latency, ledger and bill, for a console of any width. Of a run that came to no
    load, what stopped it."""
    style = STYLES[result["verdict"]] if result["status"] == "complete" else "bold yellow"
    headline = Text(wording.headline(result), style=style)
    if result["requests"]["planned"] is None:
        return headline
    parts: list[RenderableType] = [
        headline,
        Text(_what(result)),
        _objectives(result),
    ]
    if result.get("latency_ms") or result.get("stages_ms"):
        parts.append(_latency(result))
    if result.get("ledger"):
        parts.append(_ledger(result["ledger"]))
    if result.get("deliveries"):
        parts.append(_deliveries(result["deliveries"]))
    if result.get("cost"):
        parts.append(_bill(result["cost"]))
    return Group(*(Padding(part, (0, 0, 1, 0)) for part in parts))


def _what(result: Mapping[str, Any]) -> str:
    requests = result["requests"]
    return (
        f"{wording.count(requests['planned'])} requests planned, "
        f"{wording.count(requests['sent'])} sent, "
        f"{wording.count(requests['accepted'])} accepted, "
        f"{wording.count(requests['throttled'])} throttled, "
        f"{wording.count(requests['failed'])} failed, "
        f"{wording.never_answered(requests)}; "
        f"{wording.rates(result['throughput'])}."
    )


def _plain_table(title: str, *columns: tuple[str, bool]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name, is_number in columns:
        table.add_column(name, justify="right" if is_number else "left", header_style="dim")
    return table


def _objectives(result: Mapping[str, Any]) -> Table:
    table = _plain_table(
        "Objectives", ("", False), ("metric", False), ("limit", True), ("actual", True), ("", False)
    )
    for objective in result["objectives"]:
        name = objective["name"]
        word = wording.judged(objective)
        mark = Text(word, style={"met": "green", "missed": "red"}.get(word, "yellow"))
        limit = f"{objective.get('comparison', '')} {wording.figure(name, objective['limit'])}"
        actual = wording.figure(name, objective["actual"])
        table.add_row(mark, Text(name), limit, actual, Text(objective.get("reason") or ""))
    return table


def _latency(result: Mapping[str, Any]) -> Table:
    quantiles = ("p50", "p95", "p99", "max")
    table = _plain_table(
        "Latency of accepted requests", ("route", False), ("count", True), *((q, True) for q in quantiles)
    )
    for route, figures in [
        *(result.get("latency_ms") or {}).items(),
        *(result.get("group_latency_ms") or {}).items(),
    ]:
        cells = [wording.milliseconds(figures.get(q)) for q in quantiles]
        table.add_row(Text(route), wording.count(figures["count"]), *cells)
    for stage, figures in (result.get("stages_ms") or {}).items():
        cells = [wording.milliseconds(figures.get(q)) for q in quantiles]
        table.add_row(Text(stage.replace("_", " ")), wording.count(figures.get("count")), *cells)
    return table


def _ledger(ledger: Mapping[str, Any]) -> Table:
    table = _plain_table("What became of each event", ("outcome", False), ("events", True), ("", False))
    for outcome, events, meaning in wording.ledger_rows(ledger):
        if events or outcome in ("accepted", "missing", "duplicated"):
            style = "red" if events and outcome in ("missing", "duplicated", "unexpected") else ""
            table.add_row(Text(outcome), Text(wording.count(events), style=style), Text(meaning, style="dim"))
    return table


def _deliveries(deliveries: Mapping[str, Any]) -> Table:
    numbers = ("owed", "delivered", "dead-lettered", "missing", "misdirected")
    table = _plain_table("Who was told", ("watchers", False), *((name, True) for name in numbers))
    for watchers, *counts, missing, misdirected in wording.delivery_rows(deliveries):
        odd = [Text(wording.cell(n), style="red" if n else "") for n in (missing, misdirected)]
        table.add_row(Text(watchers), *map(wording.count, counts), *odd)
    return table


def _bill(cost: Mapping[str, Any]) -> RenderableType:
    table = _plain_table(
        "The bill of this run on AWS",
        ("service", False),
        ("resource", False),
        ("what", False),
        ("quantity", True),
        ("unit", False),
        ("amount", True),
        ("basis", False),
    )
    shown, rest = wording.bill_rows(cost, SMALL)
    for line in shown:
        table.add_row(
            line["service"],
            Text(line["resource"]),
            line["what"],
            wording.quantity(line["quantity"]),
            line["unit"],
            wording.dollars(line["amount"]),
            Text(line["basis"], style="dim"),
        )
    smaller = len(cost["lines"]) - len(shown)
    if smaller:
        table.add_row(f"{smaller} smaller lines", "", "", "", "", wording.dollars(rest), "")
    table.add_row("total", "", "", "", "", Text(wording.dollars(cost["total"]), style="bold"), "")
    parts: list[RenderableType] = [table, Text(wording.costs(cost))]
    parts += [Text(f"Not priced: {item}", style="yellow") for item in cost.get("unknown") or []]
    return Group(*parts)
