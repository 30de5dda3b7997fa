"""The AWS query protocol on the wire: form parameters in, XML out.

A structure's members are parameters with dots in their names, a list's are `Tags.member.1.Key`, a map's are
`Attributes.entry.1.key` and `.value` (or `.Name` and `.Value`). An error is
`<ErrorResponse><Error><Type/><Code/><Message/></Error><RequestId/></ErrorResponse>`.
docs: Smithy, AWS query protocol (read 2026)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from harness.emulator.services.base import AwsError, AwsResponse

FORM = "application/x-www-form-urlencoded"
MAX_PARAMETERS = 5_000
_MAX_DEPTH = 8
_XML = {"content-type": "text/xml"}
# What XML 1.0 cannot hold, not even escaped.
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Input = dict[str, Any]


class Entries(dict[str, str]):
    """A map of an output: written as `<entry><key/><value/></entry>`; any other mapping is a structure."""


def parse_form(text: str) -> Input:
    """The parameters of a query string or a form body: strings, dicts (structures and maps) and lists.

    Raises AwsError MalformedQueryString."""
    try:
        pairs = parse_qsl(
            text,
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError:
        raise _malformed() from None
    tree: dict[str, Any] = {}
    nested = False
    for name, value in pairs:
        if "." in name:
            _put(tree, name.split("."), value)
            nested = True
        elif isinstance(tree.get(name), dict):
            raise _malformed()
        else:
            tree[name] = value
    return {name: _shaped(value) for name, value in tree.items()} if nested else tree


def parse_body(body: bytes) -> Input:
    """The parameters of a form body. Raises AwsError MalformedQueryString."""
    try:
        return parse_form(body.decode("ascii"))
    except UnicodeDecodeError:
        raise _malformed() from None


def xml_response(
    operation: str, output: Mapping[str, Any] | None, *, namespace: str, request_id: str
) -> AwsResponse:
    """The answer of `operation`; `output` None is that of an operation without one."""
    result = "" if output is None else f"<{operation}Result>{_members(output)}</{operation}Result>"
    body = (
        f'<{operation}Response xmlns="{namespace}">{result}'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    )
    return AwsResponse(200, body.encode(), {**_XML, "x-amzn-requestid": request_id})


def xml_error(error: AwsError, *, namespace: str, request_id: str) -> AwsResponse:
    """`error` as it goes over the wire."""
    kind = "Sender" if error.status < 500 else "Receiver"
    body = (
        f'<ErrorResponse xmlns="{namespace}"><Error><Type>{kind}</Type><Code>{_text(error.code)}</Code>'
        f"<Message>{_text(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    return AwsResponse(error.status, body.encode(), {**_XML, "x-amzn-requestid": request_id})


def _put(tree: dict[str, Any], parts: list[str], value: str) -> None:
    if len(parts) > _MAX_DEPTH:
        raise _malformed()
    for part in parts[:-1]:
        tree = tree.setdefault(part, {})
        if not isinstance(tree, dict):
            raise _malformed()
    if isinstance(tree.get(parts[-1]), dict):
        raise _malformed()
    tree[parts[-1]] = value


def _shaped(value: Any) -> Any:
    """A tree of parameters with its lists and maps as such."""
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (kind, items), *_ = value.items()
        if kind == "member" and isinstance(items, dict):
            return [_shaped(item) for item in _in_order(items)]
        if kind == "entry" and isinstance(items, dict):
            return dict(_entry(item) for item in _in_order(items))
    return {name: _shaped(member) for name, member in value.items()}


def _in_order(items: Mapping[str, Any]) -> list[Any]:
    if not all(number.isascii() and number.isdecimal() and len(number) < 10 for number in items):
        raise _malformed()
    return [items[number] for number in sorted(items, key=int)]


def _entry(item: Any) -> tuple[str, Any]:
    if isinstance(item, dict):
        for key, value in (("key", "value"), ("Name", "Value")):
            if isinstance(item.get(key), str) and value in item:
                return item[key], _shaped(item[value])
    raise _malformed()


def _members(output: Mapping[str, Any]) -> str:
    return "".join(f"<{name}>{_written(value)}</{name}>" for name, value in output.items())


def _written(value: Any) -> str:
    if isinstance(value, Entries):
        return "".join(
            f"<entry><key>{_text(key)}</key><value>{_text(each)}</value></entry>"
            for key, each in value.items()
        )
    if isinstance(value, Mapping):
        return _members(value)
    if isinstance(value, list):
        return "".join(f"<member>{_written(item)}</member>" for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return _text(str(value))


def _text(value: str) -> str:
    return escape(_NOT_IN_XML.sub("\ufffd", value), {"\r": "&#13;"})


def _malformed() -> AwsError:
    return AwsError("MalformedQueryString", "The query string contains a syntax error")
