"""GraphQL APIs, their environment variables and their tags.

docs: AppSync API Reference, GraphqlApi and its actions; AppSync endpoints and quotas: 50 APIs a Region
(read 2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from harness.emulator.services.appsync.control.authentication import read_providers
from harness.emulator.services.appsync.control.members import Members
from harness.emulator.services.appsync.control.operations import (
    Body,
    Operation,
    new_id,
    paged,
    without_none,
)
from harness.emulator.services.appsync.errors import bad_request, not_found, not_offered
from harness.emulator.services.appsync.model import ApiAuth
from harness.emulator.services.appsync.state import AllApis, Api
from harness.emulator.services.base import AwsError, CallContext

MAX_APIS = 50
_MAX_TAGS = 50
_LOG_LEVELS = ("NONE", "ERROR", "ALL", "INFO", "DEBUG")
_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,63}")
_ARN = re.compile(r"arn:aws[a-z-]*:appsync:[^:]+:\d{12}:apis/([0-9A-Za-z_-]{26})")


class ApiOperations:
    """`endpoint` is where clients reach the embedded AWS; `deleted` is told of APIs that are gone."""

    def __init__(self, apis: AllApis, endpoint: str, deleted: Callable[[str], None]) -> None:
        self._apis = apis
        self._endpoint = endpoint.rstrip("/")
        self._deleted = deleted

    def operations(self) -> Mapping[str, Operation]:
        """By the API's names."""
        return {
            "CreateGraphqlApi": self.create,
            "GetGraphqlApi": self.get,
            "ListGraphqlApis": self.list,
            "UpdateGraphqlApi": self.update,
            "DeleteGraphqlApi": self.delete,
            "GetGraphqlApiEnvironmentVariables": self.get_environment,
            "PutGraphqlApiEnvironmentVariables": self.put_environment,
            "ListTagsForResource": self.list_tags,
            "TagResource": self.tag,
            "UntagResource": self.untag,
        }

    def create(self, members: Members, context: CallContext) -> Body:
        """CreateGraphqlApi."""
        if len(self._apis.of(context)) >= MAX_APIS:
            raise AwsError("ApiLimitExceededException", f"The limit of {MAX_APIS} APIs was reached.", 400)
        kept, providers = read_providers(members)
        tags = members.text_map("tags") or {}
        _check_tags(tags)
        api_id = new_id()
        expiries_s: dict[str, int] = {}
        settings = {**_settings(members), **kept}
        auth = ApiAuth(
            api_id, context.region, context.account_id, providers, expiries_s, str(settings["name"])
        )
        api = Api(api_id, context.region, context.account_id, settings, auth, expiries_s, tags)
        self._apis.add(api)
        return {"graphqlApi": self._described(api)}

    def get(self, members: Members, context: CallContext) -> Body:
        """GetGraphqlApi."""
        return {"graphqlApi": self._described(self._find(members, context))}

    def list(self, members: Members, context: CallContext) -> Body:
        """ListGraphqlApis."""
        kind = members.one_of("apiType", ("GRAPHQL", "MERGED")) or "GRAPHQL"
        owner = members.one_of("owner", ("CURRENT_ACCOUNT", "OTHER_ACCOUNTS")) or "CURRENT_ACCOUNT"
        shown = kind == "GRAPHQL" and owner == "CURRENT_ACCOUNT"
        apis = self._apis.of(context) if shown else []
        return paged("graphqlApis", [self._described(api) for api in apis], members)

    def update(self, members: Members, context: CallContext) -> Body:
        """UpdateGraphqlApi: what is not given goes back to its default."""
        api = self._find(members, context)
        kept, providers = read_providers(members)
        api.settings = {**_settings(members), **kept}
        name = str(api.settings["name"])
        api.auth = ApiAuth(api.api_id, api.region, api.account_id, providers, api.key_expiries_s, name)
        api.generation += 1
        return {"graphqlApi": self._described(api)}

    def delete(self, members: Members, context: CallContext) -> Body:
        """DeleteGraphqlApi, with all that belongs to it."""
        api = self._find(members, context)
        self._apis.remove(api)
        self._deleted(api.api_id)
        return {}

    def get_environment(self, members: Members, context: CallContext) -> Body:
        """GetGraphqlApiEnvironmentVariables."""
        return {"environmentVariables": dict(self._find(members, context).environment)}

    def put_environment(self, members: Members, context: CallContext) -> Body:
        """PutGraphqlApiEnvironmentVariables: they replace those of before."""
        api = self._find(members, context)
        variables = members.text_map("environmentVariables")
        if variables is None:
            raise bad_request("environmentVariables must be given.")
        if len(variables) > 50:
            raise bad_request("An API can have at most 50 environment variables.")
        for name, value in variables.items():
            if not _VARIABLE.fullmatch(name):
                raise bad_request(
                    f"The environment variable key '{name}' is not valid: it must be 2 to 64 letters, digits "
                    "and underscores, and begin with a letter."
                )
            if len(value) > 512:
                raise bad_request(
                    f"The value of environment variable '{name}' is longer than 512 characters."
                )
        api.environment = variables
        return {"environmentVariables": dict(variables)}

    def list_tags(self, members: Members, context: CallContext) -> Body:
        """ListTagsForResource."""
        return {"tags": dict(self._tagged(members, context).tags)}

    def tag(self, members: Members, context: CallContext) -> Body:
        """TagResource."""
        api = self._tagged(members, context)
        tags = {**api.tags, **(members.text_map("tags") or {})}
        _check_tags(tags)
        api.tags = tags
        return {}

    def untag(self, members: Members, context: CallContext) -> Body:
        """UntagResource."""
        api = self._tagged(members, context)
        for key in members.texts("tagKeys"):
            api.tags.pop(key, None)
        return {}

    def _find(self, members: Members, context: CallContext) -> Api:
        return self._apis.get(members.required_text("apiId"), context)

    def _tagged(self, members: Members, context: CallContext) -> Api:
        arn = members.required_text("resourceArn")
        found = _ARN.fullmatch(arn)
        api = self._apis.find(found[1]) if found else None
        if api is None or api.arn != arn or api.account_id != context.account_id:
            raise not_found(f"Resource {arn} not found.")
        return api

    def _described(self, api: Api) -> Body:
        address = f"{self._endpoint}/graphql/{api.api_id}"
        realtime = "ws" + address.removeprefix("http") + "/realtime"
        return {
            **api.settings,
            "apiId": api.api_id,
            "arn": api.arn,
            "owner": api.account_id,
            "uris": {"GRAPHQL": address, "REALTIME": realtime},
            "dns": {
                "GRAPHQL": f"{api.api_id}.appsync-api.{api.region}.amazonaws.com",
                "REALTIME": f"{api.api_id}.appsync-realtime-api.{api.region}.amazonaws.com",
            },
            "tags": dict(api.tags),
        }


def _settings(members: Members) -> Body:
    """All settings but those of authentication, with AWS's defaults."""
    if members.one_of("apiType", ("GRAPHQL", "MERGED")) == "MERGED":
        raise not_offered("merged APIs")
    if members.one_of("visibility", ("GLOBAL", "PRIVATE")) == "PRIVATE":
        raise not_offered("private APIs")
    return without_none(
        {
            "name": members.required_text("name"),
            "apiType": "GRAPHQL",
            "visibility": "GLOBAL",
            "xrayEnabled": members.flag("xrayEnabled") or False,
            "introspectionConfig": members.one_of("introspectionConfig", ("ENABLED", "DISABLED"))
            or "ENABLED",
            "queryDepthLimit": members.integer("queryDepthLimit", 0, 75) or 0,
            "resolverCountLimit": members.integer("resolverCountLimit", 0, 10_000) or 0,
            "ownerContact": members.text("ownerContact", at_most=256),
            "logConfig": _log_config(members),
            "enhancedMetricsConfig": _metrics_config(members),
        }
    )


def _log_config(members: Members) -> Body | None:
    """Kept and answered: the embedded AppSync writes no logs of requests."""
    config = members.structure("logConfig")
    if config is None:
        return None
    return without_none(
        {
            "fieldLogLevel": config.required_one_of("fieldLogLevel", _LOG_LEVELS),
            "cloudWatchLogsRoleArn": config.required_text("cloudWatchLogsRoleArn"),
            "excludeVerboseContent": config.flag("excludeVerboseContent") or False,
        }
    )


def _metrics_config(members: Members) -> Body | None:
    config = members.structure("enhancedMetricsConfig")
    return None if config is None else dict(config.raw)


def _check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > _MAX_TAGS:
        raise bad_request(f"A resource can have at most {_MAX_TAGS} tags.")
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or key.startswith("aws:") or len(value) > 256:
            raise bad_request(f"The tag '{key[:128]}' is not valid.")
