"""Every scenario is explained, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

from harness.scenario import packaged_scenarios

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")


def test_every_scenario_has_its_own_explanation() -> None:
    assert set(re.findall(r"^## (\w+)$", PAGE, re.MULTILINE)) == set(packaged_scenarios())


def test_the_table_links_to_every_explanation() -> None:
    assert set(re.findall(r"\]\(#(\w+)\)", PAGE)) == set(packaged_scenarios())
