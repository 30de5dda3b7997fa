"""One self-contained page: no network, light and dark, readable on a phone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from reports import wording
from reports.formats.html.charts import legend, line_chart
from reports.series import Panel

Result = Mapping[str, Any]


def render(result: Result, panels: Sequence[Panel]) -> str:
    """The page of a run, from its result and its series."""
    assets = files(__package__)
    title = f"Launchday: {result['scenario']}"
    sections = [
        _header(result),
        _tiles(result),
        _section("Objectives", _objectives(result)),
        _section("Over time", _charts(panels)),
        _section("Latency", _latency(result)),
        _section("What became of each event", _ledger(result)),
        _section("Who was told", _deliveries(result)),
        _section("The bill", _bill(result)),
        _section("Where and how", _environment(result)),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{(assets / 'style.css').read_text()}</style></head>"
        f"<body><main>{''.join(sections)}</main>"
        f"<script>{(assets / 'script.js').read_text()}</script></body></html>\n"
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>" if body else ""


def _header(result: Result) -> str:
    state = result["verdict"] if result["status"] == "complete" else "invalid"
    return (
        f"<header><h1>{escape(result['scenario'])}</h1>"
        f'<p class="quiet">{escape(result["started_at"])} on {escape(wording.text(result["target"]))}, '
        f"limits {escape(wording.text(result['limits']))}, seed {wording.text(result['seed'])}</p>"
        f'<p class="verdict {state}">{escape(wording.headline(result))}</p></header>'
    )


def _tiles(result: Result) -> str:
    requests, ledger, cost = result["requests"], result.get("ledger"), result.get("cost")
    tiles = [
        (wording.count(requests["planned"]), "requests planned"),
        (wording.count(requests["accepted"]), "requests accepted"),
        (wording.count(result["events"]["accepted"]), "events accepted"),
    ]
    overall = _worst(result.get("latency_ms") or {}, "p99")
    if overall is not None:
        tiles.append((wording.milliseconds(overall), "p99 of the slowest route"))
    if ledger:
        tiles.append((wording.count(ledger["missing"]), "events missing"))
    if cost:
        tiles.append((wording.dollars(cost["total"]), "for this run on AWS"))
        tiles.append((wording.dollars(cost["per_month"]), "a month of the same traffic"))
        compared = wording.day_before(cost)
        if compared:
            tiles.append((f"{compared[0]}×", compared[1]))
    body = "".join(f'<div class="tile"><b>{b}</b><span>{escape(s)}</span></div>' for b, s in tiles)
    return f'<div class="tiles">{body}</div>'


def _worst(latencies: Mapping[str, Any], quantile: str) -> float | None:
    values = [row[quantile] for row in latencies.values() if row.get(quantile) is not None]
    return max(values) if values else None


def _objectives(result: Result) -> str:
    rows = []
    for objective in result["objectives"]:
        state = wording.judged(objective)
        style = "unknown" if objective["actual"] is None else state
        name = objective["name"]
        rows.append(
            [
                f'<span class="{style}">{state}</span>',
                f"<code>{escape(name)}</code>",
                escape(f"{objective.get('comparison', '')} {wording.figure(name, objective['limit'])}"),
                escape(wording.figure(name, objective["actual"])),
                escape(objective.get("reason") or ""),
            ]
        )
    return _table(["", "metric", "limit", "actual", ""], rows, numbers={2, 3}) if rows else ""


def _charts(panels: Sequence[Panel]) -> str:
    figures = [
        f"<figure><h3>{escape(panel.title)} <small>{escape(panel.unit)}</small></h3>"
        f"{line_chart(panel)}{legend(panel)}"
        + (f'<p class="quiet"><small>{escape(panel.note)}</small></p>' if panel.note else "")
        + "</figure>"
        for panel in panels
    ]
    return f'<div class="charts">{"".join(figures)}</div>'


def _latency(result: Result) -> str:
    columns = ("count", "p50", "p90", "p95", "p99", "p999", "max")
    rows = []
    for kind, key in (
        ("latency", "latency_ms"),
        ("latency", "group_latency_ms"),
        ("service time", "service_time_ms"),
        ("latency of failures", "failed_latency_ms"),
        ("modelled for AWS", "modelled_latency_ms"),
    ):
        for route, figures in (result.get(key) or {}).items():
            cells = [
                wording.count(figures.get(c)) if c == "count" else wording.milliseconds(figures.get(c))
                for c in columns
            ]
            rows.append([escape(route), kind, *cells])
    for stage, figures in (result.get("stages_ms") or {}).items():
        cells = [
            wording.count(figures.get(c)) if c == "count" else wording.milliseconds(figures.get(c))
            for c in columns
        ]
        rows.append([escape(stage.replace("_", " ")), "stage", *cells])
    if not rows:
        return ""
    note = (
        '<p class="quiet"><small>Latency runs from the planned start, service time from the actual one. '
        "Both are of this machine. Modelled figures are what AWS would add, by a model with its sources in "
        "the documentation; they are never mixed with measured ones.</small></p>"
    )
    return _table(["route", "what", *columns], rows, numbers=set(range(2, 2 + len(columns)))) + note


def _ledger(result: Result) -> str:
    ledger = result.get("ledger")
    if not ledger:
        return '<p class="quiet">The ledger was not read.</p>'
    rows = [[escape(a), wording.count(b), escape(c)] for a, b, c in wording.ledger_rows(ledger)]
    drained = (
        f'<p class="quiet"><small>Drained in {wording.figure("drain.s", ledger["drain_s"])}.</small></p>'
    )
    return _table(["outcome", "events", ""], rows, numbers={1}) + drained


def _deliveries(result: Result) -> str:
    told = result.get("deliveries")
    if not told:
        return ""
    rows = [[escape(who), *map(wording.cell, counts)] for who, *counts in wording.delivery_rows(told)]
    heads = ["watchers", "owed", "delivered", "dead-lettered", "missing", "misdirected"]
    return _table(heads, rows, numbers=set(range(1, len(heads))))


def _bill(result: Result) -> str:
    cost = result.get("cost")
    if not cost:
        return '<p class="quiet">There is no bill: usage was not read.</p>'
    rows = [
        [
            escape(line["service"]),
            escape(line["resource"]),
            escape(line["what"]),
            wording.quantity(line["quantity"]),
            escape(line["unit"]),
            escape(wording.text(line["price"])),
            wording.dollars(line["amount"]),
            escape(line["basis"]),
        ]
        for line in cost["lines"]
    ]
    total = wording.dollars(cost["total"])
    footer = f'<tr><td colspan="6">Total</td><td class="number">{total}</td><td></td></tr>'
    table = _table(
        ["service", "resource", "what", "quantity", "unit", "price per unit", "amount", "basis"],
        rows,
        numbers={3, 5, 6},
        footer=footer,
        kind="bill",
    )
    unknown = "".join(f"<li>{escape(str(item))}</li>" for item in cost.get("unknown") or [])
    extra = f'<p class="odd">Not priced:</p><ul>{unknown}</ul>' if unknown else ""
    free_tier = "with" if cost["free_tier"] else "without"
    return f"<p>{escape(wording.costs(cost))} Priced {free_tier} the free tier.</p>{table}{extra}"


def _environment(result: Result) -> str:
    rows = [[escape(str(name)), escape(str(value))] for name, value in result.get("versions", {}).items()]
    pipeline = result["pipeline"]
    rows.append(["pipeline", escape(f"{pipeline['name']} {pipeline['hash']}" if pipeline else "unknown")])
    if result.get("observer"):
        rows.append(["what was seen", escape(result["observer"])])
    lateness = result["requests"]["start_lateness_ms"] or {}
    rows.append(["start lateness p99", wording.milliseconds(lateness.get("p99"))])
    return _table(["", ""], rows)


def _table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers: set[int] | None = None,
    footer: str = "",
    kind: str = "",
) -> str:
    """Cells are HTML already."""
    right = numbers or set()

    def cells(tag: str, values: Sequence[str]) -> str:
        return "".join(
            f'<{tag} class="number">{v}</{tag}>' if i in right else f"<{tag}>{v}</{tag}>"
            for i, v in enumerate(values)
        )

    head = f"<thead><tr>{cells('th', heads)}</tr></thead>" if any(heads) else ""
    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    foot = f"<tfoot>{footer}</tfoot>" if footer else ""
    return f'<div class="table {kind}"><table>{head}<tbody>{body}</tbody>{foot}</table></div>'
