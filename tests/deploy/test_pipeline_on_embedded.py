"""The pipeline on the embedded AWS: every way an event can end, through every process there is."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.pipeline import LiveLocation
from deploy.standup.packaging import PackageCache
from harness.pipeline import Cloud, DeployParameters, Entrance, Event, HttpRequest, Outcome
from tests.deploy.standing import WITHIN_S, embedded, sent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with embedded(tmp_path_factory.mktemp("aws")) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> LiveLocation:
    return LiveLocation("slow", PackageCache(tmp_path_factory.mktemp("packages")))


@pytest.fixture(scope="module")
def outputs(cloud: Cloud, pipeline: LiveLocation) -> Iterator[Mapping[str, Any]]:
    yield pipeline.deploy(cloud, DeployParameters(accounts=2))
    pipeline.destroy(cloud)
    assert cloud.client("dynamodb").list_tables()["TableNames"] == []
    assert cloud.client("kinesis").list_streams()["StreamNames"] == []
    assert cloud.client("s3").list_buckets()["Buckets"] == []
    assert cloud.client("lambda").list_functions()["Functions"] == []
    assert cloud.client("apigateway").get_rest_apis()["items"] == []
    assert cloud.client("appsync").list_graphql_apis()["graphqlApis"] == []
    assert cloud.client("cognito-idp").list_user_pools(MaxResults=60)["UserPools"] == []
    assert cloud.client("sns").list_topics()["Topics"] == []
    assert cloud.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    pipeline.destroy(cloud)


@pytest.fixture
def entrances(pipeline: LiveLocation, outputs: Mapping[str, Any]) -> Mapping[str, Entrance]:
    return {each.route: each for each in pipeline.entrances(outputs)}


def whole_answer(request: urllib.request.Request) -> tuple[int, str | None, bytes]:
    """Status, Retry-After, body."""
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers["Retry-After"], answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers["Retry-After"], refusal.read()


def put(entrance: Entrance, *events: Event) -> list[str]:
    status, body = sent(entrance.request(events))
    return list(entrance.acceptance(status, body, len(events)))


def rfc3339(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")


NOW_S = time.time()


def location(ordinal: int, after_s: float, lat: float = 50.0, **more: Any) -> Event:
    fields = {"recorded_at": rfc3339(NOW_S + after_s), "lat": lat, "lon": 1.0, **more}
    return Event(ordinal, f"run-{ordinal}", "location", 1, "d-1", NOW_S, fields)


def evidence(
    pipeline: LiveLocation, cloud: Cloud, outputs: Mapping[str, Any], events: int
) -> dict[str | None, Outcome]:
    """What became of the first `events` events, once it is known of all."""
    end = time.monotonic() + WITHIN_S
    found: dict[str | None, Outcome] = {}
    while len(found) < events and time.monotonic() < end:
        found = {each.event_id: each for each in pipeline.evidence(cloud, outputs, "run")}
    return found


def test_every_event_ends_as_it_should(
    cloud: Cloud, pipeline: LiveLocation, outputs: Mapping[str, Any], entrances: Mapping[str, Entrance]
) -> None:
    strange = "'\"\\ \u00e9 \u2028 $input.json('$') #set($x = 1) ${q}</script>"
    fields = {"registered_at": rfc3339(NOW_S), "platform": "ios", "push_token": strange}
    one, many = entrances["POST /v1/locations"], entrances["POST /v1/locations/batch"]
    registration = Event(0, "run-0", "registration", 1, "d-1", NOW_S, fields)
    assert put(entrances["POST /v1/devices"], registration) == ["accepted"]
    assert put(one, location(1, 0)) == ["accepted"]
    assert put(
        many,
        location(2, 1, 50.0005),
        location(3, 2, 50.001, accuracy=500.0),
        location(4, -90_000),
        location(5, 900),
        location(6, 3, "north"),  # type: ignore[arg-type]
        location(7, 1, 50.0005),
        location(8, 3, 51.0),
        location(9, 2, 50.0005),
        location(10, -5),
    ) == ["accepted"] * 9  # fmt: skip
    assert put(one, location(1, 0)) == ["accepted"]
    poison = Event(11, "run-11", "poison", 1, "d-1", NOW_S, {})
    assert put(entrances["PutRecord events"], poison) == ["accepted"]

    found = evidence(pipeline, cloud, outputs, 12)
    assert {str(key): each.outcome for key, each in found.items()} == {
        "run-0": "registered",
        "run-1": "archived",
        "run-2": "archived",
        "run-3": "discarded:accuracy",
        "run-4": "discarded:stale",
        "run-5": "discarded:future",
        "run-6": "discarded:malformed",
        "run-7": "discarded:duplicate",
        "run-8": "discarded:speed",
        "run-9": "discarded:unchanged",
        "run-10": "archived",
        "run-11": "dead_lettered",
    }
    assert [key for key, each in found.items() if each.redelivered] == ["run-1"]
    assert [key for key, each in found.items() if each.superseded] == ["run-10"]
    item = cloud.client("dynamodb").get_item(
        TableName=outputs["devices"]["table"], Key={"device_key": {"S": "acct_000002/d-1"}}
    )["Item"]
    assert item["push_token"]["S"] == strange


@pytest.mark.parametrize(
    ("token", "status"),
    [("", 401), ("Bearer short", 401), ("Bearer pk_" + "0" * 40, 401), ("disabled", 403)],
)
def test_strangers_are_refused(
    outputs: Mapping[str, Any], entrances: Mapping[str, Entrance], token: str, status: int
) -> None:
    if token == "disabled":
        token = f"Bearer {outputs['ingest']['disabled_publishable_key']}"
    request = entrances["POST /v1/locations"].request([location(90, 0)])
    headers = {**request.headers, "Authorization": token}
    assert sent(HttpRequest("POST", request.url, headers, request.body))[0] == status


@pytest.mark.parametrize(
    ("route", "body", "status"),
    [
        ("POST /v1/locations", b'{"event_id":"x"}', 400),
        ("POST /v1/locations", b'{"device_id":7}', 400),
        ("POST /v1/locations", b'{"device_id":"' + b"x" * 257 + b'"}', 400),
        ("POST /v1/locations", b"not json", 400),
        ("POST /v1/locations", b"", 400),
        ("POST /v1/locations/batch", b'{"device_id":"d","events":[]}', 400),
        ("POST /v1/locations/batch", json.dumps({"device_id": "d", "events": [{}] * 501}).encode(), 400),
    ],
)
def test_a_wrong_body_is_refused(
    entrances: Mapping[str, Entrance], route: str, body: bytes, status: int
) -> None:
    request = entrances[route].request([location(91, 0)])
    answer = sent(HttpRequest("POST", request.url, request.headers, body))
    assert answer[0] == status
    assert json.loads(answer[1])["message"]


def test_the_second_deployment_gives_the_same(
    cloud: Cloud, pipeline: LiveLocation, outputs: Mapping[str, Any]
) -> None:
    again = pipeline.deploy(cloud, DeployParameters(accounts=2))
    assert again["live"].keys() == outputs["live"].keys()
    newer = {**again, "live": {**again["live"], "tokens": outputs["live"]["tokens"]}}
    assert newer == outputs


def test_a_throttled_stream_is_told_event_by_event(tmp_path: Path) -> None:
    pipeline = LiveLocation("full", PackageCache(tmp_path / "packages"))
    with embedded(tmp_path / "aws", kinesis_shard_write_records_per_s=4) as cloud:
        outputs = pipeline.deploy(cloud, DeployParameters(accounts=2, settings={"shards": "1"}))
        entrances = {each.route: each for each in pipeline.entrances(outputs)}
        many, one = entrances["POST /v1/locations/batch"], entrances["POST /v1/locations"]
        status, body = sent(many.request([location(n, n) for n in range(20)]))
        said = list(many.acceptance(status, body, 20))
        assert "accepted" in said
        assert "throttled" in said
        assert set(said) == {"accepted", "throttled"}
        request = one.request([location(30, 30)])
        raw = urllib.request.Request(request.url, request.body, dict(request.headers))
        refusals = [answer for answer in (whole_answer(raw) for _ in range(20)) if answer[0] != 202]
        assert refusals
        for status, retry_after, body in refusals:
            assert (status, retry_after, json.loads(body)) == (429, "1", {"message": "Too Many Requests"})
