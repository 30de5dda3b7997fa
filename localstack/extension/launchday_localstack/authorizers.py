"""Lambda authorizers of REST APIs: LocalStack's free edition takes their definitions and runs none.

A handler at the place that LocalStack has for extensions, between a request's routing and its validation
(`handlers.preprocess_request`; see RestApiGateway), asks the companion, which asks the function, keeps its
answers and evaluates its policy as Launchday's own API Gateway does.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from localstack.http import Response
from localstack.services.apigateway.next_gen.execute_api import gateway_response, handlers
from localstack.services.apigateway.next_gen.execute_api.api import RestApiGatewayHandlerChain
from localstack.services.apigateway.next_gen.execute_api.context import RestApiInvocationContext
from localstack.services.apigateway.next_gen.execute_api.gateway_response import BaseGatewayException

from launchday_localstack.companion import CompanionUnreachable
from launchday_localstack.forwarding import companion

LOG = logging.getLogger(__name__)
AUTHORIZE_PATH = "/_launchday/authorize"
_NOT_ASKED = ("NONE", "AWS_IAM")
"""LocalStack's free edition evaluates no IAM, and lets every request pass."""
_REFUSALS: dict[str, type[BaseGatewayException]] = {
    "ACCESS_DENIED": gateway_response.AccessDeniedError,
    "AUTHORIZER_CONFIGURATION_ERROR": gateway_response.AuthorizerConfigurationError,
    "AUTHORIZER_FAILURE": gateway_response.AuthorizerFailureError,
    "UNAUTHORIZED": gateway_response.UnauthorizedError,
}


def add() -> None:
    """Ask authorizers from now on."""
    if authorize not in handlers.preprocess_request.handlers:
        handlers.preprocess_request.append(authorize)


def remove() -> None:
    """Ask them no longer."""
    if authorize in handlers.preprocess_request.handlers:
        handlers.preprocess_request.remove(authorize)


def authorize(
    _chain: RestApiGatewayHandlerChain, context: RestApiInvocationContext, _response: Response
) -> None:
    """Let the request pass, with what its authorizer said of the caller in `$context.authorizer`, or raise
    the gateway response that refuses it."""
    kind = context.resource_method.get("authorizationType") or "NONE"
    if kind in _NOT_ASKED:
        return
    if kind != "CUSTOM":
        LOG.error("Nobody here evaluates the authorization type %s: the request is refused.", kind)
        raise gateway_response.AuthorizerConfigurationError()
    said = _ask(context)
    refusal = said.get("refusal")
    if refusal is not None:
        if said.get("why"):
            LOG.error("An authorizer of the API %s cannot be asked: %s.", context.api_id, said["why"])
        refused = _REFUSALS.get(refusal, gateway_response.AuthorizerConfigurationError)
        response = refused(said["message"], said["status"])
        response.message = said["message"]  # null too, which LocalStack's own would not take
        raise response
    context.context_variables["authorizer"] = said["context"]


def _ask(context: RestApiInvocationContext) -> dict[str, Any]:
    try:
        answer = companion().send(
            "POST",
            AUTHORIZE_PATH,
            {"content-type": "application/json"},
            json.dumps(question(context)).encode(),
        )
    except CompanionUnreachable as error:
        LOG.error("%s", error)
        raise gateway_response.AuthorizerConfigurationError() from error
    if answer.status != 200:
        LOG.error(
            "Launchday's companion answered %d to an authorizer's question: %r", answer.status, answer.body
        )
        raise gateway_response.AuthorizerConfigurationError()
    said: dict[str, Any] = json.loads(answer.body)
    return said


def question(context: RestApiInvocationContext) -> dict[str, Any]:
    """What the companion is asked: the authorizer as it is deployed, and the request."""
    container = context.deployment.rest_api
    authorizer = container.authorizers.get(context.resource_method.get("authorizerId"))
    if authorizer is None:
        LOG.error(
            "The API %s has no authorizer %s.", context.api_id, context.resource_method.get("authorizerId")
        )
        raise gateway_response.AuthorizerConfigurationError()
    request, variables = context.invocation_request, context.context_variables
    headers = request["headers"]
    return {
        "account": context.account_id,
        "region": context.region,
        "request_id": variables["requestId"],
        "authorizer": authorizer,
        "api": {
            "id": context.api_id,
            "name": container.rest_api.get("name") or context.api_id,
            "stage": context.stage,
            "deployment": context.deployment_id,
            "variables": context.stage_variables or {},
        },
        "request": {
            "method": request["http_method"],
            "path": request["path"],
            "query": context.request.query_string.decode("latin-1"),
            "headers": {name: ", ".join(headers.getlist(name)) for name, _ in headers},
            "source_ip": variables["identity"]["sourceIp"],
        },
        "resource": [context.resource["id"], context.resource["path"]],
        "parameters": request.get("path_parameters") or {},
    }
