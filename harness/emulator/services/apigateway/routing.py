"""Which resource a path belongs to: static parts before `{parameters}` before `{proxy+}`.

docs: API Gateway Developer Guide, Set up a proxy integration with a proxy resource (read 2026-11)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import unquote

T = TypeVar("T")
Parameters = Mapping[str, str]
_NONE: Parameters = {}
_MAX_SEGMENTS = 200


class Found(NamedTuple, Generic[T]):
    """What a path leads to. `path` is the path in one spelling, whatever the client's encoding and slashes,
    so that a policy which names it cannot be evaded by another spelling."""

    resource: T
    parameters: Parameters
    path: str


class _Branch(Generic[T]):
    """One place in the tree; `resource` is None where the API has no resource of its own."""

    __slots__ = ("greedy", "parameters", "resource", "static")

    def __init__(self) -> None:
        self.static: dict[str, _Branch[T]] = {}
        self.parameters: dict[str, _Branch[T]] = {}
        self.greedy: tuple[str, T] | None = None
        self.resource: T | None = None


class Routes(Generic[T]):
    """The resources of an API by their paths (`/v1/devices/{id}`, `/{proxy+}`)."""

    def __init__(self, resources: Iterable[tuple[str, T]]) -> None:
        self._root: _Branch[T] = _Branch()
        self._exact: dict[str, Found[T]] = {}
        for path, resource in resources:
            self._add(path, resource)

    def _add(self, path: str, resource: T) -> None:
        if "{" not in path:
            self._exact[path] = Found(resource, _NONE, path)
        branch = self._root
        for segment in _segments(path):
            if segment.startswith("{") and segment.endswith("+}"):
                branch.greedy = (segment[1:-2], resource)
                return
            if segment.startswith("{") and segment.endswith("}"):
                branch = branch.parameters.setdefault(segment[1:-1], _Branch())
            else:
                branch = branch.static.setdefault(segment, _Branch())
        branch.resource = resource

    def find(self, path: str) -> Found[T] | None:
        """Where a raw (still encoded) path leads; None where the API has no resource. Path parameters are
        decoded."""
        found = self._exact.get(path)
        if found is not None:
            return found
        raw = _segments(path)
        if len(raw) > _MAX_SEGMENTS:
            return None
        segments = [unquote(segment) for segment in raw]
        leaf = _find(self._root, segments, 0, ())
        if leaf is None:
            return None
        return Found(*leaf, "/" + "/".join(segment.replace("/", "%2F") for segment in segments))


def _segments(path: str) -> list[str]:
    """The parts between slashes; one slash at the end does not count."""
    inner = path.removeprefix("/").removesuffix("/")
    return inner.split("/") if inner else []


def _find(
    branch: _Branch[T], segments: list[str], at: int, taken: tuple[tuple[str, str], ...]
) -> tuple[T, Parameters] | None:
    if at == len(segments):
        return None if branch.resource is None else (branch.resource, dict(taken))
    segment = segments[at]
    following = branch.static.get(segment)
    found = _find(following, segments, at + 1, taken) if following else None
    if found is None and segment:
        for name, below in branch.parameters.items():
            found = _find(below, segments, at + 1, (*taken, (name, segment)))
            if found:
                break
    if found is None and branch.greedy is not None:
        name, resource = branch.greedy
        found = (resource, dict((*taken, (name, "/".join(segments[at:])))))
    return found
