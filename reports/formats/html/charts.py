"""Line charts as inline SVG: no library, no network, colours from the page's style sheet.

A chart is drawn once in a box of fixed units and scaled by its viewBox; the page's script only moves a
cross-hair over the points that stand in `data-` attributes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from html import escape
from itertools import count

from reports.series import Panel, Point, Series

WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 10, 26


def line_chart(panel: Panel) -> str:
    """The panel as an `<svg>`; a sentence when none of its series has a point."""
    drawn = [series for series in panel.series if series.peak is not None]
    if not drawn:
        return '<p class="empty">Nothing was measured.</p>'
    times = [t for series in drawn for t, _ in series.points]
    start, end = min(0.0, *times), max(*times, 1.0)
    top = max(nice_ceiling(max(series.peak or 0.0 for series in drawn)), 1e-9)
    x = Scale(start, end, LEFT, WIDTH - RIGHT)
    y = Scale(0.0, top, HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(_spoken(panel, drawn))}" '
        f'data-chart="{escape(_hover_data(panel, drawn, x, y), quote=True)}">'
    ]
    parts += [_grid_line(tick, y(tick)) for tick in ticks(0.0, top, 4)]
    parts += [_label(x(tick), HEIGHT - 8, "middle", f"{short(tick)} s") for tick in ticks(start, end, 6)]
    for series, colour in coloured(panel):
        if series.peak is not None:
            parts.append(f'<path class="line {colour}" d="{_path(series.points, x, y)}"/>')
    parts.append('<line class="cross" y1="0" y2="0" x1="0" x2="0"/></svg>')
    return "".join(parts)


def legend(panel: Panel) -> str:
    """Which colour is which, each with its peak; what was never measured says so."""
    items = []
    for series, colour in coloured(panel):
        peak = "not measured" if series.peak is None else f"peak {short(series.peak)}"
        items.append(f'<li><i class="{colour}"></i>{escape(series.name)} <small>{peak}</small></li>')
    return f'<ul class="legend">{"".join(items)}</ul>'


def coloured(panel: Panel) -> list[tuple[Series, str]]:
    """Each series with the class of its colour: `s0` for a muted one, `s1`, `s2`, ... for the others."""
    others = count(1)
    return [(series, "s0" if series.muted else f"s{next(others)}") for series in panel.series]


def nice_ceiling(value: float) -> float:
    """The next 1, 2, 2.5 or 5 times a power of ten at or above `value`; 1 for nothing."""
    if value <= 0:
        return 1.0
    magnitude = 10.0 ** math.floor(math.log10(value))
    for step in (1.0, 2.0, 2.5, 5.0, 10.0):
        if value <= step * magnitude * (1 + 1e-12):
            return step * magnitude
    return 10.0 * magnitude


def ticks(low: float, high: float, about: int) -> list[float]:
    """Round values from `low` to `high`, about so many."""
    step = nice_ceiling((high - low) / about)
    first = math.ceil(low / step)
    return [n * step for n in range(first, math.floor(high / step + 1e-9) + 1)]


def short(value: float) -> str:
    """A number as an axis has room for it: 1.2k, 3.4M, 0.05."""
    for limit, suffix in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            scaled = value / (1e3 if suffix == "k" else limit)
            return f"{scaled:.3g}{suffix}"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


class Scale:
    """Maps a span of values onto a span of the drawing."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.start = low, start
        self.factor = (end - start) / ((high - low) or 1.0)

    def __call__(self, value: float) -> float:  # noqa: D102 - the class says it
        return self.start + (value - self.low) * self.factor


def _grid_line(value: float, y: float) -> str:
    line = f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
    return line + _label(LEFT - 6, y + 3.5, "end", short(value))


def _label(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text class="tick" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def _path(points: Sequence[Point], x: Scale, y: Scale) -> str:
    """Runs of measured points, each begun with a move, so that a gap stays a gap."""
    commands, pen = [], "M"
    for t, value in points:
        if value is None:
            pen = "M"
            continue
        commands.append(f"{pen}{x(t):.1f} {y(value):.1f}")
        pen = "L"
    return "".join(commands)


def _hover_data(panel: Panel, drawn: Sequence[Series], x: Scale, y: Scale) -> str:
    columns = [
        {
            "name": series.name,
            "points": [
                [round(x(t), 1), round(t, 1), None if value is None else round(value, 3)]
                for t, value in series.points
            ],
        }
        for series in drawn
    ]
    return json.dumps({"unit": panel.unit, "top": TOP, "bottom": y(0.0), "series": columns})


def _spoken(panel: Panel, drawn: Sequence[Series]) -> str:
    peaks = ", ".join(f"{series.name} at most {short(series.peak or 0.0)}" for series in drawn)
    return f"{panel.title} in {panel.unit} over time: {peaks}"
