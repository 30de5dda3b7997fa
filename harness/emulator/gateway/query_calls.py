"""One service's call to another that speaks the AWS query protocol: a form out, the answer's XML back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import unescape

from harness.emulator.services.base import AwsError

CONTENT_TYPE = "application/x-www-form-urlencoded"
VERSIONS: Mapping[str, str] = {"sns": "2010-03-31"}
"""The services that are called so, and the versions of their APIs."""
_MAPS = frozenset({"MessageAttributes"})
"""Members that are maps: they look like structures in JSON, and not in a form."""
_CODE = re.compile(r"<Code>(.*?)</Code>", re.DOTALL)
_MESSAGE = re.compile(r"<Message>(.*?)</Message>", re.DOTALL)


def form_of(service: str, operation: str, members: Mapping[str, Any]) -> bytes:
    """`members`, as a JSON protocol has them, as the form that asks for `operation`."""
    fields = [("Action", operation), ("Version", VERSIONS[service]), *_fields("", members)]
    return urlencode(fields).encode()


def error_of(status: int, content: bytes) -> AwsError:
    """The error that an answer says."""
    text = content.decode(errors="replace")
    code, message = _CODE.search(text), _MESSAGE.search(text)
    return AwsError(
        unescape(code[1]) if code else "InternalFailure", unescape(message[1]) if message else text, status
    )


def _fields(prefix: str, members: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in members.items():
        if name in _MAPS:
            for number, (key, entry) in enumerate(value.items(), 1):
                yield f"{prefix}{name}.entry.{number}.Name", key
                yield from _fields(f"{prefix}{name}.entry.{number}.", {"Value": entry})
        elif isinstance(value, Mapping):
            yield from _fields(f"{prefix}{name}.", value)
        elif isinstance(value, list):
            for number, each in enumerate(value, 1):
                yield from _fields(f"{prefix}{name}.member.", {str(number): each})
        elif value is not None:
            yield prefix + name, value if isinstance(value, str) else str(value).lower()
