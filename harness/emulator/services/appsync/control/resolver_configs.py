"""Resolvers and functions: each is compiled when it is set up, or refused.

docs: AppSync API Reference, Resolver, FunctionConfiguration; AppSync endpoints and quotas: 10 functions in a
pipeline (read 2026-11)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from graphql import GraphQLObjectType

from harness.emulator.services.appsync.control.members import Members
from harness.emulator.services.appsync.control.operations import (
    Body,
    Operation,
    new_id,
    paged,
    without_none,
)
from harness.emulator.services.appsync.errors import bad_request, not_found, not_offered
from harness.emulator.services.appsync.resolvers.compiled import (
    Handlers,
    PipelineResolver,
    Step,
    UnitResolver,
)
from harness.emulator.services.appsync.state import AllApis, Api
from harness.emulator.services.base import CallContext

Names = list[str]
MAX_FUNCTIONS = 10
MAX_BATCH = 2_000
MakeHandlers = Callable[[Body, str], Handlers]
"""From a resolver's or function's configuration and its kind (UNIT, PIPELINE, FUNCTION) to what runs. Raises
AwsError BadRequestException."""


class ResolverOperations:
    """Holds no state of its own."""

    def __init__(self, apis: AllApis, make_handlers: MakeHandlers) -> None:
        self._apis = apis
        self._make_handlers = make_handlers

    def operations(self) -> Mapping[str, Operation]:
        """By the API's names."""
        return {
            "CreateResolver": self.create,
            "GetResolver": self.get,
            "ListResolvers": self.list,
            "UpdateResolver": self.update,
            "DeleteResolver": self.delete,
            "CreateFunction": self.create_function,
            "GetFunction": self.get_function,
            "ListFunctions": self.list_functions,
            "UpdateFunction": self.update_function,
            "DeleteFunction": self.delete_function,
            "ListResolversByFunction": self.list_by_function,
        }

    # -- resolvers

    def create(self, members: Members, context: CallContext) -> Body:
        """CreateResolver."""
        api = self._find(members, context)
        key = members.name("typeName"), members.name("fieldName")
        if key in api.resolver_configs:
            raise bad_request(f"Only one resolver is allowed per field: {key[0]}.{key[1]} has one already.")
        return self._keep(api, key, members)

    def get(self, members: Members, context: CallContext) -> Body:
        """GetResolver."""
        api = self._find(members, context)
        return {"resolver": _existing(api, members)}

    def list(self, members: Members, context: CallContext) -> Body:
        """ListResolvers of a type."""
        api = self._find(members, context)
        name = members.required_text("typeName")
        found = [config for (kind, _), config in api.resolver_configs.items() if kind == name]
        return paged("resolvers", found, members)

    def update(self, members: Members, context: CallContext) -> Body:
        """UpdateResolver: what is not given goes back to its default."""
        api = self._find(members, context)
        existing = _existing(api, members)
        return self._keep(api, (existing["typeName"], existing["fieldName"]), members)

    def delete(self, members: Members, context: CallContext) -> Body:
        """DeleteResolver."""
        api = self._find(members, context)
        existing = _existing(api, members)
        key = existing["typeName"], existing["fieldName"]
        del api.resolver_configs[key], api.resolvers[key]
        api.generation += 1
        return {}

    def _keep(self, api: Api, key: tuple[str, str], members: Members) -> Body:
        _check_field(api, key)
        kind = members.one_of("kind", ("UNIT", "PIPELINE")) or "UNIT"
        config: Body = {
            "typeName": key[0],
            "fieldName": key[1],
            "resolverArn": f"{api.arn}/types/{key[0]}/resolvers/{key[1]}",
            "kind": kind,
            **_common(members),
        }
        if members.structure("cachingConfig") is not None:
            raise not_offered("caching of resolvers")
        metrics = members.one_of("metricsConfig", ("ENABLED", "DISABLED"))
        if metrics:
            config["metricsConfig"] = metrics
        if kind == "PIPELINE":
            functions = self._functions(api, members)
            config["pipelineConfig"] = {"functions": functions}
            resolver = PipelineResolver(self._make_handlers(config, "PIPELINE"), tuple(functions))
            api.resolvers[key] = resolver
        else:
            api.resolvers[key] = UnitResolver(self._step(api, config, members, "UNIT"))
        api.resolver_configs[key] = config
        api.generation += 1
        return {"resolver": config}

    def _functions(self, api: Api, members: Members) -> Names:
        pipeline = members.structure("pipelineConfig")
        functions = pipeline.texts("functions") if pipeline else []
        if len(functions) > MAX_FUNCTIONS:
            raise bad_request(f"A pipeline can have at most {MAX_FUNCTIONS} functions.")
        if members.text("dataSourceName"):
            raise bad_request("A pipeline resolver has no data source of its own.")
        for function_id in functions:
            if function_id not in api.functions:
                raise not_found(f"Function {function_id} not found.")
        return functions

    def _step(self, api: Api, config: Body, members: Members, kind: str) -> Step:
        name = members.text("dataSourceName")
        if not name:
            raise bad_request("A dataSourceName is required.")
        source = api.data_sources.get(name)
        if source is None:
            raise not_found(f"No data source found named {name}.")
        config["dataSourceName"] = name
        handlers = self._make_handlers(config, kind)
        if handlers.passes_through and source["type"] != "AWS_LAMBDA":
            raise bad_request(
                f"A request mapping template is required for a data source of type {source['type']}."
            )
        return Step(handlers, name, config["maxBatchSize"])

    # -- functions

    def create_function(self, members: Members, context: CallContext) -> Body:
        """CreateFunction."""
        return self._keep_function(self._find(members, context), new_id(), members)

    def get_function(self, members: Members, context: CallContext) -> Body:
        """GetFunction."""
        return {"functionConfiguration": _function(self._find(members, context), members)}

    def list_functions(self, members: Members, context: CallContext) -> Body:
        """ListFunctions."""
        return paged("functions", list(self._find(members, context).functions.values()), members)

    def update_function(self, members: Members, context: CallContext) -> Body:
        """UpdateFunction: what is not given goes back to its default."""
        api = self._find(members, context)
        return self._keep_function(api, str(_function(api, members)["functionId"]), members)

    def delete_function(self, members: Members, context: CallContext) -> Body:
        """DeleteFunction. One that a pipeline uses cannot be deleted."""
        api = self._find(members, context)
        function_id = _function(api, members)["functionId"]
        if _users(api, function_id):
            raise bad_request("Cannot delete a function which is currently used by a resolver.")
        del api.functions[function_id], api.steps[function_id]
        return {}

    def list_by_function(self, members: Members, context: CallContext) -> Body:
        """ListResolversByFunction."""
        api = self._find(members, context)
        return paged("resolvers", _users(api, _function(api, members)["functionId"]), members)

    def _keep_function(self, api: Api, function_id: str, members: Members) -> Body:
        version = members.text("functionVersion")
        if version not in (None, "2018-05-29"):
            raise bad_request(f"The functionVersion {version} is not supported: it must be 2018-05-29.")
        runs_code = "runtime" in members
        config = without_none(
            {
                "functionId": function_id,
                "functionArn": f"{api.arn}/functions/{function_id}",
                "name": members.name("name"),
                "description": members.text("description"),
                "functionVersion": None if runs_code else "2018-05-29",
                **_common(members),
            }
        )
        step = self._step(api, config, members, "FUNCTION")
        api.functions[function_id] = config
        api.steps[function_id] = step
        return {"functionConfiguration": config}

    def _find(self, members: Members, context: CallContext) -> Api:
        return self._apis.get(members.required_text("apiId"), context)


def _common(members: Members) -> Body:
    """What resolvers and functions have in common."""
    sync = members.structure("syncConfig")
    if sync is not None and (sync.text("conflictDetection") or "NONE") != "NONE":
        raise not_offered("conflict detection")
    runtime = members.structure("runtime")
    code = members.text("code")
    if (runtime is None) != (code is None):
        raise bad_request("code and runtime must be given together.")
    templates = {
        "requestMappingTemplate": members.text("requestMappingTemplate"),
        "responseMappingTemplate": members.text("responseMappingTemplate"),
    }
    if runtime is not None and any(templates.values()):
        raise bad_request("A resolver or function has either code or mapping templates.")
    return without_none(
        {
            **templates,
            "maxBatchSize": members.integer("maxBatchSize", 0, MAX_BATCH) or 0,
            "code": code,
            "runtime": None if runtime is None else _runtime(runtime),
        }
    )


def _runtime(runtime: Members) -> Body:
    name = runtime.required_one_of("name", ("APPSYNC_JS",))
    version = runtime.required_text("runtimeVersion")
    if version != "1.0.0":
        raise bad_request(f"The runtime version {version} is not supported: it must be 1.0.0.")
    return {"name": name, "runtimeVersion": version}


def _check_field(api: Api, key: tuple[str, str]) -> None:
    """The schema must have the field. Raises AwsError NotFoundException."""
    kind = api.schema.graphql.type_map.get(key[0]) if api.schema else None
    if not isinstance(kind, GraphQLObjectType):
        raise not_found(f"Type {key[0]} not found.")
    if key[1] not in kind.fields:
        raise not_found(f"No field named {key[1]} found on type {key[0]}.")


def _existing(api: Api, members: Members) -> Body:
    key = members.required_text("typeName"), members.required_text("fieldName")
    found = api.resolver_configs.get(key)
    if found is None:
        raise not_found(f"No resolver found for {key[0]}.{key[1]}.")
    return found


def _function(api: Api, members: Members) -> Body:
    function_id = members.required_text("functionId")
    found = api.functions.get(function_id)
    if found is None:
        raise not_found(f"Function {function_id} not found.")
    return found


def _users(api: Api, function_id: str) -> list[Body]:
    return [
        config
        for config in api.resolver_configs.values()
        if function_id in config.get("pipelineConfig", {}).get("functions", ())
    ]
