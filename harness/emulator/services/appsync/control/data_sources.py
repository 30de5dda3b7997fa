"""Data sources: how they are set up.

docs: AppSync API Reference, DataSource (read 2026-11)
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.emulator.services.appsync.control.members import Members
from harness.emulator.services.appsync.control.operations import Body, Operation, paged, without_none
from harness.emulator.services.appsync.errors import bad_request, not_found, not_offered
from harness.emulator.services.appsync.sources.factory import Sources
from harness.emulator.services.appsync.state import AllApis, Api
from harness.emulator.services.base import CallContext

_TYPES = (
    *("AWS_LAMBDA", "AMAZON_DYNAMODB", "AMAZON_ELASTICSEARCH", "NONE", "HTTP", "RELATIONAL_DATABASE"),
    *("AMAZON_OPENSEARCH_SERVICE", "AMAZON_EVENTBRIDGE", "AMAZON_BEDROCK_RUNTIME"),
)
_OFFERED = ("AWS_LAMBDA", "AMAZON_DYNAMODB", "NONE", "HTTP")


class DataSourceOperations:
    """Holds no state of its own; `sources` makes what runs."""

    def __init__(self, apis: AllApis, sources: Sources) -> None:
        self._apis = apis
        self._sources = sources

    def operations(self) -> Mapping[str, Operation]:
        """By the API's names."""
        return {
            "CreateDataSource": self.create,
            "GetDataSource": self.get,
            "ListDataSources": self.list,
            "UpdateDataSource": self.update,
            "DeleteDataSource": self.delete,
        }

    def create(self, members: Members, context: CallContext) -> Body:
        """CreateDataSource."""
        api = self._find(members, context)
        name = members.name("name")
        if name in api.data_sources:
            raise bad_request(f"Data source with name {name} already exists.")
        return self._keep(api, name, members)

    def get(self, members: Members, context: CallContext) -> Body:
        """GetDataSource."""
        api = self._find(members, context)
        return {"dataSource": self._existing(api, members)}

    def list(self, members: Members, context: CallContext) -> Body:
        """ListDataSources."""
        return paged("dataSources", list(self._find(members, context).data_sources.values()), members)

    def update(self, members: Members, context: CallContext) -> Body:
        """UpdateDataSource: what is not given goes back to its default."""
        api = self._find(members, context)
        return self._keep(api, str(self._existing(api, members)["name"]), members)

    def delete(self, members: Members, context: CallContext) -> Body:
        """DeleteDataSource. One that resolvers or functions use cannot be deleted."""
        api = self._find(members, context)
        name = self._existing(api, members)["name"]
        for user in (*api.resolver_configs.values(), *api.functions.values()):
            if user.get("dataSourceName") == name:
                raise bad_request(
                    f"Cannot delete data source {name} as it is currently in use by a resolver or function."
                )
        del api.data_sources[name], api.sources[name]
        return {}

    def _find(self, members: Members, context: CallContext) -> Api:
        return self._apis.get(members.required_text("apiId"), context)

    def _existing(self, api: Api, members: Members) -> Body:
        name = members.required_text("name")
        found = api.data_sources.get(name)
        if found is None:
            raise not_found(f"No data source named {name} found.")
        return found

    def _keep(self, api: Api, name: str, members: Members) -> Body:
        kind = members.required_one_of("type", _TYPES)
        if kind not in _OFFERED:
            raise not_offered(f"data sources of type {kind}")
        config = without_none(
            {
                "dataSourceArn": f"{api.arn}/datasources/{name}",
                "name": name,
                "description": members.text("description"),
                "type": kind,
                "serviceRoleArn": members.text("serviceRoleArn"),
                "metricsConfig": members.one_of("metricsConfig", ("ENABLED", "DISABLED")),
            }
        )
        if kind == "AMAZON_DYNAMODB":
            config["dynamodbConfig"] = _dynamodb(members)
        elif kind == "AWS_LAMBDA":
            lambda_config = _structure(members, "lambdaConfig", kind)
            config["lambdaConfig"] = {"lambdaFunctionArn": lambda_config.required_text("lambdaFunctionArn")}
        elif kind == "HTTP":
            config["httpConfig"] = _http(members)
        source = self._sources.make(config)
        api.data_sources[name] = config
        api.sources[name] = source
        return {"dataSource": config}


def _structure(members: Members, name: str, kind: str) -> Members:
    found = members.structure(name)
    if found is None:
        raise bad_request(f"A {name} is required for data sources of type {kind}.")
    return found


def _dynamodb(members: Members) -> Body:
    config = _structure(members, "dynamodbConfig", "AMAZON_DYNAMODB")
    if config.flag("versioned") or config.structure("deltaSyncConfig") is not None:
        raise not_offered("versioned data sources")
    return {
        "tableName": config.required_text("tableName"),
        "awsRegion": config.required_text("awsRegion"),
        "useCallerCredentials": config.flag("useCallerCredentials") or False,
    }


def _http(members: Members) -> Body:
    config = _structure(members, "httpConfig", "HTTP")
    if config.structure("authorizationConfig") is not None:
        raise not_offered("authorizationConfig of HTTP data sources")
    return {"endpoint": config.required_text("endpoint")}
