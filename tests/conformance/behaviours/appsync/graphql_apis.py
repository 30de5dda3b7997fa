"""GraphQL APIs of the cases: put together and asked."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.conformance.catalogue import documented, observed
from tests.conformance.functions import role
from tests.conformance.kit import Cleanup, Reply, send, until
from tests.conformance.targets import Aws
from tests.conformance.verdicts import NotOffered

READ = "2026-11-24"
WITHIN_S = 15.0
RETURN = "$util.toJson($ctx.result)"
PASSWORD = "Correct-Horse-1"


def guide(title: str, page: str) -> Any:
    return documented(f"AppSync Developer Guide, {title}", f"appsync/latest/devguide/{page}.html", noted=READ)


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


def none(payload: str) -> str:
    """The request of a NONE source, which gives `payload` back."""
    return f'{{"version": "2018-05-29", "payload": {payload}}}'


def resolved(aws: Aws, cleanup: Cleanup) -> Api:
    """An API of `SDL`, with resolvers on no source and on a table."""
    db, table = aws.client("dynamodb"), aws.name("table")
    db.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )
    cleanup.add(db.delete_table, TableName=table)
    until(
        lambda: db.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE", "the table is active"
    )
    made = created(aws, cleanup).schema(SDL)
    made.source("none")
    made.source(
        "table",
        "AMAZON_DYNAMODB",
        serviceRoleArn=role(aws, cleanup),
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
