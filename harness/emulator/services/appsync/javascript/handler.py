"""A resolver's or function's code as its handlers."""

from __future__ import annotations

from typing import Any

from harness.emulator.services.appsync.errors import code_error
from harness.emulator.services.appsync.javascript.engine import Code, CodeFailure
from harness.emulator.services.appsync.javascript.module import CodeError
from harness.emulator.services.appsync.resolvers.failures import (
    EarlyReturn,
    ResolverFailure,
    Unauthorized,
)
from harness.emulator.services.appsync.resolvers.invocation import Invocation
from harness.emulator.services.appsync.templates.helpers import (
    add_response_header,
    invalidate,
    set_filter,
)
from harness.emulator.vtl import TemplateFailure

MAX_CODE_BYTES = 32 * 1024
"""docs: AppSync API Reference, code of a resolver: at most 32,768 characters (read 2026-11)"""


def load_code(source: str) -> Code:
    """Evaluate a module. Raises AwsError BadRequestException with its reason CODE_ERROR."""
    if len(source.encode()) > MAX_CODE_BYTES:
        raise code_error(f"The code is larger than {MAX_CODE_BYTES} bytes.", 1, 1)
    try:
        return Code(source)
    except CodeError as error:
        before = source[: error.at]
        line = before.count("\n") + 1
        raise code_error(str(error), line, error.at - (before.rfind("\n") + 1) + 1) from None


class CodeHandlers:
    """`request` and `response` of one module."""

    passes_through = False

    def __init__(self, source: str) -> None:
        self._code = load_code(source)
        for name in ("request", "response"):
            if not self._code.has(name):
                raise code_error(f"The code must export a function named '{name}'.", 1, 1)

    def request(self, call: Invocation) -> Any:
        """As Handlers.request."""
        value = self._run("request", call)
        return {} if value is None else value

    def response(self, call: Invocation) -> Any:
        """As Handlers.response."""
        return self._run("response", call)

    def _run(self, name: str, call: Invocation) -> Any:
        try:
            out = run_code(self._code, name, call)
        except CodeFailure as error:
            raise ResolverFailure(str(error), "Code") from None
        if out.get("error"):
            raise _failure(out["error"], call)
        if out.get("early"):
            raise EarlyReturn(out.get("value"))
        return out.get("value")


def run_code(code: Code, name: str, call: Invocation) -> dict[str, Any]:
    """Run an exported function, and do what it asked for beside its value. Raises CodeFailure."""
    out = code.run(name, _context(call), call.request.clock(), call.request.identity.mode)
    stash = out.get("stash")
    if isinstance(stash, dict):
        call.stash.clear()
        call.stash.update(stash)
    try:
        for kind, value in out.get("effects") or ():
            _apply(kind, value, call)
    except (TemplateFailure, ResolverFailure) as error:
        out["error"] = {"message": str(error), "type": "Code", "data": None, "info": None}
    return out


def _apply(kind: str, value: Any, call: Invocation) -> None:
    if kind == "appendError":
        call.appended.append(_failure(value, call))
    elif kind == "header":
        add_response_header(call, str(value[0]), str(value[1]))
    elif kind == "invalidate":
        invalidate(call, value)
    else:
        set_filter(call, kind, value)


def _failure(error: dict[str, Any], call: Invocation) -> ResolverFailure:
    if error.get("type") == "Unauthorized" and not error.get("message"):
        return Unauthorized(call.field.name, call.field.type_name)
    return ResolverFailure(str(error.get("message")), error.get("type"), error.get("data"), error.get("info"))


def _context(call: Invocation) -> dict[str, Any]:
    request = call.request
    return {
        "args": call.arguments,
        "identity": request.identity_map(),
        "source": call.source,
        "stash": call.stash,
        "prev": {"result": call.previous},
        "result": call.result,
        "error": call.error_map(),
        "info": call.info_map(),
        "request": {"headers": dict(request.info.headers), "domainName": request.info.domain_name},
        "env": dict(request.environment),
        "outErrors": [
            {"message": error.message, "type": error.error_type, "data": error.data, "errorInfo": error.info}
            for error in call.appended
        ],
    }
