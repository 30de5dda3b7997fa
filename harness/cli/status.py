"""`launchday status`: what is up, and how to reach it."""

from __future__ import annotations

from typing import Any

import click

from harness.cli.options import json_option, kept_option
from harness.cli.output import print_facts, print_json
from harness.emulator import standing
from harness.emulator.standing import EMBEDDED, Standing
from harness.errors import TargetError, UsageError


@click.command(short_help="Show how to reach what `launchday up` keeps.")
@kept_option
@json_option
def status(*, target: str | None, as_json: bool) -> None:
    """Show the pipeline that `launchday up` keeps: endpoints, credentials, entrances, keys.

    Exit code 3 when nothing is up.
    """
    kept = standing.find_kept(target)
    if not kept:
        raise TargetError("Nothing is up.", f"`{_upped_with(target)}` starts the pipeline and keeps it.")
    if len(kept) > 1:
        raise UsageError("There is one up on each of two targets.", "Name one with --target.")
    facts = describe(kept[0])
    if as_json:
        print_json(facts)
    else:
        print_facts(facts)


def _upped_with(target: str | None) -> str:
    return "launchday up" if target in (None, EMBEDDED) else f"launchday up --target {target}"


def describe(stands: Standing) -> dict[str, Any]:
    """What a program needs to work against it, as `status --json` prints it."""
    return {
        "target": stands.kind,
        "pid": stands.pid,
        "port": stands.port,
        "limits": stands.limits,
        "endpoint_url": stands.endpoints[""],
        "endpoints": {name: url for name, url in stands.endpoints.items() if name},
        **stands.notes,
    }
