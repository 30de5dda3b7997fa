from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest

from deploy.accounts import publishable_key
from deploy.pipeline import pipeline
from deploy.services.processing.handlers.contract import Unparseable, parse, salvage_event_id
from harness.pipeline import Entrance, Event

OUTPUTS: dict[str, Any] = {
    "region": "us-east-1",
    "ingest": {"url": "http://127.0.0.1:4566/_aws/execute-api/abc/local"},
    "access": {"url": "http://127.0.0.1:4566/_aws/execute-api/def/local"},
    "live": {
        "graphql_url": "http://127.0.0.1:4566/graphql/g",
        "realtime_url": "ws://127.0.0.1:4566/graphql/g/realtime",
        "sign_in_url": "http://127.0.0.1:4566",
        "client_id": "c",
        "tokens": {},
    },
    "accounts": {"seed": "s"},
    "events": {"endpoint": "http://127.0.0.1:4566", "stream": "launchday-local-events"},
    "credentials": {"access_key_id": "test", "secret_access_key": "test"},
}


def entrance(route: str) -> Entrance:
    return {each.route: each for each in pipeline.entrances(OUTPUTS)}[route]


def event(ordinal: int = 7, kind: str = "location", **fields: Any) -> Event:
    return Event(ordinal, f"run-{ordinal}", kind, 2, "d1-0000009", 0.0, fields)


def test_one_event_is_the_body() -> None:
    request = entrance("POST /v1/devices").request([event(kind="registration", platform="ios")])
    assert request.method == "POST"
    assert request.url == "http://127.0.0.1:4566/_aws/execute-api/abc/local/v1/devices"
    assert request.headers == {
        "Authorization": f"Bearer {publishable_key('s', 'acct_000003')}",
        "Content-Type": "application/json",
    }
    assert json.loads(request.body) == {
        "event_id": "run-7",
        "device_id": "d1-0000009",
        "platform": "ios",
    }


def test_a_batch_is_of_one_device() -> None:
    request = entrance("POST /v1/locations/batch").request([event(1, lat=1.0), event(2, lat=2.0)])
    assert json.loads(request.body) == {
        "device_id": "d1-0000009",
        "events": [{"event_id": "run-1", "lat": 1.0}, {"event_id": "run-2", "lat": 2.0}],
    }


def test_a_raw_record_cannot_be_parsed_but_says_its_event() -> None:
    request = entrance("PutRecord events").request([event(kind="poison")])
    body = json.loads(request.body)
    data = b64decode(body["Data"])
    with pytest.raises(Unparseable):
        parse(data)
    assert salvage_event_id(data) == "run-7"
    assert body["StreamName"] == "launchday-local-events"


def test_a_raw_record_is_signed_as_aws_asks() -> None:
    request = entrance("PutRecord events").request([event(kind="poison")])
    signed = request.headers["Authorization"]
    date = request.headers["X-Amz-Date"][:8]
    assert signed.startswith(f"AWS4-HMAC-SHA256 Credential=test/{date}/us-east-1/kinesis/aws4_request, ")
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-target, " in signed


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(202, "accepted"), (200, "accepted"), (429, "throttled"), (400, "failed"), (503, "failed")],
)
def test_a_status_says_what_became_of_one_event(status: int, outcome: str) -> None:
    assert list(entrance("POST /v1/locations").acceptance(status, b"", 1)) == [outcome]


@pytest.mark.parametrize(
    ("status", "body", "outcomes"),
    [
        (202, b'{"refused":0}', ["accepted"] * 3),
        (
            202,
            b'{"refused":2,"events":["accepted","ProvisionedThroughputExceededException","InternalFailure"]}',
            ["accepted", "throttled", "failed"],
        ),
        (202, b'{"refused":2,"events":["accepted"]}', ["failed"] * 3),
        (202, b"[]", ["failed"] * 3),
        (202, b"not json", ["failed"] * 3),
        (429, b"", ["throttled"] * 3),
        (500, b'{"refused":0}', ["failed"] * 3),
    ],
)
def test_a_batchs_answer_says_what_became_of_each(status: int, body: bytes, outcomes: list[str]) -> None:
    assert list(entrance("POST /v1/locations/batch").acceptance(status, body, 3)) == outcomes


def test_kinesis_throttles_with_a_400() -> None:
    put = entrance("PutRecord events")
    assert list(put.acceptance(400, b'{"__type":"ProvisionedThroughputExceededException"}', 1)) == [
        "throttled"
    ]
    assert list(put.acceptance(400, b'{"__type":"ValidationException"}', 1)) == ["failed"]
    assert list(put.acceptance(200, b"{}", 1)) == ["accepted"]
