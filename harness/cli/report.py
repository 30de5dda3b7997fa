"""`launchday report`: any report again, from the stored run."""

from __future__ import annotations

from pathlib import Path

import click

import reports
from harness.cli.output import console, print_json
from harness.errors import UsageError
from harness.measure.run_folder import RunFolder
from reports.formats import console as terminal


@click.command(short_help="Report on a stored run again.")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["console", "json", *reports.FORMATS]),
    default="console",
    show_default=True,
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="Write there instead of to the terminal."
)
def report(run: Path, format_name: str, out: Path | None) -> int:
    """Report on the run folder RUN again, also when its run was interrupted or failed.

    Exits like the run itself would: 0 objectives met, 1 not met, 4 not valid.
    """
    folder = RunFolder.open(run)
    result = reports.build_result(folder)
    if format_name in reports.FORMATS:
        _write(reports.render(format_name, folder, result), out)
    elif out is not None:
        raise UsageError(f"--out is for the formats {', '.join(reports.FORMATS)}.")
    elif format_name == "json":
        print_json(result)
    else:
        console().print(terminal.render(result))
    return reports.exit_code(result)


def _write(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"'{out}' cannot be written: {error.strerror}.") from None
    click.echo(f"Wrote {out}")
