"""The resources and methods of a REST API, as one value: read, compared, and brought from one to another.

The value is `{path: {verb: method}}`; a method is what API Gateway's GetResources says of it, without what it
adds of its own. The same function brings an API to what is described and back to what stood before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Method = Mapping[str, Any]
Methods = Mapping[str, Mapping[str, Method]]

_OF_AN_INTEGRATION = (
    "type", "httpMethod", "uri", "credentials", "requestParameters", "requestTemplates",
    "passthroughBehavior",
)  # fmt: skip
_OF_A_RESPONSE = ("selectionPattern", "responseParameters", "responseTemplates")


def standing_methods(gateway: Any, api_id: str) -> Methods:
    """What stands now."""
    return {
        resource["path"]: {
            verb: _method(method) for verb, method in resource.get("resourceMethods", {}).items()
        }
        for resource in _resources(gateway, api_id)
        if resource.get("resourceMethods")
    }


def _resources(gateway: Any, api_id: str) -> list[dict[str, Any]]:
    pages = gateway.get_paginator("get_resources").paginate(restApiId=api_id, embed=["methods"])
    return [resource for page in pages for resource in page["items"]]


def _method(method: Mapping[str, Any]) -> Method:
    integration = method.get("methodIntegration", {})
    return {
        "authorizationType": method["authorizationType"],
        "authorizerId": method.get("authorizerId"),
        "responses": {
            status: dict(answer.get("responseParameters") or {})
            for status, answer in method.get("methodResponses", {}).items()
        },
        "integration": {
            **{key: integration[key] for key in _OF_AN_INTEGRATION if integration.get(key)},
            "responses": {
                status: {key: answer[key] for key in _OF_A_RESPONSE if answer.get(key)}
                for status, answer in integration.get("integrationResponses", {}).items()
            },
        },
    }


def bring_methods(gateway: Any, api_id: str, wanted: Methods) -> None:
    """Make what stands equal to `wanted`: methods that differ are made anew, what is not wanted goes."""
    resources = {resource["path"]: resource for resource in _resources(gateway, api_id)}
    standing = standing_methods(gateway, api_id)
    ids = {path: resource["id"] for path, resource in resources.items()}
    for path, verbs in standing.items():
        for verb, method in verbs.items():
            if wanted.get(path, {}).get(verb) != method:
                gateway.delete_method(restApiId=api_id, resourceId=ids[path], httpMethod=verb)
    for path, verbs in wanted.items():
        resource_id = _resource(gateway, api_id, path, ids)
        for verb, method in verbs.items():
            if standing.get(path, {}).get(verb) != method:
                _put(gateway, {"restApiId": api_id, "resourceId": resource_id, "httpMethod": verb}, method)
    for path in sorted(set(ids) - {"/"}, key=len, reverse=True):
        if not any(each == path or each.startswith(f"{path}/") for each in wanted):
            gateway.delete_resource(restApiId=api_id, resourceId=ids[path])


def _resource(gateway: Any, api_id: str, path: str, ids: dict[str, str]) -> str:
    """The id of the resource at `path`, made with those above it when they are not there."""
    if path not in ids:
        parent, _, part = path.rpartition("/")
        parent_id = _resource(gateway, api_id, parent or "/", ids)
        ids[path] = gateway.create_resource(restApiId=api_id, parentId=parent_id, pathPart=part)["id"]
    return ids[path]


def _put(gateway: Any, at: dict[str, str], method: Method) -> None:
    authorizer_id = method.get("authorizerId")
    gateway.put_method(
        **at,
        authorizationType=method["authorizationType"],
        **({"authorizerId": authorizer_id} if authorizer_id else {}),
    )
    for status, headers in method["responses"].items():
        gateway.put_method_response(**at, statusCode=status, responseParameters=headers)
    integration = dict(method["integration"])
    responses, verb = integration.pop("responses"), integration.pop("httpMethod")
    gateway.put_integration(**at, **integration, integrationHttpMethod=verb)
    for status, answer in responses.items():
        gateway.put_integration_response(**at, statusCode=status, **answer)
