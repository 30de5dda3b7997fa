from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.emulator.services.apigateway.policy import Policy, PolicyError, matches

ARN = "arn:aws:execute-api:us-east-1:123456789012:api1/prod/POST/v1/devices"
API = "arn:aws:execute-api:us-east-1:123456789012:api1"


def statement(effect: str, resource: Any, action: Any = "execute-api:Invoke") -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource}


def decide(*statements: dict[str, Any], arn: str = ARN) -> str:
    return Policy({"Version": "2012-10-17", "Statement": list(statements)}).decide(arn)


DECISIONS = [
    ([statement("Allow", ARN)], "Allow"),
    ([statement("Allow", "*")], "Allow"),
    ([statement("Allow", f"{API}/*")], "Allow"),
    ([statement("Allow", f"{API}/*/POST/*")], "Allow"),
    ([statement("Allow", f"{API}/prod/GET/*")], "NoMatch"),
    ([statement("Allow", f"{API}/prod/POST/v1/device?")], "Allow"),
    ([statement("Allow", f"{API}/prod/POST/v1/device")], "NoMatch"),
    ([statement("Deny", "*"), statement("Allow", "*")], "Deny"),
    ([statement("Allow", "*"), statement("Deny", f"{API}/prod/POST/*")], "Deny"),
    ([statement("Allow", "*"), statement("Deny", f"{API}/prod/GET/*")], "Allow"),
    ([statement("Allow", [f"{API}/x/*", f"{API}/prod/*"])], "Allow"),
    ([statement("Allow", "*", "execute-api:*")], "Allow"),
    ([statement("Allow", "*", "EXECUTE-API:invoke")], "Allow"),
    ([statement("Allow", "*", ["s3:GetObject", "*"])], "Allow"),
    ([statement("Allow", "*", "s3:GetObject")], "NoMatch"),
    ([], "NoMatch"),
]


@pytest.mark.parametrize(("statements", "expected"), DECISIONS)
def test_decisions(statements: list[dict[str, Any]], expected: str) -> None:
    assert decide(*statements) == expected


def test_one_statement_needs_no_list() -> None:
    assert Policy({"Statement": statement("Allow", "*")}).decide(ARN) == "Allow"


MALFORMED = [
    None,
    "text",
    {},
    {"Statement": "x"},
    {"Statement": [1]},
    {"Statement": [statement("Maybe", "*")]},
    {"Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke"}]},
    {"Statement": [statement("Allow", [])]},
    {"Statement": [statement("Allow", 1)]},
    {"Statement": [{**statement("Allow", "*"), "Condition": {"IpAddress": {}}}]},
    {"Statement": [{**statement("Allow", "*"), "NotResource": "*"}]},
]


@pytest.mark.parametrize("document", MALFORMED)
def test_malformed_policies_are_refused(document: Any) -> None:
    with pytest.raises(PolicyError):
        Policy(document)


def naive(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(naive(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and naive(pattern[1:], text[1:])


@settings(max_examples=500, deadline=None)
@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_wildcards_match_as_a_naive_reading_does(pattern: str, text: str) -> None:
    assert matches(pattern, text) == naive(pattern, text)


def test_a_pattern_of_many_wildcards_takes_no_exponential_time() -> None:
    assert not matches("*a" * 500 + "b", "a" * 2_000)


def test_decisions_are_kept_in_bounds() -> None:
    policy = Policy({"Statement": statement("Allow", f"{API}/*")})
    assert all(policy.decide(f"{API}/prod/GET/{n}") == "Allow" for n in range(2_000))
