"""Tables for people: what they show whole, what they count, and what they leave to `--json`."""

from __future__ import annotations

from typing import Any

import pytest

from harness.cli.output import print_facts

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
