"""AppSync: who may ask a GraphQL API, and who subscribes."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.conformance.behaviours.appsync.graphql_apis import (
    AUTHORIZATION,
    PASSWORD,
    READ,
    REALTIME,
    SUBSCRIPTIONS,
    WITHIN_S,
    Api,
    created,
    guide,
    here,
    none,
)
from tests.conformance.catalogue import behaviour, reference
from tests.conformance.functions import function
from tests.conformance.kit import Cleanup, refusing
from tests.conformance.targets import Aws
from tests.conformance.verdicts import NotOffered

# --- authorization -----------------------------------------------------------------------------------------


def only_echo(api: Api, identity: str = '"$ctx.args.text"') -> Api:
    """`api` with one field: what the template makes of the caller."""
    api.schema("type Query { echo(text: String): String secret: String }")
    api.source("none")
    api.resolver("Query.echo", none(identity))
    api.resolver("Query.secret", none('"told"'))
    return api


@behaviour(
    "appsync.keys-are-asked-for",
    "With API keys, a request without a key or with a wrong one is answered 401 UnauthorizedException.",
    AUTHORIZATION,
)
def test_api_key(api: Api) -> None:
    for headers in ({"x_nothing": "1"}, {"x_api_key": "da2-wrongwrongwrongwrongwrong"}):
        reply = api.post("{ __typename }", **headers)
        assert reply.status == 401
        assert reply.json["errors"][0]["errorType"] == "UnauthorizedException"
    assert api.data("{ __typename }") == {"__typename": "Query"}


@behaviour(
    "appsync.signatures-are-verified",
    "With IAM, a request must be signed, and its signature must be right.",
    AUTHORIZATION,
)
def test_iam(aws: Aws, cleanup: Cleanup) -> None:
    api = only_echo(created(aws, cleanup, "AWS_IAM"))
    url, host = here(aws, api.uris.get("GRAPHQL", ""))
    body = json.dumps({"query": '{ echo(text: "in") }'})
    address = url if not host else f"http://{host['host']}{urlsplit(url).path}"
    request = AWSRequest("POST", address, {"content-type": "application/json"}, body)
    SigV4Auth(Credentials("test", "test"), "appsync", aws.region).add_auth(request)
    signed = {
        name.lower(): value for name, value in request.headers.items() if name.lower() != "content-type"
    }
    assert api.post_raw(body, **signed).json == {"data": {"echo": "in"}}
    spoilt = {**signed, "authorization": signed["authorization"][:-4] + "0000"}
    assert api.post_raw(body, **spoilt).status in (401, 403)
    assert api.post_raw(body, x_nothing="1").status in (401, 403)


@behaviour(
    "appsync.tokens-of-a-user-pool",
    "With a user pool, its tokens let a user in, templates see who it is, and other tokens are answered 401.",
    AUTHORIZATION,
)
def test_user_pool(aws: Aws, cleanup: Cleanup) -> None:
    idp = aws.client("cognito-idp")
    pool = idp.create_user_pool(PoolName=aws.name("pool"))["UserPool"]["Id"]
    cleanup.add(idp.delete_user_pool, UserPoolId=pool)
    client = idp.create_user_pool_client(
        UserPoolId=pool,
        ClientName="app",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]["ClientId"]
    idp.admin_create_user(UserPoolId=pool, Username="ana", MessageAction="SUPPRESS")
    idp.admin_set_user_password(UserPoolId=pool, Username="ana", Password=PASSWORD, Permanent=True)
    token = idp.initiate_auth(
        ClientId=client,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ana", "PASSWORD": PASSWORD},
    )["AuthenticationResult"]["IdToken"]
    config = {"userPoolId": pool, "awsRegion": aws.region, "defaultAction": "ALLOW"}
    made = created(aws, cleanup, "AMAZON_COGNITO_USER_POOLS", userPoolConfig=config)
    api = only_echo(made, '"$ctx.identity.username $ctx.identity.claims.token_use"')
    assert api.post("{ echo }", authorization=token).json == {"data": {"echo": "ana id"}}
    head, body, signature = token.split(".")
    for wrong in (f"{head}.{body}.{signature[:-8]}AAAAAAAA", "no.token.at.all"):
        assert api.post("{ echo }", authorization=wrong).status == 401


AUTHORIZER = """
def handler(event, context):
    token = event["authorizationToken"]
    return {
        "isAuthorized": token.startswith("in"),
        "resolverContext": {"who": token},
        "deniedFields": ["Query.secret"],
        "ttlOverride": 0,
    }
"""


@behaviour(
    "appsync.functions-authorize",
    "A function authorizes requests: it lets in or not, denies fields, and tells templates who it is.",
    guide("AWS_LAMBDA authorization", "security-authz"),
)
def test_lambda_authorization(aws: Aws, cleanup: Cleanup) -> None:
    authorizer = function(aws, cleanup, AUTHORIZER)
    config = {"authorizerUri": authorizer.arn}
    made = created(aws, cleanup, "AWS_LAMBDA", lambdaAuthorizerConfig=config)
    api = only_echo(made, '"$ctx.identity.resolverContext.who"')
    assert api.post("{ echo }", authorization="in-1").json == {"data": {"echo": "in-1"}}
    assert api.post("{ echo }", authorization="out").status == 401
    denied = api.post("{ echo secret }", authorization="in-1").json
    assert denied["data"] == {"echo": "in-1", "secret": None}
    assert denied["errors"][0]["errorType"] == "Unauthorized"


@behaviour(
    "appsync.fields-choose-their-authorization",
    "A field that is marked for another mode of authorization is refused with Unauthorized, and is null.",
    AUTHORIZATION,
)
def test_directives(aws: Aws, cleanup: Cleanup) -> None:
    api = created(aws, cleanup, additionalAuthenticationProviders=[{"authenticationType": "AWS_IAM"}]).schema(
        "type Query { open: String closed: String @aws_iam }"
    )
    api.source("none")
    for name in ("open", "closed"):
        api.resolver(f"Query.{name}", none(f'"{name}"'))
    answer = api.ask("{ open closed }")
    assert answer["data"] == {"open": "open", "closed": None}
    assert answer["errors"][0]["errorType"] == "Unauthorized"


# --- subscriptions -----------------------------------------------------------------------------------------


class Socket:
    """A connection that speaks AppSync's protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, header: Mapping[str, str]) -> None:
        self._socket = socket
        self._header = header

    async def say(self, **message: Any) -> None:
        await self._socket.send_str(json.dumps(message))

    async def hear(self, *types: str) -> dict[str, Any]:
        """The next message of one of the `types`; what keeps the connection alive is passed over."""
        deadline = time.monotonic() + WITHIN_S
        while True:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + deadline - time.monotonic()):
                message = await self._socket.receive()
            assert message.type is aiohttp.WSMsgType.TEXT, f"{types} expected, got {message.type.name}"
            said: dict[str, Any] = json.loads(message.data)
            if said["type"] in types:
                return said
            assert said["type"] == "ka", f"{types} expected, got {said}"

    async def subscribe(self, id_: str, query: str, **variables: Any) -> dict[str, Any]:
        data = json.dumps({"query": query, "variables": variables})
        payload = {"data": data, "extensions": {"authorization": dict(self._header)}}
        await self.say(id=id_, type="start", payload=payload)
        return await self.hear("start_ack", "error")


def connected(api: Api, talk: Callable[[Socket], Coroutine[Any, Any, None]]) -> None:
    """Have `talk` over a connection of `api` that is acknowledged."""
    asyncio.run(_connected(api, talk))


async def _connected(api: Api, talk: Callable[[Socket], Coroutine[Any, Any, None]]) -> None:
    async with aiohttp.ClientSession() as session:
        socket = await _open(session, api, api.authorization["x_api_key"])
        async with socket:
            speaking = Socket(socket, _header(api, api.authorization["x_api_key"]))
            await speaking.say(type="connection_init")
            acknowledged = await speaking.hear("connection_ack")
            assert acknowledged["payload"]["connectionTimeoutMs"] > 0
            await talk(speaking)


def _header(api: Api, key: str) -> dict[str, str]:
    return {"host": urlsplit(api.uris["GRAPHQL"]).netloc, "x-api-key": key}


async def _open(session: aiohttp.ClientSession, api: Api, key: str) -> aiohttp.ClientWebSocketResponse:
    uri = api.uris.get("REALTIME", "")
    if not uri:
        raise NotOffered("the API has no real-time address")
    url, host = here(api.aws, uri)
    header = base64.b64encode(json.dumps(_header(api, key)).encode()).decode()
    try:
        return await session.ws_connect(
            url.replace("ws://", "http://"),
            params={"header": header, "payload": "e30="},
            protocols=("graphql-ws",),
            headers=host,
        )
    except aiohttp.WSServerHandshakeError as error:
        if error.status in (404, 405, 501):
            raise NotOffered(f"the real-time address answers {error.status}") from None
        raise


ON_PUT = "subscription S($id: ID) { onPut(id: $id) { id name } }"


def put(api: Api, id_: str, fields: str = "id name") -> None:
    api.data(f'mutation M($id: ID!) {{ put(id: $id, name: "n") {{ {fields} }} }}', id=id_)


@behaviour(
    "appsync.subscribers-are-told-of-mutations",
    "A subscriber is sent what a mutation returned, of the fields that both asked for.",
    REALTIME,
)
def test_subscription(api: Api) -> None:
    async def talk(socket: Socket) -> None:
        assert (await socket.subscribe("s1", ON_PUT))["type"] == "start_ack"
        await asyncio.to_thread(put, api, "w1")
        await asyncio.to_thread(put, api, "w2", "id")
        full, partial = await socket.hear("data"), await socket.hear("data")
        assert full["id"] == "s1"
        assert full["payload"]["data"] == {"onPut": {"id": "w1", "name": "n"}}
        assert partial["payload"]["data"] == {"onPut": {"id": "w2", "name": None}}

    connected(api, talk)


@behaviour(
    "appsync.subscription-arguments-filter",
    "A subscriber with an argument is told of the mutations that returned that value only.",
    SUBSCRIPTIONS,
)
def test_filter(api: Api) -> None:
    async def talk(socket: Socket) -> None:
        await socket.subscribe("s1", ON_PUT, id="mine")
        for id_ in ("other", "mine"):
            await asyncio.to_thread(put, api, id_)
        told = await socket.hear("data")
        assert told["payload"]["data"]["onPut"]["id"] == "mine"

    connected(api, talk)


@behaviour(
    "appsync.subscriptions-stop",
    "A subscription that is stopped is completed and told nothing more; others of the connection go on.",
    REALTIME,
)
def test_stop(api: Api) -> None:
    async def talk(socket: Socket) -> None:
        await socket.subscribe("s1", ON_PUT)
        await socket.subscribe("s2", ON_PUT)
        await socket.say(id="s1", type="stop")
        assert (await socket.hear("complete"))["id"] == "s1"
        await asyncio.to_thread(put, api, "after")
        assert (await socket.hear("data"))["id"] == "s2"

    connected(api, talk)


@behaviour(
    "appsync.invalid-subscriptions-are-refused",
    "A subscription that does not fit the schema is answered with an error; the connection goes on.",
    REALTIME,
)
def test_invalid_subscription(api: Api) -> None:
    async def talk(socket: Socket) -> None:
        refused = await socket.subscribe("s1", "subscription { nothing }")
        assert (refused["type"], refused["id"]) == ("error", "s1")
        assert (await socket.subscribe("s2", ON_PUT))["type"] == "start_ack"

    connected(api, talk)


@behaviour(
    "appsync.connections-are-authorized",
    "A connection with a wrong key is refused, in the handshake or with connection_error.",
    REALTIME,
)
def test_connection_refused(api: Api) -> None:
    async def refused() -> None:
        async with aiohttp.ClientSession() as session:
            try:
                socket = await _open(session, api, "da2-wrongwrongwrongwrongwrong")
            except aiohttp.WSServerHandshakeError as refusal:
                status = refusal.status
            else:
                status = 101
            if status != 101:
                assert status in (400, 401, 403), f"refused with {status}"
                return
            async with socket:
                await socket.send_str('{"type": "connection_init"}')
                answer = await socket.receive(timeout=WITHIN_S)
                closed = answer.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
                assert closed or json.loads(answer.data)["type"] == "connection_error"

    asyncio.run(refused())


@behaviour(
    "appsync.no-such-api",
    "An API that does not exist is refused with NotFoundException.",
    reference("appsync", "GetGraphqlApi", "The resource specified in the request was not found", read=READ),
)
def test_no_such_api(aws: Aws) -> None:
    with refusing("NotFoundException", status=404):
        aws.client("appsync").get_graphql_api(apiId="a" * 26)
