"""What reconciling a ledger gives; stored as `ledger/ledger.json`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from harness.measure.percentiles import Percentiles


@dataclass(frozen=True)
class Difference:
    """An event whose outcome is not the one that the product's rules give."""

    ordinal: int
    predicted: str
    actual: str


@dataclass(frozen=True)
class Predictions:
    """The evidence held against the product's own rules, over accepted events that have an outcome."""

    agree: int
    differ: int
    unpredicted: int
    differences: dict[str, int]
    """How many events, by `<predicted> -> <actual>`."""
    examples: tuple[Difference, ...]


@dataclass(frozen=True)
class LedgerResult:
    """Counts of events. `registered` to `missing`, and `superseded`, are of accepted events; `redelivered`,
    `duplicated` and `conflicts` of accepted and indeterminate ones."""

    accepted: int
    registered: int
    archived: int
    discarded: dict[str, int]
    dead_lettered: int
    missing: int
    superseded: int
    redelivered: int
    duplicated: int
    conflicts: int
    unexpected: int
    unexpected_by: dict[str, int]
    """`not_sent`, `throttled`, `failed`: events; `unknown_id`, `unidentified`: rows of evidence."""
    indeterminate_appeared: int
    indeterminate_not_appeared: int
    accepted_to_processed_ms: Percentiles
    predictions: Predictions | None
    """None when the product predicts nothing."""
    missing_examples: tuple[int, ...]
    unexpected_examples: tuple[str, ...]
    conflict_examples: tuple[int, ...]

    def broken_identity(self) -> str | None:
        """The sentence that says which sum does not hold, or None."""
        ended = self.registered + self.archived + sum(self.discarded.values()) + self.dead_lettered
        if self.accepted == ended + self.missing:
            return None
        return (
            f"The ledger does not add up: {self.accepted} events were accepted, but {ended} ended "
            f"and {self.missing} are missing."
        )

    def to_json(self) -> dict[str, Any]:
        """As `ledger.json` has it."""
        plain: dict[str, Any] = _lists(asdict(self))
        return plain

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> LedgerResult:
        """The inverse of `to_json`. Raises TypeError or KeyError for anything else."""
        found = dict(values)
        predictions = found["predictions"]
        if predictions is not None:
            examples = tuple(Difference(**example) for example in predictions["examples"])
            found["predictions"] = Predictions(**{**predictions, "examples": examples})
        for name in ("missing_examples", "unexpected_examples", "conflict_examples"):
            found[name] = tuple(found[name])
        return cls(**found)


def _lists(value: Any) -> Any:
    """With lists in the place of tuples, as JSON has no others."""
    if isinstance(value, dict):
        return {name: _lists(item) for name, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, list | tuple) else value
