"""The documentation's examples and tables, held against the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.scenario import load_scenario
from reports.checks.catalogue import check_objectives, known_metrics

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_project_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_example_scenario_loads_and_its_objectives_exist(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "writing-a-scenario.md").read_text()
    found = re.search(r"<!-- example: (\S+) -->\n```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    (tmp_path / found[1]).write_text(found[2])
    scenario = load_scenario(tmp_path / found[1])
    check_objectives(scenario.objectives)
    assert scenario.peak_per_s == pytest.approx(80, rel=0.01)


def test_every_metric_is_documented_and_no_other() -> None:
    table = (ROOT / "docs" / "reading-a-report.md").read_text().partition("<!-- metrics -->")[2]
    documented = set(re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE))
    assert documented == set(known_metrics(["ROUTE"]))


def test_the_readme_has_both_commands_at_the_top() -> None:
    commands = re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert commands[0].strip().endswith("launchday run mass_registration")
    assert commands[1].strip().endswith("tox")
    assert all(len(command.strip().splitlines()) == 1 for command in commands[:2])
