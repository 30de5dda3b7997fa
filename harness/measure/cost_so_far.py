"""What a run has cost so far, while it goes: the bill's own lines over what was observed up to now.

It is a running figure. The bill of the report reads the run folder again and has every call of every
invocation; here, a call that is seen only after its invocation is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from harness.aws.prices.bill import Span, bill
from harness.aws.prices.book import load_book
from harness.aws.prices.line import ResourceUsage
from harness.measure.observation import Observation
from harness.measure.plan import UnbilledUsage
from harness.measure.unseen import unseen_services
from harness.measure.usage import function_durations

Key = tuple[str, str, str]


class CostSoFar:
    """Called with each observation in turn. `unbilled` is asked anew each time, as it is known only once the
    pipeline stands. What was used before the first call is left out."""

    def __init__(self, region: str, unbilled: Callable[[], Sequence[UnbilledUsage]]) -> None:
        self._book = load_book(region)
        self._unbilled = unbilled
        self._start: tuple[float, dict[Key, float]] | None = None
        self._gb_seconds: dict[Key, Decimal] = {}

    def __call__(self, observation: Observation) -> Decimal | None:
        """The cost in the book's currency; None when no price is known, or some of the usage is not seen."""
        if unseen_services(observation.unseen):
            return None
        counted = {usage[:3]: usage.quantity for usage in observation.usage}
        if self._start is None:
            self._start = (observation.at_s, counted)
            return Decimal(0)
        unbilled = self._unbilled()
        self._add_durations(observation, unbilled)
        started_s, before = self._start
        left_out = {(item["service"], item["resource"]) for item in unbilled}
        used: dict[tuple[str, str], dict[str, Decimal]] = {}
        for (service, resource, unit), value in counted.items():
            growth = value - before.get((service, resource, unit), 0)
            if growth > 0 and (service, resource) not in left_out:
                used.setdefault((service, resource), {})[unit] = Decimal(str(growth))
        for (service, resource, unit), gb_seconds in self._gb_seconds.items():
            used.setdefault((service, resource), {})[unit] = gb_seconds
        span = Span.of_seconds(observation.at_s - started_s, observation.at_s - started_s)
        resources = [ResourceUsage(*key, quantities, span.metered_h) for key, quantities in used.items()]
        return bill(resources, span, 0, self._book).total

    def _add_durations(self, observation: Observation, unbilled: Sequence[UnbilledUsage]) -> None:
        for duration in function_durations(observation.invocations, observation.calls, unbilled):
            key = ("lambda", duration.function, f"gb_seconds_{duration.architecture}")
            self._gb_seconds[key] = self._gb_seconds.get(key, Decimal(0)) + duration.gb_s
