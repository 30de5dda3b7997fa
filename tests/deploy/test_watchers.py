"""What is in a delivery, and which deliveries were given up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from deploy import watchers
from deploy.pipeline import LiveLocation
from deploy.services.fanout.handlers.moves import Move
from deploy.services.fanout.handlers.topic import _messages
from deploy.sign_in import Tokens
from harness.pipeline import LostDelivery, Told, Watchable, Watcher
from tests.deploy.access import MINE, World
from tests.deploy.test_calls import FRESH, LIVE

AT = "2025-11-23T12:13:20.250Z"
AT_S = 1_763_900_000.25


def message(*event_ids: str) -> str:
    moves = [Move("1", MINE, each, {"event_id": each, "received_at": AT}) for each in event_ids]
    [made] = _messages(moves)
    return made.text


def test_the_pipeline_tells() -> None:
    pipeline = LiveLocation("local")
    assert isinstance(pipeline, Watchable)
    assert pipeline.owed_kinds("webhook") == pipeline.owed_kinds("subscription") == {"location"}


def test_a_webhooks_message_tells_its_events() -> None:
    assert watchers.told("webhook", message("run-1", "run-2")) == [Told("run-1", AT_S), Told("run-2", AT_S)]


@pytest.mark.parametrize("field", ["onLocation", "onAccountActivity"])
def test_a_subscriptions_data_tells_one_event(field: str) -> None:
    data = {field: {"event_id": "run-1", "received_at": AT, "lat": 1}}
    assert watchers.told("subscription", data) == [Told("run-1", AT_S)]


@pytest.mark.parametrize(
    ("channel", "payload"),
    [
        ("webhook", "not json"),
        ("webhook", "[]"),
        ("webhook", '{"events": 7}'),
        ("webhook", '{"events": [{"event_id": "e"}]}'),
        ("webhook", '{"events": [{"event_id": "e", "received_at": "now"}]}'),
        ("subscription", {}),
        ("subscription", {"onLocation": None}),
        ("subscription", {"a": {}, "b": {}}),
        ("subscription", None),
    ],
)
def test_what_is_no_delivery_of_ours_is_said(channel: Any, payload: Any) -> None:
    with pytest.raises(ValueError, match="not a delivery of ours"):
        watchers.told(channel, payload)


def test_a_subscription_is_opened_as_the_accounts_user() -> None:
    outputs = {
        **LIVE,
        "live": {**LIVE["live"], "graphql_url": "https://x.appsync-api.eu-west-1.amazonaws.com/graphql"},
    }
    tokens = Tokens(outputs, 0.0)
    of_device = watchers.subscription(outputs, tokens, Watcher("subscription", 2, "d-9"))
    assert of_device.authorization == {
        "host": "x.appsync-api.eu-west-1.amazonaws.com",
        "Authorization": FRESH,
    }
    assert of_device.variables == {"account_id": "acct_000003", "device_id": "d-9"}
    assert "onLocation(" in of_device.query
    of_account = watchers.subscription(outputs, tokens, Watcher("subscription", 2))
    assert of_account.variables == {"account_id": "acct_000003"}
    assert "onAccountActivity(" in of_account.query


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        yield World()


def test_a_lost_delivery_names_event_and_url_even_of_a_webhook_that_was_removed(world: World) -> None:
    urls = ["https://hooks.example.com/a", "https://hooks.example.com/b"]
    made = [world.ask("POST", "/v1/webhooks", body={"url": url})[1] for url in urls]
    listed = world.clients("sns").list_subscriptions_by_topic(TopicArn=world.topic)["Subscriptions"]
    arns = {each["Endpoint"]: each["SubscriptionArn"] for each in listed}
    path = {"webhook_id": made[0]["webhook_id"]}
    assert world.ask("DELETE", "/v1/webhooks/{webhook_id}", path=path)[0] == 204

    def lose(text: str, arn: str) -> None:
        link = f"https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={arn}"
        letter = {"Type": "Notification", "Message": text, "UnsubscribeURL": link}
        world.clients("sqs").send_message(QueueUrl=world.queue, MessageBody=json.dumps(letter))

    lose(message("run-1", "other-2"), arns[urls[0]])
    lose(message("run-3"), arns[urls[1]])
    lose("somebody else's", arns[urls[1]])
    outputs = {"webhooks": {"table": "webhooks", "dead_letters_url": world.queue}}
    lost = set(watchers.lost_deliveries(world.clients, outputs, "run"))
    assert lost == {LostDelivery("run-1", urls[0]), LostDelivery("run-3", urls[1])}
    assert set(watchers.lost_deliveries(world.clients, outputs, "run")) == lost
