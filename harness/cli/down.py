"""`launchday down`: the end of what `launchday up` keeps."""

from __future__ import annotations

import click

from harness.cli.options import kept_option
from harness.emulator import standing
from harness.emulator.standing import KINDS


@click.command()
@kept_option
def down(*, target: str | None) -> None:
    """Stop what `launchday up` started. Nothing there is no error."""
    kept = standing.find_kept(target)
    for each in kept:
        standing.stop(each.kind)
        called = KINDS[each.kind]
        click.echo(f"Stopped {called if called[0].isupper() else f'the {called}'} on port {each.port}.")
    if not kept:
        click.echo("Nothing is up.")
