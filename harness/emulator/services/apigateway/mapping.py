"""Parameter mappings: `'static'`, `method.request.header.X`, `integration.response.body.id`, `context.stage`.

docs: API Gateway Developer Guide, Amazon API Gateway API request and response data mapping reference
(read 2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from harness.emulator.services.apigateway.context_values import CONTEXT
from harness.emulator.services.apigateway.errors import NotDeployable
from harness.emulator.services.apigateway.exchange import Exchange, IntegrationResult
from harness.emulator.services.apigateway.jsonpath import MISSING, JsonPathError, compile_path
from harness.emulator.vtl import Value, to_text

Source = Callable[[Exchange, IntegrationResult | None], Value]
"""Where a mapped value comes from; None when there is none, and then nothing is mapped."""

_PLACEHOLDER = re.compile(r"\$\{stageVariables\.([A-Za-z0-9_]+)\}")
_BODY = re.compile(r"(?:method\.request|integration\.response)\.body(?:\.(?P<path>.+))?")


class Mapped(NamedTuple):
    """A mapped parameter: `place` is header, querystring or path."""

    place: str
    name: str
    source: Source


def compile_mappings(parameters: Mapping[str, Any] | None, prefix: str) -> tuple[Mapped, ...]:
    """The mappings whose targets begin with `prefix` (`integration.request.`). Raises NotDeployable."""
    mapped: list[Mapped] = []
    for target, source in (parameters or {}).items():
        place, dot, name = target.removeprefix(prefix).partition(".")
        if not target.startswith(prefix) or not dot or place not in ("header", "querystring", "path"):
            raise NotDeployable(f"the parameter mapping target '{target}' is not supported")
        mapped.append(Mapped(place, name, compile_source(source)))
    return tuple(mapped)


def compile_source(expression: object) -> Source:
    """The source that a mapping's right side names. Raises NotDeployable."""
    if not isinstance(expression, str):
        raise NotDeployable(f"a parameter mapping's source must be a string, not {expression!r}")
    if len(expression) >= 2 and expression[0] == expression[-1] == "'":
        text = expression[1:-1]
        return lambda _exchange, _result: text
    body = _BODY.fullmatch(expression)
    if body:
        return _body_source(expression, body["path"])
    for prefix, make in _SOURCES.items():
        if expression.startswith(prefix) and len(expression) > len(prefix):
            return make(expression[len(prefix) :])
    raise NotDeployable(f"the parameter mapping source '{expression}' is not supported")


def _body_source(expression: str, path: str | None) -> Source:
    of_response = expression.startswith("integration.")
    try:
        follow = compile_path("$." + path if path and not path.startswith("$") else path or "$")
    except JsonPathError as error:
        raise NotDeployable(str(error)) from None

    def source(exchange: Exchange, result: IntegrationResult | None) -> Value:
        body = result.body if of_response and result else exchange.request.body
        if path is None:
            return body.decode("utf-8", "replace") or None
        try:
            value = follow(orjson.loads(body))
        except orjson.JSONDecodeError:
            return None
        return None if value is MISSING else value

    return source


def _path(name: str) -> Source:
    return lambda exchange, _: exchange.path_parameters.get(name)


def _query(name: str) -> Source:
    return lambda exchange, _: exchange.query.get(name)


def _multi_query(name: str) -> Source:
    return lambda exchange, _: ",".join(exchange.multi_query.get(name, ())) or None


def _header(name: str) -> Source:
    lower = name.lower()
    return lambda exchange, _: exchange.request.headers.get(lower)


def _response_header(name: str) -> Source:
    lower = name.lower()
    return lambda _, result: result.headers.get(lower) if result else None


def _stage_variable(name: str) -> Source:
    return lambda exchange, _: exchange.stage.variables.get(name)


def _context(name: str) -> Source:
    first, *rest = name.split(".")
    make = CONTEXT.get(first)
    if make is None:
        raise NotDeployable(f"there is no context variable '{name}'")

    def source(exchange: Exchange, _result: IntegrationResult | None) -> Value:
        value = make(exchange)
        for part in rest:
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    return source


_SOURCES: Mapping[str, Callable[[str], Source]] = {
    "method.request.path.": _path,
    "method.request.querystring.": _query,
    "method.request.multivaluequerystring.": _multi_query,
    "method.request.header.": _header,
    "method.request.multivalueheader.": _header,
    "integration.response.header.": _response_header,
    "integration.response.multivalueheader.": _response_header,
    "stageVariables.": _stage_variable,
    "context.": _context,
}


def map_values(
    mappings: tuple[Mapped, ...], place: str, exchange: Exchange, result: IntegrationResult | None
) -> dict[str, str]:
    """The mapped parameters of one place, as text; those without a value are left out."""
    values: dict[str, str] = {}
    for mapped in mappings:
        if mapped.place == place:
            value = mapped.source(exchange, result)
            if value is not None:
                values[mapped.name] = to_text(value)
    return values


def with_stage_variables(text: str, variables: Mapping[str, str]) -> str:
    """`${stageVariables.name}` replaced by its value; one that the stage lacks stays as it is."""
    return _PLACEHOLDER.sub(lambda found: variables.get(found[1], found[0]), text)
