"""Tables for people: what they show whole, what they count, and what they leave to `--json`."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from harness.cli.output import console, print_facts, print_table

PARTS = ["appsync", "authorizers", "cognito", "dynamodb", "lambda"]


def printed(facts: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """The second column by the first."""
    print_facts(facts)
    rows = (line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if line.strip())
    return {name: rest[0].strip() if rest else "" for name, *rest in rows}


def test_a_list_that_fits_is_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed({"parts": PARTS, "none": []}, capsys) == {"parts": ", ".join(PARTS), "none": ""}


def test_of_a_long_list_its_beginning_is_shown_and_its_length(capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"function-{n:02}" for n in range(30)]
    assert printed({"names": names}, capsys) == {"names": f"{', '.join(names[:4])}, … (30 in all)"}


@pytest.mark.parametrize("tokens", [{f"acct-{n}": "e" * 900 for n in range(20)}, ["e" * 900] * 20])
def test_tokens_are_counted_and_left_to_json(tokens: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed({"live": {"tokens": tokens, "users": 20}}, capsys)
    assert shown == {"live.tokens": "20, too long to show; --json has them", "live.users": "20"}


def test_a_single_long_value_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    print_facts({"url": "x" * 250})
    assert capsys.readouterr().out.count("x") == 250


def test_what_is_piped_is_not_padded(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(
        ["what", "how many", ""], [["a", 1, "some words"], ["b", 22, None], ["c", 3, "x" * 60]], numbers=[1]
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "what  how many",
        "a            1  some words",
        "b           22",
        f"c            3  {'x' * 60}",
    ]


def test_on_a_terminal_the_console_is_richs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert console().file is sys.stdout
