"""Options that several commands share, and the types that read them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from harness.cli.foreign import FOREIGN
from harness.emulator.command_line import DEFAULT_PORT
from harness.emulator.standing import EMBEDDED, KINDS

DEFAULT_REGION = "us-east-1"
TARGETS = tuple(KINDS)

_DURATION = re.compile(r"^\s*([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|)\s*$")
_SECONDS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}


class Duration(click.ParamType[float]):
    """`90s`, `1.5m`, `2h`, `500ms`; a bare number is seconds. Becomes seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Raises BadParameter (exit 2) when `value` is no duration."""
        if isinstance(value, int | float):
            return float(value)
        found = _DURATION.match(str(value))
        if found is None:
            self.fail(f"'{value}' is not a duration; write it like 90s, 1.5m or 2h.", param, ctx)
        return float(found[1]) * _SECONDS[found[2]]


class Setting(click.ParamType[tuple[str, str]]):
    """`name=value`. Becomes a pair."""

    name = "name=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Raises BadParameter (exit 2) when there is no `=`."""
        if isinstance(value, tuple):
            return value
        name, equals, rest = str(value).partition("=")
        if not equals or not name.strip():
            self.fail(f"'{value}' is not of the form name=value.", param, ctx)
        return name.strip(), rest


class Region(click.ParamType[str]):
    """An AWS Region that there is. Becomes its name."""

    name = "region"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Raises BadParameter (exit 2) when AWS has none of that name."""
        if value == DEFAULT_REGION:  # without a look at AWS's list, which takes a while to load
            return DEFAULT_REGION
        session = import_module("botocore.session").get_session()
        regions = {
            region
            for partition in session.get_available_partitions()
            for region in session.get_available_regions("lambda", partition)
        }
        if value not in regions:
            close = difflib.get_close_matches(str(value), sorted(regions), n=1)
            remedy = f" Did you mean {close[0]}?" if close else ""
            self.fail(f"'{value}' is no AWS Region.{remedy}", param, ctx)
        return str(value)


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def port_option(listens: str) -> Decorator:
    """`--port` of what `listens` names."""
    return click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=DEFAULT_PORT,
        show_default=True,
        help=f"Where {listens} listens; 0 takes a free one.",
    )


def limits_option(quotas: str) -> Decorator:
    """`--limits`, which are `quotas`."""
    return click.option(
        "--limits",
        "limits_name",
        default="established",
        show_default=True,
        metavar="NAME|FILE",
        help=f"{quotas}: established, fresh, none, or a JSON file; see `launchday limits`.",
    )


region_option = click.option(
    "--region", type=Region(), default=DEFAULT_REGION, show_default=True, help="The AWS Region."
)
endpoint_option = click.option(
    "--endpoint-url",
    metavar="URL",
    help="Where --target endpoint is.  [default: AWS_ENDPOINT_URL and its forms]",
)


def where_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where the pipeline stands, and which."""
    options: list[Decorator] = [
        click.option(
            "--target",
            type=click.Choice((*TARGETS, *FOREIGN)),
            default=EMBEDDED,
            show_default=True,
            help="The AWS that the pipeline stands on.",
        ),
        endpoint_option,
        click.option(
            "--bill-to",
            metavar="ACCOUNT",
            help="The account that pays for --target aws; the credentials have to be its own.",
        ),
        click.option(
            "--pipeline",
            "pipeline_dir",
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="A folder with a pipeline.py of your own.  [default: the reference pipeline]",
        ),
        limits_option("AWS's quotas"),
        region_option,
        port_option("the target"),
        click.option(
            "--allow-delivery",
            "allow_deliveries",
            multiple=True,
            metavar="HOST",
            help="A host that SNS of the embedded AWS may deliver to, beside this machine.",
        ),
        click.option(
            "--set",
            "settings",
            type=Setting(),
            multiple=True,
            help="A parameter of the pipeline's own; may be given more than once.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


kept_option = click.option(
    "--target", type=click.Choice(TARGETS), help="Of which target.  [default: where something is up]"
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
