"""The GraphQL API's stand-up: brought to what is described, from wherever it stands, and put back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deploy.services.processing.handlers import live_state
from deploy.standup.engine import Journal, Known
from deploy.standup.graphql_api import GraphqlApi
from deploy.standup.graphql_description import GraphqlDescription
from deploy.standup.live_api import LIST_PARTITIONS, describe
from harness.errors import TargetError
from harness.pipeline import Cloud
from tests.deploy.fake_appsync import FakeAppSync, installed

DESCRIBED = describe(region="us-east-1", devices_table="devices", role_arn="arn:role", pool_id="pool")


@pytest.fixture
def appsync(monkeypatch: pytest.MonkeyPatch) -> FakeAppSync:
    return installed(monkeypatch)


def stand_up(described: GraphqlDescription = DESCRIBED) -> tuple[str, Journal]:
    clients = Cloud("us-east-1", access_key_id="test", secret_access_key="test").clients()
    journal = Journal()
    facts = GraphqlApi(clients, "graphql live", "launchday-local-live", lambda _: described).stand_up(
        Known(), journal
    )
    return facts["id"], journal


def parts(appsync: FakeAppSync, api_id: str) -> Any:
    return {kind: {**there} for kind, there in appsync.parts[api_id].items()}


def test_the_second_stand_up_changes_nothing(appsync: FakeAppSync) -> None:
    api_id, first = stand_up()
    before = parts(appsync, api_id)
    again, second = stand_up()
    assert again == api_id
    assert list(first.changes) == ["created the GraphQL API launchday-local-live"]
    assert list(second.changes) == []
    assert parts(appsync, api_id) == before
    assert len(before["Resolver"]) == 5
    assert (
        len(before["Resolver"]["Query.devices"]["pipelineConfig"]["functions"]) <= 10
    )  # AppSync's own limit


def test_undoing_a_creation_leaves_nothing(appsync: FakeAppSync) -> None:
    _, journal = stand_up()
    assert journal.undo() == []
    assert appsync.apis == {}


def test_what_differs_is_brought_back_and_can_be_put_back(appsync: FakeAppSync) -> None:
    api_id, _ = stand_up()
    there = appsync.parts[api_id]
    described = parts(appsync, api_id)
    there["Resolver"]["Query.device"] = {**there["Resolver"]["Query.device"], "requestMappingTemplate": "{}"}
    del there["Resolver"]["Subscription.onLocation"]
    there["Resolver"]["Query.strange"] = {
        "typeName": "Query", "fieldName": "strange", "kind": "UNIT", "dataSourceName": "strange",
    }  # fmt: skip
    there["DataSource"]["strange"] = {"name": "strange", "type": "NONE"}
    [first, *_] = there["Function"]
    there["Function"][first] = {**there["Function"][first], "responseMappingTemplate": "null"}
    tampered = parts(appsync, api_id)
    _, journal = stand_up()
    assert list(journal.changes) == ["changed the resolvers of launchday-local-live"]
    assert parts(appsync, api_id) == described
    assert journal.undo() == []
    assert parts(appsync, api_id) == tampered


def test_settings_and_schema_are_followed_and_put_back(appsync: FakeAppSync) -> None:
    api_id, _ = stand_up()
    was = dict(appsync.apis[api_id]), appsync.schemas[api_id]
    newer = replace(
        DESCRIBED,
        schema=DESCRIBED.schema + "\ntype More { id: ID }\n",
        settings={**DESCRIBED.settings, "additionalAuthenticationProviders": []},
    )
    _, journal = stand_up(newer)
    assert sorted(journal.changes) == [
        "changed the schema of launchday-local-live",
        "changed the settings of launchday-local-live",
    ]
    assert appsync.schemas[api_id] == newer.schema
    assert journal.undo() == []
    assert appsync.schemas[api_id] == was[1]
    assert appsync.apis[api_id]["additionalAuthenticationProviders"] == [{"authenticationType": "AWS_IAM"}]
    _, again = stand_up()
    assert list(again.changes) == []


def test_a_schema_that_is_not_taken_is_said(appsync: FakeAppSync, monkeypatch: pytest.MonkeyPatch) -> None:
    def failed(_given: Any) -> Any:
        return {"status": "FAILED", "details": "no such type"}

    monkeypatch.setattr(appsync, "_GetSchemaCreationStatus", failed)
    with pytest.raises(TargetError, match="no such type"):
        stand_up()


def test_no_template_has_a_place_left_open() -> None:
    described = [*DESCRIBED.functions, *DESCRIBED.resolvers]
    assert not [each for each in described if "{{" in each.request + each.response]


def test_writer_and_resolver_know_the_same_partitions() -> None:
    assert LIST_PARTITIONS == live_state.LIST_PARTITIONS
