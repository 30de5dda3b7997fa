"""Projection expressions, and picking parts of items by document paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.emulator.services.dynamodb.errors import invalid
from harness.emulator.services.dynamodb.expressions.ast import Part, Path, step
from harness.emulator.services.dynamodb.expressions.binding import Bindings
from harness.emulator.services.dynamodb.values import Item, Value

KIND = "ProjectionExpression"


@dataclass(frozen=True, slots=True)
class Projection:
    """Which parts of an item are wanted."""

    paths: tuple[Path, ...]

    def bind(self, bindings: Bindings) -> Projection:
        """The projection with names put in. Raises AwsError when paths overlap."""
        paths = tuple(path.bind(bindings, KIND) for path in self.paths)
        check_paths_apart(paths, KIND)
        return Projection(paths)

    def of(self, item: Item) -> Item:
        """The wanted parts of `item`: maps hold the members asked for, lists the elements in their order."""
        if all(len(path.parts) == 1 for path in self.paths):
            names = [str(path.parts[0]) for path in self.paths]
            return {name: item[name] for name in names if name in item}
        tree = _tree(self.paths)
        picked = {str(name): _pick(item[str(name)], below) for name, below in tree.items() if name in item}
        return {name: value for name, value in picked.items() if value is not None}


class _Tree(dict[Part, "_Tree"]):
    """The paths by their parts; an empty tree is the end of a path."""


def _tree(paths: Sequence[Path]) -> _Tree:
    root = _Tree()
    for path in paths:
        node = root
        for part in path.parts:
            node = node.setdefault(part, _Tree())
    return root


def _pick(value: Value, tree: _Tree) -> Value | None:
    if not tree:
        return value
    found = {part: step(value, part) for part in tree}
    picked = {part: _pick(below, tree[part]) for part, below in found.items() if below is not None}
    kept = {part: below for part, below in picked.items() if below is not None}
    if not kept:
        return None
    if "M" in value:
        return {"M": kept}
    return {"L": [kept[index] for index in sorted(part for part in kept if isinstance(part, int))]}


def check_paths_apart(paths: Sequence[Path], kind: str) -> None:
    """Raises AwsError when one path lies within another, or they disagree on what a parent is."""
    if len({path.parts[0] for path in paths}) == len(paths):
        return
    for position, one in enumerate(paths):
        for two in paths[position + 1 :]:
            problem = _clash(one.parts, two.parts)
            if problem is not None:
                raise invalid(
                    f"Invalid {kind}: Two document paths {problem} with each other; must remove or rewrite "
                    f"one of these paths; path one: {one.shown()}, path two: {two.shown()}"
                )


def _clash(one: tuple[Part, ...], two: tuple[Part, ...]) -> str | None:
    for a, b in zip(one, two, strict=False):
        if type(a) is not type(b):
            return "conflict"
        if a != b:
            return None
    return "overlap"
