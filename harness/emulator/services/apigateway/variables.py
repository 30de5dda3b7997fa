"""What API Gateway's templates can name: `$input`, `$context`, `$stageVariables` and `$util`.

docs: API Gateway Developer Guide, API Gateway mapping template and access logging variable reference
(read 2026-11). Not in the documentation, and taken from public issues and answers:

* A null reference prints as nothing (medium confidence: issue 5 of toqoz/api-gateway-mapping-template).
* A body that is no JSON is read as one string: templates for HTML forms begin with
  `$input.path('$').split('&')` (medium confidence: several published templates). One that begins as a JSON
  object, array or string and is broken is refused with 400 (low confidence; the wording is that of Lambda's
  refusal of a body that a template spoilt, serverless/serverless issue 2270).
* An empty body is `{}` to `$input.json('$')` and null to `$input.path` (medium: events of the console's
  passthrough template), and a place that is missing is `""` to `$input.json`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import orjson

from harness.emulator.services.apigateway.context_values import CONTEXT
from harness.emulator.services.apigateway.errors import GatewayError, internal_server_error
from harness.emulator.services.apigateway.exchange import Exchange, title_case
from harness.emulator.services.apigateway.jsonpath import MISSING, JsonPathError, compile_path
from harness.emulator.vtl import (
    Entry,
    JavaList,
    ReadOnlyMap,
    TemplateFailure,
    Value,
    expose,
    to_json,
    to_text,
)

_UNPARSED: Any = object()


class Input:
    """`$input`: a body, parsed when first asked for and once, and the request's parameters.

    `of_client` says whose body it is: a broken one is then the client's fault (400), else ours (500)."""

    __slots__ = ("_changeable", "_document", "_of_client", "body", "exchange")

    def __init__(self, body: bytes, exchange: Exchange, *, of_client: bool) -> None:
        self.body = body
        self.exchange = exchange
        self._of_client = of_client
        self._document: Any = _UNPARSED
        self._changeable: Any = _UNPARSED

    def document(self) -> Any:
        """The parsed body; MISSING when it is empty. Raises GatewayError when it is broken JSON."""
        if self._document is _UNPARSED:
            self._document = self._parse() if self.body else MISSING
        return self._document

    def _parse(self) -> Any:
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            if self.body.lstrip()[:1] not in (b"{", b"[", b'"'):
                return self.text()
            if not self._of_client:
                raise internal_server_error() from None
            message = f"Could not parse request body into json: {error}"
            raise GatewayError("BAD_REQUEST_BODY", message) from None

    def text(self) -> str:
        """The body as a string."""
        return self.body.decode("utf-8", "replace")

    def json(self, path: Value) -> Value:
        """`$input.json(path)`"""
        document = self.document()
        if path != "$":
            document = _compiled(path)(document)
        elif document is MISSING:
            return "{}"
        if document is MISSING:
            return '""'
        try:
            return orjson.dumps(document).decode()
        except orjson.JSONEncodeError as error:
            raise GatewayError("BAD_REQUEST_BODY", f"Could not write the body as json: {error}") from None

    def path(self, path: Value) -> Value:
        """`$input.path(path)`. What a template changes in it, `$input.json` does not show."""
        follow = _compiled(path)
        value = follow(self.document())
        if isinstance(value, dict | list):
            if self._changeable is _UNPARSED:
                self._changeable = self._parse()
            value = follow(self._changeable)
        return None if value is MISSING else value

    def parameter(self, name: Value) -> Value:
        """`$input.params(name)`: a path parameter, else a query parameter, else a header, else ""."""
        if type(name) is not str:
            return ""
        exchange = self.exchange
        for found in (exchange.path_parameters.get(name), exchange.query.get(name), exchange.header(name)):
            if found is not None:
                return found
        return ""

    def parameters(self) -> Value:
        """`$input.params()`"""
        exchange = self.exchange
        return ReadOnlyMap(
            path=ReadOnlyMap(exchange.path_parameters),
            querystring=ReadOnlyMap(exchange.query),
            header=Headers(exchange.headers),
        )


class Headers(dict[str, str]):
    """The request's headers as the client spelt them; they are found whatever the case."""

    __slots__ = ()

    def get(self, name: str, default: Any = None) -> Any:
        """The header of that name."""
        return super().get(title_case(to_text(name).lower()), default)


class _HeaderProperties(dict[str, Any]):
    """`$headers.Name` for any name."""

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ARG002
        return lambda headers: headers.get(name)


def _compiled(path: Value) -> Any:
    if type(path) is not str:
        raise TemplateFailure("A JSONPath must be a string")
    try:
        return compile_path(path)
    except JsonPathError as error:
        raise TemplateFailure(str(error)) from None


class Context:
    """`$context`"""

    __slots__ = ("exchange",)

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange


def _of_exchange(make: Callable[[Exchange], Value]) -> Callable[[Context], Value]:
    return lambda context: make(context.exchange)


class Util:
    """`$util`"""

    __slots__ = ()


_ESCAPED = re.compile(r"""[^ !#-&(-.0-\[\]-~]""")
_SHORT_ESCAPES = {"\b": "\\b", "\n": "\\n", "\t": "\\t", "\f": "\\f", "\r": "\\r"}
_SHORT_ESCAPES |= {character: "\\" + character for character in "'\"\\/"}


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    short = _SHORT_ESCAPES.get(character)
    if short:
        return short
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04X}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04X}\\u{0xDC00 + (code & 0x3FF):04X}"


def escape_javascript(value: Value) -> Value:
    """`$util.escapeJavaScript`: quotes of both kinds, backslash, slash, control characters and all beyond
    ASCII, as Apache Commons' escapeEcmaScript does. AWS's documentation warns that `\\'` is not JSON."""
    return None if value is None else _ESCAPED.sub(_escape, to_text(value))


def _parse_json(value: Value) -> Value:
    if value is None:
        return None
    try:
        return orjson.loads(to_text(value))
    except orjson.JSONDecodeError as error:
        raise TemplateFailure(f"$util.parseJson was given no JSON: {error}") from None


def _base64_encode(value: Value) -> Value:
    return None if value is None else base64.b64encode(_bytes(value)).decode()


def _base64_decode(value: Value) -> Value:
    if value is None:
        return None
    try:
        return base64.b64decode(_bytes(value)).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise TemplateFailure("$util.base64Decode was given no base64") from None


def _bytes(value: Value) -> bytes:
    text = to_json(value) if isinstance(value, dict | list) else to_text(value)
    return text.encode("utf-8", "surrogatepass")


def _url_encode(value: Value) -> Value:
    """As Java's URLEncoder: a space is `+`, and `*` stays while `~` does not."""
    return None if value is None else quote_plus(_bytes(value), safe="*").replace("~", "%7E")


expose(
    Input,
    methods={
        ("json", 1): Input.json,
        ("path", 1): Input.path,
        ("params", 0): Input.parameters,
        ("params", 1): Input.parameter,
    },
    properties={"body": lambda source: source.text() if source.body else None},
)
expose(Context, properties={name: _of_exchange(make) for name, make in CONTEXT.items()})
expose(
    Headers,
    methods={
        ("get", 1): Headers.get,
        ("containsKey", 1): lambda headers, name: headers.get(name) is not None,
        ("size", 0): len,
        ("isEmpty", 0): lambda headers: not headers,
        ("keySet", 0): lambda headers: JavaList(headers),
        ("values", 0): lambda headers: JavaList(headers.values()),
        ("entrySet", 0): lambda headers: JavaList(Entry(name, value) for name, value in headers.items()),
        ("toString", 0): to_text,
    },
    properties=_HeaderProperties(),
)
_UTIL = Util()
expose(
    Util,
    methods={
        ("escapeJavaScript", 1): lambda _, value: escape_javascript(value),
        ("parseJson", 1): lambda _, value: _parse_json(value),
        ("base64Encode", 1): lambda _, value: _base64_encode(value),
        ("base64Decode", 1): lambda _, value: _base64_decode(value),
        ("urlEncode", 1): lambda _, value: _url_encode(value),
        ("urlDecode", 1): lambda _, value: None if value is None else unquote_plus(to_text(value)),
    },
)


def template_variables(body: bytes, exchange: Exchange, *, of_client: bool) -> dict[str, Value]:
    """The variables of one rendering."""
    return {
        "input": Input(body, exchange, of_client=of_client),
        "context": Context(exchange),
        "stageVariables": exchange.stage.variables,
        "util": _UTIL,
    }
