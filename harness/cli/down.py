"""`launchday down`: the end of what `launchday up` keeps."""

from __future__ import annotations

import click

from harness.emulator import standing


@click.command()
def down() -> None:
    """Stop what `launchday up` started. Nothing there is no error."""
    stopped = standing.stop()
    click.echo("Nothing is up." if stopped is None else f"Stopped the embedded AWS on port {stopped.port}.")
