"""Valid requests to every service and entrance, as bytes on the wire, and ways to spoil them."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from deploy.access_entrances import basic
from deploy.accounts import account_id
from tests.end_to_end.deployed import Deployed

TABLE, STREAM, BUCKET, QUEUE, TOPIC = "fuzz", "fuzz", "fuzz-bucket", "fuzz", "fuzz"


@dataclass(frozen=True)
class Wire:
    """One HTTP request; its framing is made when it is written."""

    name: str
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    json: Any = field(default=None, compare=False)

    def bytes(self, *, closes: bool = True) -> bytes:
        """On the wire, the connection to be closed after the answer."""
        lines = [f"{self.method} {self.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines += [f"Content-Length: {len(self.body)}", *(["Connection: close"] if closes else [])]
        head = "\r\n".join(lines) + "\r\n\r\n"
        return head.encode("utf-8", "surrogateescape") + self.body

    def saying(self, value: Any) -> Wire:
        """The same with another JSON body."""
        return replace(self, body=json.dumps(value).encode())


def prepare(place: Deployed) -> Mapping[str, str]:
    """What the requests are about: a table, a stream, a bucket, a queue, a topic; what they are named by."""
    client = place.cloud.client
    client("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    kinesis = client("kinesis")
    kinesis.create_stream(StreamName=STREAM, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=STREAM, WaiterConfig={"Delay": 1})
    shard = kinesis.list_shards(StreamName=STREAM)["Shards"][0]["ShardId"]
    position = {"StreamName": STREAM, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    client("s3").create_bucket(Bucket=BUCKET)
    client("s3").put_object(Bucket=BUCKET, Key="a/b", Body=b"text")
    return {
        "shard": shard,
        "iterator": kinesis.get_shard_iterator(**position)["ShardIterator"],
        "queue": client("sqs").create_queue(QueueName=QUEUE)["QueueUrl"],
        "topic": client("sns").create_topic(Name=TOPIC)["TopicArn"],
    }


def requests(place: Deployed, names: Mapping[str, str]) -> list[Wire]:
    """A valid request for each service and entrance."""
    host = "{}:{}".format(*place.address)
    return [*_of_services(host, place, names), *_of_entrances(host, place)]


def _signed(service: str, host: str) -> dict[str, str]:
    scope = f"Credential=test/20260101/us-east-1/{service}/aws4_request"
    signature = f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
    return {"Host": host, "Authorization": signature, "X-Amz-Date": "20260101T000000Z"}


def _of_services(host: str, place: Deployed, names: Mapping[str, str]) -> list[Wire]:
    def told(service: str, target: str, value: Any, version: str = "1.1") -> Wire:
        headers = {
            **_signed(service, host),
            "Content-Type": f"application/x-amz-json-{version}",
            "X-Amz-Target": target,
        }
        return Wire(target, "POST", "/", headers, json.dumps(value).encode(), value)

    def asked(service: str, **parameters: str) -> Wire:
        headers = {**_signed(service, host), "Content-Type": "application/x-www-form-urlencoded"}
        return Wire(parameters["Action"], "POST", "/", headers, urlencode(parameters).encode())

    def rest(service: str, method: str, target: str, value: Any = None) -> Wire:
        headers = {**_signed(service, host), "Content-Type": "application/json"}
        body = b"" if value is None else json.dumps(value).encode()
        return Wire(f"{service} {method} {target}", method, target, headers, body, value)

    outputs = place.outputs
    live = outputs["live"]
    dynamodb, kinesis = "DynamoDB_20120810.", "Kinesis_20131202."
    cognito = "AWSCognitoIdentityProviderService."
    item = {"id": {"S": "a"}, "n": {"N": "1"}, "m": {"M": {"l": {"L": [{"BOOL": True}, {"NULL": True}]}}}}
    data = b64encode(b"fuzz").decode()
    function = f"/2015-03-31/functions/{outputs['functions']['processor']}"
    return [
        told("dynamodb", dynamodb + "PutItem", {"TableName": TABLE, "Item": item}, "1.0"),
        told("dynamodb", dynamodb + "GetItem", {"TableName": TABLE, "Key": {"id": {"S": "a"}}}, "1.0"),
        told(
            "dynamodb", dynamodb + "UpdateItem",
            {
                "TableName": TABLE, "Key": {"id": {"S": "a"}},
                "UpdateExpression": "SET #n = if_not_exists(#n, :zero) + :one REMOVE m.l[0]",
                "ConditionExpression": "attribute_exists(id) OR size(m) > :one",
                "ExpressionAttributeNames": {"#n": "n"},
                "ExpressionAttributeValues": {":one": {"N": "1"}, ":zero": {"N": "0"}},
            },
            "1.0",
        ),
        told(
            "dynamodb", dynamodb + "Query",
            {
                "TableName": TABLE, "KeyConditionExpression": "id = :id", "Limit": 3,
                "FilterExpression": "n BETWEEN :low AND :high", "ProjectionExpression": "id, m.l[0]",
                "ExpressionAttributeValues": {":id": {"S": "a"}, ":low": {"N": "0"}, ":high": {"N": "9"}},
            },
            "1.0",
        ),
        told(
            "dynamodb", dynamodb + "BatchGetItem", {"RequestItems": {TABLE: {"Keys": [{"id": {"S": "a"}}]}}},
            "1.0",
        ),
        told(
            "dynamodb", dynamodb + "TransactWriteItems",
            {"TransactItems": [{"Put": {"TableName": TABLE, "Item": item}}], "ClientRequestToken": "one"},
            "1.0",
        ),
        told("dynamodb", "DynamoDBStreams_20120810.ListStreams", {"TableName": TABLE, "Limit": 1}, "1.0"),
        told("kinesis", kinesis + "PutRecord", {"StreamName": STREAM, "PartitionKey": "k", "Data": data}),
        told(
            "kinesis", kinesis + "PutRecords",
            {"StreamName": STREAM, "Records": [{"PartitionKey": "k", "Data": data, "ExplicitHashKey": "1"}]},
        ),
        told("kinesis", kinesis + "GetRecords", {"ShardIterator": names["iterator"], "Limit": 10}),
        told(
            "kinesis", kinesis + "GetShardIterator",
            {
                "StreamName": STREAM, "ShardId": names["shard"], "ShardIteratorType": "AT_TIMESTAMP",
                "Timestamp": 1.5,
            },
        ),
        told("kinesis", kinesis + "ListShards", {"StreamName": STREAM, "MaxResults": 5}),
        rest("lambda", "GET", "/2015-03-31/functions/?MaxItems=2"),
        rest("lambda", "GET", function),
        rest("lambda", "POST", f"{function}/invocations", {"Records": []}),
        rest("lambda", "GET", "/2015-03-31/event-source-mappings/?MaxItems=3"),
        rest("apigateway", "GET", "/restapis?limit=3"),
        rest("apigateway", "GET", f"/restapis/{outputs['ingest']['api_id']}/resources?embed=methods"),
        rest(
            "apigateway", "POST", "/restapis",
            {"name": "fuzz", "endpointConfiguration": {"types": ["REGIONAL"]}},
        ),
        rest("appsync", "GET", "/v1/apis?maxResults=3"),
        rest("appsync", "GET", f"/v1/apis/{live['api_id']}/types/Query/resolvers"),
        rest("appsync", "POST", "/v1/apis", {"name": "fuzz", "authenticationType": "API_KEY"}),
        rest("s3", "GET", f"/{BUCKET}/a/b"),
        rest("s3", "PUT", f"/{BUCKET}/c", {"any": "thing"}),
        rest("s3", "GET", f"/{BUCKET}?list-type=2&prefix=a%2F&max-keys=5"),
        told("sqs", "AmazonSQS.SendMessage", {"QueueUrl": names["queue"], "MessageBody": "m"}, "1.0"),
        told(
            "sqs", "AmazonSQS.ReceiveMessage",
            {
                "QueueUrl": names["queue"], "MaxNumberOfMessages": 1, "WaitTimeSeconds": 0,
                "VisibilityTimeout": 0,
            },
            "1.0",
        ),
        asked(
            "sns", Action="Publish", TopicArn=names["topic"], Message="m", Version="2010-03-31",
            **{
                "MessageAttributes.entry.1.Name": "a",
                "MessageAttributes.entry.1.Value.DataType": "String",
                "MessageAttributes.entry.1.Value.StringValue": "v",
            },
        ),
        asked(
            "sns", Action="Subscribe", TopicArn=names["topic"], Protocol="sqs", Version="2010-03-31",
            Endpoint="arn:aws:sqs:us-east-1:123456789012:fuzz",
            **{"Attributes.entry.1.key": "FilterPolicy", "Attributes.entry.1.value": '{"a":["v"]}'},
        ),
        asked("sts", Action="GetCallerIdentity", Version="2011-06-15"),
        told(
            "cognito-idp", cognito + "InitiateAuth",
            {
                "AuthFlow": "USER_PASSWORD_AUTH", "ClientId": live["client_id"],
                "AuthParameters": {"USERNAME": live["sample_user"], "PASSWORD": live["sample_password"]},
            },
        ),
        told(
            "cognito-idp", cognito + "SignUp",
            {
                "ClientId": live["client_id"], "Username": "eve", "Password": "Lp1-0123456789abc",
                "UserAttributes": [{"Name": "email", "Value": "eve@example.com"}],
            },
        ),
        told("cognito-idp", cognito + "ListUsers", {"UserPoolId": live["user_pool_id"], "Limit": 2}),
        told("ssm", "AmazonSSM.GetParametersByPath", {"Path": "/launchday", "Recursive": True}),
        told("logs", "Logs_20140328.DescribeLogGroups", {"limit": 3}),
        Wire("health", "GET", "/_launchday/health", {"Host": host}),
        Wire("observation", "GET", "/_launchday/observation?after=", {"Host": host}),
    ]  # fmt: skip


def _of_entrances(host: str, place: Deployed) -> list[Wire]:
    outputs = place.outputs
    ingest_path, access_path = (urlsplit(outputs[each]["url"]).path for each in ("ingest", "access"))
    live = urlsplit(outputs["live"]["graphql_url"]).path
    key = f"Bearer {outputs['ingest']['sample_publishable_key']}"
    json_headers = {"Host": host, "Content-Type": "application/json"}
    location = {"recorded_at": "2026-01-01T00:00:00Z", "lat": 50.0, "lon": 1.0, "battery": {"level": 0.5}}
    one = {"event_id": "e", "device_id": "d", **location}
    many = {"device_id": "d", "events": [{"event_id": "e", **location}] * 2}
    own = {"Host": host, "Authorization": basic(outputs["accounts"]["seed"], account_id(0))}
    token = outputs["live"]["tokens"][account_id(0)]
    span = "from=2026-01-01T00%3A00%3A00Z&to=2026-01-01T01%3A00%3A00Z"
    query = {
        "query": "query D($id: ID!, $n: Int) { device(id: $id) { ...f } devices(limit: $n) { nextToken } } "
        "fragment f on Device { device_id location { lat } }",
        "variables": {"id": "d", "n": 3},
        "operationName": "D",
    }

    webhook = {"url": "https://[::1]/", "filter": {"context": ["moving"]}}
    types = {"query": "{ __schema { types { name } } }"}

    def entered(path: str, value: Any, headers: Mapping[str, str], name: str) -> Wire:
        return Wire(name, "POST", path, {**json_headers, **headers}, json.dumps(value).encode(), value)

    return [
        entered(f"{ingest_path}/v1/locations", one, {"Authorization": key}, "ingest location"),
        entered(f"{ingest_path}/v1/devices", one, {"Authorization": key}, "ingest registration"),
        entered(f"{ingest_path}/v1/locations/batch", many, {"Authorization": key}, "ingest batch"),
        Wire("access devices", "GET", f"{access_path}/v1/devices?limit=3", own),
        Wire("access device", "GET", f"{access_path}/v1/devices/d", own),
        Wire("access history", "GET", f"{access_path}/v1/devices/d/history?{span}", own),
        entered(f"{access_path}/v1/webhooks", webhook, own, "access webhook"),
        entered(live, query, {"Authorization": token}, "live query"),
        entered(live, types, {"Authorization": token}, "live introspection"),
    ]  # fmt: skip


def handshake(place: Deployed) -> Wire:
    """The opening of a real-time connection."""
    live = place.outputs["live"]
    parts = urlsplit(live["realtime_url"])
    header = {"host": parts.netloc, "Authorization": live["tokens"][account_id(0)]}
    said = quote(b64encode(json.dumps(header).encode()).decode())
    return Wire(
        "live handshake",
        "GET",
        f"{parts.path}?header={said}&payload=e30%3D",
        {
            "Host": "{}:{}".format(*place.address),
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": b64encode(b"0123456789abcdef").decode(),
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Protocol": "graphql-ws",
        },
    )
