"""Each format of a report against the made-up run of sample.py."""

from __future__ import annotations

import importlib.util
import io
import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console

from reports.formats import console, html, junit, markdown
from reports.formats.html.charts import nice_ceiling, short, ticks
from reports.series import panels

HERE = Path(__file__).parent


def _sample() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reports_sample", HERE / "sample.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sample = _sample()


def golden(name: str, actual: str) -> None:
    """Compare with the stored text; LAUNCHDAY_WRITE_GOLDEN=1 writes it for a person to read in the diff."""
    path = HERE / "golden" / name
    if os.environ.get("LAUNCHDAY_WRITE_GOLDEN"):
        path.write_text(actual)
    assert actual == path.read_text()


def test_markdown_reads_as_the_golden_file() -> None:
    golden("summary.md", markdown.render(sample.result()))


def test_junit_reads_as_the_golden_file() -> None:
    golden("junit.xml", junit.render(sample.result()))


def test_console_reads_as_the_golden_file() -> None:
    out = io.StringIO()
    Console(file=out, width=110, color_system=None).print(console.render(sample.result()))
    golden("console.txt", "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines()))


def test_junit_counts_what_it_holds() -> None:
    suite = ElementTree.fromstring(junit.render(sample.result(status="interrupted", error="Ctrl-C.")))
    assert int(suite.attrib["tests"]) == len(suite.findall("testcase")) == 5
    assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure")) == 2
    assert int(suite.attrib["errors"]) == len(suite.findall("testcase/error")) == 2


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "line", "path", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("line", "path"):
            return
        assert self.open.pop() == tag


@pytest.fixture
def page() -> str:
    return html.render(
        sample.result(),
        panels(sample.load_rows(), sample.target_rows(), sample.watch_rows(), [(1010.0, 2.5)], 1000.0, {}),
    )


def test_page_is_well_formed_and_asks_the_network_for_nothing(page: str) -> None:
    parser = _Page()
    parser.feed(page)
    assert parser.open == []
    assert not [attrs for _, attrs in parser.tags if {"src", "href", "srcset"} & attrs.keys()]
    assert not re.search(r"https?://(?!www\.w3\.org)|@import|url\(", page)
    assert sum(tag == "svg" for tag, _ in parser.tags) == 9


def test_page_escapes_what_it_is_given(page: str) -> None:
    assert "processor <script>" not in page
    assert "processor &lt;script&gt;" in page


def test_page_says_what_is_unknown(page: str) -> None:
    assert "s3 storage in eu-south-2: no price in the book" in page
    assert ">unknown<" in page


def test_page_of_a_run_that_broke_off_has_no_bill_and_no_ledger() -> None:
    broken = sample.result(status="failed", error="The state process ended.", ledger=None, cost=None)
    text = html.render(broken, panels([], [], [], [], 0.0, {}))
    assert "The run failed: The state process ended." in text
    assert "The ledger was not read." in text
    assert "There is no bill" in text
    assert "Nothing was measured." in text


UNKNOWN = {
    "status": "failed",
    "error": "The port is taken.",
    "verdict": "invalid",
    **dict.fromkeys(
        ("ended_at", "duration_s", "seed", "target", "limits", "scale", "pipeline", "ledger", "cost")
    ),
    "requests": dict.fromkeys(
        (
            *("planned", "sent", "dropped", "accepted", "throttled", "failed", "indeterminate", "retries"),
            "start_lateness_ms",
        )
    ),
    "events": {"sent": None, "accepted": None},
    "throughput": {"planned_per_s": None, "achieved_per_s": None},
    **{key: {} for key in ("latency_ms", "service_time_ms", "modelled_latency_ms", "stages_ms", "versions")},
    "objectives": [],
}


@pytest.mark.parametrize("render", [markdown.render, junit.render, lambda r: html.render(r, [])])
def test_a_run_of_which_nothing_is_known_is_reported_as_such(render: Callable[[Any], str]) -> None:
    text = render(sample.result(**UNKNOWN))
    assert "The port is taken." in text
    assert "None" not in text


def test_the_terminal_reports_a_run_of_which_nothing_is_known() -> None:
    out = io.StringIO()
    Console(file=out, width=110).print(console.render(sample.result(**UNKNOWN)))
    assert "The run failed: The port is taken." in out.getvalue()
    assert "None" not in out.getvalue()


def test_a_gap_in_a_series_stays_a_gap(page: str) -> None:
    paths = re.findall(r'<path class="line s1" d="([^"]+)"', page)
    assert paths[1].count("M") == 2  # p50 of latency: one second had no answers


@pytest.mark.parametrize(
    ("value", "ceiling"), [(0, 1), (1, 1), (1.01, 2), (230, 250), (4999, 5000), (5001, 10000), (0.03, 0.05)]
)
def test_axes_end_on_round_numbers(value: float, ceiling: float) -> None:
    assert nice_ceiling(value) == pytest.approx(ceiling)


def test_ticks_are_round_and_inside() -> None:
    assert ticks(0, 500, 4) == [0, 200, 400]
    assert ticks(-3, 40, 6) == [0, 10, 20, 30, 40]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.05, "0.05"), (250, "250"), (12_000, "12k"), (3_400_000, "3.4M"), (1234, "1,234")],
)
def test_short_numbers(value: float, text: str) -> None:
    assert short(value) == text
