"""An AppSync GraphQL API that is described as a whole, found by its name, and put back when a stand-up fails.

AppSync gives a schema back in words of its own, so its hash is kept beside it, as a tag of the API.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.standup.engine import Clients, Facts, Journal, Known
from deploy.standup.graphql_description import (
    ApiParts,
    GraphqlDescription,
    bring_parts,
    standing_parts,
)
from deploy.standup.waiting import code_of, found, once_possible, until
from harness.errors import TargetError

SCHEMA_TAG = "launchday-schema"
_MISSING = ("NotFoundException",)
_BEING_MADE = ("NOT_APPLICABLE", "PROCESSING")


@dataclass(frozen=True)
class GraphqlApi:
    """The API."""

    clients: Clients
    name: str
    api_name: str
    describe: Callable[[Known], GraphqlDescription]
    needs: Sequence[str] = ()

    def stand_up(self, known: Known, journal: Journal) -> Facts:
        """Create the API, or bring it to what is described."""
        described = self.describe(known)
        appsync = self.clients("appsync")
        api = self._find()
        if api is None:
            api = appsync.create_graphql_api(name=self.api_name, **described.settings)["graphqlApi"]
            journal.note(f"created the GraphQL API {self.api_name}", self.take_down)
            self._schema(api, described.schema, _hash(described.schema))
            bring_parts(appsync, api["apiId"], described.parts(), ApiParts({}, {}, {}))
        else:
            self._follow(api, described, journal)
        return {
            "id": api["apiId"],
            "graphql_url": api["uris"]["GRAPHQL"],
            "realtime_url": api["uris"]["REALTIME"],
        }

    def _follow(self, api: Mapping[str, Any], described: GraphqlDescription, journal: Journal) -> None:
        appsync, api_id = self.clients("appsync"), api["apiId"]
        before = {name: api.get(name) for name in described.settings}
        if before != described.settings:
            self._set(api_id, described.settings)
            journal.note(f"changed the settings of {self.api_name}", lambda: self._set(api_id, before))
        tag = api.get("tags", {}).get(SCHEMA_TAG, "")
        if tag != _hash(described.schema):
            answer = appsync.get_introspection_schema(apiId=api_id, format="SDL")
            old = answer["schema"].read().decode()
            journal.note(f"changed the schema of {self.api_name}", lambda: self._schema(api, old, tag))
            self._schema(api, described.schema, _hash(described.schema))
        there, wanted = standing_parts(appsync, api_id), described.parts()
        if there != wanted:
            journal.note(
                f"changed the resolvers of {self.api_name}",
                lambda: bring_parts(appsync, api_id, there, standing_parts(appsync, api_id)),
            )
            bring_parts(appsync, api_id, wanted, there)

    def _set(self, api_id: str, settings: Mapping[str, Any]) -> None:
        given = {name: value for name, value in settings.items() if value is not None}
        self.clients("appsync").update_graphql_api(apiId=api_id, name=self.api_name, **given)

    def _schema(self, api: Mapping[str, Any], schema: str, tag: str) -> None:
        appsync, api_id = self.clients("appsync"), api["apiId"]
        once_possible(
            lambda: appsync.start_schema_creation(apiId=api_id, definition=schema.encode()),
            lambda error: code_of(error) == "ConcurrentModificationException",
        )

        def made() -> bool:
            status = appsync.get_schema_creation_status(apiId=api_id)
            if status["status"] == "FAILED":
                raise TargetError(f"The schema of {self.api_name} is not taken: {status.get('details')}.")
            return status["status"] not in _BEING_MADE

        until(made, f"the schema of {self.api_name} is made")
        appsync.tag_resource(resourceArn=api["arn"], tags={SCHEMA_TAG: tag})

    def _find(self) -> Mapping[str, Any] | None:
        pages = self.clients("appsync").get_paginator("list_graphql_apis").paginate()
        apis = [each for page in pages for each in page["graphqlApis"] if each["name"] == self.api_name]
        return min(apis, key=lambda api: str(api["apiId"]), default=None)

    def take_down(self) -> None:
        """Delete the API with all that hangs on it."""
        api = self._find()
        if api is not None:
            found(lambda: self.clients("appsync").delete_graphql_api(apiId=api["apiId"]), missing=_MISSING)


def _hash(schema: str) -> str:
    return hashlib.sha256(schema.encode()).hexdigest()
