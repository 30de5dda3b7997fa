"""What the embedded AWS meters, against what a bill knows: read from the source, where it says both."""

from __future__ import annotations

import ast
from pathlib import Path

from harness.aws.prices.services import TARIFFS

EMULATOR = Path(__file__).parents[3] / "harness" / "emulator"


def counters() -> set[tuple[str, str]]:
    """(service, unit) of each counter that is taken by names that stand in its place or its module."""
    found = set()
    for path in EMULATOR.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                if call.func.attr != "counter" or len(call.args) != 3:
                    continue
                names = [named.get(a.id, a) if isinstance(a, ast.Name) else a for a in call.args]
                service, _, unit = (n.value if isinstance(n, ast.Constant) else None for n in names)
                if isinstance(service, str) and isinstance(unit, str):
                    found.add((service, unit))
    return found


def test_each_unit_that_is_counted_is_billed_or_known_not_to_be() -> None:
    counted = counters()
    assert {("sqs", "requests"), ("logs", "ingested_bytes"), ("lambda", "throttles")} <= counted
    known = {
        (service, unit) for service, tariff in TARIFFS.items() for unit in tariff.units | tariff.unbilled
    }
    # what is counted as not metered is to stand on the bill as something that it cannot price
    assert {(service, unit) for service, unit in counted if not unit.startswith("unmetered_")} <= known


def test_no_unit_is_both_billed_and_not() -> None:
    assert [service for service, tariff in TARIFFS.items() if tariff.units & tariff.unbilled] == []
