"""What a number in a scenario must be, said in one sentence when it is not."""

from __future__ import annotations

import math

from harness.errors import UsageError


def in_range(what: str, value: float, lowest: float, highest: float) -> None:
    """Raise UsageError unless `value` is a number from `lowest` to `highest`."""
    if math.isnan(value):
        raise UsageError(f"{_capital(what)} must be a number, not {value!r}.")
    if not lowest <= value <= highest:
        raise UsageError(
            f"{_capital(what)} must be from {lowest:,.12g} to {highest:,.12g}, not {value:,.12g}."
        )


def whole(what: str, value: int, lowest: int, highest: int) -> None:
    """Raise UsageError unless `value` is a whole number from `lowest` to `highest`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageError(f"{_capital(what)} must be a whole number, not {value!r}.")
    in_range(what, value, lowest, highest)


def _capital(what: str) -> str:
    return what[:1].upper() + what[1:]
