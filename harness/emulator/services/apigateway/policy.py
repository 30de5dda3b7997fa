"""The IAM policies that Lambda authorizers return, evaluated for a method.

docs: API Gateway Developer Guide, Output from an API Gateway Lambda authorizer; IAM User Guide, Policy
evaluation logic (read 2026-11): an explicit Deny wins over every Allow, and what nothing allows is denied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

Decision = Literal["Allow", "Deny", "NoMatch"]
INVOKE = "execute-api:Invoke"
_MAX_DECISIONS = 256


class PolicyError(ValueError):
    """A policy document that does not say what it should."""


class Policy:
    """Who may invoke what. Raises PolicyError when the document is malformed or has conditions, which are
    not evaluated."""

    __slots__ = ("_allow", "_decisions", "_deny")

    def __init__(self, document: object) -> None:
        if not isinstance(document, Mapping):
            raise PolicyError("policyDocument is not an object")
        statements = document.get("Statement")
        if isinstance(statements, Mapping):
            statements = [statements]
        if not isinstance(statements, list) or not all(isinstance(s, Mapping) for s in statements):
            raise PolicyError("policyDocument.Statement is not a list of statements")
        self._allow: list[str] = []
        self._deny: list[str] = []
        self._decisions: dict[str, Decision] = {}
        for statement in statements:
            self._add(statement)

    def _add(self, statement: Mapping[str, Any]) -> None:
        effect = statement.get("Effect")
        if effect not in ("Allow", "Deny"):
            raise PolicyError("a statement's Effect is neither Allow nor Deny")
        if statement.get("Condition"):
            raise PolicyError("a statement has a Condition, which is not evaluated here")
        if "NotAction" in statement or "NotResource" in statement:
            raise PolicyError("a statement has NotAction or NotResource, which are not evaluated here")
        actions, resources = _strings(statement, "Action"), _strings(statement, "Resource")
        if not any(matches(action.lower(), INVOKE.lower()) for action in actions):
            return
        (self._allow if effect == "Allow" else self._deny).extend(resources)

    def decide(self, method_arn: str) -> Decision:
        """What the policy says of invoking `method_arn`."""
        decision = self._decisions.get(method_arn)
        if decision is None:
            decision = self._evaluate(method_arn)
            if len(self._decisions) >= _MAX_DECISIONS:
                self._decisions.clear()
            self._decisions[method_arn] = decision
        return decision

    def _evaluate(self, method_arn: str) -> Decision:
        if any(matches(pattern, method_arn) for pattern in self._deny):
            return "Deny"
        return "Allow" if any(matches(pattern, method_arn) for pattern in self._allow) else "NoMatch"


def _strings(statement: Mapping[str, Any], member: str) -> Sequence[str]:
    value = statement.get(member)
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise PolicyError(f"a statement's {member} is not a string or a list of strings")
    return value


def matches(pattern: str, text: str) -> bool:
    """Whether `text` fits `pattern`, where `*` is any run of characters and `?` any one.

    Goes back only to the last `*`, so it takes at most the product of both lengths, whoever chose them."""
    star = -1
    at = position = kept = 0
    while position < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, kept = at, position
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[position]):
            at += 1
            position += 1
        elif star >= 0:
            kept += 1
            position, at = kept, star + 1
        else:
            return False
    return pattern[at:].strip("*") == ""
