"""The REST paths of Lambda's API: from a method and a path to an operation and the members in the path.

docs: Lambda API Reference, Actions (read 2026)
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

_OFFERED = """
POST /2015-03-31/functions CreateFunction 201
GET /2015-03-31/functions ListFunctions 200
GET /2015-03-31/functions/{FunctionName} GetFunction 200
DELETE /2015-03-31/functions/{FunctionName} DeleteFunction 204
GET /2015-03-31/functions/{FunctionName}/configuration GetFunctionConfiguration 200
PUT /2015-03-31/functions/{FunctionName}/configuration UpdateFunctionConfiguration 200
PUT /2015-03-31/functions/{FunctionName}/code UpdateFunctionCode 200
GET /2015-03-31/functions/{FunctionName}/versions ListVersionsByFunction 200
GET /2015-03-31/functions/{FunctionName}/aliases ListAliases 200
POST /2015-03-31/functions/{FunctionName}/invocations Invoke 200
POST /2015-03-31/functions/{FunctionName}/policy AddPermission 201
GET /2015-03-31/functions/{FunctionName}/policy GetPolicy 200
DELETE /2015-03-31/functions/{FunctionName}/policy/{StatementId} RemovePermission 204
PUT /2017-10-31/functions/{FunctionName}/concurrency PutFunctionConcurrency 200
DELETE /2017-10-31/functions/{FunctionName}/concurrency DeleteFunctionConcurrency 204
GET /2019-09-30/functions/{FunctionName}/concurrency GetFunctionConcurrency 200
PUT /2019-09-25/functions/{FunctionName}/event-invoke-config PutFunctionEventInvokeConfig 200
POST /2019-09-25/functions/{FunctionName}/event-invoke-config UpdateFunctionEventInvokeConfig 200
GET /2019-09-25/functions/{FunctionName}/event-invoke-config GetFunctionEventInvokeConfig 200
DELETE /2019-09-25/functions/{FunctionName}/event-invoke-config DeleteFunctionEventInvokeConfig 204
GET /2019-09-25/functions/{FunctionName}/event-invoke-config/list ListFunctionEventInvokeConfigs 200
GET /2017-03-31/tags/{Resource} ListTags 200
POST /2017-03-31/tags/{Resource} TagResource 204
DELETE /2017-03-31/tags/{Resource} UntagResource 204
GET /2016-08-19/account-settings GetAccountSettings 200
POST /2015-03-31/event-source-mappings CreateEventSourceMapping 202
GET /2015-03-31/event-source-mappings ListEventSourceMappings 200
GET /2015-03-31/event-source-mappings/{UUID} GetEventSourceMapping 200
PUT /2015-03-31/event-source-mappings/{UUID} UpdateEventSourceMapping 202
DELETE /2015-03-31/event-source-mappings/{UUID} DeleteEventSourceMapping 202
"""

_KNOWN_BUT_NOT_OFFERED = """
POST /2015-03-31/functions/{FunctionName}/aliases CreateAlias
GET /2015-03-31/functions/{FunctionName}/aliases/{Name} GetAlias
PUT /2015-03-31/functions/{FunctionName}/aliases/{Name} UpdateAlias
DELETE /2015-03-31/functions/{FunctionName}/aliases/{Name} DeleteAlias
POST /2015-03-31/functions/{FunctionName}/versions PublishVersion
POST /2014-11-13/functions/{FunctionName}/invoke-async InvokeAsync
POST /2021-11-15/functions/{FunctionName}/response-streaming-invocations InvokeWithResponseStream
POST /2018-10-31/layers/{LayerName}/versions PublishLayerVersion
GET /2018-10-31/layers/{LayerName}/versions ListLayerVersions
GET /2018-10-31/layers/{LayerName}/versions/{VersionNumber} GetLayerVersion
DELETE /2018-10-31/layers/{LayerName}/versions/{VersionNumber} DeleteLayerVersion
POST /2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy AddLayerVersionPermission
GET /2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy GetLayerVersionPolicy
GET /2018-10-31/layers ListLayers
PUT /2019-09-30/functions/{FunctionName}/provisioned-concurrency PutProvisionedConcurrencyConfig
GET /2019-09-30/functions/{FunctionName}/provisioned-concurrency GetProvisionedConcurrencyConfig
DELETE /2019-09-30/functions/{FunctionName}/provisioned-concurrency DeleteProvisionedConcurrencyConfig
GET /2020-06-30/functions/{FunctionName}/code-signing-config GetFunctionCodeSigningConfig
PUT /2020-06-30/functions/{FunctionName}/code-signing-config PutFunctionCodeSigningConfig
DELETE /2020-06-30/functions/{FunctionName}/code-signing-config DeleteFunctionCodeSigningConfig
POST /2020-04-22/code-signing-configs CreateCodeSigningConfig
GET /2020-04-22/code-signing-configs ListCodeSigningConfigs
GET /2021-07-20/functions/{FunctionName}/runtime-management-config GetRuntimeManagementConfig
PUT /2021-07-20/functions/{FunctionName}/runtime-management-config PutRuntimeManagementConfig
POST /2021-10-31/functions/{FunctionName}/url CreateFunctionUrlConfig
GET /2021-10-31/functions/{FunctionName}/url GetFunctionUrlConfig
PUT /2021-10-31/functions/{FunctionName}/url UpdateFunctionUrlConfig
DELETE /2021-10-31/functions/{FunctionName}/url DeleteFunctionUrlConfig
GET /2021-10-31/functions/{FunctionName}/urls ListFunctionUrlConfigs
GET /2024-08-31/functions/{FunctionName}/recursion-config GetFunctionRecursionConfig
PUT /2024-08-31/functions/{FunctionName}/recursion-config PutFunctionRecursionConfig
"""


class Match(NamedTuple):
    """A request's operation. `status` is that of its success, None for an operation that is not offered."""

    operation: str
    status: int | None
    members: dict[str, str]


class _Route(NamedTuple):
    method: str
    pattern: re.Pattern[str]
    operation: str
    status: int | None


def _routes(table: str) -> list[_Route]:
    routes = []
    for line in table.split("\n"):
        if line:
            method, path, operation, *status = line.split()
            pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + "/?")
            routes.append(_Route(method, pattern, operation, int(status[0]) if status else None))
    return routes


_ROUTES = _routes(_OFFERED) + _routes(_KNOWN_BUT_NOT_OFFERED)
_INVOCATIONS = re.compile(r"/2015-03-31/functions/([^/]+)/invocations/?")


def match(method: str, path: str) -> Match | None:
    """What `method` on the raw `path` asks for; None when the API has nothing there."""
    if method == "POST":
        invocation = _INVOCATIONS.fullmatch(path)  # the hot one
        if invocation:
            return Match("Invoke", 200, {"FunctionName": unquote(invocation[1])})
    for route in _ROUTES:
        found = route.pattern.fullmatch(path) if route.method == method else None
        if found:
            members = {name: unquote(value) for name, value in found.groupdict().items()}
            return Match(route.operation, route.status, members)
    return None
