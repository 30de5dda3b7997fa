"""A filter policy as a whole: checked against AWS's limits and compiled, once, when it is set.

All keys of a policy must match; of a key's array one entry; of an `$or` one of its objects.
docs: SNS Developer Guide, Subscription filter policies, AND/OR logic, Filter policy constraints (read 2026)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from harness.emulator.services.sns.filters.operators import (
    DIGITS,
    RESERVED,
    FilterPolicyError,
    Test,
    Value,
    compile_operator,
    is_number,
    number,
)

Scope = Literal["MessageAttributes", "MessageBody"]
Read = Callable[[str], Sequence[Value] | None]
"""The values that a message has under a key (a path with dots, for a body), or None when it has none."""

MAX_KEYS: Final = 5
MAX_COMBINATIONS: Final = 150
MAX_POLICY_BYTES: Final = 262_144
_MAX_DEPTH: Final = MAX_COMBINATIONS  # each level multiplies the combinations


@dataclass(frozen=True, slots=True)
class _Key:
    """A key's array. A message without the key matches when `absent`, one with it when `present`."""

    path: str
    strings: frozenset[str]
    numbers: frozenset[float]
    constants: tuple[bool | None, ...]
    tests: tuple[Test, ...]
    absent: bool
    present: bool

    @property
    def asks_for_strings_only(self) -> bool:
        others = self.numbers or self.constants or self.tests or self.absent or self.present
        return bool(self.strings) and not others

    def matches(self, read: Read) -> bool:
        values = read(self.path)
        if values is None:
            return self.absent
        return self.present or any(self._accepts(value) for value in values)

    def _accepts(self, value: Value) -> bool:
        if isinstance(value, str):
            exact = value in self.strings
        elif value is None or isinstance(value, bool):
            exact = any(value is constant for constant in self.constants)
        else:
            exact = round(value, DIGITS) in self.numbers
        return exact or any(test(value) for test in self.tests)


@dataclass(frozen=True, slots=True)
class _All:
    """Keys that must all match, and alternatives (`$or`) of each of which one must."""

    keys: tuple[_Key, ...]
    alternatives: tuple[tuple[_All, ...], ...]

    def matches(self, read: Read) -> bool:
        return all(key.matches(read) for key in self.keys) and all(
            any(branch.matches(read) for branch in branches) for branches in self.alternatives
        )


@dataclass(frozen=True, slots=True)
class FilterPolicy:
    """A compiled policy."""

    scope: Scope
    _root: _All

    def matches(self, read: Read) -> bool:
        """Whether a message passes; `read` reads its attributes or its body, as the scope says."""
        return self._root.matches(read)

    def exact_strings(self) -> tuple[str, frozenset[str]] | None:
        """An attribute and the strings of which a message must have one there to pass, when the policy has a
        key that asks for such and for nothing else."""
        if self.scope == "MessageAttributes":
            for key in self._root.keys:
                if key.asks_for_strings_only:
                    return key.path, key.strings
        return None


def compile_policy(text: str, scope: Scope) -> FilterPolicy | None:
    """The policy in `text`; None for an empty one, which every message passes. Raises FilterPolicyError."""
    if len(text.encode()) > MAX_POLICY_BYTES:
        raise FilterPolicyError(f"Filter policy is larger than {MAX_POLICY_BYTES} bytes")
    try:
        policy = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise FilterPolicyError("failed to parse JSON.") from None
    if not isinstance(policy, dict):
        raise FilterPolicyError("Filter must be an object")
    if not policy:
        return None
    if len(policy) > MAX_KEYS:
        raise FilterPolicyError("Filter policy can not have more than 5 keys")
    compiler = _Compiler(scope)
    root, combinations = compiler.level(policy, "", depth=1, combinations=1)
    if combinations > MAX_COMBINATIONS:
        raise FilterPolicyError("Filter policy is too complex")
    return FilterPolicy(scope, root)


class _Compiler:
    def __init__(self, scope: Scope) -> None:
        self._nests = scope == "MessageBody"

    def level(
        self, policy: Mapping[str, Any], prefix: str, *, depth: int, combinations: int
    ) -> tuple[_All, int]:
        """An object of the policy, and the combinations so far: an array multiplies them by its length and
        by its depth, an `$or` by the sum over its objects."""
        if depth > _MAX_DEPTH:
            raise FilterPolicyError("Filter policy is too complex")
        keys: list[_Key] = []
        alternatives: list[tuple[_All, ...]] = []
        for name, given in policy.items():
            path = f"{prefix}{name}"
            if isinstance(given, dict):
                if not self._nests:
                    raise FilterPolicyError(
                        "Filter policy scope MessageAttributes does not support nested filter policy"
                    )
                if not given:
                    raise FilterPolicyError("Empty objects are not allowed")
                inner, combinations = self.level(
                    given, f"{path}.", depth=depth + 1, combinations=combinations
                )
                keys += inner.keys
                alternatives += inner.alternatives
            elif not isinstance(given, list):
                raise FilterPolicyError(f'"{name}" must be an object or an array')
            elif not given:
                raise FilterPolicyError("Empty arrays are not allowed")
            elif name == "$or" and _is_or(given):
                branches = [self.level(b, prefix, depth=depth, combinations=combinations) for b in given]
                alternatives.append(tuple(branch for branch, _ in branches))
                combinations = sum(count for _, count in branches)
            else:
                keys.append(_key(path, given))
                combinations *= len(given) * depth
        return _All(tuple(keys), tuple(alternatives)), combinations


def _is_or(given: Sequence[Any]) -> bool:
    """Whether `$or` is the operator: otherwise it is a key like any other."""
    return len(given) > 1 and all(
        isinstance(branch, dict) and branch and not RESERVED.intersection(branch) for branch in given
    )


def _key(path: str, entries: Sequence[Any]) -> _Key:
    strings: set[str] = set()
    numbers: set[float] = set()
    constants: list[bool | None] = []
    tests: list[Test] = []
    absent = present = False
    for entry in entries:
        if entry is None or isinstance(entry, bool):
            constants.append(entry)
        elif isinstance(entry, str):
            strings.add(entry)
        elif is_number(entry):
            numbers.add(number(entry))
        elif not isinstance(entry, dict):
            raise FilterPolicyError("Match value must be String, number, true, false, or null")
        elif len(entry) != 1:
            raise FilterPolicyError("Only one key allowed in match expression")
        elif "exists" in entry:
            if not isinstance(entry["exists"], bool):
                raise FilterPolicyError("exists match pattern must be either true or false.")
            absent, present = absent or not entry["exists"], present or entry["exists"]
        else:
            tests += [compile_operator(name, given) for name, given in entry.items()]
    return _Key(path, frozenset(strings), frozenset(numbers), tuple(constants), tuple(tests), absent, present)
