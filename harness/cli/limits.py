"""`launchday limits`: the quotas of each profile."""

from __future__ import annotations

import click

from harness.aws.limits.profiles import PROFILES, limits_to_json, load_limits
from harness.cli.options import TARGETS, json_option
from harness.cli.output import print_json, print_table
from harness.emulator.standing import EMBEDDED
from harness.targets.localstack.variables import is_enforced


@click.command(short_help="Show AWS's quotas that the embedded AWS enforces.")
@click.argument("profiles", nargs=-1, metavar="[NAME|FILE]...")
@click.option(
    "--target",
    type=click.Choice(TARGETS),
    default=EMBEDDED,
    show_default=True,
    help="Those that are enforced on this target.",
)
@json_option
def limits(profiles: tuple[str, ...], *, target: str, as_json: bool) -> None:
    """Show AWS's quotas that the embedded AWS enforces, in each profile (or those named)."""
    chosen = [load_limits(name) for name in profiles] or list(PROFILES.values())
    values = {one.name: limits_to_json(one) for one in chosen}
    for one in values.values():
        for name in [name for name in one if name == "name" or not _enforced(name, target)]:
            del one[name]
    if as_json:
        print_json(values)
        return
    names = list(next(iter(values.values())))
    rows = [[name, *(_said(one[name]) for one in values.values())] for name in names]
    print_table(["limit", *values], rows, numbers=range(1, len(values) + 1))


def _enforced(limit: str, target: str) -> bool:
    return target == EMBEDDED or is_enforced(limit)


def _said(value: float | None) -> str:
    return "no limit" if value is None else f"{value:,.0f}"
