"""The live view of a run: a panel that redraws on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from harness.load.launch import Second
from harness.load.watchers.launch import WatchedSecond
from harness.measure.drain import backlog
from harness.measure.observation import Observation
from harness.measure.stored import REQUEST_COUNTS
from harness.measure.unseen import AUTHORIZATIONS, LAMBDA_THROTTLES, unseen_services
from reports import wording

PLAIN_EVERY_S = 5.0
ANSWERED = ("events_accepted", "calls_accepted")
TOLD = {"webhook": "events posted to webhooks", "subscription": "events pushed to subscribers"}

CostSoFar = Callable[[Observation], Decimal | None]


@dataclass
class Figures:
    """What there is to show: sums of the generator's seconds, and the last of each other thing."""

    stage: str = ""
    detail: str = ""
    duration_s: float = 0.0
    seconds: int = 0
    totals: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*REQUEST_COUNTS, *ANSWERED), 0))
    last: Second | None = None
    backlog: int | None = None
    iterator_age_ms: float | None = None
    authorizations: float | None = None
    throttles: float | None = None
    cost: Decimal | None = None
    watched: WatchedSecond | None = None
    told: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TOLD, 0))

    def add_second(self, second: Second) -> None:
        """Take a second of the generator's."""
        self.seconds += 1
        self.last = second
        for name in self.totals:
            self.totals[name] += getattr(second, name)

    def watch(self, second: WatchedSecond) -> None:
        """Take a second of the watchers'."""
        self.watched = second
        for name in self.told:
            self.told[name] += getattr(second, name)

    def now(self, *names: str) -> str:
        """How many in the last second, of all `names` together."""
        if self.last is None:
            return ""
        return f"{wording.count(sum(getattr(self.last, name) for name in names))}/s"

    def so_far(self, *names: str) -> str:
        """How many since the start, of all `names` together."""
        return wording.count(sum(self.totals[name] for name in names))

    def observe(self, observation: Observation, cost_so_far: CostSoFar) -> None:
        """Take an observation of the target's."""
        self.backlog = backlog(observation)
        ages = [gauge.value for gauge in observation.gauges if gauge.name == "iterator_age_ms"]
        self.iterator_age_ms = max(ages, default=None)
        usage = observation.usage
        if AUTHORIZATIONS not in observation.unseen:
            self.authorizations = sum(u.quantity for u in usage if u.unit.startswith("authorizer_"))
        if not unseen_services(observation.unseen) and LAMBDA_THROTTLES not in observation.unseen:
            self.throttles = sum(u.quantity for u in usage if u.unit.startswith("throttle"))
        self.cost = cost_so_far(observation)


def rows(figures: Figures) -> list[tuple[str, str, str]]:
    """(what, now, so far), as both views show them."""
    last = figures.last
    latency = " / ".join(wording.milliseconds(getattr(last, q, None)) for q in ("p50_ms", "p95_ms", "p99_ms"))
    refused = ("throttled", "failed", "dropped")
    calls = [("API calls answered", figures.now("calls_accepted"), figures.so_far("calls_accepted"))]
    shown = [
        ("arrivals planned", figures.now("planned"), figures.so_far("planned")),
        ("achieved", figures.now("sent"), figures.so_far("sent")),
        ("accepted", figures.now("accepted"), figures.so_far("accepted")),
        (", ".join(refused), figures.now(*refused), figures.so_far(*refused)),
        ("events accepted", figures.now("events_accepted"), figures.so_far("events_accepted")),
        *(calls if figures.totals["calls_accepted"] else ()),
        ("devices", "", wording.count(last.devices if last else None)),
        ("authorizations", "", wording.count(figures.authorizations)),
        ("latency p50 / p95 / p99", latency, ""),
        ("backlog", wording.count(figures.backlog), ""),
        ("iterator age", wording.milliseconds(figures.iterator_age_ms), ""),
        ("throttles by quotas", "", wording.count(figures.throttles)),
        ("on AWS so far", "", wording.dollars(figures.cost)),
    ]
    return shown[:-1] + _told(figures) + shown[-1:]


def _told(figures: Figures) -> list[tuple[str, str, str]]:
    """What the watchers say, where there are any."""
    second = figures.watched
    if second is None:
        return []
    return [
        ("watchers", "", wording.count(second.connected)),
        *(
            (
                what,
                f"{wording.count(getattr(second, name))}/s",
                wording.count(figures.told[name]),
            )
            for name, what in TOLD.items()
        ),
    ]


class Quiet:
    """Shows nothing."""

    def __enter__(self) -> Quiet:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""

    def stage(self, name: str, detail: str = "") -> None:
        """Nothing to show."""

    def notice(self, lines: Sequence[str]) -> None:
        """Nothing to show: the report says it too."""

    def second(self, second: Second) -> None:
        """Nothing to show."""

    def observed(self, observation: Observation) -> None:
        """Nothing to show."""

    def watched(self, second: WatchedSecond) -> None:
        """Nothing to show."""


class Plain(Quiet):
    """A line every few seconds, and one a stage; on stderr, so that stdout stays the report's."""

    def __init__(self, duration_s: float, cost_so_far: CostSoFar) -> None:
        self._figures = Figures(duration_s=duration_s)
        self._cost_so_far = cost_so_far
        self._next_line_s = 0.0

    def stage(self, name: str, detail: str = "") -> None:
        """Say which stage begins."""
        click.echo(f"{name}: {detail}" if detail else name, err=True)

    def notice(self, lines: Sequence[str]) -> None:
        """Say it."""
        click.echo("\n".join(lines), err=True)

    def second(self, second: Second) -> None:
        """Say how it goes, when it is time to."""
        self._figures.add_second(second)
        now_s = time.monotonic()
        if now_s >= self._next_line_s:
            self._next_line_s = now_s + PLAIN_EVERY_S
            figures = self._figures
            said = [f"{what} {now or total}" for what, now, total in rows(figures)]
            click.echo(f"  {figures.seconds} s of {figures.duration_s:.0f} s: {'; '.join(said)}", err=True)

    def observed(self, observation: Observation) -> None:
        """Keep it for the next line."""
        self._figures.observe(observation, self._cost_so_far)

    def watched(self, second: WatchedSecond) -> None:
        """Keep it for the next line."""
        self._figures.watch(second)


class Panel(Quiet):
    """Redrawn in place a few times a second. Both threads of a run write to it, so it holds a lock."""

    def __init__(self, title: str, duration_s: float, cost_so_far: CostSoFar) -> None:
        self._title = title
        self._figures = Figures(duration_s=duration_s)
        self._cost_so_far = cost_so_far
        self._lock = threading.Lock()
        self._live = Live(
            get_renderable=self._draw, console=Console(stderr=True), refresh_per_second=4, transient=True
        )

    def __enter__(self) -> Panel:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def stage(self, name: str, detail: str = "") -> None:
        """Show which stage runs."""
        with self._lock:
            self._figures.stage, self._figures.detail = name, detail

    def notice(self, lines: Sequence[str]) -> None:
        """Say it, above what is redrawn."""
        for line in lines:
            self._live.console.print(Text(line))

    def second(self, second: Second) -> None:
        """Show a second of the generator's."""
        with self._lock:
            self._figures.add_second(second)

    def observed(self, observation: Observation) -> None:
        """Show an observation of the target's."""
        with self._lock:
            self._figures.observe(observation, self._cost_so_far)

    def watched(self, second: WatchedSecond) -> None:
        """Show a second of the watchers'."""
        with self._lock:
            self._figures.watch(second)

    def _draw(self) -> RenderableType:
        with self._lock:
            figures = self._figures
            head = Text.assemble((self._title, "bold"), "  ", figures.stage, "  ", (figures.detail, "dim"))
            table = Table(box=None, pad_edge=False, show_header=True, header_style="dim")
            for name, justify in (("", "left"), ("now", "right"), ("so far", "right")):
                table.add_column(name, justify="right" if justify == "right" else "left", min_width=14)
            for row in rows(figures):
                table.add_row(*row)
            done = min(figures.seconds, figures.duration_s)
        return Group(head, ProgressBar(total=max(figures.duration_s, 1.0), completed=done), table)


def view(title: str, duration_s: float, cost_so_far: CostSoFar, *, quiet: bool) -> Quiet:
    """The view that fits where the run is started from."""
    if quiet:
        return Quiet()
    if sys.stderr.isatty():
        return Panel(title, duration_s, cost_so_far)
    return Plain(duration_s, cost_so_far)
