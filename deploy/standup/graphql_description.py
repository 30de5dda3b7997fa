"""A GraphQL API as a value: read from what stands, compared with what is described, and brought from one to
the other.

The same function brings an API to its description and back to what stood before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

VERSION = "2018-05-29"
ROOTS = ("Query", "Mutation", "Subscription")

Call = Mapping[str, Any]
Parts = Mapping[str, Call]
"""By name (`Query.device` of a resolver): what Create… and Update… take, but for the API's id."""


@dataclass(frozen=True)
class DataSource:
    """A data source; `dynamodb` is its dynamodbConfig."""

    name: str
    kind: str
    role_arn: str | None = None
    dynamodb: Mapping[str, str] | None = None

    def call(self) -> Call:
        """What CreateDataSource takes."""
        role = {"serviceRoleArn": self.role_arn} if self.role_arn else {}
        table = {"dynamodbConfig": dict(self.dynamodb)} if self.dynamodb else {}
        return {"name": self.name, "type": self.kind, **role, **table}


@dataclass(frozen=True)
class PipelineFunction:
    """A function of pipeline resolvers, in VTL."""

    name: str
    source: str
    request: str
    response: str

    def call(self) -> Call:
        """What CreateFunction takes."""
        return {
            "name": self.name,
            "dataSourceName": self.source,
            "functionVersion": VERSION,
            "requestMappingTemplate": self.request,
            "responseMappingTemplate": self.response,
        }


@dataclass(frozen=True)
class Resolver:
    """A resolver in VTL: of one data source, or a pipeline of functions by their names."""

    type_name: str
    field: str
    request: str
    response: str
    source: str | None = None
    functions: tuple[str, ...] = ()

    def call(self) -> Call:
        """What CreateResolver takes, with the functions' names in the place of their ids."""
        own: Call = (
            {"kind": "UNIT", "dataSourceName": self.source}
            if self.source
            else {"kind": "PIPELINE", "functions": list(self.functions)}
        )
        return {
            "typeName": self.type_name,
            "fieldName": self.field,
            "requestMappingTemplate": self.request,
            "responseMappingTemplate": self.response,
            **own,
        }


@dataclass(frozen=True)
class GraphqlDescription:
    """All of an API. `settings` are those of CreateGraphqlApi."""

    schema: str
    settings: Mapping[str, Any]
    sources: Sequence[DataSource]
    functions: Sequence[PipelineFunction]
    resolvers: Sequence[Resolver]

    def parts(self) -> ApiParts:
        """As what stands is read."""
        return ApiParts(
            {each.name: each.call() for each in self.sources},
            {each.name: each.call() for each in self.functions},
            {f"{each.type_name}.{each.field}": each.call() for each in self.resolvers},
        )


@dataclass(frozen=True)
class ApiParts:
    """What hangs on an API's schema. `ids` are those of the functions that stand, by name."""

    sources: Parts
    functions: Parts
    resolvers: Parts
    ids: Mapping[str, str] = field(default_factory=dict, compare=False)


_OF_A_SOURCE = ("name", "type", "serviceRoleArn")
_OF_A_TABLE = ("tableName", "awsRegion")
_OF_A_FUNCTION = (
    "name", "dataSourceName", "functionVersion", "requestMappingTemplate", "responseMappingTemplate",
)  # fmt: skip
_OF_A_RESOLVER = (
    "typeName", "fieldName", "requestMappingTemplate", "responseMappingTemplate", "kind", "dataSourceName",
)  # fmt: skip


def standing_parts(appsync: Any, api_id: str) -> ApiParts:
    """What stands now."""
    functions = {each["name"]: each for each in _all(appsync, "list_functions", "functions", apiId=api_id)}
    ids = {name: each["functionId"] for name, each in functions.items()}
    names = {function_id: name for name, function_id in ids.items()}
    return ApiParts(
        {
            each["name"]: _source(each)
            for each in _all(appsync, "list_data_sources", "dataSources", apiId=api_id)
        },
        {name: _chosen(each, _OF_A_FUNCTION) for name, each in functions.items()},
        {
            f"{root}.{each['fieldName']}": _resolver(each, names)
            for root in ROOTS
            for each in _all(appsync, "list_resolvers", "resolvers", apiId=api_id, typeName=root)
        },
        ids,
    )


def _all(appsync: Any, operation: str, member: str, **given: str) -> Iterator[Mapping[str, Any]]:
    for page in appsync.get_paginator(operation).paginate(**given):
        yield from page[member]


def _chosen(there: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: there[name] for name in names if there.get(name)}


def _source(there: Mapping[str, Any]) -> Call:
    table = there.get("dynamodbConfig")
    config = {"dynamodbConfig": _chosen(table, _OF_A_TABLE)} if table else {}
    return {**_chosen(there, _OF_A_SOURCE), **config}


def _resolver(there: Mapping[str, Any], names: Mapping[str, str]) -> Call:
    """With the names of its functions in the place of their ids."""
    functions = (there.get("pipelineConfig") or {}).get("functions")
    own = {"functions": [names.get(each, each) for each in functions]} if functions else {}
    return {**_chosen(there, _OF_A_RESOLVER), **own}


def bring_parts(appsync: Any, api_id: str, wanted: ApiParts, there: ApiParts) -> None:
    """Make what stands (`there`) equal to `wanted`. What others need is made first, and goes last."""
    _bring_sources(appsync, api_id, wanted.sources, there.sources)
    ids = _bring_functions(appsync, api_id, wanted.functions, there)
    _bring_resolvers(appsync, api_id, wanted.resolvers, there.resolvers, ids)
    for name in there.functions.keys() - wanted.functions.keys():
        appsync.delete_function(apiId=api_id, functionId=ids[name])
    for name in there.sources.keys() - wanted.sources.keys():
        appsync.delete_data_source(apiId=api_id, name=name)


def _bring_sources(appsync: Any, api_id: str, wanted: Parts, there: Parts) -> None:
    for name, call in wanted.items():
        if name not in there:
            appsync.create_data_source(apiId=api_id, **call)
        elif there[name] != call:
            appsync.update_data_source(apiId=api_id, **call)


def _bring_functions(appsync: Any, api_id: str, wanted: Parts, there: ApiParts) -> dict[str, str]:
    """The ids of all functions, by name."""
    ids = dict(there.ids)
    for name, call in wanted.items():
        if name not in there.functions:
            made = appsync.create_function(apiId=api_id, **call)
            ids[name] = made["functionConfiguration"]["functionId"]
        elif there.functions[name] != call:
            appsync.update_function(apiId=api_id, functionId=ids[name], **call)
    return ids


def _bring_resolvers(appsync: Any, api_id: str, wanted: Parts, there: Parts, ids: Mapping[str, str]) -> None:
    for name, call in wanted.items():
        if name not in there:
            appsync.create_resolver(apiId=api_id, **_with_ids(call, ids))
        elif there[name] != call:
            appsync.update_resolver(apiId=api_id, **_with_ids(call, ids))
    for name in there.keys() - wanted.keys():
        type_name, _, field_name = name.partition(".")
        appsync.delete_resolver(apiId=api_id, typeName=type_name, fieldName=field_name)


def _with_ids(call: Call, ids: Mapping[str, str]) -> dict[str, Any]:
    plain = dict(call)
    functions = plain.pop("functions", None)
    if functions is not None:
        plain["pipelineConfig"] = {"functions": [ids[name] for name in functions]}
    return plain
