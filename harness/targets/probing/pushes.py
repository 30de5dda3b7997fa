"""Trials of those who sign in and of those who are told: Cognito, SNS to HTTP, AppSync."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from harness.targets.probing.apis import ask
from harness.targets.probing.bench import Bench, CannotDoIt, Once
from harness.targets.reach import is_of_aws

_PASSWORD = "Probe-of-launchday-1"
_SOCKET_S = 10.0
_RSA_BYTES = 256
_SCHEMA = """
type Query { probe(said: String): String }
type Mutation { tell(said: String): String }
type Subscription { told: String @aws_subscribe(mutations: ["tell"]) }
schema { query: Query mutation: Mutation subscription: Subscription }
"""


def cognito(bench: Bench) -> str:
    """A user with a password, and the token that it gets."""
    client = bench.client("cognito-idp")
    pool = client.create_user_pool(PoolName=bench.name("users"))["UserPool"]["Id"]
    bench.afterwards(f"the user pool {pool}", lambda: client.delete_user_pool(UserPoolId=pool))
    app = client.create_user_pool_client(
        UserPoolId=pool,
        ClientName=bench.name("app"),
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]["ClientId"]
    client.admin_create_user(UserPoolId=pool, Username="probe", MessageAction="SUPPRESS")
    client.admin_set_user_password(UserPoolId=pool, Username="probe", Password=_PASSWORD, Permanent=True)
    signed_in = client.initiate_auth(
        ClientId=app,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "probe", "PASSWORD": _PASSWORD},
    )
    token = signed_in.get("AuthenticationResult", {}).get("IdToken", "")
    header, _, rest = token.partition(".")
    algorithm = _decoded(header).get("alg")
    signature = _bytes(rest.rpartition(".")[2])
    if algorithm != "RS256" or len(signature) != _RSA_BYTES:
        raise CannotDoIt(f"the ID token is not signed as Cognito signs: {algorithm}, {len(signature)} bytes")
    return "a user signed in, with a token signed RS256"


def sns_http(bench: Bench) -> str:
    """An endpoint that confirms, and what is posted to it."""
    client = bench.client("sns")
    topic = client.create_topic(Name=bench.name("topic"))["TopicArn"]
    bench.afterwards(f"the topic {topic}", lambda: client.delete_topic(TopicArn=topic))
    with _listening() as (url, posted):
        client.subscribe(TopicArn=topic, Protocol="http", Endpoint=url)

        def confirmation() -> str | None:
            asked = [each for each in posted if each.get("Type") == "SubscriptionConfirmation"]
            return str(asked[0]["SubscribeURL"]) if asked else None

        confirm = bench.until(confirmation, "no confirmation was asked of an endpoint on this machine")
        if bench.cloud.endpoint("sns") is not None and is_of_aws(confirm):
            raise CannotDoIt(f"the confirmation is to be given to AWS, at {urlsplit(confirm).hostname}")
        answer = ask(confirm)
        if answer.status != 200:
            raise CannotDoIt(f"the confirmation is answered {answer.status}")
        client.publish(TopicArn=topic, Message=bench.token)
        bench.until(
            lambda: any(each.get("Message") == bench.token for each in posted),
            "no notification came to an endpoint on this machine",
        )
    return "a confirmed endpoint on this machine was told"


class ProbeGraphql:
    """A GraphQL API without any data source but NONE, open to a key."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._api: Once[dict[str, Any]] = Once(self._make)

    def query(self) -> str:
        """A query with an argument, through templates."""
        self._asked('{"query":"query { probe(said: \\"yes\\") }"}', {"probe": "yes"})
        return "a resolver's templates gave a query's answer"

    def subscription(self) -> str:
        """A mutation, told over a WebSocket."""
        api = self._api()
        url = api["uris"]["REALTIME"]
        self._not_of_aws(url)
        host = urlsplit(api["uris"]["GRAPHQL"]).netloc
        told = asyncio.run(self._told(url, {"host": host, "x-api-key": api["key"]}))
        if told != {"told": "told"}:
            raise CannotDoIt(f"a subscriber was told {told}")
        return "a subscriber was told of a mutation"

    def _asked(self, body: str, wanted: dict[str, Any]) -> None:
        api = self._api()
        url = api["uris"]["GRAPHQL"]
        self._not_of_aws(url)
        answer = ask(url, body.encode(), {"Content-Type": "application/json", "x-api-key": api["key"]})
        try:
            said = json.loads(answer.body)
        except ValueError:
            said = {}
        if answer.status != 200 or said.get("data") != wanted:
            raise CannotDoIt(f"a query was answered {answer.status} {answer.body[:100]}")

    def _not_of_aws(self, url: str) -> None:
        if self._bench.cloud.endpoint("appsync") is not None and is_of_aws(url):
            raise CannotDoIt(f"its GraphQL API would be at AWS, at {urlsplit(url).hostname}")

    async def _told(self, url: str, header: dict[str, str]) -> Any:
        encoded = base64.b64encode(json.dumps(header).encode()).decode()
        try:
            async with asyncio.timeout(_SOCKET_S), aiohttp.ClientSession() as session:
                opening = session.ws_connect(
                    url, params={"header": encoded, "payload": "e30="}, protocols=("graphql-ws",)
                )
                async with opening as socket:
                    await socket.send_json({"type": "connection_init"})
                    await _message(socket, "connection_ack")
                    data = json.dumps({"query": "subscription { told }", "variables": {}})
                    extensions = {"authorization": header}
                    payload = {"data": data, "extensions": extensions}
                    await socket.send_json({"id": "probe", "type": "start", "payload": payload})
                    await _message(socket, "start_ack")
                    mutation = '{"query":"mutation { tell(said: \\"told\\") }"}'
                    await asyncio.to_thread(self._asked, mutation, {"tell": "told"})
                    return (await _message(socket, "data"))["payload"]["data"]
        except (aiohttp.ClientError, KeyError, ValueError) as why:
            raise CannotDoIt(f"the WebSocket failed: {str(why) or type(why).__name__}") from None
        except TimeoutError:
            raise CannotDoIt(f"a subscriber was told nothing within {_SOCKET_S:.0f} s") from None

    def _make(self) -> dict[str, Any]:
        client, name = self._bench.client("appsync"), self._bench.name("graphql")
        api = dict(client.create_graphql_api(name=name, authenticationType="API_KEY")["graphqlApi"])
        at = {"apiId": api["apiId"]}
        self._bench.afterwards(f"the GraphQL API {name}", lambda: client.delete_graphql_api(**at))
        api["key"] = client.create_api_key(**at)["apiKey"]["id"]
        client.start_schema_creation(**at, definition=_SCHEMA.encode())

        def made() -> bool:
            status = client.get_schema_creation_status(**at)
            if status["status"] == "FAILED":
                raise CannotDoIt(f"a schema is not taken: {status.get('details', '')[:100]}")
            return status["status"] not in ("PROCESSING", "NOT_APPLICABLE")

        self._bench.until(made, "a schema is not made")
        client.create_data_source(**at, name="none", type="NONE")
        for type_name, field in (("Query", "probe"), ("Mutation", "tell")):
            client.create_resolver(
                **at,
                typeName=type_name,
                fieldName=field,
                dataSourceName="none",
                kind="UNIT",
                requestMappingTemplate='{"version":"2018-05-29","payload":$util.toJson($ctx.args.said)}',
                responseMappingTemplate="$util.toJson($ctx.result)",
            )
        return api


async def _message(socket: aiohttp.ClientWebSocketResponse, wanted: str) -> dict[str, Any]:
    """The next message of the kind `wanted`."""
    async for message in socket:
        if message.type is not aiohttp.WSMsgType.TEXT:
            continue
        said: dict[str, Any] = json.loads(message.data)
        if said.get("type") == wanted:
            return said
        if said.get("type") in ("error", "connection_error"):
            raise CannotDoIt(f"the WebSocket says {message.data[:120]}")
    raise CannotDoIt(f"the WebSocket was closed before its {wanted}")


@contextlib.contextmanager
def _listening() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An HTTP endpoint on loopback: its URL, and what is posted to it as it comes."""
    posted: list[dict[str, Any]] = []

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with contextlib.suppress(ValueError):
                posted.append(json.loads(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing to log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/probe", posted
    finally:
        server.shutdown()
        server.server_close()


def _decoded(part: str) -> dict[str, Any]:
    try:
        found = json.loads(_bytes(part))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _bytes(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        return b""
