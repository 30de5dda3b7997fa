"""GraphQL `device` queries a second: AppSync in the embedded AWS beside a bare call of graphql-core.

    python benchmarks/appsync_query.py

Over HTTP, wrk sends the query with an API key to the one port: the edge, AppSync in the push process, a
resolver in VTL or JavaScript, GetItem in the state process. In process, the same request is given to AppSync
without HTTP, with a DynamoDB that answers at once; and graphql-core parses, validates and executes the same
query with a resolver that returns the item, as a GraphQL server in Python would have it do. Needs wrk.
"""

from __future__ import annotations

import asyncio
import base64
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import boto3
import orjson
from graphql import GraphQLResolveInfo, build_schema, execute, graphql, parse, validate
from side_by_side import RUN_S, Measurement, Request, compare, pin_server, report, run, wrk, wrk_script

from harness.aws.limits.profiles import NONE
from harness.emulator.launch import EmbeddedAws
from harness.emulator.services.appsync import AppSyncService
from harness.emulator.services.appsync.auth import ApiAuthorizer
from harness.emulator.services.appsync.realtime import RealTime
from harness.emulator.services.appsync.sources.factory import Sources
from harness.emulator.services.base import AwsRequest, CallContext
from harness.emulator.services.credentials import AccessKeys
from harness.emulator.services.outbound import DeliveryAddresses
from harness.measure.meters import Meters

TYPES = """
type Query { device(id: ID!): Device  scripted(id: ID!): Device }
type Device { id: ID! name: String lat: Float lon: Float battery: Battery }
type Battery { level: Float charging: Boolean }
"""
QUERY = "query Device($id: ID!) { device(id: $id) { id name lat lon battery { level charging } } }"
DEVICE = {"id": "d-1", "name": "van", "lat": 52.5, "lon": 13.4, "battery": {"level": 0.5, "charging": True}}
TYPED = {
    "id": {"S": "d-1"},
    "name": {"S": "van"},
    "lat": {"N": "52.5"},
    "lon": {"N": "13.4"},
    "battery": {"M": {"level": {"N": "0.5"}, "charging": {"BOOL": True}}},
}
TEMPLATE = """{"version": "2018-05-29", "operation": "GetItem",
  "key": {"id": $util.dynamodb.toDynamoDBJson($ctx.args.id)}}"""
RESPONSE = "$util.toJson($ctx.result)"
CODE = """
import { get } from '@aws-appsync/utils/dynamodb';
export const request = (ctx) => get({ key: { id: ctx.args.id } });
export const response = (ctx) => ctx.result;
"""


def body(query: str) -> str:
    return json.dumps({"query": query, "variables": {"id": "d-1"}, "operationName": "Device"})


def stand_up(aws: EmbeddedAws) -> tuple[str, dict[str, str]]:
    """An API over a table with one device: its address, and the headers that let one in."""

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=aws.endpoints[""],
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    dynamodb, appsync = client("dynamodb"), client("appsync")
    dynamodb.create_table(
        TableName="devices",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    dynamodb.put_item(TableName="devices", Item=TYPED)
    api = appsync.create_graphql_api(name="live", authenticationType="API_KEY")["graphqlApi"]
    api_id = api["apiId"]
    appsync.start_schema_creation(apiId=api_id, definition=TYPES.encode())
    config = {"tableName": "devices", "awsRegion": "us-east-1"}
    appsync.create_data_source(apiId=api_id, name="devices", type="AMAZON_DYNAMODB", dynamodbConfig=config)
    where = {"apiId": api_id, "typeName": "Query", "dataSourceName": "devices"}
    appsync.create_resolver(
        **where, fieldName="device", requestMappingTemplate=TEMPLATE, responseMappingTemplate=RESPONSE
    )
    runtime = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}
    appsync.create_resolver(**where, fieldName="scripted", runtime=runtime, code=CODE)
    key = appsync.create_api_key(apiId=api_id)["apiKey"]["id"]
    return api["uris"]["GRAPHQL"], {"content-type": "application/json", "x-api-key": key}


class Table:
    """`AwsCalls`: a DynamoDB that answers at once."""

    answer = orjson.dumps({"Item": TYPED})

    async def call(self, service: str, operation: str, body: bytes, context: CallContext) -> bytes:  # noqa: ARG002
        return self.answer


def in_process() -> Callable[[], Awaitable[None]]:
    """AppSync, given the request without HTTP."""

    async def no_keys(_pool_id: str, _region: str) -> bytes:
        raise OSError

    invoker: Any = None
    authorizer = ApiAuthorizer(keys=AccessKeys(""), fetch_pool_keys=no_keys, invoker=invoker)
    meters = Meters()

    def realtime(service: AppSyncService) -> RealTime:
        return RealTime(
            apis=service,
            authorizer=authorizer,
            executor=service.executor,
            meters=meters,
            limits=NONE,
            clock=time.time,
        )

    service = AppSyncService(
        meters=meters,
        limits=NONE,
        sources=Sources(Table(), invoker, DeliveryAddresses()),
        authorizer=authorizer,
        make_realtime=realtime,
        endpoint="http://127.0.0.1:4566",
    )

    def control(path: str, **members: Any) -> Any:
        request = AwsRequest("POST", path, "", {}, orjson.dumps(members), CallContext())
        answer = asyncio.run(service.handle(request))
        assert answer.status == 200, answer.body
        return orjson.loads(answer.body)

    api_id = control("/v1/apis", name="live", authenticationType="API_KEY")["graphqlApi"]["apiId"]
    root = f"/v1/apis/{api_id}"
    control(f"{root}/schemacreation", definition=base64.b64encode(TYPES.encode()).decode())
    config = {"tableName": "devices", "awsRegion": "us-east-1"}
    control(f"{root}/datasources", name="devices", type="AMAZON_DYNAMODB", dynamodbConfig=config)
    control(
        f"{root}/types/Query/resolvers",
        fieldName="device",
        dataSourceName="devices",
        requestMappingTemplate=TEMPLATE,
        responseMappingTemplate=RESPONSE,
    )
    key = control(f"{root}/apikeys")["apiKey"]["id"]
    content = body(QUERY).encode()
    headers = {"content-type": "application/json", "x-api-key": key}

    async def ask() -> None:
        request = AwsRequest("POST", f"/graphql/{api_id}", "", headers, content, CallContext())
        answer = await service.handle(request)
        assert orjson.loads(answer.body) == {"data": {"device": DEVICE}}

    return ask


def bare(*, kept: bool = False) -> Callable[[], Awaitable[None]]:
    """graphql-core, given the request's JSON; with `kept` it parses and validates the document only once."""

    async def device(_source: Any, _info: GraphQLResolveInfo, id: str) -> dict[str, Any]:  # noqa: A002, ARG001
        return DEVICE

    schema = build_schema(TYPES)
    assert schema.query_type is not None
    schema.query_type.fields["device"].resolve = device
    content = body(QUERY).encode()
    document = parse(QUERY)
    assert not validate(schema, document)

    async def ask() -> None:
        given = orjson.loads(content)
        values, name = given["variables"], given["operationName"]
        if kept:
            pending: Any = execute(schema, document, variable_values=values, operation_name=name)
            result = await pending
        else:
            result = await graphql(schema, given["query"], variable_values=values, operation_name=name)
        answer = orjson.dumps({"data": result.data})
        assert orjson.loads(answer) == {"data": {"device": DEVICE}}

    return ask


def one_after_the_other(ask: Callable[[], Awaitable[None]]) -> Callable[[], Measurement]:
    async def measured() -> Measurement:
        took_s: list[float] = []
        began = now = time.perf_counter()
        while now - began < RUN_S:
            await ask()
            before, now = now, time.perf_counter()
            took_s.append(now - before)
        cuts = statistics.quantiles(took_s, n=100)
        return Measurement(len(took_s) / (now - began), cuts[49] * 1e3, cuts[98] * 1e3, len(took_s), 0)

    return lambda: asyncio.run(measured())


def benchmark() -> None:
    with EmbeddedAws(port=0, limits=NONE) as aws:
        pin_server(aws.pid)
        url, headers = stand_up(aws)
        path = "/" + url.split("/", 3)[3]
        scripted = QUERY.replace("device(id", "scripted(id")
        with (
            wrk_script([Request(path, headers, body(QUERY))]) as in_vtl,
            wrk_script([Request(path, headers, body(scripted))]) as in_javascript,
        ):
            report(
                compare(
                    "appsync_query",
                    {
                        "HTTP, VTL": lambda: wrk(url, in_vtl),
                        "HTTP, JavaScript": lambda: wrk(url, in_javascript),
                        "in process, VTL": one_after_the_other(in_process()),
                        "graphql-core, kept document": one_after_the_other(bare(kept=True)),
                        "bare graphql-core": one_after_the_other(bare()),
                    },
                    details={"query": QUERY, "processes": "edge, push, state on one core; wrk on another"},
                )
            )


if __name__ == "__main__":
    sys.exit(run(benchmark))
