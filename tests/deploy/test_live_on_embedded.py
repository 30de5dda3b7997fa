"""Live locations on the embedded AWS: from a device to webhooks and subscribers, each account its own."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from deploy.accounts import account_id
from deploy.pipeline import LiveLocation
from deploy.standup.packaging import PackageCache
from harness.errors import TargetError
from harness.pipeline import Cloud, DeployParameters, Event, LiveSubscription, Watcher
from tests.deploy.standing import WITHIN_S, embedded, sent
from tests.deploy.stream import rfc3339

pytestmark = pytest.mark.slow

MINE, THEIRS = 0, 1


class Endpoints(http.server.BaseHTTPRequestHandler):
    """Webhook endpoints: by path what was posted to each; one under /failing takes nothing."""

    posted: Mapping[str, list[str]]

    def do_POST(self) -> None:
        envelope = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        failing = self.path.startswith("/failing")
        if envelope["Type"] == "SubscriptionConfirmation":
            with urllib.request.urlopen(envelope["SubscribeURL"], timeout=10):
                failing = False
        elif not failing:
            Endpoints.posted.setdefault(self.path, []).append(envelope["Message"])  # type: ignore[attr-defined]
        self.send_response(403 if failing else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def endpoints() -> Iterator[str]:
    Endpoints.posted = {}
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoints) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with embedded(tmp_path_factory.mktemp("aws")) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> LiveLocation:
    return LiveLocation("slow", PackageCache(tmp_path_factory.mktemp("packages")))


@pytest.fixture(scope="module")
def outputs(cloud: Cloud, pipeline: LiveLocation) -> Mapping[str, Any]:
    settings = {"webhook_hosts": "loopback"}
    return pipeline.deploy(cloud, DeployParameters(accounts=2, settings=settings))


class Devices:
    """Devices that send, each event once; places far enough apart to be kept, slow enough to be believed."""

    def __init__(self, pipeline: LiveLocation, outputs: Mapping[str, Any]) -> None:
        self._entrances = {each.route: each for each in pipeline.entrances(outputs)}
        self._next = 0
        self._began_s = time.time() - 3600

    def move(self, account: int, device_id: str) -> str:
        """Send a location; its event's id."""
        event_id = f"run-{self._next}"
        at_s = self._began_s + 10 * self._next
        fields = {"recorded_at": rfc3339(round(at_s * 1000)), "lat": 50 + self._next / 5000, "lon": 1.0}
        event = Event(self._next, event_id, "location", account, device_id, at_s, fields)
        self._next += 1
        assert sent(self._entrances["POST /v1/locations"].request([event]))[0] == 202
        return event_id


@pytest.fixture(scope="module")
def devices(pipeline: LiveLocation, outputs: Mapping[str, Any]) -> Devices:
    return Devices(pipeline, outputs)


def until(holds: Any) -> Any:
    """Wait for something that is true."""
    end = time.monotonic() + WITHIN_S
    while not (found := holds()):
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.05)
    return found


def graphql(
    outputs: Mapping[str, Any], document: str, variables: Mapping[str, Any], authorization: str | None
) -> tuple[int, Any]:
    body = json.dumps({"query": document, "variables": variables}).encode()
    headers = {"Content-Type": "application/json"}
    if authorization is not None:
        headers["Authorization"] = authorization
    request = urllib.request.Request(outputs["live"]["graphql_url"], body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def token(outputs: Mapping[str, Any], account: int) -> str:
    return str(outputs["live"]["tokens"][account_id(account)])


@asynccontextmanager
async def subscribed(how: LiveSubscription) -> Any:
    """(the answer to `start`, a coroutine function that takes the next data) of a subscription."""
    header = b64encode(json.dumps(dict(how.authorization)).encode()).decode()
    params = {"header": header, "payload": "e30="}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(how.realtime_url, params=params, protocols=("graphql-ws",)) as socket,
    ):

        async def next_of(*kinds: str) -> Any:
            async with asyncio.timeout(WITHIN_S):
                while True:
                    said = await socket.receive_json()
                    if said["type"] in kinds:
                        return said

        await socket.send_json({"type": "connection_init"})
        await next_of("connection_ack")
        data = json.dumps({"query": how.query, "variables": dict(how.variables)})
        payload = {"data": data, "extensions": {"authorization": dict(how.authorization)}}
        await socket.send_json({"id": "1", "type": "start", "payload": payload})
        yield await next_of("start_ack", "error"), next_of


def test_what_is_live_reaches_webhooks_and_subscribers_of_its_account(
    cloud: Cloud, pipeline: LiveLocation, outputs: Mapping[str, Any], devices: Devices, endpoints: str
) -> None:
    pipeline.add_webhook(outputs, MINE, f"{endpoints}/mine")
    pipeline.add_webhook(outputs, THEIRS, f"{endpoints}/theirs")
    sns, topic = cloud.client("sns"), outputs["device_events"]["topic_arn"]
    until(
        lambda: all(
            each["SubscriptionArn"] != "PendingConfirmation"
            for each in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        )
    )

    async def watch() -> tuple[list[str], list[str]]:
        of_device = pipeline.subscription(outputs, Watcher("subscription", MINE, "d-1"))
        of_account = pipeline.subscription(outputs, Watcher("subscription", MINE))
        async with subscribed(of_device) as (said, told), subscribed(of_account) as (also, told_all):
            assert (said["type"], also["type"]) == ("start_ack", "start_ack")
            sending = (devices.move, THEIRS, "d-1"), (devices.move, MINE, "d-2"), (devices.move, MINE, "d-1")
            for send, account, device_id in sending:
                await asyncio.to_thread(send, account, device_id)
            one = await told("data")
            two = [await told_all("data"), await told_all("data")]
            ids = [
                event.event_id
                for data in (one, *two)
                for event in pipeline.told("subscription", data["payload"]["data"])
            ]
            return ids[:1], sorted(ids[1:])

    assert asyncio.run(watch()) == (["run-2"], ["run-1", "run-2"])

    def told(path: str) -> set[str]:
        messages = Endpoints.posted.get(path, [])
        return {event.event_id for message in messages for event in pipeline.told("webhook", message)}

    until(lambda: told("/mine") == {"run-1", "run-2"} and told("/theirs") == {"run-0"})
    owed = until(
        lambda: (
            {each.event_id for each in pipeline.evidence(cloud, outputs, "run") if each.live}
            >= {"run-0", "run-1", "run-2"}
        )
    )
    assert owed
    pipeline.remove_webhooks(outputs, MINE)
    pipeline.remove_webhooks(outputs, THEIRS)
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def test_what_an_endpoint_does_not_take_is_a_lost_delivery(
    cloud: Cloud, pipeline: LiveLocation, outputs: Mapping[str, Any], devices: Devices, endpoints: str
) -> None:
    url = f"{endpoints}/failing"
    pipeline.add_webhook(outputs, MINE, url)
    sns, topic = cloud.client("sns"), outputs["device_events"]["topic_arn"]
    until(
        lambda: [
            each
            for each in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
            if each["Endpoint"] == url and each["SubscriptionArn"] != "PendingConfirmation"
        ]
    )
    event_id = devices.move(MINE, "d-3")  # 403 is not tried again
    pipeline_lost = until(lambda: list(pipeline.lost_deliveries(cloud, outputs, "run")))
    pipeline.remove_webhooks(outputs, MINE)
    assert [(each.event_id, each.url) for each in pipeline_lost] == [(event_id, url)]
    assert list(pipeline.lost_deliveries(cloud, outputs, "run")) == pipeline_lost
    assert list(pipeline.lost_deliveries(cloud, outputs, "other")) == []


def test_a_subscription_to_another_account_is_refused(
    pipeline: LiveLocation, outputs: Mapping[str, Any]
) -> None:
    own = pipeline.subscription(outputs, Watcher("subscription", MINE, "d-1"))

    async def refusal(how: LiveSubscription) -> Any:
        async with subscribed(how) as (said, _):
            return said

    for variables in (
        {"account_id": account_id(THEIRS), "device_id": "d-1"},
        {"account_id": None, "device_id": "d-1"},
        {"account_id": "", "device_id": "d-1"},
        {"device_id": "d-1"},
    ):
        how = LiveSubscription(own.realtime_url, own.authorization, own.query, variables)
        assert asyncio.run(refusal(how))["type"] == "error"


DEVICE = "query D($id: ID!) { device(id: $id) { device_id location { event_id account_id } } }"
PUBLISH = """mutation { publishLocation(location: {account_id: "acct_000001", device_id: "d", event_id: "e",
  lat: 1, lon: 2, recorded_at: "2026-01-01T00:00:00Z", received_at: "2026-01-01T00:00:00Z"}) { event_id } }"""


def test_a_user_finds_the_accounts_own_devices_and_no_others(
    outputs: Mapping[str, Any], devices: Devices
) -> None:
    mine, theirs = devices.move(MINE, "own-1"), devices.move(THEIRS, "own-2")

    def device(account: int, device_id: str) -> Any:
        status, answer = graphql(outputs, DEVICE, {"id": device_id}, token(outputs, account))
        assert status == 200
        return answer["data"]["device"]

    until(lambda: device(MINE, "own-1") and device(THEIRS, "own-2"))
    assert device(MINE, "own-1") == {
        "device_id": "own-1",
        "location": {"event_id": mine, "account_id": "acct_000001"},
    }
    assert device(THEIRS, "own-2")["location"]["event_id"] == theirs
    for device_id in ("own-2", "acct_000002/own-2", "../acct_000002/own-2", "*", ""):
        assert not device(MINE, device_id)


def test_every_device_is_listed_once(outputs: Mapping[str, Any], devices: Devices) -> None:
    wanted = {f"list-{n}" for n in range(9)}
    for device_id in sorted(wanted):
        devices.move(MINE, device_id)
    document = (
        "query L($limit: Int, $next: String) "
        "{ devices(limit: $limit, nextToken: $next) { devices { device_id } nextToken } }"
    )

    def listed(limit: int) -> list[str]:
        found, following = [], None
        while True:
            variables = {"limit": limit, "next": following}
            _, answer = graphql(outputs, document, variables, token(outputs, MINE))
            page = answer["data"]["devices"]
            assert len(page["devices"]) <= limit
            found += [each["device_id"] for each in page["devices"]]
            following = page["nextToken"]
            if following is None:
                return found

    until(lambda: wanted <= set(listed(100)))
    whole = sorted(listed(100))
    assert len(whole) == len(set(whole))
    assert sorted(listed(1)) == sorted(listed(4)) == whole
    assert not any(each in whole for each in ("own-2",))
    for wrong in ({"limit": 0}, {"limit": 101}, {"next": "9"}, {"next": "x:1"}, {"next": "12:"}):
        _, answer = graphql(outputs, document, wrong, token(outputs, MINE))
        assert answer["errors"][0]["errorType"] == "BadRequest", wrong


def test_a_request_of_very_many_fields_is_refused(outputs: Mapping[str, Any]) -> None:
    def asked(count: int) -> Any:
        fields = " ".join(f'a{n}: device(id: "d-1") {{ device_id }}' for n in range(count))
        return graphql(outputs, f"{{ {fields} }}", {}, token(outputs, MINE))[1]

    assert "errors" not in asked(100)
    assert asked(101)["errors"]


@pytest.mark.parametrize("mutation", [PUBLISH, PUBLISH.replace("acct_000001", "acct_000002")])
def test_a_user_may_not_publish(outputs: Mapping[str, Any], mutation: str) -> None:
    _, answer = graphql(outputs, mutation, {}, token(outputs, MINE))
    assert answer["data"] == {"publishLocation": None}
    assert answer["errors"][0]["errorType"] == "Unauthorized"


def test_strangers_are_refused(cloud: Cloud, outputs: Mapping[str, Any]) -> None:
    own = token(outputs, MINE)
    head, claims, signature = own.split(".")
    none = b64encode(b'{"alg":"none"}').decode().rstrip("=")
    for given in (
        None,
        "",
        "x",
        f"{none}.{claims}.",
        f"{head}.{token(outputs, THEIRS).split('.')[1]}.{signature}",
    ):
        status, answer = graphql(outputs, DEVICE, {"id": "d-1"}, given)
        assert status == 401, given
        assert "data" not in answer
    access = cloud.client("cognito-idp").initiate_auth(
        AuthFlow="USER_PASSWORD_AUTH",
        ClientId=outputs["live"]["client_id"],
        AuthParameters={
            "USERNAME": outputs["live"]["sample_user"],
            "PASSWORD": outputs["live"]["sample_password"],
        },
    )["AuthenticationResult"]["AccessToken"]
    _, answer = graphql(outputs, DEVICE, {"id": "d-1"}, access)  # it does not say whose user it is
    assert answer["errors"][0]["errorType"] == "Unauthorized"


def test_nobody_can_change_whose_user_they_are(cloud: Cloud, outputs: Mapping[str, Any]) -> None:
    cognito, live = cloud.client("cognito-idp"), outputs["live"]
    credentials = {"USERNAME": live["sample_user"], "PASSWORD": live["sample_password"]}
    tokens = cognito.initiate_auth(
        AuthFlow="USER_PASSWORD_AUTH", ClientId=live["client_id"], AuthParameters=credentials
    )["AuthenticationResult"]
    theirs = [{"Name": "custom:account_id", "Value": account_id(THEIRS)}]
    with pytest.raises(cognito.exceptions.ClientError):
        cognito.update_user_attributes(AccessToken=tokens["AccessToken"], UserAttributes=theirs)
    with pytest.raises(cognito.exceptions.ClientError):
        cognito.sign_up(
            ClientId=live["client_id"], Username="eve", Password="Lp1-0123456789abc", UserAttributes=theirs
        )


def test_an_account_without_a_user_cannot_watch(pipeline: LiveLocation, outputs: Mapping[str, Any]) -> None:
    with pytest.raises(TargetError, match=r"acct_000008 cannot sign in"):
        pipeline.subscription(outputs, Watcher("subscription", 7))


def test_what_cannot_be_told_is_dead_lettered_with_its_place_in_the_stream(
    cloud: Cloud, tmp_path: Path
) -> None:
    pipeline = LiveLocation("mute", PackageCache(tmp_path))
    outputs = pipeline.deploy(cloud, DeployParameters())
    functions, function = cloud.client("lambda"), outputs["functions"]["fanout"]
    variables = functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    nowhere = {**variables, "GRAPHQL_URL": "http://127.0.0.1:9/graphql/nobody"}
    functions.update_function_configuration(FunctionName=function, Environment={"Variables": nowhere})
    [mapping] = functions.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], MaximumRetryAttempts=0)
    until(lambda: functions.get_event_source_mapping(UUID=mapping["UUID"])["State"] == "Enabled")
    Devices(pipeline, outputs).move(MINE, "d-1")
    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName="launchday-mute-fanout-dead-letters")["QueueUrl"]
    [letter] = until(lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"))
    batch = json.loads(letter["Body"])["DDBStreamBatchInfo"]
    assert batch["streamArn"] == mapping["EventSourceArn"]
    assert batch["batchSize"] == 1
    pipeline.destroy(cloud)
