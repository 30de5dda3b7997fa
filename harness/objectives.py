"""Objectives: what a run must hold, as a person writes it (`latency.p99<250ms`)."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from harness.errors import UsageError

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}

# What a suffix multiplies by; the base units are those of result.json: ms, seconds, 1, USD.
_UNITS: Mapping[str, float] = {"": 1.0, "%": 0.01, "ms": 1.0, "s": 1000.0, "/s": 1.0, "USD": 1.0}
# Metrics that are in seconds by their name, like `drain.s`, take the same suffixes to seconds.
_UNITS_OF_SECONDS: Mapping[str, float] = {**_UNITS, "ms": 0.001, "s": 1.0}
_IN_SECONDS = re.compile(r"(?:\.|(?<!_per)_)s$")

_TEXT = re.compile(
    r"^\s*(?P<metric>[A-Za-z](?:\[[^\]]*\]|[\w.:/{} -])*?)\s*(?P<comparison><=|>=|==|<|>)\s*"
    r"(?P<dollars>\$)?(?P<limit>[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)\s*(?P<unit>%|ms|/s|s|USD)?\s*$"
)


@dataclass(frozen=True, slots=True)
class Objective:
    """`metric comparison limit`. Durations are in ms, but in seconds where the metric's name ends in `s`
    (`drain.s`); shares are fractions of 1, money in USD. `unit` is the one that the limit was written
    with."""

    metric: str
    comparison: str
    limit: float
    unit: str = field(default="", compare=False)

    @classmethod
    def parse(cls, text: str) -> Objective:
        """From `latency.p99<250ms`, `ledger.missing==0`, `throughput.achieved_share>=99%`, `cost.total<$5`.

        `latency[POST /v1/devices].p99<250ms` is of one route. `s` is a duration and becomes ms. Raises
        UsageError when the text is no objective; whether the metric exists is for the checks to say."""
        found = _TEXT.match(text)
        if found is None:
            raise UsageError(
                f"'{text}' is not an objective.",
                "Write a metric, one of < <= > >= ==, and a number, like 'latency.p99<250ms'.",
            )
        metric, unit = found["metric"].strip(), found["unit"] or ("USD" if found["dollars"] else "")
        factors = _UNITS_OF_SECONDS if _IN_SECONDS.search(metric) else _UNITS
        return cls(metric, found["comparison"], float(found["limit"]) * factors[unit], unit)

    def met(self, actual: float) -> bool:
        """Whether `actual` holds the objective."""
        return _COMPARISONS[self.comparison](actual, self.limit)

    def __str__(self) -> str:
        return f"{self.metric}{self.comparison}{repr(self.limit).removesuffix('.0')}"


@dataclass(frozen=True)
class Objectives:
    """A set of objectives, one for each metric and direction."""

    items: tuple[Objective, ...] = ()

    @classmethod
    def of(cls, *texts: str) -> Objectives:
        """From texts; see `Objective.parse`."""
        return cls(tuple(Objective.parse(text) for text in texts))

    def overridden_by(self, others: Iterable[Objective]) -> Objectives:
        """These, with those of `others` in the place of any with the same metric, and after them the rest."""
        replacing = {objective.metric: objective for objective in others}
        kept = [replacing.pop(item.metric, item) for item in self.items]
        return Objectives((*kept, *replacing.values()))

    def __iter__(self) -> Iterator[Objective]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)
