"""The verdict of a run, and the exit code that says it.

* `invalid`: the run is not complete, the generator or the observer could not keep up, the ledger could not
  be read, a file is damaged, or the sums do not add up. Nothing is said of the objectives then.
* `missed`: the backlog did not empty within its limit, or an objective is not met or not known.
* `invalid`, too: none is missed, but one cannot be judged on this target, and the run was not told to let
  that be. Nothing shows that it is missed, and a gate that was asked for must not open unseen.
* `met`: all else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from harness.errors import EXIT_INTERRUPTED, EXIT_INVALID, EXIT_MET, EXIT_MISSED, EXIT_TARGET
from reports.checks.catalogue import Judged
from reports.checks.measured import Measured

Verdict = Literal["met", "missed", "invalid"]


@dataclass(frozen=True)
class Decision:
    """A verdict and, unless the objectives say it all, a sentence why."""

    verdict: Verdict
    reason: str | None


def decide(measured: Measured, judged: Sequence[Judged], invalid: str | None) -> Decision:
    """The verdict; `invalid` is why the measurement is not valid, if it is not."""
    if invalid:
        return Decision("invalid", invalid)
    drain = measured.state.drain
    if drain is not None and not drain.emptied:
        why = drain.why_not_empty()
        return Decision("missed", f"{why[0].upper()}{why[1:]}.")
    if any(one.met is False for one in judged):
        return Decision("missed", None)
    left = [one.objective.metric for one in judged if one.met is None]
    if left and not measured.plan.get("allow_unjudged", False):
        return Decision("invalid", f"What was asked for cannot be judged on this target: {', '.join(left)}.")
    return Decision("met", None)


def why_invalid(measured: Measured, result: Mapping[str, Any]) -> str | None:
    """Why what was measured cannot be trusted or is not whole, in a sentence; None when nothing says so.
    `result` is a result.json's sums, made of it."""
    state, load = measured.state, measured.load
    if state.status == "running":
        return "The run has not ended: it still runs, or it was killed."
    if state.status != "complete":
        return state.error or f"The run is not complete: it is {state.status}."
    if measured.unreadable:
        return measured.unreadable[0]
    if load is None:
        return "The generator wrote no totals."
    if not load["valid"]:
        return str(load.get("invalid_reason") or "The generator says that its measurement is not valid.")
    if state.incidents:
        return state.incidents[0]
    if state.lost:
        return f"{state.lost} Lambda invocations or calls were lost before they were observed."
    if measured.ledger is None:
        return "The ledger was not read."
    return next(iter(broken_identities(result)), None)


def exit_code(result: Mapping[str, Any]) -> int:
    """What the process that made or read this result.json ends with."""
    if result["status"] == "interrupted":
        return EXIT_INTERRUPTED
    if result["status"] == "failed":
        return int(result.get("exit_code") or EXIT_TARGET)
    return {"met": EXIT_MET, "missed": EXIT_MISSED, "invalid": EXIT_INVALID}[str(result["verdict"])]


def broken_identities(result: Mapping[str, Any]) -> list[str]:
    """A sentence for each sum in a result.json that does not hold; sums of what is not known are left out."""
    requests, ledger, cost = result["requests"], result.get("ledger"), result.get("cost")
    found = []
    if requests["planned"] is not None:
        found += _unequal("planned requests", requests, "planned", ("sent", "dropped"))
        answers = ("accepted", "throttled", "failed", "indeterminate")
        found += _unequal("sent requests", requests, "sent", answers)
    if ledger:
        ended = {**ledger, "discarded": sum(ledger["discarded"].values())}
        outcomes = ("registered", "archived", "discarded", "dead_lettered", "missing")
        found += _unequal("accepted events", ended, "accepted", outcomes)
        said = result["events"]["accepted"]
        if said is not None and said != ledger["accepted"]:
            found.append(f"The generator counted {said} accepted events, the ledger {ledger['accepted']}.")
    for channel, told in (result.get("deliveries") or {}).items():
        if told is not None:
            parts = ("delivered", "dead_lettered", "missing")
            found += _unequal(f"deliveries owed by {channel}", told, "owed", parts)
    if cost and cost["total"] is not None:
        lines = sum((Decimal(line["amount"]) for line in cost["lines"] if line["amount"]), Decimal(0))
        if abs(lines - Decimal(cost["total"])) > Decimal("0.000001"):
            found.append(f"The bill's lines add up to {lines}, its total is {cost['total']}.")
    return found


def _unequal(what: str, values: Mapping[str, int], whole: str, parts: Sequence[str]) -> list[str]:
    total = sum(values[part] for part in parts)
    if values[whole] == total:
        return []
    names = " + ".join(part.replace("_", " ") for part in parts)
    return [f"There are {values[whole]} {what}, but {names} is {total}."]
