"""`launchday status`: what is up, and how to reach it."""

from __future__ import annotations

from typing import Any

import click

from harness.cli.options import json_option
from harness.cli.output import print_json, print_table
from harness.emulator import standing
from harness.emulator.standing import Standing
from harness.errors import TargetError


@click.command(short_help="Show how to reach what `launchday up` keeps.")
@json_option
def status(*, as_json: bool) -> None:
    """Show the pipeline that `launchday up` keeps: endpoints, credentials, entrances, keys.

    Exit code 3 when nothing is up.
    """
    stands = standing.find()
    if stands is None:
        raise TargetError("Nothing is up.", "`launchday up` starts the pipeline and keeps it.")
    facts = describe(stands)
    if as_json:
        print_json(facts)
        return
    print_table(["", ""], [[name.strip("."), value] for name, value in _flat("", facts)])


def describe(stands: Standing) -> dict[str, Any]:
    """What a program needs to work against it, as `status --json` prints it."""
    return {
        "pid": stands.pid,
        "port": stands.port,
        "limits": stands.limits,
        "endpoint_url": stands.endpoints[""],
        "endpoints": {name: url for name, url in stands.endpoints.items() if name},
        **stands.notes,
    }


def _flat(prefix: str, value: Any) -> list[tuple[str, Any]]:
    """Nested members by their paths; lists by their length when they are long."""
    if isinstance(value, dict):
        return [item for name, inner in value.items() for item in _flat(f"{prefix}.{name}", inner)]
    if isinstance(value, list):
        shown = ", ".join(str(item) for item in value[:4])
        return [(prefix, shown if len(value) <= 4 else f"{shown}, … ({len(value)} in all)")]
    return [(prefix, value)]
