"""Which entrance an arrival's events go through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.errors import UsageError
from harness.pipeline import Entrance, Event
from harness.scenario import LOCATION_FLUSH, POISON, Scenario

_STREAM_KINDS = {LOCATION_FLUSH: "location"}


class Routes:
    """The entrances of a pipeline by kind. A single event goes through the entrance that takes the fewest;
    events that a device gathered through the one that takes the most, in as many requests as that needs."""

    def __init__(self, entrances: Iterable[Entrance]) -> None:
        self._single: dict[str, Entrance] = {}
        self._many: dict[str, Entrance] = {}
        for entrance in entrances:
            for kind in entrance.kinds:
                single, many = self._single.get(kind), self._many.get(kind)
                if single is None or entrance.max_events < single.max_events:
                    self._single[kind] = entrance
                if many is None or entrance.max_events > many.max_events:
                    self._many[kind] = entrance

    def check(self, scenario: Scenario) -> None:
        """Raise UsageError when `scenario` sends what no entrance takes."""
        kinds = {
            _STREAM_KINDS.get(stream, stream) for stream in scenario.traffic.streams(scenario.population)
        }
        if any(flaw == POISON and share > 0 for flaw, share in scenario.traffic.flaws):
            kinds.add(POISON)
        missing = sorted(kinds - set(self._single))
        if missing:
            raise UsageError(
                f"{scenario.name} sends events of the kind {' and '.join(missing)}, "
                "which no entrance of the pipeline takes.",
                f"Its entrances take {', '.join(sorted(self._single)) or 'nothing'}.",
            )

    def requests(self, events: list[Event]) -> Iterator[tuple[Entrance, list[Event]]]:
        """(entrance, events) of each request that carries `events`."""
        kind = events[0].kind
        if len(events) == 1:
            yield self._single[kind], events
            return
        entrance = self._many[kind]
        for start in range(0, len(events), entrance.max_events):
            yield entrance, events[start : start + entrance.max_events]
