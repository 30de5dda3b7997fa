"""Which media types an API treats as binary.

docs: API Gateway Developer Guide, Binary media types for REST APIs (read 2026-11)
"""

from __future__ import annotations


def essence(content_type: str | None) -> str:
    """`Application/JSON; charset=utf-8` to `application/json`; without one it is application/json."""
    if not content_type:
        return "application/json"
    return content_type.partition(";")[0].strip().lower()


def is_binary(content_type: str | None, binary_media_types: frozenset[str]) -> bool:
    """Whether a body of this type is binary to the API; `*/*` and `image/*` are wildcards."""
    if not binary_media_types:
        return False
    media_type = essence(content_type)
    family = media_type.partition("/")[0] + "/*"
    return "*/*" in binary_media_types or media_type in binary_media_types or family in binary_media_types


def accepts(accept: str | None, binary_media_types: frozenset[str]) -> bool:
    """Whether a client takes binary: the first type in Accept decides."""
    if not accept or not binary_media_types:
        return "*/*" in binary_media_types
    return is_binary(accept.partition(",")[0], binary_media_types)
