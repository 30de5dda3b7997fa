"""How commands print: tables for people, JSON for programs."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, TextIO, cast

import click
import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

UNBOUND_WIDTH = 160
_TRAILING: Final = re.compile(r" +(?=\n)")
READABLE = 100
"""What a list may have in characters to be shown whole."""
UNREADABLE = 300
"""Texts of more characters than this are for programs."""


def print_json(value: Any) -> None:
    """Print `value` as indented JSON."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode())


def print_table(heads: Sequence[str], rows: Sequence[Sequence[Any]], *, numbers: Sequence[int] = ()) -> None:
    """Print a table; columns at the positions `numbers` stand to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for position, head in enumerate(heads):
        table.add_column(head, justify="right" if position in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    console().print(table)


def print_facts(facts: Mapping[str, Any]) -> None:
    """Print nested members by their paths, a line each, for commands whose `--json` has them whole."""
    print_table(["", ""], [[name.strip("."), value] for name, value in _flat("", facts)])


def _flat(prefix: str, value: Any) -> list[tuple[str, Any]]:
    """Nested members by their paths. Of a long list its beginning; of values that no person reads (signed
    tokens) how many there are."""
    if isinstance(value, Mapping):
        if _unreadable(value.values()):
            return [(prefix, f"{len(value)}, too long to show; --json has them")]
        return [item for name, inner in value.items() for item in _flat(f"{prefix}.{name}", inner)]
    if isinstance(value, list):
        if _unreadable(value):
            return [(prefix, f"{len(value)}, too long to show; --json has them")]
        whole = ", ".join(map(str, value))
        if len(whole) <= READABLE or len(value) <= 4:
            return [(prefix, whole)]
        return [(prefix, f"{', '.join(map(str, value[:4]))}, … ({len(value)} in all)")]
    return [(prefix, value)]


def _unreadable(values: Collection[Any]) -> bool:
    return bool(values) and all(isinstance(value, str) and len(value) > UNREADABLE for value in values)


def console() -> Console:
    """A console on stdout, as wide as the terminal; what goes to a file or another program is not wrapped to
    the width of a terminal that is not there, nor padded to it."""
    if sys.stdout.isatty():
        return Console()
    return Console(width=UNBOUND_WIDTH, file=cast(TextIO, _Unpadded(sys.stdout)))


class _Unpadded:
    """A text stream without the blanks at the ends of lines. Lines come whole from a console: it writes when
    it has printed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(_TRAILING.sub("", text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
