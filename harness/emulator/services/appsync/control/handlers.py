"""From a resolver's or function's configuration to the handlers that run."""

from __future__ import annotations

from harness.emulator.services.appsync.control.operations import Body
from harness.emulator.services.appsync.errors import bad_request
from harness.emulator.services.appsync.javascript.handler import CodeHandlers
from harness.emulator.services.appsync.resolvers.compiled import Handlers
from harness.emulator.services.appsync.templates.handler import TemplateHandler


def make_handlers(config: Body, kind: str) -> Handlers:
    """The handlers of a UNIT or PIPELINE resolver or a FUNCTION. Raises AwsError BadRequestException."""
    if "code" in config:
        return CodeHandlers(config["code"])
    request = config.get("requestMappingTemplate") or None
    response = config.get("responseMappingTemplate") or None
    if kind == "PIPELINE" and (request is None or response is None):
        raise bad_request("A pipeline resolver needs a request and a response mapping template.")
    return TemplateHandler(request, response, asks_source=kind != "PIPELINE")
