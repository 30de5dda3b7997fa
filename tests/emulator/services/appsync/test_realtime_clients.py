"""Published clients against the whole embedded AWS, unchanged: gql's AppSync transports and an npm link.

Each subscribes through the edge's port; a mutation is published until the first update arrives, since none of
them says when its subscription is registered.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.credentials import Credentials
from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.appsync_auth import (
    AppSyncApiKeyAuthentication,
    AppSyncAuthentication,
    AppSyncIAMAuthentication,
    AppSyncJWTAuthentication,
)
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport
from gql.transport.exceptions import TransportError

from harness.aws.limits.profiles import ESTABLISHED
from harness.emulator.launch import EmbeddedAws
from harness.targets.local import local_cloud
from tests.emulator import npm
from tests.resolvers import resolver_of_templates

pytestmark = pytest.mark.slow

SCHEMA = """
type Location @aws_api_key @aws_iam @aws_cognito_user_pools {
  account_id: String!
  device_id: ID!
  lat: Float
  secret: String
}
type Query @aws_api_key @aws_iam @aws_cognito_user_pools { ready: Boolean }
type Mutation {
  publishLocation(account_id: String!, device_id: ID!, lat: Float): Location @aws_api_key @aws_iam
}
type Subscription {
  onLocation(account_id: String, device_id: ID): Location
    @aws_subscribe(mutations: ["publishLocation"]) @aws_api_key @aws_iam @aws_cognito_user_pools
}
schema { query: Query mutation: Mutation subscription: Subscription }
"""
SUBSCRIPTION = 'subscription { onLocation(device_id: "d-1") { device_id lat secret } }'
PACKAGES = ("aws-appsync-subscription-link@4.0.3", "@apollo/client@4", "graphql@16", "rxjs@7", "ws@8")
SCRIPT = Path(__file__).with_name("javascript") / "subscribe.cjs"
PASSWORD = "Correct-Horse-9"


@dataclass
class Api:
    """A GraphQL API with three modes, and who may use it."""

    aws: EmbeddedAws
    api_id: str
    uris: dict[str, str]
    key: str
    token: str
    other_pools_token: str
    other_api_id: str
    other_key: str

    @property
    def host(self) -> str:
        return self.uris["GRAPHQL"].split("/")[2]

    @property
    def web_socket(self) -> str:
        return f"ws://{self.host}/graphql/{self.api_id}"

    def publish(self, device_id: str = "d-1", lat: float = 1.5) -> dict[str, Any]:
        document = (
            f'mutation {{ publishLocation(account_id: "a", device_id: "{device_id}", lat: {lat}) '
            "{ account_id device_id lat } }"
        )
        return self.query(document, {"x-api-key": self.key})

    def query(self, document: str, headers: dict[str, str]) -> dict[str, Any]:
        sent = json.dumps({"query": document}).encode()
        request = urllib.request.Request(
            self.uris["GRAPHQL"], sent, {"content-type": "application/json", **headers}
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                answered: dict[str, Any] = json.load(answer)
                return answered
        except urllib.error.HTTPError as error:
            return {"status": error.code, **json.load(error)}


def user_token(cognito: Any) -> tuple[str, str]:
    """A pool's id, and the ID token of a user in it."""
    pool_id = cognito.create_user_pool(PoolName="riders")["UserPool"]["Id"]
    app = cognito.create_user_pool_client(
        UserPoolId=pool_id, ClientName="app", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    cognito.admin_create_user(UserPoolId=pool_id, Username="ana", MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=pool_id, Username="ana", Password=PASSWORD, Permanent=True)
    signed_in = cognito.initiate_auth(
        ClientId=app,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ana", "PASSWORD": PASSWORD},
    )
    return pool_id, signed_in["AuthenticationResult"]["IdToken"]


def an_api(appsync: Any, pool_id: str, name: str) -> tuple[str, dict[str, str], str]:
    made = appsync.create_graphql_api(
        name=name,
        authenticationType="API_KEY",
        additionalAuthenticationProviders=[
            {"authenticationType": "AWS_IAM"},
            {
                "authenticationType": "AMAZON_COGNITO_USER_POOLS",
                "userPoolConfig": {"userPoolId": pool_id, "awsRegion": "us-east-1"},
            },
        ],
    )["graphqlApi"]
    api_id = made["apiId"]
    with_resolver(appsync, api_id, SCHEMA)
    return api_id, made["uris"], appsync.create_api_key(apiId=api_id)["apiKey"]["id"]


def with_resolver(appsync: Any, api_id: str, schema: str) -> None:
    """A mutation that answers with its arguments."""
    appsync.start_schema_creation(apiId=api_id, definition=schema.encode())
    resolver_of_templates(appsync, api_id, "Mutation.publishLocation", payload="$util.toJson($ctx.args)")


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    with EmbeddedAws(port=0, data_dir=tmp_path_factory.mktemp("embedded"), limits=ESTABLISHED) as running:
        yield running


@pytest.fixture(scope="module")
def api(aws: EmbeddedAws) -> Api:
    cloud = local_cloud({"": aws.endpoints[""]})
    pool_id, token = user_token(cloud.client("cognito-idp"))
    _, other_token = user_token(cloud.client("cognito-idp"))
    api_id, uris, key = an_api(cloud.client("appsync"), pool_id, "live")
    other_id, _, other_key = an_api(cloud.client("appsync"), pool_id, "other")
    return Api(aws, api_id, uris, key, token, other_token, other_id, other_key)


def iam(host: str, access_key: str = "test", secret_key: str = "test") -> AppSyncAuthentication:
    return AppSyncIAMAuthentication(
        host=host, region_name="us-east-1", credentials=Credentials(access_key, secret_key)
    )


async def first_update(api: Api, transport: AppSyncWebsocketsTransport) -> dict[str, Any]:
    """What a subscriber is told first, while mutations are published."""
    async with Client(transport=transport) as session:
        updates = session.subscribe(gql(SUBSCRIPTION))
        update = await published_until(api, asyncio.ensure_future(anext(updates)))
        await updates.aclose()
        return update


async def published_until(api: Api, told: asyncio.Future[dict[str, Any]]) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while not told.done():
            await asyncio.to_thread(api.publish, "d-2")
            await asyncio.to_thread(api.publish, "d-1")
            await asyncio.wait({told}, timeout=0.05)
    return told.result()


GOOD: dict[str, Callable[[Api], AppSyncAuthentication]] = {
    "API key": lambda api: AppSyncApiKeyAuthentication(host=api.host, api_key=api.key),
    "token": lambda api: AppSyncJWTAuthentication(host=api.host, jwt=api.token),
    "bearer token": lambda api: AppSyncJWTAuthentication(host=api.host, jwt=f"Bearer {api.token}"),
    "signature": lambda api: iam(api.host),
}


@pytest.mark.parametrize("mode", list(GOOD))
def test_gql_subscribes_and_is_told_what_it_selected(api: Api, mode: str) -> None:
    """Only fields of the mutation's selection set are there; others are null."""
    transport = AppSyncWebsocketsTransport(url=api.web_socket, auth=GOOD[mode](api))
    update = asyncio.run(first_update(api, transport))
    assert update == {"onLocation": {"device_id": "d-1", "lat": 1.5, "secret": None}}


def test_gql_subscribes_at_the_realtime_address_that_the_api_names(api: Api) -> None:
    transport = AppSyncWebsocketsTransport(url=api.uris["REALTIME"], auth=GOOD["API key"](api))
    assert asyncio.run(first_update(api, transport))["onLocation"]["device_id"] == "d-1"


def test_gql_derives_the_realtime_host_from_the_apis_own(api: Api) -> None:
    """A name like AWS's needs somebody who resolves it; then everything is derived as on AWS."""
    port = api.host.partition(":")[2]
    host = f"{api.api_id}.appsync-api.us-east-1.localhost:{port}"
    transport = AppSyncWebsocketsTransport(
        url=f"ws://{host}/graphql", auth=iam(host), connect_args={"host": "127.0.0.1", "port": int(port)}
    )
    assert "appsync-realtime-api" in transport.url
    assert asyncio.run(first_update(api, transport))["onLocation"]["device_id"] == "d-1"


BAD: dict[str, Callable[[Api], AppSyncAuthentication]] = {
    "no such key": lambda api: AppSyncApiKeyAuthentication(host=api.host, api_key="da2-none"),
    "another API's key": lambda api: AppSyncApiKeyAuthentication(host=api.host, api_key=api.other_key),
    "another API's host": lambda api: AppSyncApiKeyAuthentication(
        host=f"{api.other_api_id}.appsync-api.us-east-1.amazonaws.com", api_key=api.key
    ),
    "another pool's token": lambda api: AppSyncJWTAuthentication(host=api.host, jwt=api.other_pools_token),
    "a token cut short": lambda api: AppSyncJWTAuthentication(host=api.host, jwt=api.token[:-10]),
    "no token": lambda api: AppSyncJWTAuthentication(host=api.host, jwt=""),
    "a wrong secret": lambda api: iam(api.host, secret_key="wrong"),
    "an unknown access key": lambda api: iam(api.host, access_key="AKIAIOSFODNN7EXAMPLE"),
}


@pytest.mark.parametrize("reason", list(BAD))
def test_gql_is_told_that_it_may_not(api: Api, reason: str) -> None:
    transport = AppSyncWebsocketsTransport(url=api.web_socket, auth=BAD[reason](api))

    async def connect() -> None:
        async with Client(transport=transport):
            pass

    with pytest.raises(TransportError, match="Exception"):
        asyncio.run(connect())


def test_gqls_http_transport_queries_in_each_mode(api: Api) -> None:
    async def ready(auth: AppSyncAuthentication) -> Any:
        from gql.transport.appsync_auth import AppSyncIAMAuthentication

        if isinstance(auth, AppSyncIAMAuthentication):
            document = json.dumps({"query": "{ ready }"})
            headers = auth.get_headers(document)
            return await asyncio.to_thread(_post, api, document, headers)
        transport = AIOHTTPTransport(url=api.uris["GRAPHQL"], headers=auth.get_headers())
        async with Client(transport=transport) as session:
            return await session.execute(gql("{ ready }"))

    for make in GOOD.values():
        assert asyncio.run(ready(make(api))) == {"ready": None}


def _post(api: Api, document: str, headers: dict[str, str]) -> Any:
    """A signed request as it was signed, to the byte."""
    request = urllib.request.Request(api.uris["GRAPHQL"], document.encode(), headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)["data"]


# --- JavaScript


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages. `npm` installs them from its registry."""
    folder = tmp_path_factory.mktemp("javascript")
    (folder / "package.json").write_text('{"private": true}')
    return npm.installed(folder, *PACKAGES)


def in_node(node: Path, api: Api, mode: str, secret: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["node", str(SCRIPT), api.uris["GRAPHQL"], mode, secret, SUBSCRIPTION],
        cwd=node,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


@pytest.mark.parametrize(
    ("mode", "secret"),
    [
        ("API_KEY", lambda api: api.key),
        ("AWS_IAM", lambda _: "test:test"),
        ("AMAZON_COGNITO_USER_POOLS", lambda api: api.token),
    ],
)
def test_the_npm_subscription_link_is_told(
    node: Path, api: Api, mode: str, secret: Callable[[Api], str]
) -> None:
    with in_node(node, api, mode, secret(api)) as process:
        stdout = process.stdout
        assert stdout is not None

        async def first() -> dict[str, Any]:
            line = asyncio.to_thread(stdout.readline)
            return await published_until(api, asyncio.ensure_future(_parsed(line)))

        update = asyncio.run(first())
        process.communicate(timeout=20)
    assert update["data"]["onLocation"] == {
        "__typename": "Location",
        "device_id": "d-1",
        "lat": 1.5,
        "secret": None,
    } or update["data"]["onLocation"] == {"device_id": "d-1", "lat": 1.5, "secret": None}


async def _parsed(line: Awaitable[str]) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(await line)
    return parsed


def test_the_npm_subscription_link_is_told_that_it_may_not(node: Path, api: Api) -> None:
    with in_node(node, api, "API_KEY", "da2-none") as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert process.wait(60) == 1
    assert "UnauthorizedException" in said


# --- functions

SIGNING_FUNCTION = """
import json, os, urllib.request
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

def handler(event, context):
    body = json.dumps({"query": event["query"]})
    request = AWSRequest("POST", event["url"], {"content-type": "application/json"}, body)
    token = os.environ["AWS_SESSION_TOKEN"] if event["token"] else None
    keys = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], token)
    SigV4Auth(keys, "appsync", os.environ["AWS_REGION"]).add_auth(request)
    sent = urllib.request.Request(event["url"], body.encode(), dict(request.headers))
    try:
        with urllib.request.urlopen(sent) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return {"status": error.code, **json.load(error)}
"""
AUTHORIZING_FUNCTION = """
def handler(event, context):
    connecting = event["requestContext"]["operationName"] == "DeepDish:Connect"
    allowed = event["authorizationToken"] == "let me in" or connecting
    return {"isAuthorized": allowed, "deniedFields": ["Location.lat"], "ttlOverride": 0}
"""


def a_function(api: Api, name: str, source: str) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", source)
    functions = local_cloud({"": api.aws.endpoints[""]}).client("lambda")
    arn: str = functions.create_function(
        FunctionName=name,
        Runtime=f"python3.{sys.version_info.minor}",
        Role="arn:aws:iam::000000000000:role/fanout-role",
        Handler="app.handler",
        Timeout=30,
        Code={"ZipFile": packed.getvalue()},
    )["FunctionArn"]
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    return arn


def test_a_functions_own_credentials_sign_for_its_role(api: Api) -> None:
    a_function(api, "signs", SIGNING_FUNCTION)
    functions = local_cloud({"": api.aws.endpoints[""]}).client("lambda")
    document = 'mutation { publishLocation(account_id: "a", device_id: "d-9") { device_id } }'

    def invoke(*, token: bool) -> Any:
        event = {"url": api.uris["GRAPHQL"], "query": document, "token": token}
        answer = functions.invoke(FunctionName="signs", Payload=json.dumps(event))
        return json.load(answer["Payload"])

    assert invoke(token=True) == {"data": {"publishLocation": {"device_id": "d-9"}}}
    refused = invoke(token=False)
    assert (refused["status"], refused["errors"][0]["errorType"]) == (403, "UnrecognizedClientException")


def test_a_lambda_authorizer_lets_in_and_denies_fields(api: Api) -> None:
    arn = a_function(api, "authorizes", AUTHORIZING_FUNCTION)
    appsync = local_cloud({"": api.aws.endpoints[""]}).client("appsync")
    made = appsync.create_graphql_api(
        name="custom", authenticationType="AWS_LAMBDA", lambdaAuthorizerConfig={"authorizerUri": arn}
    )["graphqlApi"]
    schema = SCHEMA
    for directive in ("@aws_api_key", "@aws_iam", "@aws_cognito_user_pools"):
        schema = schema.replace(directive, "")
    mine = replace(api, api_id=made["apiId"], uris=made["uris"])
    with_resolver(appsync, mine.api_id, schema)
    document = 'mutation { publishLocation(account_id: "a", device_id: "d-1", lat: 1) { device_id lat } }'
    told = mine.query(document, {"authorization": "let me in"})
    assert told["data"]["publishLocation"] == {"device_id": "d-1", "lat": None}
    refused = mine.query(document, {"authorization": "please"})
    assert (refused["status"], refused["errors"][0]["errorType"]) == (401, "UnauthorizedException")
    auth = AppSyncJWTAuthentication(host=mine.host, jwt="let me in")

    async def scenario() -> Any:
        transport = AppSyncWebsocketsTransport(url=mine.web_socket, auth=auth)
        async with Client(transport=transport) as session:
            updates = session.subscribe(gql("subscription { onLocation { device_id } }"))
            told = asyncio.ensure_future(anext(updates))
            async with asyncio.timeout(60):
                while not told.done():
                    await asyncio.to_thread(mine.query, document, {"authorization": "let me in"})
                    await asyncio.wait({told}, timeout=0.05)
            await updates.aclose()
            return told.result()

    assert asyncio.run(scenario()) == {"onLocation": {"device_id": "d-1"}}


# --- the processes


def test_clients_see_a_close_when_the_push_process_dies(tmp_path: Path) -> None:
    """Its own embedded AWS: what it breaks would be missed by the others."""
    with EmbeddedAws(port=0, data_dir=tmp_path, limits=ESTABLISHED) as running:
        cloud = local_cloud({"": running.endpoints[""]})
        pool_id, token = user_token(cloud.client("cognito-idp"))
        api_id, uris, key = an_api(cloud.client("appsync"), pool_id, "live")
        mine = Api(running, api_id, uris, key, token, "", "", "")
        transport = AppSyncWebsocketsTransport(url=mine.web_socket, auth=GOOD["API key"](mine))

        async def scenario() -> None:
            async with Client(transport=transport) as session:
                updates = session.subscribe(gql(SUBSCRIPTION))
                await published_until(mine, asyncio.ensure_future(anext(updates)))
                os.kill(push_pid(running), signal.SIGKILL)
                with pytest.raises((TransportError, StopAsyncIteration)):
                    await asyncio.wait_for(to_the_end(updates), 30)

        asyncio.run(scenario())


async def to_the_end(updates: Any) -> None:
    while True:
        await anext(updates)


def push_pid(aws: EmbeddedAws) -> int:
    with urllib.request.urlopen(aws.endpoints[""] + "/_launchday/observation", timeout=20) as answer:
        processes = json.load(answer)["processes"]
    pid = next(process["pid"] for process in processes if process["name"] == "push")
    assert psutil.pid_exists(pid)
    return int(pid)
