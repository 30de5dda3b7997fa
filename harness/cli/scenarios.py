"""`launchday scenarios`: what can be rehearsed."""

from __future__ import annotations

import click

from harness.cli.options import json_option
from harness.cli.output import print_json, print_table
from harness.scenario import Scenario, Trace, load_scenario, packaged_scenarios


@click.command()
@json_option
def scenarios(*, as_json: bool) -> None:
    """List the scenarios that come with Launchday."""
    found = [load_scenario(path) for path in packaged_scenarios().values()]
    if as_json:
        print_json({scenario.name: _facts(scenario) for scenario in found})
        return
    rows = [[scenario.name, _lasts(scenario), _peak(scenario), scenario.summary] for scenario in found]
    print_table(["scenario", "lasts", "peak requests/s", ""], rows, numbers=(1, 2))


def _needs_trace(scenario: Scenario) -> bool:
    return isinstance(scenario.traffic.shape, Trace)


def _lasts(scenario: Scenario) -> str:
    return "as the trace" if _needs_trace(scenario) else f"{scenario.duration_s:.0f} s"


def _peak(scenario: Scenario) -> str:
    return "as the trace" if _needs_trace(scenario) else f"{scenario.peak_per_s:,.0f}"


def _facts(scenario: Scenario) -> dict[str, object]:
    known = not _needs_trace(scenario)
    return {
        "summary": scenario.summary,
        "path": str(scenario.path),
        "duration_s": scenario.duration_s if known else None,
        "peak_requests_per_s": scenario.peak_per_s if known else None,
        "objectives": [str(objective) for objective in scenario.objectives],
    }
