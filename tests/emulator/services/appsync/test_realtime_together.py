"""Execution and the real-time half joined, in one process: what subscribers are told of mutations."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.aws.limits.profiles import NONE
from harness.emulator.services.appsync.identity import Identity
from harness.emulator.services.appsync.realtime import RealTime
from harness.emulator.services.appsync.realtime.connection import Connection
from harness.emulator.services.appsync.service import AppSyncService
from harness.emulator.services.appsync.sources.factory import Sources
from harness.emulator.services.outbound import DeliveryAddresses
from tests.emulator.services.appsync.conftest import Driver
from tests.emulator.services.appsync.realtime_parts import FakeTransport, settled, start

SDL = """
enum Activity { still walk drive }
type Place { country: String city: String }
type Location @aws_api_key @aws_cognito_user_pools {
  account_id: String
  device_id: ID!
  lat: Float
  activity: Activity
  place: Place
  tags: [String]
  secret: String @aws_api_key
}
type Query { ready: Boolean }
type Mutation {
  publishLocation(
    account_id: String, device_id: ID!, lat: Float, activity: Activity, place: String, tags: [String]
  ): Location
  publishMany(n: Int!): [Location]
  removeDevice(device_id: ID!): Location
}
type Subscription {
  onLocation(account_id: String, device_id: ID, activity: Activity, lat: Float): Location
    @aws_subscribe(mutations: ["publishLocation"]) @aws_api_key @aws_cognito_user_pools
  onFast(minimum: Float!): Location @aws_subscribe(mutations: ["publishLocation"]) @aws_api_key
  onMany: [Location] @aws_subscribe(mutations: ["publishMany"]) @aws_api_key
  onPlatform: Location @aws_subscribe(mutations: ["publishLocation"]) @aws_iam
}
schema { query: Query mutation: Mutation subscription: Subscription }
"""
FAST = """
$extensions.setSubscriptionFilter({"filterGroup": [{"filters": [
  {"fieldName": "lat", "operator": "ge", "value": $ctx.args.minimum},
  {"fieldName": "activity", "operator": "in", "value": ["walk", "drive"]}
]}]})
$extensions.setSubscriptionInvalidationFilter({"filterGroup": [{"filters": [
  {"fieldName": "minimum", "operator": "eq", "value": $ctx.args.minimum}
]}]})
null
"""
REMOVE = """
$extensions.invalidateSubscriptions({"subscriptionField": "onFast", "payload": {"minimum": 10.5}})
$util.toJson($ctx.result)
"""
HEADERS = {"host": "localhost:4566", "x-api-key": "good"}


class Live(Driver):
    """A service with its real-time half, and clients without sockets."""

    def __init__(self) -> None:
        super().__init__()
        self.service = AppSyncService(
            meters=self.meters,
            limits=NONE,
            sources=Sources(self.calls, self.functions, DeliveryAddresses(own_ports=[4566])),
            authorizer=self.authorizer,
            make_realtime=self._realtime,
            endpoint="http://127.0.0.1:4566",
            clock=lambda: self.now_s,
        )
        self.api_id = self.create_api(
            SDL,
            additionalAuthenticationProviders=[
                {"authenticationType": "AWS_IAM"},
                {
                    "authenticationType": "AMAZON_COGNITO_USER_POOLS",
                    "userPoolConfig": {"userPoolId": "us-east-1_Abc123def", "awsRegion": "us-east-1"},
                },
            ],
        )
        self.source(self.api_id)
        echo = '{"version": "2018-05-29", "payload": $util.toJson($ctx.args)}'
        placed = """
          #set($result = $ctx.result)
          #set($result.secret = "hidden")
          #if($result.place) #set($result.place = $util.parseJson($result.place)) #end
          $util.toJson($result)
        """
        self.resolver(self.api_id, "Mutation.publishLocation", echo, placed)
        self.resolver(
            self.api_id,
            "Mutation.publishMany",
            '{"version": "2018-05-29", "payload": [{"device_id": "a", "lat": 1}, {"device_id": "b"}]}',
        )
        self.resolver(self.api_id, "Mutation.removeDevice", echo, REMOVE)
        self.resolver(self.api_id, "Subscription.onFast", '{"version": "2018-05-29", "payload": null}', FAST)

    def _realtime(self, service: AppSyncService) -> RealTime:
        self.realtime = RealTime(
            apis=service,
            authorizer=self.authorizer,
            executor=service.executor,
            meters=self.meters,
            limits=NONE,
            clock=lambda: self.now_s,
        )
        return self.realtime

    def begin(
        self, document: str, variables: dict[str, Any] | None = None
    ) -> tuple[Connection, FakeTransport]:
        transport = FakeTransport()
        connection = self.realtime.connect(self.api_id, transport, {"host": "localhost:4566"}, "10.0.0.9")

        async def send() -> None:
            await connection.receive(start("1", document, variables, HEADERS))
            await settled(connection)

        self.run(send())
        return connection, transport

    def listen(self, document: str, **variables: Any) -> FakeTransport:
        transport = self.begin(document, variables)[1]
        assert transport.take() == [{"id": "1", "type": "start_ack"}]
        return transport

    def errors(self, document: str, **variables: Any) -> list[dict[str, Any]]:
        (message,) = self.begin(document, variables)[1].take()
        assert message["type"] == "error"
        found: list[dict[str, Any]] = message["payload"]["errors"]
        return found

    def publish(self, selection: str = "account_id device_id lat activity", **arguments: Any) -> Any:
        given = ", ".join(
            f"{name}: {value if name == 'activity' else json.dumps(value)}"
            for name, value in arguments.items()
        )
        answer = self.post(
            self.api_id,
            {"query": f"mutation {{ publishLocation({given}) {{ {selection} }} }}"},
            {"x-api-key": "good"},
        )
        told = json.loads(answer.body)
        assert "errors" not in told, told
        return told["data"]["publishLocation"]


@pytest.fixture
def live() -> Live:
    return Live()


def test_subscribers_get_their_selection_of_the_mutations_selection(live: Live) -> None:
    whole = live.listen("subscription { onLocation { device_id lat account_id } }")
    named = live.listen("subscription S { on: onLocation { id: device_id __typename } }")
    live.publish("device_id lat", device_id="d-1", lat=1.5, account_id="a-1")
    assert whole.data() == [{"onLocation": {"device_id": "d-1", "lat": 1.5, "account_id": None}}]
    (told,) = named.data()
    assert told["on"]["id"] == "d-1"


def test_a_required_field_that_the_mutation_left_out_is_an_error(live: Live) -> None:
    client = live.listen("subscription { onLocation { device_id } }")
    live.publish("lat", device_id="d-1", lat=1.5)
    (message,) = client.take()
    assert message["payload"]["data"] == {"onLocation": None}
    assert "device_id" in json.dumps(message["payload"]["errors"])


def test_arguments_of_all_types_choose(live: Live) -> None:
    document = "subscription($a: Activity, $l: Float) { onLocation(activity: $a, lat: $l) { device_id } }"
    walkers = live.listen(document, a="walk")
    placed = live.listen(document, l=2)
    unplaced = live.listen(document, l=None)
    literal = live.listen("subscription { onLocation(activity: drive, lat: 2.0) { device_id } }")
    live.publish(device_id="d-1", activity="walk", lat=1.5)
    live.publish(device_id="d-2", activity="drive", lat=2)
    live.publish(device_id="d-3")
    assert [told["onLocation"]["device_id"] for told in walkers.data()] == ["d-1"]
    assert [told["onLocation"]["device_id"] for told in placed.data()] == ["d-2"]
    assert [told["onLocation"]["device_id"] for told in unplaced.data()] == ["d-3"]
    assert [told["onLocation"]["device_id"] for told in literal.data()] == ["d-2"]


def test_a_subscription_to_a_field_that_the_mutation_leaves_out_is_not_told(live: Live) -> None:
    client = live.listen('subscription { onLocation(account_id: "a-1") { device_id } }')
    live.publish("device_id", device_id="d-1", account_id="a-1")
    assert client.take() == []
    live.publish("device_id account_id", device_id="d-2", account_id="a-1")
    assert [told["onLocation"]["device_id"] for told in client.data()] == ["d-2"]


def test_several_aliased_mutations_in_one_request_each_tell(live: Live) -> None:
    client = live.listen("subscription { onLocation { device_id } }")
    fields = " ".join(f'a{n}: publishLocation(device_id: "d-{n}") {{ device_id }}' for n in range(5))
    live.post(live.api_id, {"query": f"mutation {{ {fields} }}"}, {"x-api-key": "good"})
    assert [told["onLocation"]["device_id"] for told in client.data()] == [f"d-{n}" for n in range(5)]


def test_lists_are_told_to_who_asks_for_all(live: Live) -> None:
    client = live.listen("subscription { onMany { device_id lat } }")
    live.post(
        live.api_id, {"query": "mutation { publishMany(n: 2) { device_id lat } }"}, {"x-api-key": "good"}
    )
    assert client.data() == [{"onMany": [{"device_id": "a", "lat": 1.0}, {"device_id": "b", "lat": None}]}]


def test_a_filter_that_a_resolver_sets_chooses_and_a_mutation_ends_it(live: Live) -> None:
    fast = live.listen("subscription { onFast(minimum: 10.5) { device_id } }")
    faster = live.listen("subscription { onFast(minimum: 50) { device_id } }")
    live.publish(device_id="d-1", lat=11, activity="walk")
    live.publish(device_id="d-2", lat=60, activity="drive")
    live.publish(device_id="d-3", lat=60, activity="still")
    live.publish("device_id lat", device_id="d-4", lat=60, activity="drive")
    assert [told["onFast"]["device_id"] for told in fast.data()] == ["d-1", "d-2"]
    assert [told["onFast"]["device_id"] for told in faster.data()] == ["d-2"]
    removal = {"query": 'mutation { removeDevice(device_id: "d-1") { device_id } }'}
    live.post(live.api_id, removal, {"x-api-key": "good"})
    assert [message["type"] for message in fast.take()] == ["complete"]
    assert (fast.closed_with, faster.closed_with) == (1000, None)


@pytest.mark.parametrize(
    "document",
    [
        "subscription { onLocation { device_id",
        "subscription { nothing { device_id } }",
        "subscription { onLocation { nothing } }",
        "subscription { onLocation }",
        "subscription { onFast { device_id } }",
        "subscription { onLocation { device_id } onMany { device_id } }",
        "subscription($d: ID!) { onLocation(device_id: $d) { device_id } }",
        "query { ready }",
        "mutation { publishLocation(device_id: 1) { device_id } }",
        "",
    ],
)
def test_what_is_no_subscription_is_refused(live: Live, document: str) -> None:
    errors = live.errors(document)
    assert errors
    assert all(isinstance(error.get("message"), str) for error in errors)
    live.publish(device_id="d-1")


def test_who_may_not_use_the_field_is_refused(live: Live) -> None:
    assert "onPlatform" in json.dumps(live.errors("subscription { onPlatform { device_id } }"))
    live.authorizer.identity = Identity("AMAZON_COGNITO_USER_POOLS", {"sub": "s"})
    assert "onFast" in json.dumps(live.errors("subscription { onFast(minimum: 1) { device_id } }"))
    live.listen("subscription { onLocation { device_id } }")


def test_a_field_that_a_subscriber_may_not_see_is_not_shown(live: Live) -> None:
    live.authorizer.identity = Identity("AMAZON_COGNITO_USER_POOLS", {"sub": "s"})
    client = live.listen("subscription { onLocation { device_id secret } }")
    live.authorizer.identity = Identity("API_KEY")
    told = live.listen("subscription { onLocation { device_id secret } }")
    live.publish("device_id secret", device_id="d-1")
    assert told.data() == [{"onLocation": {"device_id": "d-1", "secret": "hidden"}}]
    (message,) = client.take()
    assert message["payload"]["data"] == {"onLocation": {"device_id": "d-1", "secret": None}}
    assert message["payload"]["errors"][0]["errorType"] == "Unauthorized"


def test_a_mutation_that_fails_tells_nobody(live: Live) -> None:
    client = live.listen("subscription { onLocation { device_id } }")
    body = {"query": 'mutation { publishLocation(device_id: "d", lat: "x") { device_id } }'}
    assert b"errors" in live.post(live.api_id, body, {"x-api-key": "good"}).body
    assert client.take() == []


def test_an_api_that_is_deleted_lets_its_clients_go(live: Live) -> None:
    client = live.listen("subscription { onLocation { device_id } }")
    live("DELETE", f"/v1/apis/{live.api_id}")
    assert client.closed_with == 1001
