"""`$util.list`, `$util.map`, `$util.str` and `$util.math`.

docs: AppSync Developer Guide, List, Map, String and Math helpers (read 2026-11)
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Mapping
from typing import Any

from harness.emulator.services.appsync.templates.checks import Methods
from harness.emulator.services.appsync.templates.groups import Group
from harness.emulator.vtl import JavaList, TemplateFailure, Value, to_text


class Lists(Group):
    """`$util.list`"""

    __slots__ = ()


class Maps(Group):
    """`$util.map`"""

    __slots__ = ()


class Strings(Group):
    """`$util.str`"""

    __slots__ = ()


class Numbers(Group):
    """`$util.math`"""

    __slots__ = ()


def list_of(value: Value) -> list[Any]:
    """A list. Raises TemplateFailure for anything else."""
    if not isinstance(value, list):
        raise TemplateFailure("A list is needed")
    return value


def map_of(value: Value) -> dict[Any, Any]:
    """A map. Raises TemplateFailure for anything else."""
    if not isinstance(value, dict):
        raise TemplateFailure("A map is needed")
    return value


def _sorted(_: Lists, items: Value, descending: Value, name: Value) -> Value:
    if not isinstance(items, list):
        raise TemplateFailure("$util.list.sortList needs a list")
    key = to_text(name)

    def order(item: Any) -> tuple[int, Any]:
        value = item.get(key) if isinstance(item, dict) else item
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return (2, to_text(value))
        return (1, value) if isinstance(value, str) else (0, value)

    return JavaList(sorted(items, key=order, reverse=descending is True))


LISTS: Methods = {
    ("copyAndRetainAll", 2): lambda _, items, kept: JavaList(i for i in list_of(items) if i in list_of(kept)),
    ("copyAndRemoveAll", 2): lambda _, items, gone: JavaList(
        i for i in list_of(items) if i not in list_of(gone)
    ),
    ("sortList", 3): _sorted,
}
MAPS: Methods = {
    ("copyAndRetainAllKeys", 2): lambda _, value, kept: {
        key: item for key, item in map_of(value).items() if key in list_of(kept)
    },
    ("copyAndRemoveAllKeys", 2): lambda _, value, gone: {
        key: item for key, item in map_of(value).items() if key not in list_of(gone)
    },
}
_FORMS: Mapping[str, Any] = {"nfc": "NFC", "nfd": "NFD", "nfkc": "NFKC", "nfkd": "NFKD"}
STRINGS: Methods = {
    ("toUpper", 1): lambda _, text: to_text(text).upper(),
    ("toLower", 1): lambda _, text: to_text(text).lower(),
    ("toReplace", 3): lambda _, text, old, new: _replaced(to_text(text), to_text(old), to_text(new)),
    ("normalize", 2): lambda _, text, form: _normalized(to_text(text), to_text(form)),
}


def _replaced(text: str, old: str, new: str) -> str:
    if len(text) + text.count(old) * len(new) > 10 * 1024 * 1024:
        raise TemplateFailure("The replaced text exceeds the limit")
    return text.replace(old, new)


def _normalized(text: str, form: str) -> str:
    known = _FORMS.get(form.lower())
    if known is None:
        raise TemplateFailure(f"'{form[:20]}' is not a form of normalization")
    return unicodedata.normalize(known, text)


def _numeric(value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TemplateFailure(f"{to_text(value)[:60]} is not a number")
    return value


NUMBERS: Methods = {
    ("roundNum", 1): lambda _, value: (
        int(_numeric(value) + 0.5) if value >= 0 else -int(0.5 - _numeric(value))
    ),
    ("minVal", 2): lambda _, one, other: min(_numeric(one), _numeric(other)),
    ("maxVal", 2): lambda _, one, other: max(_numeric(one), _numeric(other)),
    ("randomDouble", 0): lambda _: random.random(),
    ("randomWithinRange", 2): lambda _, low, high: random.randrange(
        int(_numeric(low)), max(int(_numeric(high)), int(low) + 1)
    ),
}
