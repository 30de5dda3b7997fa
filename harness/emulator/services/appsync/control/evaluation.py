"""EvaluateMappingTemplate and EvaluateCode: a handler tried with a context, without an API.

docs: AppSync API Reference, EvaluateMappingTemplate, EvaluateCode (read 2026-11)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from harness.emulator.services.appsync.contract import RequestInfo
from harness.emulator.services.appsync.control.members import Members
from harness.emulator.services.appsync.control.operations import Body, Operation
from harness.emulator.services.appsync.errors import bad_request
from harness.emulator.services.appsync.identity import AuthMode, Identity
from harness.emulator.services.appsync.javascript.engine import CodeFailure
from harness.emulator.services.appsync.javascript.handler import load_code, run_code
from harness.emulator.services.appsync.resolvers.failures import (
    EarlyReturn,
    ResolverFailure,
    SourceError,
)
from harness.emulator.services.appsync.resolvers.invocation import Invocation, RequestState
from harness.emulator.services.appsync.templates.handler import compile_mapping, render
from harness.emulator.services.base import AwsError, CallContext

_MAX_CONTEXT = 28_000


@dataclass(frozen=True)
class _Field:
    name: str
    type_name: str
    selection_list: list[str]
    selection_graphql: str


class EvaluationOperations:
    """Holds no state of its own."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def operations(self) -> Mapping[str, Operation]:
        """By the API's names."""
        return {"EvaluateMappingTemplate": self.template, "EvaluateCode": self.code}

    def template(self, members: Members, context: CallContext) -> Body:
        """EvaluateMappingTemplate."""
        call = self._call(members, context)
        try:
            source = compile_mapping(members.required_text("template"), "template")
            result = render(source, call)
        except EarlyReturn as early:
            result = orjson.dumps(early.value).decode()
        except (ResolverFailure, AwsError) as error:
            return {"error": {"message": error.message}, **_left(call), "logs": []}
        return {"evaluationResult": result, **_left(call), "logs": []}

    def code(self, members: Members, context: CallContext) -> Body:
        """EvaluateCode."""
        call = self._call(members, context)
        runtime = members.structure("runtime")
        if runtime is None or runtime.required_text("name") != "APPSYNC_JS":
            raise bad_request("The runtime must be APPSYNC_JS.")
        name = members.text("function") or "request"
        try:
            code = load_code(members.required_text("code"))
            if not code.has(name):
                raise bad_request(f"The code does not export a function named '{name[:60]}'.")
            out = run_code(code, name, call)
        except AwsError as error:
            return {"error": {"message": error.message, **dict(error.fields.get("detail", {}))}, "logs": []}
        except CodeFailure as error:
            return {"error": {"message": str(error), "codeErrors": []}, "logs": []}
        logs = list(out.get("logs") or ())
        if out.get("error"):
            return {
                "error": {"message": out["error"]["message"], "codeErrors": []},
                **_left(call),
                "logs": logs,
            }
        result = orjson.dumps(out.get("value")).decode()
        return {"evaluationResult": result, **_left(call), "logs": logs}

    def _call(self, members: Members, context: CallContext) -> Invocation:
        text = members.required_text("context")
        if len(text) > _MAX_CONTEXT:
            raise bad_request(f"The context is longer than {_MAX_CONTEXT} characters.")
        try:
            given = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise bad_request(f"The context is not valid JSON: {error}.") from None
        if not isinstance(given, dict):
            raise bad_request("The context must be a JSON object.")
        return _invocation(given, context, self._clock)


def _invocation(given: dict[str, Any], context: CallContext, clock: Callable[[], float]) -> Invocation:
    info, request, identity = _map(given, "info"), _map(given, "request"), given.get("identity")
    field = _Field(
        str(info.get("fieldName", "")),
        str(info.get("parentTypeName", "")),
        list(info.get("selectionSetList") or ()),
        str(info.get("selectionSetGraphQL", "")),
    )
    state = RequestState(
        Identity(_mode(identity), identity if isinstance(identity, dict) else None),
        RequestInfo({str(name): str(value) for name, value in _map(request, "headers").items()}),
        context,
        clock,
        {str(name): str(value) for name, value in _map(given, "env").items()},
        _map(info, "variables"),
    )
    arguments = _map(given, "arguments") or _map(given, "args")
    call = Invocation(state, field, arguments, given.get("source"), stash=_map(given, "stash"))
    call.previous = _map(given, "prev").get("result")
    call.result = given.get("result")
    error = given.get("error")
    if isinstance(error, dict):
        call.error = SourceError(str(error.get("message")), str(error.get("type")), error.get("data"))
    return call


def _map(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name)
    return dict(value) if isinstance(value, dict) else {}


def _mode(identity: Any) -> AuthMode:
    if not isinstance(identity, dict):
        return "API_KEY"
    if "claims" in identity:
        return "AMAZON_COGNITO_USER_POOLS"
    return "AWS_LAMBDA" if "resolverContext" in identity else "AWS_IAM"


def _left(call: Invocation) -> Body:
    errors = [{"message": error.message, "type": error.error_type} for error in call.appended]
    return {"stash": orjson.dumps(call.stash).decode(), "outErrors": orjson.dumps(errors).decode()}
