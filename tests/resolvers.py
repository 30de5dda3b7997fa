"""AppSync resolvers for tests that need no data: their templates alone answer."""

from __future__ import annotations

from typing import Any


def resolver_of_templates(
    appsync: Any, api_id: str, field: str, *, payload: str = "{}", answer: str = "$util.toJson($ctx.result)"
) -> None:
    """A resolver of `field` ("Type.field") with a data source of the type NONE, by boto3's client `appsync`.
    `payload` is JSON or VTL that makes it: what the template `answer` has as its result."""
    type_name, _, field_name = field.partition(".")
    appsync.create_data_source(apiId=api_id, name="none", type="NONE")
    appsync.create_resolver(
        apiId=api_id,
        typeName=type_name,
        fieldName=field_name,
        dataSourceName="none",
        requestMappingTemplate=f'{{"version": "2018-05-29", "payload": {payload}}}',
        responseMappingTemplate=answer,
    )
