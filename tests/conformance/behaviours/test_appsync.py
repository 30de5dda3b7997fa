"""AppSync: resolvers, errors, authorization and subscriptions of a GraphQL API."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import json
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.conformance.catalogue import behaviour, documented, observed, reference
from tests.conformance.functions import Function, function, role
from tests.conformance.kit import Cleanup, Reply, refusing, send, until
from tests.conformance.targets import Aws
from tests.conformance.verdicts import NotOffered

READ = "2026-11-24"
WITHIN_S = 15.0
RETURN = "$util.toJson($ctx.result)"
PASSWORD = "Correct-Horse-1"


def guide(title: str, page: str) -> Any:
    return documented(f"AppSync Developer Guide, {title}", f"appsync/latest/devguide/{page}.html", read=READ)


VTL = guide("AWS AppSync resolver mapping template reference (VTL)", "resolver-mapping-template-reference")
UTIL = guide("Utility helpers in $util", "utility-helpers-in-util")
REALTIME = guide("Building a real-time WebSocket client in AWS AppSync", "real-time-websocket-client")
SUBSCRIPTIONS = guide("Using subscriptions for real-time data applications", "aws-appsync-real-time-data")
AUTHORIZATION = guide("Configuring authorization and authentication", "security-authz")
TROUBLES = guide("Troubleshooting and common mistakes", "troubleshooting-and-common-mistakes")
GRAPHQL = observed("AppSync in us-east-1, by answers in public issues of its clients", seen=READ)


@dataclass
class Api:
    """A GraphQL API of a case's own. `authorization` is what a request carries."""

    aws: Aws
    cleanup: Cleanup
    appsync: Any
    id: str
    uris: Mapping[str, str]
    authorization: dict[str, str] = field(default_factory=dict)

    def schema(self, sdl: str) -> Api:
        self.appsync.start_schema_creation(apiId=self.id, definition=sdl.encode())

        def status() -> str:
            told = self.appsync.get_schema_creation_status(apiId=self.id)
            assert told["status"] != "FAILED", told.get("details")
            return str(told["status"])

        until(lambda: status() in ("SUCCESS", "ACTIVE"), "the schema is taken")
        return self

    def source(self, name: str, type_: str = "NONE", **more: Any) -> str:
        self.appsync.create_data_source(apiId=self.id, name=name, type=type_, **more)
        return name

    def resolver(self, field_: str, request: str, response: str = RETURN, source: str = "none") -> None:
        """A unit resolver in VTL; `field_` is `Type.field`."""
        type_, _, name = field_.partition(".")
        self.appsync.create_resolver(
            apiId=self.id,
            typeName=type_,
            fieldName=name,
            dataSourceName=source,
            requestMappingTemplate=request,
            responseMappingTemplate=response,
        )

    def key(self) -> str:
        return str(self.appsync.create_api_key(apiId=self.id)["apiKey"]["id"])

    def post(self, query: str, variables: Mapping[str, Any] | None = None, **headers: str) -> Reply:
        """A request with this authorization, or with `headers` instead of it."""
        body = json.dumps({"query": query, "variables": variables or {}})
        return self.post_raw(body, **(headers or self.authorization))

    def post_raw(self, body: str, **headers: str) -> Reply:
        url, host = here(self.aws, self.uris.get("GRAPHQL", ""))
        reply = send("POST", url, body, content_type="application/json", **host, **headers)
        if reply.status in (404, 405, 501) and b'"errors"' not in reply.body:
            raise NotOffered(f"the GraphQL address answers {reply.status}")
        return reply

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The answer's body, which must be of status 200."""
        reply = self.post(query, variables)
        assert reply.status == 200, f"{reply.status} {reply.body[:200]!r}"
        found: dict[str, Any] = reply.json
        return found

    def data(self, query: str, **variables: Any) -> dict[str, Any]:
        """The answer's data; there must be no errors."""
        answer = self.ask(query, **variables)
        assert "errors" not in answer, answer["errors"]
        found: dict[str, Any] = answer["data"]
        return found


def here(aws: Aws, uri: str) -> tuple[str, dict[str, str]]:
    """An API's address as it is reached here: a host that is not this machine is asked for at the target."""
    parts = urlsplit(uri)
    host = parts.hostname or ""
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost" or host.endswith((".localhost", ".localhost.localstack.cloud"))
    target = urlsplit(aws.url)
    if host in ("localhost", target.hostname) or (local and not host.endswith("localstack.cloud")):
        return uri, {}
    return f"{aws.url}{parts.path}", {"host": parts.netloc}


def created(aws: Aws, cleanup: Cleanup, authentication: str = "API_KEY", **more: Any) -> Api:
    appsync = aws.client("appsync")
    asked = {"name": aws.name("api"), "authenticationType": authentication, **more}
    made = appsync.create_graphql_api(**asked)["graphqlApi"]
    cleanup.add(appsync.delete_graphql_api, apiId=made["apiId"])
    api = Api(aws, cleanup, appsync, made["apiId"], made.get("uris", {}))
    if authentication == "API_KEY":
        api.authorization = {"x_api_key": api.key()}
    return api


SDL = """
type Query {
  echo(text: String!, n: Int = 7): String
  item(id: ID!): Item
  items: [Item]
  strict: Strict
  failing: String
  half: String
  called(text: String): String
  piped(n: Int): Int
  scripted(n: Int): Scripted
}
type Mutation {
  put(id: ID!, name: String): Item
  putOnce(id: ID!, name: String): Item
  dated(at: AWSDateTime!): String
}
type Subscription { onPut(id: ID): Item @aws_subscribe(mutations: ["put"]) }
type Item { id: ID! name: String upper: String }
type Strict { must: String! may: String }
type Scripted { n: Int id: String }
schema { query: Query mutation: Mutation subscription: Subscription }
"""
KEY = '{"id": $util.dynamodb.toDynamoDBJson($ctx.args.id)}'
PUT = f"""{{"version": "2018-05-29", "operation": "PutItem", "key": {KEY},
 "attributeValues": {{"name": $util.dynamodb.toDynamoDBJson($ctx.args.name)}}"""
JS = """
import { util } from "@aws-appsync/utils";
export function request(ctx) { return { payload: { n: ctx.args.n * 2, id: util.autoId() } }; }
export function response(ctx) { return ctx.result; }
"""
FUNCTION = """
def handler(event, context):
    if event.get("text") == "raise":
        raise ValueError("broken")
    return "called with " + str(event.get("text"))
"""


def none(payload: str) -> str:
    """The request of a NONE source, which gives `payload` back."""
    return f'{{"version": "2018-05-29", "payload": {payload}}}'


@pytest.fixture(scope="module")
def backend(aws: Aws, module_cleanup: Cleanup) -> Function:
    return function(aws, module_cleanup, FUNCTION)


@pytest.fixture(scope="module")
def api(aws: Aws, module_cleanup: Cleanup) -> Api:
    """With resolvers on no source and on a table."""
    db, table = aws.client("dynamodb"), aws.name("table")
    db.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )
    module_cleanup.add(db.delete_table, TableName=table)
    until(
        lambda: db.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE", "the table is active"
    )
    made = created(aws, module_cleanup).schema(SDL)
    made.source("none")
    made.source(
        "table",
        "AMAZON_DYNAMODB",
        serviceRoleArn=role(aws, module_cleanup),
        dynamodbConfig={"tableName": table, "awsRegion": aws.region},
    )
    made.resolver("Query.echo", none('"$ctx.args.text $ctx.args.n"'))
    made.resolver("Query.items", none('[{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]'))
    made.resolver("Item.upper", none('"$ctx.source.name.toUpperCase()"'))
    made.resolver("Query.strict", none('{"may": "yes"}'))
    made.resolver("Query.failing", none("{}"), '$util.error("it is so", "MyType", {"k": 1}, {"i": 2})')
    made.resolver("Query.half", none('"kept"'), f'$util.appendError("beside it", "Beside"){RETURN}')
    made.resolver(
        "Query.item", f'{{"version": "2018-05-29", "operation": "GetItem", "key": {KEY}}}', source="table"
    )
    made.resolver("Mutation.put", PUT + "}", source="table")
    once = PUT + ', "condition": {"expression": "attribute_not_exists(id)"}}'
    error = f"#if($ctx.error)$util.error($ctx.error.message, $ctx.error.type)#end{RETURN}"
    made.resolver("Mutation.putOnce", once, error, source="table")
    made.resolver("Mutation.dated", none('"$ctx.args.at"'))
    return made


# --- resolvers ---------------------------------------------------------------------------------------------


@behaviour(
    "appsync.arguments-reach-the-template",
    "A template sees the arguments, given as variables or in place, with the schema's defaults.",
    VTL,
)
def test_arguments(api: Api) -> None:
    assert api.data('{ echo(text: "hi", n: 1) }') == {"echo": "hi 1"}
    query = "query Q($t: String!) { first: echo(text: $t) ...F } fragment F on Query { echo(text: $t, n: 2) }"
    assert api.data(query, t="é") == {"first": "é 7", "echo": "é 2"}


@behaviour(
    "appsync.fields-see-their-source",
    "A field's own resolver sees the object that it is of, for each element of a list.",
    guide("Resolver mapping template context reference", "resolver-context-reference"),
)
def test_source(api: Api) -> None:
    items = api.data("{ items { id upper } }")["items"]
    assert items == [{"id": "1", "upper": "A"}, {"id": "2", "upper": "B"}]


@behaviour(
    "appsync.reads-and-writes-a-table",
    "Resolvers on a table put an item and get it back by its key; what is not there is null.",
    guide("Resolver mapping template reference for DynamoDB", "resolver-mapping-template-reference-dynamodb"),
)
def test_table(api: Api) -> None:
    put = 'mutation { put(id: "t1", name: "van") { id name } }'
    assert api.data(put) == {"put": {"id": "t1", "name": "van"}}
    assert api.data('{ item(id: "t1") { name } }') == {"item": {"name": "van"}}
    assert api.data('{ item(id: "missing") { name } }') == {"item": None}


@behaviour(
    "appsync.failed-conditions-are-errors",
    "A condition that fails is an error of the type DynamoDB:ConditionalCheckFailedException.",
    GRAPHQL,
)
def test_condition(api: Api) -> None:
    mutation = 'mutation M($name: String) { putOnce(id: "once", name: $name) { name } }'
    assert api.data(mutation, name="first") == {"putOnce": {"name": "first"}}
    answer = api.ask(mutation, name="second")
    assert answer["data"] == {"putOnce": None} or "errors" in answer
    assert answer["errors"][0]["errorType"] == "DynamoDB:ConditionalCheckFailedException"


@behaviour(
    "appsync.calls-functions",
    "A resolver on a function gives it its payload and returns the result; its error is Lambda:Unhandled.",
    GRAPHQL,
)
def test_function(aws: Aws, cleanup: Cleanup, backend: Function) -> None:
    api = created(aws, cleanup).schema(SDL)
    api.source(
        "backend",
        "AWS_LAMBDA",
        serviceRoleArn=role(aws, cleanup),
        lambdaConfig={"lambdaFunctionArn": backend.arn},
    )
    request = (
        '{"version": "2018-05-29", "operation": "Invoke", "payload": {"text": $util.toJson($ctx.args.text)}}'
    )
    response = f"#if($ctx.error)$util.error($ctx.error.message, $ctx.error.type)#end{RETURN}"
    api.resolver("Query.called", request, response, source="backend")
    assert api.data('{ called(text: "x") }') == {"called": "called with x"}
    answer = api.ask('{ called(text: "raise") }')
    assert answer["data"] == {"called": None}
    assert answer["errors"][0]["errorType"] == "Lambda:Unhandled"
    assert "broken" in answer["errors"][0]["message"]


@behaviour(
    "appsync.pipelines-run-in-order",
    "A pipeline runs its functions in order: each sees the result before it, and all share the stash.",
    guide(
        "AWS AppSync resolver mapping template overview, Pipeline resolvers",
        "resolver-mapping-template-reference-overview",
    ),
)
def test_pipeline(aws: Aws, cleanup: Cleanup) -> None:
    api = created(aws, cleanup).schema(SDL)
    api.source("none")
    steps = ("$ctx.prev.result * 10", "$ctx.prev.result + $ctx.stash.add")
    ids = []
    for number, step in enumerate(steps):
        expression, operator, right = step.split(" ")
        request = f"#set($n = {expression} {operator} {right}){none('$n')}"
        made = api.appsync.create_function(
            apiId=api.id,
            name=f"step{number}",
            dataSourceName="none",
            requestMappingTemplate=request,
            responseMappingTemplate=RETURN,
        )
        ids.append(made["functionConfiguration"]["functionId"])
    api.appsync.create_resolver(
        apiId=api.id,
        typeName="Query",
        fieldName="piped",
        kind="PIPELINE",
        pipelineConfig={"functions": ids},
        requestMappingTemplate='$util.qr($ctx.stash.put("add", 5))$util.toJson($ctx.args.n)',
        responseMappingTemplate=RETURN,
    )
    assert api.data("{ piped(n: 2) }") == {"piped": 25}


@behaviour(
    "appsync.resolvers-in-javascript",
    "A resolver may be JavaScript of the runtime APPSYNC_JS, with its utilities.",
    guide("AWS AppSync JavaScript resolvers overview", "resolver-reference-overview-js"),
)
def test_javascript(aws: Aws, cleanup: Cleanup) -> None:
    api = created(aws, cleanup).schema(SDL)
    api.appsync.create_resolver(
        apiId=api.id,
        typeName="Query",
        fieldName="scripted",
        dataSourceName=api.source("none"),
        runtime={"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"},
        code=JS,
    )
    scripted = api.data("{ scripted(n: 21) { n id } }")["scripted"]
    assert (scripted["n"], len(scripted["id"])) == (42, 36)


@behaviour(
    "appsync.fields-without-a-resolver-are-null",
    "A field that has no resolver, and no value in the object that it is of, is null.",
    TROUBLES,
)
def test_no_resolver(api: Api) -> None:
    assert api.data('{ called(text: "x") }') == {"called": None}


# --- errors ------------------------------------------------------------------------------------------------


@behaviour(
    "appsync.errors-of-templates",
    "What a template raises is an error with its message, type, data, info and path; the field is null.",
    UTIL,
)
def test_error(api: Api) -> None:
    answer = api.ask('{ failing echo(text: "x") }')
    assert answer["data"] == {"failing": None, "echo": "x 7"}
    (error,) = answer["errors"]
    assert (error["message"], error["errorType"], error["path"]) == ("it is so", "MyType", ["failing"])
    assert (error["data"], error["errorInfo"]) == ({"k": 1}, {"i": 2})
    assert error["locations"][0]["line"] == 1


@behaviour(
    "appsync.errors-beside-data",
    "An error that is appended comes beside the field's value.",
    UTIL,
)
def test_append_error(api: Api) -> None:
    answer = api.ask("{ half }")
    assert answer["data"] == {"half": "kept"}
    assert [error["errorType"] for error in answer["errors"]] == ["Beside"]


@behaviour(
    "appsync.templates-that-make-no-request",
    "A request template that names no operation is an error of the type MappingTemplate.",
    TROUBLES,
)
def test_no_operation(aws: Aws, cleanup: Cleanup, api: Api) -> None:
    source = api.appsync.get_data_source(apiId=api.id, name="table")["dataSource"]
    own = created(aws, cleanup).schema(SDL)
    own.source(
        "table",
        "AMAZON_DYNAMODB",
        serviceRoleArn=source["serviceRoleArn"],
        dynamodbConfig={"tableName": source["dynamodbConfig"]["tableName"], "awsRegion": aws.region},
    )
    own.resolver("Query.item", f'{{"version": "2018-05-29", "key": {KEY}}}', source="table")
    answer = own.ask('{ item(id: "1") { name } }')
    assert answer["data"] == {"item": None}
    assert answer["errors"][0]["errorType"] == "MappingTemplate"


@behaviour(
    "appsync.null-where-it-must-not-be",
    "Null in a field that must not be null makes the object around it null, with an error.",
    GRAPHQL,
)
def test_non_null(api: Api) -> None:
    answer = api.ask("{ strict { must may } }")
    assert answer["data"] == {"strict": None}
    assert "must" in json.dumps(answer["errors"][0]["path"])


@behaviour(
    "appsync.invalid-queries-are-told",
    "A query that does not fit the schema is answered 200, without data, and an error that names the field.",
    GRAPHQL,
)
def test_validation(api: Api) -> None:
    answer = api.ask("{ nothing }")
    assert answer.get("data") is None
    assert "nothing" in answer["errors"][0]["message"]


@behaviour(
    "appsync.malformed-requests-are-400",
    "A body that is no JSON, or has no query, is answered 400 with an error's type.",
    GRAPHQL,
)
def test_malformed(api: Api) -> None:
    for body in ("{no json", "{}"):
        reply = api.post_raw(body, **api.authorization)
        assert reply.status == 400
        assert reply.json["errors"][0]["errorType"].endswith("Exception")


@behaviour(
    "appsync.scalars-are-checked",
    "A value that is none of its AWS scalar type is refused before the resolver runs.",
    guide("Scalar types in AWS AppSync", "scalars"),
)
def test_scalars(api: Api) -> None:
    mutation = "mutation M($at: AWSDateTime!) { dated(at: $at) }"
    assert api.data(mutation, at="2026-11-24T10:00:00Z") == {"dated": "2026-11-24T10:00:00Z"}
    answer = api.ask(mutation, at="yesterday")
    assert "errors" in answer
    assert (answer.get("data") or {}).get("dated") is None


@behaviour(
    "appsync.broken-schemas-are-refused",
    "A schema that is not right ends as FAILED, with what is wrong.",
    reference(
        "appsync", "GetSchemaCreationStatus", "Detailed information about the status of the schema", read=READ
    ),
)
def test_broken_schema(aws: Aws, cleanup: Cleanup) -> None:
    api = created(aws, cleanup)
    try:
        api.appsync.start_schema_creation(apiId=api.id, definition=b"type Query { a: NoSuchType }")
    except api.appsync.exceptions.BadRequestException:
        return
    told: dict[str, Any] = {}

    def ended() -> bool:
        told.update(api.appsync.get_schema_creation_status(apiId=api.id))
        return told["status"] not in ("PROCESSING", "NOT_APPLICABLE")

    until(ended, "the schema is looked at")
    assert told["status"] == "FAILED"
    assert "NoSuchType" in told["details"]


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
