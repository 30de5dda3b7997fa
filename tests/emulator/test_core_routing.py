from __future__ import annotations

import pytest

from harness.emulator.gateway.routing import Route, route

LOCAL = {"host": "127.0.0.1:4566"}


def signed(service: str, region: str = "eu-west-1", host: str = "localhost:4566") -> dict[str, str]:
    credential = f"Credential=AKIA/20260401/{region}/{service}/aws4_request"
    return {
        "host": host,
        "authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=00",
    }


PRESIGNED = (
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20260401%2Feu-west-1%2Fsqs%2Faws4_request"
)

TABLE = [
    ("/_launchday/health", "", LOCAL, Route("launchday", "us-east-1", "/_launchday/health")),
    ("/_localstack/health", "", LOCAL, Route("launchday", "us-east-1", "/_localstack/health")),
    ("/moto-api/reset", "", LOCAL, Route("launchday", "us-east-1", "/moto-api/reset")),
    (
        "/restapis/abc/prod/_user_request_/v1/devices",
        "a=1",
        LOCAL,
        Route("execute-api", "us-east-1", "/v1/devices", "abc", "prod"),
    ),
    ("/restapis/abc/prod/_user_request_", "", LOCAL, Route("execute-api", "us-east-1", "/", "abc", "prod")),
    (
        "/_aws/execute-api/abc/prod/v1/a%2Fb",
        "",
        LOCAL,
        Route("execute-api", "us-east-1", "/v1/a%2Fb", "abc", "prod"),
    ),
    ("/_aws/execute-api/abc/prod", "", LOCAL, Route("execute-api", "us-east-1", "/", "abc", "prod")),
    (
        "/restapis/abc/resources",
        "",
        signed("apigateway"),
        Route("apigateway", "eu-west-1", "/restapis/abc/resources"),
    ),
    ("/restapis", "", LOCAL, Route("apigateway", "us-east-1", "/restapis")),
    (
        "/prod/v1/devices",
        "",
        {"host": "abc.execute-api.eu-west-1.amazonaws.com"},
        Route("execute-api", "eu-west-1", "/v1/devices", "abc", "prod"),
    ),
    (
        "/prod",
        "",
        {"host": "abc.execute-api.localhost.localstack.cloud:4566"},
        Route("execute-api", "us-east-1", "/", "abc", "prod"),
    ),
    ("/", "", signed("kinesis"), Route("kinesis", "eu-west-1", "/")),
    ("/", "", signed("dynamodb"), Route("dynamodb", "eu-west-1", "/")),
    ("/2015-03-31/functions", "", signed("lambda"), Route("lambda", "eu-west-1", "/2015-03-31/functions")),
    (
        "/2015-03-31/functions/f/invocations",
        "",
        LOCAL,
        Route("lambda", "us-east-1", "/2015-03-31/functions/f/invocations"),
    ),
    ("/", PRESIGNED, LOCAL, Route("sqs", "eu-west-1", "/")),
    (
        "/",
        "",
        {**LOCAL, "x-amz-target": "DynamoDBStreams_20120810.GetRecords"},
        Route("dynamodb", "us-east-1", "/"),
    ),
    ("/", "", {**LOCAL, "x-amz-target": "Kinesis_20131202.PutRecord"}, Route("kinesis", "us-east-1", "/")),
    ("/", "", {**LOCAL, "x-amz-target": "AmazonSQS.SendMessage"}, Route("sqs", "us-east-1", "/")),
    ("/", "", {"host": "kinesis.ap-southeast-2.amazonaws.com"}, Route("kinesis", "ap-southeast-2", "/")),
    ("/", "", {"host": "sts.amazonaws.com"}, Route("sts", "us-east-1", "/")),
    ("/bucket/key", "", LOCAL, Route("s3", "us-east-1", "/bucket/key")),
    (
        "/key%20x",
        "",
        {"host": "my-bucket.s3.eu-west-1.amazonaws.com"},
        Route("s3", "eu-west-1", "/my-bucket/key%20x"),
    ),
    ("/k", "", {"host": "a.b.s3.amazonaws.com"}, Route("s3", "us-east-1", "/a.b/k")),
    ("/k", "", signed("s3", host="my-bucket.localhost:4566"), Route("s3", "eu-west-1", "/my-bucket/k")),
    (
        "/k",
        "",
        {"host": "my-bucket.s3.localhost.localstack.cloud:4566"},
        Route("s3", "us-east-1", "/my-bucket/k"),
    ),
    ("/b/k", "", {"host": "s3.localhost.localstack.cloud:4566"}, Route("s3", "us-east-1", "/b/k")),
    (
        "/restapis",
        "",
        {**LOCAL, "authorization": "Bearer pk_1"},
        Route("apigateway", "us-east-1", "/restapis"),
    ),
    (
        "/",
        "",
        {**LOCAL, "authorization": "AWS4-HMAC-SHA256 Credential=broken"},
        Route("s3", "us-east-1", "/"),
    ),
    ("/graphql/abc", "", LOCAL, Route("appsync", "us-east-1", "/graphql/abc")),
    (
        "/graphql/abc/realtime",
        "header=e30%3D&payload=e30%3D",
        {**LOCAL, "authorization": "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"},
        Route("appsync", "us-east-1", "/graphql/abc/realtime"),
    ),
    ("/graphql/abc", "", signed("appsync"), Route("appsync", "eu-west-1", "/graphql/abc")),
    ("/graphql/abc", "", signed("s3"), Route("s3", "eu-west-1", "/graphql/abc")),
    ("/graphql", "", LOCAL, Route("s3", "us-east-1", "/graphql")),
    ("/graphqlx/key", "", LOCAL, Route("s3", "us-east-1", "/graphqlx/key")),
    (
        "/graphql",
        "",
        {"host": "abc.appsync-api.eu-west-1.amazonaws.com"},
        Route("appsync", "eu-west-1", "/graphql/abc"),
    ),
    (
        "/graphql",
        "",
        {"host": "abc.appsync-realtime-api.eu-west-1.localhost:4566"},
        Route("appsync", "eu-west-1", "/graphql/abc"),
    ),
    (
        "/graphql/realtime",
        "",
        {"host": "abc.appsync-api.localhost.localstack.cloud:4566"},
        Route("appsync", "us-east-1", "/graphql/abc/realtime"),
    ),
    (
        "/event",
        "",
        {"host": "abc.appsync-api.eu-west-1.localhost:4566"},
        Route("appsync", "eu-west-1", "/event"),
    ),
    ("/v1/apis", "", signed("appsync"), Route("appsync", "eu-west-1", "/v1/apis")),
]


@pytest.mark.parametrize(("path", "query", "headers", "expected"), TABLE)
def test_a_request_goes_where_aws_would_send_it(
    path: str, query: str, headers: dict[str, str], expected: Route
) -> None:
    assert route(path, query, headers) == expected


@pytest.mark.parametrize("path", ["/graphql", "/graphql/realtime"])
def test_routing_a_request_for_an_apis_own_host_again_changes_nothing(path: str) -> None:
    headers = {"host": "abc.appsync-api.us-east-1.amazonaws.com"}
    once = route(path, "", headers)
    assert once.path == path.replace("/graphql", "/graphql/abc")
    assert route(once.path, "", headers) == once
