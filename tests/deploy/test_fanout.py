"""The fan-out: what of the live state's stream is told, to whom, in how many calls, and what if it fails."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from moto import mock_aws

from deploy.services.access.handlers import public_form
from deploy.services.fanout.handlers import fanout, mutations, signed, topic
from deploy.services.fanout.handlers.fanout import Channel, Fanout
from deploy.services.fanout.handlers.moves import Move, moves
from deploy.services.fanout.handlers.mutations import Response
from tests.deploy.fake_aws import FakeAws
from tests.deploy.stream import NOW_MS, batch, envelope, location, registration, rfc3339
from tests.deploy.test_processor import processor


def changes(aws: FakeAws) -> list[dict[str, Any]]:
    """The records of the table's stream: an image a write."""
    return [
        {
            "eventID": str(number),
            "eventName": "MODIFY",
            "dynamodb": {"SequenceNumber": f"{number:021d}", "NewImage": item, "Keys": {}},
        }
        for number, item in enumerate(aws.writes, start=1)
    ]


def moved(*envelopes: dict[str, Any]) -> list[dict[str, Any]]:
    """The stream's records for events that come one batch each."""
    aws = FakeAws()
    for number, each in enumerate(envelopes, start=1):
        processor(aws).process(batch(each, first=number))
    return changes(aws)


def many(count: int, accounts: int = 1, **more: Any) -> list[Move]:
    return [
        Move(f"{n}", f"acct_{n % accounts}", f"e{n}", {"event_id": f"e{n}", "device_id": f"d{n}", **more})
        for n in range(count)
    ]


class Topic:
    """SNS, as far as it is called; refuses what a test says."""

    def __init__(self) -> None:
        self.calls: list[list[dict[str, Any]]] = []
        self.refused: set[str] = set()
        self.down = False

    def publish(self, **given: Any) -> dict[str, Any]:
        self._take([given])
        return {}

    def publish_batch(self, **given: Any) -> dict[str, Any]:
        entries = given["PublishBatchRequestEntries"]
        assert 1 < len(entries) <= 10
        assert len({entry["Id"] for entry in entries}) == len(entries)
        self._take(entries)
        accounts = {entry["Id"]: json.loads(entry["Message"])["account_id"] for entry in entries}
        failed = [key for key, account in accounts.items() if account in self.refused]
        return {"Failed": [{"Id": key, "Code": "InternalError", "SenderFault": False} for key in failed]}

    def _take(self, entries: list[dict[str, Any]]) -> None:
        if self.down:
            raise ClientError({"Error": {"Code": "Throttled"}}, "Publish")
        size = sum(len(each["Message"]) + len(json.dumps(each["MessageAttributes"])) for each in entries)
        assert size <= 256 * 1024
        self.calls.append(entries)

    def told(self) -> list[tuple[str, str]]:
        """(account, event) of everything that was taken."""
        return [
            (message["account_id"], event["event_id"])
            for call in self.calls
            for message in (json.loads(entry["Message"]) for entry in call)
            if message["account_id"] not in self.refused
            for event in message["events"]
        ]


class Api:
    """AppSync, as far as it is called; fails the events that a test says."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.fails: set[str] = set()
        self.status = 200

    def post(self, body: bytes) -> Response:
        request = json.loads(body)
        if self.status != 200:
            return Response(self.status, b'{"errors":[{"errorType":"UnauthorizedException"}]}')
        self.requests.append(request)
        data, errors = {}, []
        for name, given in request["variables"].items():
            alias = name.replace("l", "m")
            failed = given["event_id"] in self.fails
            data[alias] = None if failed else {"event_id": given["event_id"]}
            if failed:
                errors.append({"path": [alias], "errorType": "MappingTemplate", "message": "no"})
        return Response(200, json.dumps({"data": data, **({"errors": errors} if errors else {})}).encode())

    def told(self) -> list[str]:
        events = (given["event_id"] for each in self.requests for given in each["variables"].values())
        return [event for event in events if event not in self.fails]


def test_the_newest_place_of_a_device_is_told_in_the_form_that_the_access_entrance_shows() -> None:
    aws = FakeAws()
    event = location("e1", battery={"level": 0.25}, speed=12, activity="drive")
    processor(aws).process(batch(envelope(registration("e0")), envelope(event, received_ms=NOW_MS + 5)))
    [move] = moves(changes(aws))
    assert (move.account_id, move.event_id) == ("acct_000001", "e1")
    assert move.location == {
        "event_id": "e1", "device_id": "d1", "recorded_at": rfc3339(NOW_MS),
        "received_at": rfc3339(NOW_MS + 5), "lat": 53.4, "lon": -2.9, "accuracy": 5.0, "speed": 12.0,
        "battery": 0.25, "activity": "drive", "context": "moving",
    }  # fmt: skip
    [item] = aws.items.values()
    shown = public_form.device(item)
    assert move.location == {"device_id": shown["device_id"], **shown["location"]}


def test_registrations_and_what_is_older_are_no_news() -> None:
    records = moved(
        envelope(location("e1")), envelope(registration("e2")), envelope(location("e3", NOW_MS - 5000))
    )
    assert len(records) == 3
    assert [move.event_id for move in moves(records)] == ["e1"]
    assert list(moves([{"dynamodb": {"SequenceNumber": "1", "Keys": {}}, "eventName": "REMOVE"}])) == []


def test_what_is_told_is_what_the_audit_says_is_owed() -> None:
    aws = FakeAws()
    events = [envelope(location(f"e{n}", NOW_MS + n * 1000, lat=53.4 + n / 10_000)) for n in range(6)]
    for start in (0, 3, 5):
        processor(aws).process(batch(*events[start : start + 3], first=start + 1))
    owed = {row[0] for each in aws.documents("audit/processor/") for row in each["rows"] if row[3] & 4}
    assert {move.event_id for move in moves(changes(aws))} == owed == {"e2", "e5"}


def test_an_account_gets_one_message_a_batch() -> None:
    sns = Topic()
    assert topic.publish(sns, "arn", many(30, accounts=3, context="moving")) == []
    [call] = sns.calls
    assert [len(json.loads(entry["Message"])["events"]) for entry in call] == [10, 10, 10]
    assert call[1]["MessageAttributes"] == {
        "account_id": {"DataType": "String", "StringValue": "acct_1"},
        "contexts": {"DataType": "String.Array", "StringValue": '["moving"]'},
    }


@pytest.mark.parametrize(("count", "accounts", "bytes_each"), [(1, 1, 10), (50, 23, 900), (500, 1, 2000),
                                                               (40, 2, 100_000)])  # fmt: skip
def test_messages_and_calls_stay_under_the_limits(count: int, accounts: int, bytes_each: int) -> None:
    sns = Topic()
    given = many(count, accounts, filler="é" * (bytes_each // 6))
    assert topic.publish(sns, "arn", given) == []
    assert sorted(sns.told()) == sorted((move.account_id, move.event_id) for move in given)


def test_a_message_that_sns_refuses_is_delivered_again_and_no_other() -> None:
    sns = Topic()
    sns.refused = {"acct_1"}
    failed = topic.publish(sns, "arn", many(6, accounts=3))
    assert [move.event_id for move in failed] == ["e1", "e4"]
    sns.down = True
    assert len(topic.publish(sns, "arn", many(6, accounts=3))) == 6


def test_many_mutations_go_in_one_request() -> None:
    api = Api()
    assert mutations.publish(api.post, many(60)) == []
    assert [len(each["variables"]) for each in api.requests] == [25, 25, 10]
    assert api.requests[0]["query"] == api.requests[1]["query"]
    assert api.requests[0]["variables"]["l3"] == {"account_id": "acct_0", "event_id": "e3", "device_id": "d3"}
    assert api.told() == [f"e{n}" for n in range(60)]


def test_a_mutation_that_fails_is_delivered_again_and_no_other() -> None:
    api = Api()
    api.fails = {"e3", "e26"}
    assert [move.event_id for move in mutations.publish(api.post, many(30))] == ["e3", "e26"]


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_request_that_is_refused_fails_all_its_mutations(status: int) -> None:
    api = Api()
    api.status = status
    assert len(mutations.publish(api.post, many(3))) == 3


def test_the_document_is_graphql_and_selects_all_that_is_given() -> None:
    aws = FakeAws()
    full = location("e1", battery={"level": 1}, speed=1, bearing=2, altitude=3, activity="walk")
    processor(aws).process(batch(envelope(full)))
    [move] = moves(changes(aws))
    document = mutations.query(1)
    selected = document[document.rindex("{", 0, document.rindex("}") - 2) + 1 :].rstrip("}").split()
    assert set(selected) == {"account_id", *move.location}


class Both:
    """A fan-out to a topic and an API."""

    def __init__(self) -> None:
        self.sns, self.api = Topic(), Api()

        def to_topic(batch: Sequence[Move]) -> list[Move]:
            return topic.publish(self.sns, "arn", batch)

        def to_api(batch: Sequence[Move]) -> list[Move]:
            return mutations.publish(self.api.post, batch)

        self.fanout = Fanout([Channel(to_topic), Channel(to_api)])


def test_what_failed_is_reported_and_what_was_told_is_not_told_again() -> None:
    both = Both()
    records = moved(
        envelope(location("e1")),
        envelope(registration("e2")),
        envelope(location("e3"), device="d2"),
        envelope(location("e4"), device="d3", account="acct_000002"),
    )
    both.api.fails, both.sns.refused = {"e3"}, {"acct_000002"}
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    assert both.fanout.tell(records) == [numbers[2], numbers[3]]
    both.api.fails, both.sns.refused = set(), set()
    both.sns.calls.clear()
    both.api.requests.clear()
    assert both.fanout.tell(records[2:]) == []
    assert both.sns.told() == [("acct_000002", "e4")]
    assert both.api.told() == ["e3"]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fanout, "REMEMBERED", 3)
    told: list[str] = []

    def tell(batch: Sequence[Move]) -> list[Move]:
        told.extend(move.event_id for move in batch)
        return []

    channel = Channel(tell)
    channel.tell(many(5))
    channel.tell(many(5))
    assert told == ["e0", "e1", "e2", "e3", "e4", "e0", "e1"]


class Http:
    """Answers in turn; an exception is raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.sent: list[Any] = []

    def send(self, request: Any) -> Any:
        self.sent.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return type("Answer", (), {"status_code": answer, "content": b"{}"})


@pytest.fixture
def session() -> Iterator[Any]:
    from botocore.session import Session

    with mock_aws():
        made = Session()
        made.set_credentials("AKIDEXAMPLE", "secret", "token")
        yield made


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ([200], 200),
        ([401], 401),
        ([503, 429, 200], 200),
        ([500, 500, 500, 500], 500),
        ([ConnectionClosedError(endpoint_url="x"), 200], 200),
    ],
)
def test_posts_are_signed_and_tried_again(
    session: Any, answers: list[Any], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    http, waits = Http(*answers), []
    monkeypatch.setattr(signed, "URLLib3Session", lambda **_: http)
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793")
    post = signed.poster("http://127.0.0.1:9/graphql/x", session, "eu-west-1", waits.append)
    assert post(b"{}").status == status
    assert len(waits) == len(http.sent) - 1 == len(answers) - 1
    signature = http.sent[0].headers["Authorization"]
    assert "/eu-west-1/appsync/aws4_request" in str(signature)
    assert "1-5759e988" in str(http.sent[0].headers["X-Amzn-Trace-Id"])
    assert http.sent[0].headers["X-Amz-Security-Token"] in ("token", b"token")


def test_no_answer_at_all_is_raised_in_the_end(session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = [ConnectionClosedError(endpoint_url="x") for _ in range(4)]
    monkeypatch.setattr(signed, "URLLib3Session", lambda **_: Http(*gone))
    post = signed.poster("http://127.0.0.1:9/graphql/x", session, "eu-west-1", lambda _: None)
    with pytest.raises(ConnectionClosedError):
        post(b"{}")
    assert len(mutations.publish(lambda _: (_ for _ in ()).throw(gone[0]), many(2))) == 2
