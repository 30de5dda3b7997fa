"""Which records of a source a mapping's function gets: those that match one of its filters, or all.

docs: Lambda Developer Guide, Control which events Lambda sends to your function (read 2026): up to five
filters, of which one must match; what matches none is done with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.emulator.services.lambda_.errors import invalid, validation
from harness.emulator.services.lambda_.mappings.patterns import InvalidPattern, Match, compile_pattern
from harness.emulator.services.lambda_.members import Members

MAX_FILTERS = 5
MAX_PATTERN_CHARACTERS = 4096


class Filters:
    """The filters of a mapping; none lets everything pass."""

    def __init__(self, patterns: tuple[str, ...] = (), encoded: str | None = None) -> None:
        """`encoded` is the member of an event that holds bytes. Raises InvalidPattern."""
        self._matches: list[Match] = [compile_pattern(pattern, encoded) for pattern in patterns]

    def __bool__(self) -> bool:
        return bool(self._matches)

    def match(self, event: Any) -> bool:
        """Whether the function is to get `event`."""
        return any(matches(event) for matches in self._matches)


def parse_filters(members: Members, encoded: str | None) -> tuple[str, ...] | None:
    """The patterns of FilterCriteria; None when the member is not there, nothing when it is empty.

    Raises AwsError for what is wrong or not offered."""
    criteria = members.structure("FilterCriteria")
    if criteria is None:
        return None
    given = criteria.raw("Filters") or []
    if not isinstance(given, list) or len(given) > MAX_FILTERS:
        raise validation(given, "filterCriteria.filters", f"be a list of at most {MAX_FILTERS} filters")
    patterns = tuple(_pattern(each) for each in given)
    try:
        Filters(patterns, encoded)
    except InvalidPattern as error:
        raise invalid(f"Invalid filter pattern definition. {error}") from None
    return patterns


def _pattern(given: Any) -> str:
    pattern = given.get("Pattern") if isinstance(given, dict) else None
    if not isinstance(pattern, str) or len(pattern) > MAX_PATTERN_CHARACTERS:
        raise validation(
            given, "filterCriteria.filters", f"have a Pattern of at most {MAX_PATTERN_CHARACTERS} characters"
        )
    return pattern


def render_filters(patterns: tuple[str, ...]) -> Mapping[str, Any]:
    """FilterCriteria as the API answers it, when there is one."""
    if not patterns:
        return {}
    return {"FilterCriteria": {"Filters": [{"Pattern": pattern} for pattern in patterns]}}
