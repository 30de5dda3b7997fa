"""Tags of streams, by the stream operations and by the resource operations.

docs: AddTagsToStream, TagResource and their siblings, API reference (read 2026)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness.emulator.services.base import CallContext
from harness.emulator.services.kinesis.errors import invalid_argument
from harness.emulator.services.kinesis.registry import StreamRegistry, name_in_arn, stream_name
from harness.emulator.services.kinesis.streams import Stream

Body = dict[str, Any]

_MAX_TAGS = 50


class TagOperations:
    """Each method is an operation: the input, the caller, the time; the output, or None for an empty one."""

    def __init__(self, registry: StreamRegistry) -> None:
        self._registry = registry

    def add_tags_to_stream(self, body: Body, context: CallContext, now_s: float) -> None:
        """AddTagsToStream."""
        _add(self._registry.active(stream_name(body, context), context, now_s), body["Tags"])

    def remove_tags_from_stream(self, body: Body, context: CallContext, now_s: float) -> None:
        """RemoveTagsFromStream."""
        _remove(self._registry.active(stream_name(body, context), context, now_s), body["TagKeys"])

    def list_tags_for_stream(self, body: Body, context: CallContext, now_s: float) -> Body:
        """ListTagsForStream."""
        stream = self._registry.find(stream_name(body, context), context, now_s)
        after: str = body.get("ExclusiveStartTagKey") or ""
        limit = int(body.get("Limit") or _MAX_TAGS)
        tags = [tag for tag in _listed(stream) if tag["Key"] > after]
        return {"Tags": tags[:limit], "HasMoreTags": len(tags) > limit}

    def tag_resource(self, body: Body, context: CallContext, now_s: float) -> None:
        """TagResource."""
        _add(self._registry.active(name_in_arn(body["ResourceARN"], context), context, now_s), body["Tags"])

    def untag_resource(self, body: Body, context: CallContext, now_s: float) -> None:
        """UntagResource."""
        stream = self._registry.active(name_in_arn(body["ResourceARN"], context), context, now_s)
        _remove(stream, body["TagKeys"])

    def list_tags_for_resource(self, body: Body, context: CallContext, now_s: float) -> Body:
        """ListTagsForResource."""
        return {
            "Tags": _listed(self._registry.find(name_in_arn(body["ResourceARN"], context), context, now_s))
        }


def _listed(stream: Stream) -> list[dict[str, str]]:
    return [{"Key": key, "Value": stream.tags[key]} for key in sorted(stream.tags)]


def _add(stream: Stream, tags: Mapping[str, str]) -> None:
    merged = {**stream.tags, **tags}
    if len(merged) > _MAX_TAGS:
        raise invalid_argument(
            f"Failed to add tags to stream {stream.name}: it would have {len(merged)} tags. "
            f"Limit: {_MAX_TAGS}."
        )
    stream.tags = merged


def _remove(stream: Stream, keys: Iterable[str]) -> None:
    for key in keys:
        stream.tags.pop(key, None)
