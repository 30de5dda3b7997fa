"""Webhooks: whose they are, where they may lead, and what becomes of them in SNS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from deploy.services.access.handlers import webhook_urls, webhooks
from deploy.services.access.handlers.problems import Problem
from tests.deploy.access import MINE, PUBLIC, THEIRS, World, code

WEBHOOKS, WEBHOOK = "/v1/webhooks", "/v1/webhooks/{webhook_id}"
URL = "https://hooks.example.com/events?key=1"


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        yield World()


def subscriptions(world: World) -> list[dict[str, Any]]:
    sns = world.clients("sns")
    found = sns.list_subscriptions_by_topic(TopicArn=world.topic)["Subscriptions"]
    return [
        sns.get_subscription_attributes(SubscriptionArn=each["SubscriptionArn"])["Attributes"]
        for each in found
    ]


def test_a_webhook_is_a_subscription_to_its_accounts_events(world: World) -> None:
    status, made = world.ask("POST", WEBHOOKS, body={"url": URL, "filter": {"context": ["moving"]}})
    assert status == 201
    assert made["url"] == URL
    assert made["filter"] == {"context": ["moving"]}
    [subscription] = subscriptions(world)
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("https", URL)
    assert json.loads(subscription["FilterPolicy"]) == {"account_id": [MINE], "contexts": ["moving"]}
    assert json.loads(subscription["RedrivePolicy"])["deadLetterTargetArn"].endswith(":webhooks")
    assert world.ask("GET", WEBHOOKS) == (200, {"webhooks": [made]})


def test_the_same_webhook_again_is_the_same(world: World) -> None:
    _, made = world.ask("POST", WEBHOOKS, body={"url": URL})
    assert world.ask("POST", WEBHOOKS, body={"url": URL}) == (200, made)
    other = {"url": URL, "filter": {"context": ["stopped"]}}
    assert code(world.ask("POST", WEBHOOKS, body=other)) == (409, "webhook_exists")
    assert len(subscriptions(world)) == 1


def test_an_account_sees_and_deletes_its_own_alone(world: World) -> None:
    _, mine = world.ask("POST", WEBHOOKS, body={"url": URL})
    _, theirs = world.ask("POST", WEBHOOKS, account=THEIRS, body={"url": URL + "2"})
    assert world.ask("GET", WEBHOOKS, account=THEIRS)[1] == {"webhooks": [theirs]}
    for webhook_id in (mine["webhook_id"], "wh_" + "0" * 32, "../x", "*"):
        refused = world.ask("DELETE", WEBHOOK, account=THEIRS, path={"webhook_id": webhook_id})
        assert code(refused) == (404, "not_found")
    assert len(subscriptions(world)) == 2
    assert world.ask("DELETE", WEBHOOK, path={"webhook_id": mine["webhook_id"]}) == (204, None)
    assert [each["Endpoint"] for each in subscriptions(world)] == [URL + "2"]
    assert world.ask("GET", WEBHOOKS)[1] == {"webhooks": []}


def test_a_subscription_that_is_gone_can_be_deleted(world: World) -> None:
    _, made = world.ask("POST", WEBHOOKS, body={"url": URL})
    sns = world.clients("sns")
    [there] = sns.list_subscriptions_by_topic(TopicArn=world.topic)["Subscriptions"]
    sns.unsubscribe(SubscriptionArn=there["SubscriptionArn"])
    assert world.ask("DELETE", WEBHOOK, path={"webhook_id": made["webhook_id"]}) == (204, None)


def test_a_webhook_shows_whether_it_is_confirmed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"PendingConfirmation": "true"}
    asked = []

    def attributes(**given: Any) -> dict[str, Any]:
        asked.append(given["SubscriptionArn"])
        return {"Attributes": said}

    monkeypatch.setattr(world.clients("sns"), "get_subscription_attributes", attributes)
    assert world.ask("POST", WEBHOOKS, body={"url": URL})[1]["status"] == "pending"
    said["PendingConfirmation"] = "false"
    for _ in range(3):
        assert world.ask("GET", WEBHOOKS)[1]["webhooks"][0]["status"] == "confirmed"
    assert len(asked) == 2  # once it is confirmed, nobody needs to ask


@pytest.mark.parametrize(
    ("operation", "message", "said"),
    [
        (
            "subscribe",
            "Invalid parameter: Subscription already exists with different attributes",
            "url_in_use",
        ),
        ("unsubscribe", "Invalid parameter: SubscriptionArn Reason: pending", "pending_confirmation"),
    ],
)
def test_what_sns_does_not_do_is_a_conflict(
    world: World, operation: str, message: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, made = world.ask("POST", WEBHOOKS, body={"url": URL + "1"})

    def refuse(**_given: Any) -> None:
        raise ClientError({"Error": {"Code": "InvalidParameter", "Message": message}}, operation)

    monkeypatch.setattr(world.clients("sns"), operation, refuse)
    asked = (
        world.ask("POST", WEBHOOKS, body={"url": URL})
        if operation == "subscribe"
        else world.ask("DELETE", WEBHOOK, path={"webhook_id": made["webhook_id"]})
    )
    assert code(asked) == (409, said)
    assert len(world.ask("GET", WEBHOOKS)[1]["webhooks"]) == 1


def test_webhooks_of_an_account_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "MAX_WEBHOOKS", 1)
    world.ask("POST", WEBHOOKS, body={"url": URL})
    assert code(world.ask("POST", WEBHOOKS, body={"url": URL + "2"})) == (422, "too_many_webhooks")
    assert world.ask("POST", WEBHOOKS, account=THEIRS, body={"url": URL + "3"})[0] == 201


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (None, "invalid_body"),
        ("", "invalid_body"),
        ("[]", "invalid_body"),
        ("{", "invalid_body"),
        ("[" * 5000, "invalid_body"),
        ({}, "invalid_url"),
        ({"url": 7}, "invalid_url"),
        ({"url": URL, "account_id": THEIRS}, "unknown_member"),
        ({"url": URL, "filter": {}}, "invalid_filter"),
        ({"url": URL, "filter": {"account_id": [THEIRS]}}, "invalid_filter"),
        ({"url": URL, "filter": {"context": [THEIRS]}}, "invalid_filter"),
        ({"url": URL, "filter": {"context": []}}, "invalid_filter"),
        ({"url": URL, "filter": {"context": [{"anything-but": ["x"]}]}}, "invalid_filter"),
        ({"url": URL, "filter": {"context": ["moving"], "account_id": [THEIRS]}}, "invalid_filter"),
    ],
)
def test_a_wrong_body_is_refused(world: World, body: object, said: str) -> None:
    assert code(world.ask("POST", WEBHOOKS, body=body)) == (400, said)
    assert subscriptions(world) == []


def test_a_large_body_is_refused(world: World) -> None:
    assert code(world.ask("POST", WEBHOOKS, body={"url": "x" * 9000})) == (413, "body_too_large")


NAMES = {
    "hooks.example.com": [PUBLIC, "2606:2800:220:1::1"],
    "inside.example.com": ["10.0.0.7"],
    "both.example.com": [PUBLIC, "127.0.0.1"],
    "nothing.example.com": [],
}


def allowed(url: str, hosts: str = "public") -> str | None:
    """None for a URL that may be called, else the problem's code."""

    def resolve(name: str) -> list[str]:
        if name not in NAMES:
            raise OSError(name)
        return NAMES[name]

    try:
        webhook_urls.check(url, hosts, resolve)
    except Problem as problem:
        return problem.code
    return None


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "http://hooks.example.com:8080",
        f"http://{PUBLIC}/x",
        "https://[2606:2800:220:1::1]/x",
        "HTTPS://HOOKS.EXAMPLE.COM/X".replace("HOOKS.EXAMPLE.COM", "hooks.example.com"),
    ],
)
def test_public_hosts_may_be_called(url: str) -> None:
    assert allowed(url) is None
    assert allowed(url, "loopback") is None


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "0.0.0.0", "[::1]", "[::]",
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[64:ff9b::a00:1]",
        "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "240.0.0.1",
        "255.255.255.255", "[fe80::1]", "[fd00:ec2::254]", "[ff02::1]", "[::ffff:169.254.169.254]",
        "localhost", "LOCALHOST", "a.localhost", "printer.local", "db.internal", "metadata.google.internal",
        "instance-data", "inside.example.com", "both.example.com", "hooks.example.com.", "-x.example.com",
        "hooks_example.com", "xn--.com-", "1.2.3.4.5",
    ],
)  # fmt: skip
def test_nothing_leads_inside(host: str) -> None:
    assert allowed(f"http://{host}/latest/meta-data") == "forbidden_host"


@pytest.mark.parametrize(
    "url",
    [
        "", "hooks.example.com", "//hooks.example.com", "ftp://hooks.example.com", "file:///etc/passwd",
        "gopher://hooks.example.com", "javascript:alert(1)", "http://", "http:///x", "https://:443/",
        "https://user@hooks.example.com/", "https://u:p@hooks.example.com/", "https://127.0.0.1@hooks.example.com",
        "https://hooks.example.com/#x", "https://hooks.example.com/a b", "https://hooks.example.com/\r\nX: y",
        "https://hooks.example.com\\@127.0.0.1/", "https://hooks.example.com:0/", "https://hooks.example.com:99999/",
        "https://hooks.example.com:x/", "https://[::1", "https://höoks.example.com/", "http://absent.example.com/",
        "http://nothing.example.com/", "https://hooks.example.com/" + "x" * 2048, "https://[v1.x]/",
    ],
)  # fmt: skip
def test_what_is_no_url_of_a_host_is_refused(url: str) -> None:
    assert allowed(url) == "invalid_url"


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "127.9.9.9", "[::1]:80", "[::ffff:127.0.0.1]"])
def test_a_rehearsal_may_watch_on_the_loopback_and_nowhere_else_inside(host: str) -> None:
    assert allowed(f"http://{host}/", "loopback") is None
    for other in ("10.0.0.1", "169.254.169.254", "inside.example.com", "0.0.0.0"):
        assert allowed(f"http://{other}/", "loopback") == "forbidden_host"
