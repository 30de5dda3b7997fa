"""The REST paths of AppSync's API: from a method and a path to an operation and the members in the path.

docs: AppSync API Reference, Actions (read 2026-11)
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

_OFFERED = """
POST /v1/apis CreateGraphqlApi
GET /v1/apis ListGraphqlApis
GET /v1/apis/{apiId} GetGraphqlApi
POST /v1/apis/{apiId} UpdateGraphqlApi
DELETE /v1/apis/{apiId} DeleteGraphqlApi
POST /v1/apis/{apiId}/apikeys CreateApiKey
GET /v1/apis/{apiId}/apikeys ListApiKeys
POST /v1/apis/{apiId}/apikeys/{id} UpdateApiKey
DELETE /v1/apis/{apiId}/apikeys/{id} DeleteApiKey
POST /v1/apis/{apiId}/schemacreation StartSchemaCreation
GET /v1/apis/{apiId}/schemacreation GetSchemaCreationStatus
GET /v1/apis/{apiId}/schema GetIntrospectionSchema
POST /v1/apis/{apiId}/types CreateType
GET /v1/apis/{apiId}/types ListTypes
GET /v1/apis/{apiId}/types/{typeName} GetType
POST /v1/apis/{apiId}/types/{typeName} UpdateType
DELETE /v1/apis/{apiId}/types/{typeName} DeleteType
POST /v1/apis/{apiId}/datasources CreateDataSource
GET /v1/apis/{apiId}/datasources ListDataSources
GET /v1/apis/{apiId}/datasources/{name} GetDataSource
POST /v1/apis/{apiId}/datasources/{name} UpdateDataSource
DELETE /v1/apis/{apiId}/datasources/{name} DeleteDataSource
POST /v1/apis/{apiId}/functions CreateFunction
GET /v1/apis/{apiId}/functions ListFunctions
GET /v1/apis/{apiId}/functions/{functionId} GetFunction
POST /v1/apis/{apiId}/functions/{functionId} UpdateFunction
DELETE /v1/apis/{apiId}/functions/{functionId} DeleteFunction
GET /v1/apis/{apiId}/functions/{functionId}/resolvers ListResolversByFunction
POST /v1/apis/{apiId}/types/{typeName}/resolvers CreateResolver
GET /v1/apis/{apiId}/types/{typeName}/resolvers ListResolvers
GET /v1/apis/{apiId}/types/{typeName}/resolvers/{fieldName} GetResolver
POST /v1/apis/{apiId}/types/{typeName}/resolvers/{fieldName} UpdateResolver
DELETE /v1/apis/{apiId}/types/{typeName}/resolvers/{fieldName} DeleteResolver
GET /v1/apis/{apiId}/environmentVariables GetGraphqlApiEnvironmentVariables
PUT /v1/apis/{apiId}/environmentVariables PutGraphqlApiEnvironmentVariables
GET /v1/tags/{resourceArn} ListTagsForResource
POST /v1/tags/{resourceArn} TagResource
DELETE /v1/tags/{resourceArn} UntagResource
POST /v1/dataplane-evaluatetemplate EvaluateMappingTemplate
POST /v1/dataplane-evaluatecode EvaluateCode
"""

_KNOWN_BUT_NOT_OFFERED = """
POST /v1/domainnames CreateDomainName
GET /v1/domainnames ListDomainNames
GET /v1/domainnames/{domainName} GetDomainName
POST /v1/domainnames/{domainName} UpdateDomainName
DELETE /v1/domainnames/{domainName} DeleteDomainName
POST /v1/domainnames/{domainName}/apiassociation AssociateApi
GET /v1/domainnames/{domainName}/apiassociation GetApiAssociation
DELETE /v1/domainnames/{domainName}/apiassociation DisassociateApi
POST /v1/apis/{apiId}/ApiCaches CreateApiCache
GET /v1/apis/{apiId}/ApiCaches GetApiCache
POST /v1/apis/{apiId}/ApiCaches/update UpdateApiCache
DELETE /v1/apis/{apiId}/ApiCaches DeleteApiCache
DELETE /v1/apis/{apiId}/FlushCache FlushApiCache
GET /v1/apis/{apiId}/sourceApiAssociations ListSourceApiAssociations
POST /v1/datasources/introspections StartDataSourceIntrospection
GET /v1/datasources/introspections/{introspectionId} GetDataSourceIntrospection
POST /v1/mergedApis/{mergedApiIdentifier}/sourceApiAssociations AssociateSourceGraphqlApi
POST /v1/sourceApis/{sourceApiIdentifier}/mergedApiAssociations AssociateMergedGraphqlApi
POST /v2/apis CreateApi
GET /v2/apis ListApis
GET /v2/apis/{apiId} GetApi
POST /v2/apis/{apiId} UpdateApi
DELETE /v2/apis/{apiId} DeleteApi
POST /v2/apis/{apiId}/channelNamespaces CreateChannelNamespace
GET /v2/apis/{apiId}/channelNamespaces ListChannelNamespaces
GET /v2/apis/{apiId}/channelNamespaces/{name} GetChannelNamespace
POST /v2/apis/{apiId}/channelNamespaces/{name} UpdateChannelNamespace
DELETE /v2/apis/{apiId}/channelNamespaces/{name} DeleteChannelNamespace
"""


class Match(NamedTuple):
    """A request's operation, with what its path says."""

    operation: str
    offered: bool
    members: dict[str, str]


class _Route(NamedTuple):
    method: str
    pattern: re.Pattern[str]
    operation: str
    offered: bool


def _routes(table: str, *, offered: bool) -> list[_Route]:
    routes = []
    for row in filter(None, table.split("\n")):
        method, path, operation = row.split()
        # a tag's ARN has a slash of its own, which SDKs send encoded or not
        segment = r"(?P<\1>.+)" if path.startswith("/v1/tags/") else r"(?P<\1>[^/]+)"
        pattern = re.compile(re.sub(r"\{(\w+)\}", segment, path) + "/?")
        routes.append(_Route(method, pattern, operation, offered))
    return routes


_ROUTES = _routes(_OFFERED, offered=True) + _routes(_KNOWN_BUT_NOT_OFFERED, offered=False)


def match(method: str, path: str) -> Match | None:
    """What `method` on the raw `path` asks for; None when the API has nothing there."""
    for route in _ROUTES:
        found = route.pattern.fullmatch(path) if route.method == method else None
        if found:
            members = {name: unquote(value) for name, value in found.groupdict().items()}
            return Match(route.operation, route.offered, members)
    if path.startswith("/v1/mergedApis/"):
        return Match("merged APIs", False, {})
    return None
