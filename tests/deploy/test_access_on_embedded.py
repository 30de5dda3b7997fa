"""The access entrance on the embedded AWS: who gets in, and what of."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import pytest

from deploy.accounts import DISABLED, account_id, secret_key
from deploy.pipeline import LiveLocation
from deploy.standup.packaging import PackageCache
from harness.pipeline import Cloud, DeployParameters, Event
from tests.deploy.standing import WITHIN_S, embedded, sent
from tests.deploy.stream import rfc3339

pytestmark = pytest.mark.slow

NOW_MS = round(time.time() * 1000)
SPAN = f"from={quote(rfc3339(NOW_MS - 600_000))}&to={quote(rfc3339(NOW_MS + 600_000))}"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with embedded(tmp_path_factory.mktemp("aws")) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def outputs(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """With two devices of account 0, one of which has moved, and one of account 1."""
    pipeline = LiveLocation("slow", PackageCache(tmp_path_factory.mktemp("packages")))
    outputs = pipeline.deploy(cloud, DeployParameters(accounts=2, settings={"webhook_hosts": "loopback"}))
    entrances = {each.route: each for each in pipeline.entrances(outputs)}
    registered = {"registered_at": rfc3339(NOW_MS), "platform": "ios"}
    moved = {"recorded_at": rfc3339(NOW_MS), "lat": 50.0, "lon": 1.0}
    for ordinal, (route, kind, account, device_id, fields) in enumerate(
        [
            ("POST /v1/devices", "registration", 0, "d-1", registered),
            ("POST /v1/locations", "location", 0, "d-1", moved),
            ("POST /v1/devices", "registration", 0, "d-2", registered),
            ("POST /v1/locations", "location", 1, "d-3", moved),
        ]
    ):
        event = Event(ordinal, f"run-{ordinal}", kind, account, device_id, NOW_MS / 1000, fields)
        assert sent(entrances[route].request([event]))[0] == 202
    end = time.monotonic() + WITHIN_S
    while len(list(pipeline.evidence(cloud, outputs, "run"))) < 4 and time.monotonic() < end:
        time.sleep(0.1)
    return outputs


def ask(
    outputs: Mapping[str, Any],
    path: str,
    *,
    account: str = account_id(0),
    key: str | None = None,
    authorization: str | None = None,
    method: str = "GET",
    body: object = None,
) -> tuple[int, Mapping[str, str], Any]:
    """(status, headers, what the JSON says)"""
    secret = key or secret_key(outputs["accounts"]["seed"], account)
    basic = f"Basic {b64encode(f'{account}:{secret}'.encode()).decode()}"
    headers = {"Authorization": basic if authorization is None else authorization}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(outputs["access"]["url"] + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            status, said, raw = answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refusal:
        status, said, raw = refusal.code, refusal.headers, refusal.read()
    return status, said, json.loads(raw) if raw else None


def test_an_account_finds_its_devices_and_where_they_were(outputs: Mapping[str, Any]) -> None:
    status, _, listed = ask(outputs, "/v1/devices?limit=10")
    assert (status, sorted(each["device_id"] for each in listed["devices"])) == (200, ["d-1", "d-2"])
    status, _, device = ask(outputs, "/v1/devices/d-1")
    assert (status, device["location"]["event_id"]) == (200, "run-1")
    status, _, history = ask(outputs, f"/v1/devices/d-1/history?{SPAN}")
    assert (status, [each["event_id"] for each in history["locations"]]) == (200, ["run-1"])


def test_another_accounts_devices_are_not_there(outputs: Mapping[str, Any]) -> None:
    assert ask(outputs, "/v1/devices/d-3")[0] == 404
    assert ask(outputs, f"/v1/devices/d-3/history?{SPAN}")[2]["locations"] == []
    _, _, listed = ask(outputs, "/v1/devices", account=account_id(1))
    assert [each["device_id"] for each in listed["devices"]] == ["d-3"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/devices/..%2Facct_000002%2Fd-3",
        "/v1/devices/%2e%2e%2facct_000002%2fd-3",
        "/v1/devices/acct_000002%2Fd-3",
        "/v1/devices/d-3%00",
        f"/v1/devices/..%2f..%2faudit/history?{SPAN}",
        "/v1/devices?account_id=acct_000002",
        "/v1/devices/d-1/history?from=../../audit&to=x",
    ],
)
def test_no_path_leads_to_another_account(outputs: Mapping[str, Any], path: str) -> None:
    status, _, answer = ask(outputs, path)
    assert status in (400, 403, 404)
    assert "d-3" not in json.dumps(answer)


def test_strangers_are_asked_who_they_are(outputs: Mapping[str, Any]) -> None:
    other = secret_key(outputs["accounts"]["seed"], account_id(1))
    publishable = outputs["ingest"]["sample_publishable_key"]
    for given in (
        {"authorization": ""},
        {"authorization": "Basic !"},
        {"authorization": f"Bearer {publishable}"},
        {"key": "sk_" + "0" * 48},
        {"key": other},
        {"key": publishable},
        {"account": "acct_999999"},
    ):
        status, headers, _ = ask(outputs, "/v1/devices", **given)
        assert (status, headers["WWW-Authenticate"]) == (401, 'Basic realm="launchday", charset="UTF-8"')
    assert ask(outputs, "/v1/devices", account=DISABLED)[0] == 403
    assert ask(outputs, "/v1/nothing")[0] == 403


def test_webhooks_are_their_accounts_own(cloud: Cloud, outputs: Mapping[str, Any]) -> None:
    url = {"url": "http://127.0.0.1:9/nobody"}
    status, _, made = ask(outputs, "/v1/webhooks", method="POST", body=url)
    assert (status, made["status"]) == (201, "pending")
    assert ask(outputs, "/v1/webhooks", account=account_id(1))[2] == {"webhooks": []}
    path = f"/v1/webhooks/{made['webhook_id']}"
    assert ask(outputs, path, account=account_id(1), method="DELETE")[0] == 404
    assert ask(outputs, "/v1/webhooks")[2] == {"webhooks": [made]}
    taken, _, why = ask(outputs, "/v1/webhooks", account=account_id(1), method="POST", body=url)
    assert (taken, why["error"]["code"]) == (409, "url_in_use")
    topic = outputs["device_events"]["topic_arn"]
    assert len(cloud.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]) == 1


@pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.1", "localhost", "[fd00::1]", "0"])
def test_no_webhook_leads_inside(outputs: Mapping[str, Any], host: str) -> None:
    body = {"url": f"http://{host}/latest"}
    status, _, answer = ask(outputs, "/v1/webhooks", method="POST", body=body)
    assert (status, answer["error"]["code"]) == (400, "forbidden_host")
