"""A pair of mapping templates, compiled, as a resolver's or a function's handlers."""

from __future__ import annotations

from typing import Any

import orjson

from harness.emulator.services.appsync.attribute_values import NotTyped
from harness.emulator.services.appsync.errors import bad_request
from harness.emulator.services.appsync.resolvers.failures import EarlyReturn, template_failure
from harness.emulator.services.appsync.resolvers.invocation import Invocation
from harness.emulator.services.appsync.templates.checks import Util
from harness.emulator.services.appsync.templates.helpers import Extensions, missing_helper
from harness.emulator.vtl import (
    ReadOnlyMap,
    Returned,
    Template,
    TemplateError,
    TemplateFailure,
    compile_template,
)
from harness.emulator.vtl.values import Value

VERSIONS = ("2017-02-28", "2018-05-29")
MAX_TEMPLATE_BYTES = 64 * 1024
"""docs: AppSync endpoints and quotas, resolver mapping template size (read 2026-11)"""


def compile_mapping(source: str, called: str) -> Template:
    """Compile a mapping template. Raises AwsError BadRequestException for one that cannot be used, or that
    calls a helper that is not there."""
    if len(source.encode()) > MAX_TEMPLATE_BYTES:
        raise bad_request(f"The {called} is larger than {MAX_TEMPLATE_BYTES} bytes.")
    try:
        template = compile_template(source, returns=True)
    except TemplateError as error:
        raise bad_request(f"The {called} is not valid: {error}.") from None
    for call in template.methods:
        problem = missing_helper(call.variable, call.path, call.method, call.arguments)
        if problem:
            raise bad_request(
                f"The {called} is not valid: {problem} (line {call.line}, column {call.column})."
            )
    return template


class TemplateHandler:
    """`request` and `response` as templates; either may be missing where the data source allows it. What a
    pipeline resolver's own request template says goes to no data source (`asks_source` is False)."""

    __slots__ = ("_asks_source", "_request", "_response", "passes_through")

    def __init__(self, request: str | None, response: str | None, *, asks_source: bool = True) -> None:
        self._asks_source = asks_source
        self._request = compile_mapping(request, "request mapping template") if request else None
        self._response = compile_mapping(response, "response mapping template") if response else None
        self.passes_through = self._request is None
        """Whether the data source is given the whole context: a direct Lambda resolver."""

    def request(self, call: Invocation) -> Any:
        """What the request template says. Raises ResolverFailure, EarlyReturn."""
        if self._request is None:
            return None
        text = render(self._request, call)
        if not text or text.isspace():
            raise template_failure("Template transformation yielded an empty response.")
        request = parse(text)
        if self._asks_source:
            version = request.get("version") if isinstance(request, dict) else None
            if version is None:
                raise template_failure("Value for field '$[version]' not found.")
            if version not in VERSIONS:
                raise template_failure(f"Unsupported version '{str(version)[:20]}'.")
        return request

    def response(self, call: Invocation) -> Any:
        """What the response template says. Raises ResolverFailure, EarlyReturn."""
        if self._response is None:
            if call.error is not None:
                raise call.error
            return call.result
        text = render(self._response, call)
        return parse(text) if text and not text.isspace() else None


def render(template: Template, call: Invocation) -> str:
    """The template's output for one run of a resolver. Raises ResolverFailure, EarlyReturn."""
    try:
        return template.render(variables(call))
    except Returned as returned:
        raise EarlyReturn(returned.value) from None
    except (TemplateFailure, NotTyped, RecursionError) as error:
        raise template_failure(str(error)) from None


def parse(text: str) -> Any:
    """The JSON that a template wrote. Raises ResolverFailure."""
    try:
        return orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError) as error:
        raise template_failure(f"Unable to parse the JSON document: '{error}'") from None


def variables(call: Invocation) -> dict[str, Value]:
    """`$ctx`, `$context`, `$util`, `$utils` and `$extensions`."""
    request = call.request
    context: dict[str, Value] = {
        "arguments": call.arguments,
        "args": call.arguments,
        "identity": request.identity_map(),
        "source": call.source,
        "stash": call.stash,
        "prev": {"result": call.previous},
        "result": call.result,
        "error": call.error_map(),
        "info": call.info_map(),
        "request": {
            "headers": ReadOnlyMap(request.info.headers),
            "domainName": request.info.domain_name,
        },
        "env": ReadOnlyMap(request.environment),
        "outErrors": [_out_error(error) for error in call.appended],
    }
    util = Util(call)
    return {
        "ctx": context,
        "context": context,
        "util": util,
        "utils": util,
        "extensions": Extensions(call),
    }


def _out_error(error: Any) -> dict[str, Any]:
    return {"message": error.message, "type": error.error_type, "data": error.data, "errorInfo": error.info}
