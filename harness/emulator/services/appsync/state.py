"""What exists: GraphQL APIs with all that belongs to them, as the control plane set them up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from graphql import DocumentNode

from harness.emulator.services.appsync.errors import api_not_found
from harness.emulator.services.appsync.model import ApiAuth
from harness.emulator.services.appsync.resolvers.compiled import Resolver, Step
from harness.emulator.services.appsync.schema.compile import CompiledSchema
from harness.emulator.services.appsync.sources.base import Source
from harness.emulator.services.base import CallContext

FieldName = tuple[str, str]
"""A type and one of its fields."""
Config = dict[str, Any]
"""Something as the API answers it."""


class SchemaStatus(NamedTuple):
    """What GetSchemaCreationStatus answers."""

    status: str = "NOT_APPLICABLE"
    details: str = ""


@dataclass
class Api:
    """A GraphQL API. `settings` are the members of GraphqlApi that were given; `key_expiries_s` is the live
    view of its keys that authorization has. `generation` grows whenever what requests do may change."""

    api_id: str
    region: str
    account_id: str
    settings: Config
    auth: ApiAuth
    key_expiries_s: dict[str, int]
    tags: dict[str, str] = field(default_factory=dict)
    keys: dict[str, Config] = field(default_factory=dict)
    document: DocumentNode | None = None
    schema: CompiledSchema | None = None
    schema_status: SchemaStatus = field(default_factory=SchemaStatus)
    environment: Mapping[str, str] = field(default_factory=dict)
    data_sources: dict[str, Config] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    functions: dict[str, Config] = field(default_factory=dict)
    steps: dict[str, Step] = field(default_factory=dict)
    resolver_configs: dict[FieldName, Config] = field(default_factory=dict)
    resolvers: dict[FieldName, Resolver] = field(default_factory=dict)
    generation: int = 0

    @property
    def arn(self) -> str:
        """The API's ARN, which those of its parts begin with."""
        return self.auth.arn

    @property
    def query_depth_limit(self) -> int:
        """The deepest query that is executed; 0 is no limit."""
        return int(self.settings.get("queryDepthLimit") or 0)

    @property
    def resolver_count_limit(self) -> int:
        """How many resolvers one request may run.

        docs: AppSync endpoints and quotas, resolvers executed per request 10,000 (read 2026-11)"""
        return int(self.settings.get("resolverCountLimit") or 10_000)

    @property
    def introspection(self) -> bool:
        """Whether clients may ask for the schema."""
        return bool(self.settings.get("introspectionConfig") != "DISABLED")


class AllApis:
    """Every API, by its id, which is unlike any other's in whatever Region."""

    def __init__(self) -> None:
        self._apis: dict[str, Api] = {}

    def add(self, api: Api) -> None:
        """Keep a new API."""
        self._apis[api.api_id] = api

    def find(self, api_id: str) -> Api | None:
        """The API of that id, in whatever Region."""
        return self._apis.get(api_id)

    def get(self, api_id: str, context: CallContext) -> Api:
        """The caller's API. Raises AwsError NotFoundException."""
        api = self._apis.get(api_id)
        if api is None or api.region != context.region or api.account_id != context.account_id:
            raise api_not_found(api_id)
        return api

    def of(self, context: CallContext) -> list[Api]:
        """The caller's APIs, in the order they were made."""
        return [
            api
            for api in self._apis.values()
            if api.region == context.region and api.account_id == context.account_id
        ]

    def remove(self, api: Api) -> None:
        """Forget an API."""
        del self._apis[api.api_id]

    def clear(self) -> Iterable[str]:
        """Forget all of them; the answer is their ids."""
        gone = list(self._apis)
        self._apis.clear()
        return gone
