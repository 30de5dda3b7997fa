"""API Gateway: what a deployed REST API does with a request."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.catalogue import behaviour, documented, observed
from tests.conformance.functions import REPORTING, Function, Reports, function, role
from tests.conformance.kit import Cleanup, Reply, send, until
from tests.conformance.targets import Aws
from tests.conformance.verdicts import NotOffered

READ = "2026-11-24"
OK = {"200": {}}
MISSING = "Missing Authentication Token"


def guide(title: str, page: str) -> Any:
    address = f"apigateway/latest/developerguide/{page}.html"
    return documented(f"API Gateway Developer Guide, {title}", address, read=READ)


RESPONSE_TYPES = guide("Gateway response types for API Gateway", "supported-gateway-response-types")
VARIABLES = guide(
    "Variables for data transformations for API Gateway", "api-gateway-mapping-template-reference"
)
PROXY = guide("Lambda proxy integrations in API Gateway", "set-up-lambda-proxy-integrations")
AUTHORIZERS = guide("Use API Gateway Lambda authorizers", "apigateway-use-lambda-authorizer")
AUTHORIZER_INPUT = guide("Input to an API Gateway Lambda authorizer", "api-gateway-lambda-authorizer-input")
AUTHORIZER_OUTPUT = guide(
    "Output from an API Gateway Lambda authorizer", "api-gateway-lambda-authorizer-output"
)
INTEGRATION_RESPONSES = guide(
    "Set up an integration response in API Gateway", "api-gateway-integration-settings-integration-response"
)


@dataclass
class Api:
    """A REST API of a case's own."""

    aws: Aws
    cleanup: Cleanup
    gateway: Any
    id: str
    ids: dict[str, str] = field(default_factory=dict)

    def resource(self, path: str) -> str:
        """The id of the resource at `path`, made when it is not there."""
        if path not in self.ids:
            parent, _, part = path.rpartition("/")
            made = self.gateway.create_resource(
                restApiId=self.id, parentId=self.resource(parent or "/"), pathPart=part
            )
            self.ids[path] = made["id"]
        return self.ids[path]

    def method(
        self,
        path: str,
        verb: str,
        integration: Mapping[str, Any],
        responses: Mapping[str, Mapping[str, Any]] = OK,
        **method: Any,
    ) -> None:
        """A method with its integration, and the integration's responses by their status."""
        at = {"restApiId": self.id, "resourceId": self.resource(path), "httpMethod": verb}
        self.gateway.put_method(**at, **{"authorizationType": "NONE", **method})
        self.gateway.put_integration(**at, **integration)
        for status, answer in responses.items():
            declared = dict.fromkeys(answer.get("responseParameters", {}), False)
            self.gateway.put_method_response(**at, statusCode=status, responseParameters=declared)
            self.gateway.put_integration_response(**at, statusCode=status, **answer)

    def mock(self, path: str, verb: str = "GET", answer: str = "", **method: Any) -> None:
        """A method that answers 200 with what the template `answer` gives."""
        responses = {"200": {"responseTemplates": {"application/json": answer}}}
        self.method(path, verb, MOCK, responses, **method)

    def proxy(self, path: str, target: Function, verb: str = "ANY", **more: Any) -> None:
        """A method that hands the request to a function."""
        asked = {
            "type": "AWS_PROXY",
            "integrationHttpMethod": "POST",
            "uri": uri_of(self.aws, target),
            **more,
        }
        self.method(path, verb, asked, {})

    def authorizer(self, target: Function, type_: str = "TOKEN", **more: Any) -> dict[str, str]:
        """An authorizer, as a method names it."""
        asked = {"identitySource": "method.request.header.Authorization", **more}
        made = self.gateway.create_authorizer(
            restApiId=self.id,
            name=self.aws.name("authorizer"),
            type=type_,
            authorizerUri=uri_of(self.aws, target),
            **{name: value for name, value in asked.items() if value is not None},
        )
        return {"authorizationType": "CUSTOM", "authorizerId": made["id"]}

    def deploy(self, **more: Any) -> Api:
        """Deploy as the stage `prod`. Raises NotOffered where nothing executes deployed APIs."""
        self.gateway.create_deployment(restApiId=self.id, stageName="prod", **more)
        reply = self.get("/no-such-path")
        if reply.status in (404, 501) and not reply.body.startswith(b"{"):
            raise NotOffered(f"the stage's address answers {reply.status} {reply.body.decode()}")
        return self

    def send(
        self,
        verb: str,
        path: str,
        body: bytes | str = b"",
        lines: Sequence[tuple[str, str]] = (),
        **headers: str,
    ) -> Reply:
        base, needed = self.aws.stage(self.id, "prod")
        return send(verb, base + path, body, lines, **{**needed, **headers})

    def get(self, path: str, **headers: str) -> Reply:
        return self.send("GET", path, **headers)


MOCK = {"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}}


def uri_of(aws: Aws, target: Function) -> str:
    return f"arn:aws:apigateway:{aws.region}:lambda:path/2015-03-31/functions/{target.arn}/invocations"


def allowed(target: Function) -> Function:
    """A function that API Gateway may invoke, where permissions are kept."""
    with contextlib.suppress(ClientError):
        target.client.add_permission(
            FunctionName=target.name,
            StatementId="apigateway",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
        )
    return target


@pytest.fixture
def api(aws: Aws, cleanup: Cleanup) -> Api:
    gateway = aws.client("apigateway")
    made = gateway.create_rest_api(name=aws.name("api"))["id"]
    cleanup.add(gateway.delete_rest_api, restApiId=made)
    root = gateway.get_resources(restApiId=made)["items"][0]["id"]
    return Api(aws, cleanup, gateway, made, {"/": root})


BACKEND = """
import json
def handler(event, context):
    query = event.get("queryStringParameters") or {}
    do = query.get("do", "echo")
    if do == "raise":
        raise ValueError("broken")
    if do == "text":
        return "only a text"
    if do == "base64":
        return {"statusCode": 200, "body": "AAH/", "isBase64Encoded": True}
    if do == "answer":
        return {
            "statusCode": 418,
            "headers": {"X-One": "1", "Content-Type": "text/plain"},
            "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
            "body": "short",
        }
    return {"statusCode": 200, "body": json.dumps(event)}
"""


@pytest.fixture(scope="module")
def backend(aws: Aws, module_cleanup: Cleanup) -> Function:
    """Answers as a proxy integration wants it."""
    return allowed(function(aws, module_cleanup, BACKEND))


# --- routes ------------------------------------------------------------------------------------------------


@behaviour(
    "apigateway.mock-answers-by-its-template",
    "A mock integration answers the status that its request template names, by the response's template.",
    guide("Mock integrations for REST APIs in API Gateway", "how-to-mock-integration"),
)
def test_mock(api: Api) -> None:
    request = {"application/json": '{"statusCode": #if($input.params("bad") != "")400#{else}200#end}'}
    responses = {
        "200": {"responseTemplates": {"application/json": '{"said": "good"}'}},
        "400": {"responseTemplates": {"application/json": '{"said": "bad"}'}, "selectionPattern": "400"},
    }
    api.method("/x", "GET", {"type": "MOCK", "requestTemplates": request}, responses)
    api.deploy()
    good, bad = api.get("/x"), api.get("/x?bad=1")
    assert (good.status, good.json) == (200, {"said": "good"})
    assert (bad.status, bad.json) == (400, {"said": "bad"})
    assert good.headers["content-type"].startswith("application/json")


@behaviour(
    "apigateway.paths-take-parameters",
    "A path parameter takes one part of a path, a greedy one the rest, and a literal part goes first.",
    guide("Methods for REST APIs in API Gateway", "api-gateway-method-settings-method-request"),
)
def test_paths(api: Api, backend: Function) -> None:
    for path in ("/things/{id}", "/things/special", "/all/{rest+}"):
        api.proxy(path, backend)
    api.deploy()
    for path, resource, parameters in (
        ("/things/7", "/things/{id}", {"id": "7"}),
        ("/things/special", "/things/special", None),
        ("/all/a/b/c", "/all/{rest+}", {"rest": "a/b/c"}),
    ):
        event = api.get(path).json
        assert (event["resource"], event["pathParameters"]) == (resource, parameters)


@behaviour(
    "apigateway.what-is-not-there-misses-a-token",
    "A path or a verb that the API does not have is answered 403 Missing Authentication Token.",
    RESPONSE_TYPES,
)
def test_missing(api: Api) -> None:
    api.mock("/x")
    api.deploy()
    for reply in (api.get("/nowhere"), api.send("DELETE", "/x")):
        assert (reply.status, reply.json) == (403, {"message": MISSING})
        assert reply.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"


@behaviour(
    "apigateway.any-takes-every-verb",
    "ANY takes every verb that has no method of its own.",
    guide("Methods for REST APIs in API Gateway", "api-gateway-method-settings-method-request"),
)
def test_any(api: Api) -> None:
    api.mock("/x", "ANY", "any")
    api.mock("/x", "PUT", "put")
    api.deploy()
    replies = [api.send(verb, "/x", b"{}").body for verb in ("GET", "POST", "DELETE", "PUT")]
    assert replies == [b"any", b"any", b"any", b"put"]


@behaviour(
    "apigateway.deployment-is-a-snapshot",
    "A change of the API is not seen in a stage until it is deployed.",
    guide("Deploy REST APIs in API Gateway", "how-to-deploy-api"),
)
def test_snapshot(api: Api) -> None:
    api.mock("/x", answer="first")
    api.deploy()
    api.mock("/y", answer="second")
    assert api.get("/y").status == 403
    api.deploy()
    until(lambda: api.get("/y").body == b"second", "the new deployment is there")
    assert api.get("/x").body == b"first"


@behaviour(
    "apigateway.answers-carry-ids",
    "Every answer carries the id of its request, the one that its context has.",
    observed("answers of REST APIs in many public captures, and in AWS's own examples", seen=READ),
)
def test_ids(api: Api, backend: Function) -> None:
    api.proxy("/x", backend)
    api.deploy()
    reply = api.get("/x")
    assert reply.headers["x-amzn-requestid"] == reply.json["requestContext"]["requestId"]
    assert reply.headers["x-amz-apigw-id"]
    assert api.get("/nowhere").headers["x-amzn-requestid"]


# --- mapping templates -------------------------------------------------------------------------------------


@behaviour(
    "apigateway.templates-see-the-request",
    "A template sees the body, its parts by JSONPath, and the parameters of path, query and headers.",
    VARIABLES,
)
def test_input(api: Api) -> None:
    template = (
        '{"statusCode": 200}#set($context.responseOverride.header.X-Seen = "$input.path(\'$.a.b\')'
        "|$input.params('q')|$input.params('id')|$input.params().header.get('X-Sent')\")"
    )
    integration = {"type": "MOCK", "requestTemplates": {"application/json": template}}
    api.method("/x/{id}", "POST", integration)
    api.deploy()
    reply = api.send("POST", "/x/7?q=two", json.dumps({"a": {"b": 1}}), X_Sent="three")
    assert reply.headers["x-seen"] == "1|two|7|three"


@behaviour(
    "apigateway.templates-have-helpers",
    "Templates loop and branch, and have $util's base64, URL encoding, JSON parsing and escaping.",
    VARIABLES,
)
def test_util(api: Api) -> None:
    answer = (
        "#set($parsed = $util.parseJson('{\"n\": [1, 2, 3]}'))#foreach($n in $parsed.n)"
        "#if($n != 2)[$n]#end#end"
        "|$util.base64Encode('h\u00e9')|$util.base64Decode('aGk=')|$util.urlEncode('a b&c')"
        "|$util.urlDecode('a%20b')|$util.escapeJavaScript('say \"hi\"')"
    )
    api.mock("/x", answer=answer)
    api.deploy()
    assert api.get("/x").body.decode() == '[1][3]|aMOp|hi|a+b%26c|a b|say \\"hi\\"'


@behaviour(
    "apigateway.templates-know-their-context",
    "A template sees the stage and its variables, the verb, the resource, the caller's address and the time.",
    VARIABLES,
)
def test_context(api: Api) -> None:
    answer = (
        "$context.stage|$stageVariables.colour|$context.httpMethod|$context.resourcePath"
        "|$context.identity.sourceIp|$context.apiId|$context.requestTimeEpoch"
    )
    api.mock("/x/{id}", answer=answer)
    api.deploy(variables={"colour": "blue"})
    stage, colour, verb, path, address, api_id, time_ms = api.get("/x/1").body.decode().split("|")
    assert (stage, colour, verb, path, api_id) == ("prod", "blue", "GET", "/x/{id}", api.id)
    assert address
    assert int(time_ms) > 1_700_000_000_000


@behaviour(
    "apigateway.content-types-without-a-template",
    "With passthrough NEVER, a content type without a template is answered 415 Unsupported Media Type.",
    guide("Integration passthrough behaviors", "integration-passthrough-behaviors"),
)
def test_passthrough(api: Api) -> None:
    integration = {**MOCK, "passthroughBehavior": "NEVER"}
    api.method("/x", "POST", integration)
    api.deploy()
    assert api.send("POST", "/x", "{}", Content_Type="application/json").status == 200
    reply = api.send("POST", "/x", "<x/>", Content_Type="application/xml")
    assert (reply.status, reply.json) == (415, {"message": "Unsupported Media Type"})


@behaviour(
    "apigateway.response-parameters-set-headers",
    "A response's parameters set headers: to a fixed text, or to what the integration's answer has.",
    guide("Parameter mapping for REST APIs", "rest-api-parameter-mapping"),
)
def test_response_parameters(api: Api, backend: Function) -> None:
    parameters = {
        "method.response.header.X-Fixed": "'fixed, text'",
        "method.response.header.X-Body": "integration.response.body.path",
    }
    integration = {
        "type": "AWS",
        "integrationHttpMethod": "POST",
        "uri": uri_of(api.aws, backend),
        "requestTemplates": {"application/json": "{}"},
    }
    parameters["method.response.header.X-Body"] = "integration.response.body.statusCode"
    api.method("/x", "GET", integration, {"200": {"responseParameters": parameters}})
    api.deploy()
    reply = api.get("/x")
    assert (reply.headers["x-fixed"], reply.headers["x-body"]) == ("fixed, text", "200")


# --- AWS integrations --------------------------------------------------------------------------------------


@behaviour(
    "apigateway.puts-into-kinesis",
    "An AWS integration calls an action of Kinesis with what the template makes of the request.",
    guide(
        "Tutorial: Create a REST API as an Amazon Kinesis proxy", "integrating-api-with-aws-services-kinesis"
    ),
)
def test_kinesis(api: Api) -> None:
    kinesis, name = api.aws.client("kinesis"), api.aws.name("stream")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    api.cleanup.add(kinesis.delete_stream, StreamName=name)

    def active() -> bool:
        told = kinesis.describe_stream(StreamName=name)["StreamDescription"]
        return bool(told["StreamStatus"] == "ACTIVE")

    until(active, "the stream is active")
    template = (
        f'{{"StreamName": "{name}", "PartitionKey": "$input.path(\'$.device\')",'
        ' "Data": "$util.base64Encode($input.body)"}'
    )
    integration = kinesis_integration(api, "PutRecord", template)
    answer = '{"number": $input.json("$.SequenceNumber")}'
    api.method("/events", "POST", integration, {"200": {"responseTemplates": {"application/json": answer}}})
    api.deploy()
    sent = json.dumps({"device": "d-1", "said": "é"})
    reply = api.send("POST", "/events", sent, Content_Type="application/json")
    shard = kinesis.list_shards(StreamName=name)["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType="TRIM_HORIZON")[
        "ShardIterator"
    ]
    (record,) = kinesis.get_records(ShardIterator=iterator)["Records"]
    assert (reply.status, reply.json["number"]) == (200, record["SequenceNumber"])
    assert (record["Data"].decode(), record["PartitionKey"]) == (sent, "d-1")


def kinesis_integration(api: Api, action: str, template: str) -> dict[str, Any]:
    return {
        "type": "AWS",
        "integrationHttpMethod": "POST",
        "uri": f"arn:aws:apigateway:{api.aws.region}:kinesis:action/{action}",
        "credentials": role(api.aws, api.cleanup),
        "requestTemplates": {"application/json": template},
        "passthroughBehavior": "NEVER",
    }


@behaviour(
    "apigateway.service-errors-select-a-response",
    "The status of a service's error selects the response whose pattern matches it, and its template.",
    INTEGRATION_RESPONSES,
)
def test_service_error(api: Api) -> None:
    missing = api.aws.name("missing")
    template = f'{{"StreamName": "{missing}", "PartitionKey": "k", "Data": "MQ=="}}'
    refused = {
        "selectionPattern": "4\\d{2}",
        "responseTemplates": {"application/json": '{"kind": $input.json("$.__type")}'},
    }
    api.method("/x", "POST", kinesis_integration(api, "PutRecord", template), {"200": {}, "400": refused})
    api.deploy()
    reply = api.send("POST", "/x", "{}", Content_Type="application/json")
    assert reply.status == 400
    assert reply.json["kind"].endswith("ResourceNotFoundException")


@behaviour(
    "apigateway.function-errors-select-a-response",
    "The message of a function's error selects the response of an AWS integration whose pattern matches it.",
    guide("Handle custom Lambda errors in API Gateway", "handle-errors-in-lambda-integration"),
)
def test_function_error(api: Api, backend: Function) -> None:
    integration = {
        "type": "AWS",
        "integrationHttpMethod": "POST",
        "uri": uri_of(api.aws, backend),
        "requestTemplates": {"application/json": '{"queryStringParameters": {"do": "$input.params("do")"}}'},
    }
    broken = {
        "selectionPattern": "brok.*",
        "responseTemplates": {"application/json": '{"message": $input.json("$.errorMessage")}'},
    }
    api.method("/x", "GET", integration, {"200": {}, "502": broken})
    api.deploy()
    assert api.get("/x?do=echo").status == 200
    reply = api.get("/x?do=raise")
    assert (reply.status, reply.json) == (502, {"message": "broken"})


# --- proxy integrations ------------------------------------------------------------------------------------


@behaviour(
    "apigateway.proxy-hands-the-request-over",
    "A proxy integration gives the function the whole request: path, verb, every value, body, context.",
    PROXY,
)
def test_proxy_event(api: Api, backend: Function) -> None:
    api.proxy("/x/{id}", backend)
    api.deploy(variables={"colour": "blue"})
    reply = api.send("POST", "/x/7?q=1&q=2&r=%C3%A9", "böd", X_Sent="yes")
    event = reply.json
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/x/{id}", "/x/7", "POST")
    assert event["pathParameters"] == {"id": "7"}
    assert event["queryStringParameters"] == {"q": "2", "r": "é"}
    assert event["multiValueQueryStringParameters"] == {"q": ["1", "2"], "r": ["é"]}
    assert {name.lower(): value for name, value in event["headers"].items()}["x-sent"] == "yes"
    assert (event["body"], event["isBase64Encoded"]) == ("böd", False)
    assert event["stageVariables"] == {"colour": "blue"}
    context = event["requestContext"]
    assert (context["apiId"], context["stage"], context["resourcePath"]) == (api.id, "prod", "/x/{id}")
    assert context["requestId"] == reply.headers["x-amzn-requestid"]
    assert context["identity"]["sourceIp"]


@behaviour(
    "apigateway.proxy-hands-repeated-headers-over",
    "A header that came twice has both values in multiValueHeaders, and the last of them in headers.",
    PROXY,
)
def test_proxy_repeated_headers(api: Api, backend: Function) -> None:
    api.proxy("/x", backend)
    api.deploy()
    event = api.send("GET", "/x", lines=[("X-Twice", "a"), ("X-Once", "c"), ("X-Twice", "b")]).json
    assert event["multiValueHeaders"]["X-Twice"] == ["a", "b"]
    assert event["multiValueHeaders"]["X-Once"] == ["c"]
    assert (event["headers"]["X-Twice"], event["headers"]["X-Once"]) == ("b", "c")


@behaviour(
    "apigateway.proxy-event-without-values",
    "Where a request has no parameters or body, the event of a proxy integration has null for them.",
    PROXY,
)
def test_proxy_nulls(api: Api, backend: Function) -> None:
    api.proxy("/x", backend)
    api.deploy()
    event = api.get("/x").json
    names = (
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
        "body",
    )
    assert {name: event[name] for name in names} == dict.fromkeys(names)


@behaviour(
    "apigateway.proxy-answers-what-the-function-says",
    "A proxy integration answers with the function's status, headers, repeated headers and body.",
    PROXY,
)
def test_proxy_answer(api: Api, backend: Function) -> None:
    api.proxy("/x", backend)
    api.deploy()
    reply = api.get("/x?do=answer")
    assert (reply.status, reply.body, reply.headers["x-one"]) == (418, b"short", "1")
    assert reply.headers["content-type"].startswith("text/plain")
    assert [value for name, value in reply.repeated if name == "set-cookie"] == ["a=1", "b=2"]


@behaviour(
    "apigateway.proxy-malformed-answer-is-502",
    "A function that raises, or returns no proxy response, is answered 502 Internal server error.",
    PROXY,
)
@pytest.mark.parametrize("do", ["raise", "text"])
def test_proxy_malformed(api: Api, backend: Function, do: str) -> None:
    api.proxy("/x", backend)
    api.deploy()
    reply = api.get(f"/x?do={do}")
    assert (reply.status, reply.json) == (502, {"message": "Internal server error"})


@behaviour(
    "apigateway.proxy-decodes-binary",
    "Where the API takes the media type as binary, a body in base64 is answered as its bytes.",
    guide("Return binary media from a Lambda proxy integration in API Gateway", "lambda-proxy-binary-media"),
)
def test_proxy_binary(api: Api, backend: Function) -> None:
    api.gateway.update_rest_api(
        restApiId=api.id, patchOperations=[{"op": "add", "path": "/binaryMediaTypes/*~1*"}]
    )
    api.proxy("/x", backend)
    api.deploy()
    assert api.get("/x?do=base64").body == b"\x00\x01\xff"
    event = api.send("POST", "/x", b"\xff\x00", Content_Type="application/octet-stream").json
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == b"\xff\x00"


@behaviour(
    "apigateway.integration-times-out",
    "An integration that does not answer within its timeout is answered 504 Endpoint request timed out.",
    RESPONSE_TYPES,
)
def test_timeout(api: Api) -> None:
    source = "import time\ndef handler(event, context):\n    time.sleep(3)\n"
    api.proxy("/x", allowed(function(api.aws, api.cleanup, source)), timeoutInMillis=400)
    api.deploy()
    reply = api.get("/x")
    assert (reply.status, reply.json) == (504, {"message": "Endpoint request timed out"})


# --- authorizers -------------------------------------------------------------------------------------------

AUTHORIZER = (
    REPORTING
    + """
def handler(event, context):
    report(event)
    if event["type"] == "TOKEN":
        said = event["authorizationToken"]
    else:
        headers = {name.lower(): value for name, value in (event["headers"] or {}).items()}
        said = headers.get("authorization", "")
    said = said.removeprefix("Bearer ")
    if said.startswith("unauthorized"):
        raise Exception("Unauthorized")
    if said.startswith("broken"):
        raise Exception("anything else")
    effect = "Deny" if said.startswith("deny") else "Allow"
    resource = event["methodArn"] if said.startswith("only") else event["methodArn"].split("/")[0] + "/*"
    return {
        "principalId": said,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}],
        },
        "context": {"account": "acc-" + said, "n": 1, "yes": True},
    }
"""
)
WHO = "|".join(f"$context.authorizer.{name}" for name in ("principalId", "account", "n", "yes"))


@dataclass
class Authorizer:
    """The function behind the authorizers of this module, and what it was asked about an API."""

    function: Function
    reports: Reports

    def asked(self, api: Api) -> list[dict[str, Any]]:
        return [event for event in self.reports.all() if f":{api.id}/" in event["methodArn"]]


@pytest.fixture(scope="module")
def authorizer(aws: Aws, module_cleanup: Cleanup) -> Authorizer:
    reports = Reports(aws, module_cleanup)
    made = function(aws, module_cleanup, AUTHORIZER, Environment=reports.environment)
    return Authorizer(allowed(made), reports)


@behaviour(
    "apigateway.token-authorizer-lets-in",
    "A TOKEN authorizer is given the token and the method's ARN, and lets in whom its policy allows.",
    AUTHORIZER_INPUT,
)
def test_token(api: Api, authorizer: Authorizer) -> None:
    api.mock("/x", answer="in", **api.authorizer(authorizer.function))
    api.deploy()
    assert api.get("/x", Authorization="Bearer key").body == b"in"
    (event,) = authorizer.asked(api)
    assert (event["type"], event["authorizationToken"]) == ("TOKEN", "Bearer key")
    assert event["methodArn"].endswith(f":{api.id}/prod/GET/x")


@behaviour(
    "apigateway.authorizer-context-reaches-the-function",
    "A function behind an authorizer sees its principal and its context in the request's context, as texts.",
    AUTHORIZER_OUTPUT,
)
def test_context_to_function(api: Api, authorizer: Authorizer, backend: Function) -> None:
    protected = api.authorizer(authorizer.function)
    asked = {"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": uri_of(api.aws, backend)}
    api.method("/x", "GET", asked, {}, **protected)
    api.deploy()
    seen = api.get("/x", Authorization="key").json["requestContext"]["authorizer"]
    assert (seen["principalId"], seen["account"], seen["n"], seen["yes"]) == ("key", "acc-key", "1", "true")


@behaviour(
    "apigateway.missing-token-is-401",
    "A request without the token is answered 401 Unauthorized, and the authorizer is not asked.",
    AUTHORIZERS,
)
def test_missing_token(api: Api, authorizer: Authorizer) -> None:
    api.mock("/x", answer="in", **api.authorizer(authorizer.function))
    api.deploy()
    reply = api.get("/x")
    assert (reply.status, reply.json) == (401, {"message": "Unauthorized"})
    assert reply.headers["x-amzn-errortype"] == "UnauthorizedException"
    assert authorizer.asked(api) == []


@behaviour(
    "apigateway.token-is-validated-first",
    "A token that does not match the validation expression is answered 401, and the authorizer is not asked.",
    guide(
        "Configure an API Gateway Lambda authorizer using the console",
        "configure-api-gateway-lambda-authorization",
    ),
)
def test_validation(api: Api, authorizer: Authorizer) -> None:
    protected = api.authorizer(authorizer.function, identityValidationExpression="Bearer [a-z]+")
    api.mock("/x", answer="in", **protected)
    api.deploy()
    assert api.get("/x", Authorization="Basic key").status == 401
    assert authorizer.asked(api) == []
    assert api.get("/x", Authorization="Bearer key").status == 200


@behaviour(
    "apigateway.authorizer-says-unauthorized",
    "An authorizer that fails with Unauthorized makes it 401; any other failure of it is 500.",
    AUTHORIZERS,
)
def test_unauthorized(api: Api, authorizer: Authorizer) -> None:
    api.mock("/x", answer="in", **api.authorizer(authorizer.function))
    api.deploy()
    reply = api.get("/x", Authorization="unauthorized")
    assert (reply.status, reply.json) == (401, {"message": "Unauthorized"})
    assert api.get("/x", Authorization="broken").status == 500


@behaviour(
    "apigateway.denied-is-403",
    "What an authorizer's policy denies, or does not allow, is answered 403.",
    RESPONSE_TYPES,
)
def test_denied(api: Api, authorizer: Authorizer) -> None:
    protected = api.authorizer(authorizer.function)
    api.mock("/x", answer="in", **protected)
    api.mock("/y", answer="in", **protected)
    api.deploy()
    denied = api.get("/x", Authorization="deny")
    assert denied.status == 403
    assert denied.json.get("Message", denied.json.get("message", "")).startswith("User is not authorized")
    assert api.get("/x", Authorization="only this").status == 200
    assert api.get("/y", Authorization="only this").status == 403


@behaviour(
    "apigateway.authorizer-result-is-cached",
    "An authorizer's answer is kept for its time by the token, for every method; with a time of 0 it is not.",
    AUTHORIZERS,
)
def test_cache(api: Api, authorizer: Authorizer) -> None:
    protected = api.authorizer(authorizer.function, authorizerResultTtlInSeconds=300)
    uncached = api.authorizer(authorizer.function, authorizerResultTtlInSeconds=0)
    api.mock("/x", answer="in", **protected)
    api.mock("/y", answer="in", **protected)
    api.mock("/z", answer="in", **uncached)
    api.deploy()
    for path in ("/x", "/x", "/y"):
        assert api.get(path, Authorization="kept").status == 200
    assert api.get("/x", Authorization="other").status == 200
    for _ in range(2):
        assert api.get("/z", Authorization="never").status == 200

    def tokens() -> list[str]:
        return sorted(event["authorizationToken"] for event in authorizer.asked(api))

    until(lambda: len(tokens()) >= 4, "the authorizer was asked")
    assert tokens() == ["kept", "never", "never", "other"]


@behaviour(
    "apigateway.request-authorizer-sees-the-request",
    "A REQUEST authorizer is given the headers, the query, the path's parameters and the stage's variables.",
    AUTHORIZER_INPUT,
)
def test_request_authorizer(api: Api, authorizer: Authorizer) -> None:
    protected = api.authorizer(authorizer.function, "REQUEST", authorizerResultTtlInSeconds=0)
    api.mock("/x/{id}", answer="in", **protected)
    api.deploy(variables={"colour": "blue"})
    assert api.get("/x/7?q=1", Authorization="key").status == 200
    (event,) = authorizer.asked(api)
    assert (event["type"], event["resource"], event["path"]) == ("REQUEST", "/x/{id}", "/x/7")
    assert (event["httpMethod"], event["pathParameters"]) == ("GET", {"id": "7"})
    assert event["queryStringParameters"] == {"q": "1"}
    assert event["stageVariables"] == {"colour": "blue"}
    assert event["requestContext"]["apiId"] == api.id


@behaviour(
    "apigateway.request-authorizer-needs-its-sources",
    "With a cache, a request that lacks one of the identity sources is answered 401 without asking, and the"
    " sources together are the cache's key.",
    AUTHORIZERS,
)
def test_identity_sources(api: Api, authorizer: Authorizer) -> None:
    sources = "method.request.header.Authorization, method.request.querystring.who"
    protected = api.authorizer(
        authorizer.function, "REQUEST", identitySource=sources, authorizerResultTtlInSeconds=300
    )
    api.mock("/x", answer="in", **protected)
    api.deploy()
    assert api.get("/x", Authorization="key").status == 401
    assert authorizer.asked(api) == []
    for who in ("a", "b", "a"):
        assert api.get(f"/x?who={who}", Authorization="key").status == 200

    def seen() -> list[str]:
        return sorted(event["queryStringParameters"]["who"] for event in authorizer.asked(api))

    until(lambda: len(seen()) >= 2, "the authorizer was asked")
    assert seen() == ["a", "b"]


@behaviour(
    "apigateway.authorizer-context-reaches-templates",
    "A template sees the principal and the context that the authorizer gave, also when it was cached.",
    VARIABLES,
)
def test_context_to_template(api: Api, authorizer: Authorizer) -> None:
    api.mock("/x", answer=WHO, **api.authorizer(authorizer.function, authorizerResultTtlInSeconds=300))
    api.deploy()
    for _ in range(2):
        assert api.get("/x", Authorization="key").body == b"key|acc-key|1|true"


# --- gateway responses -------------------------------------------------------------------------------------


@behaviour(
    "apigateway.gateway-responses-can-be-changed",
    "An API can change the status, the headers and the body of what API Gateway answers itself.",
    guide("Gateway responses for REST APIs in API Gateway", "api-gateway-gatewayResponse-definition"),
)
def test_gateway_response(api: Api) -> None:
    api.mock("/x")
    api.gateway.put_gateway_response(
        restApiId=api.id,
        responseType="MISSING_AUTHENTICATION_TOKEN",
        statusCode="404",
        responseParameters={"gatewayresponse.header.X-Why": "'no route'"},
        responseTemplates={
            "application/json": '{"error": $context.error.messageString, "at": "$context.stage"}'
        },
    )
    api.deploy()
    reply = api.get("/nowhere")
    assert (reply.status, reply.headers["x-why"]) == (404, "no route")
    assert reply.json == {"error": MISSING, "at": "prod"}


@behaviour(
    "apigateway.default-gateway-responses",
    "What is set for DEFAULT_4XX holds for all responses of that kind that have none of their own.",
    RESPONSE_TYPES,
)
def test_default_response(api: Api, authorizer: Authorizer) -> None:
    api.mock("/x", **api.authorizer(authorizer.function))
    template = {"application/json": '{"own": "$context.error.responseType"}'}
    api.gateway.put_gateway_response(restApiId=api.id, responseType="DEFAULT_4XX", responseTemplates=template)
    api.deploy()
    for path, status, kind in (
        ("/x", 401, "UNAUTHORIZED"),
        ("/nowhere", 403, "MISSING_AUTHENTICATION_TOKEN"),
    ):
        reply = api.get(path)
        assert (reply.status, reply.json) == (status, {"own": kind})


@behaviour(
    "apigateway.required-parameters-are-asked-for",
    "With a validator of parameters, a request without a required one is answered 400, which names it.",
    guide("Request validation for REST APIs in API Gateway", "api-gateway-method-request-validation"),
)
def test_required_parameters(api: Api) -> None:
    validator = api.gateway.create_request_validator(
        restApiId=api.id, name="parameters", validateRequestParameters=True
    )["id"]
    required = {"method.request.querystring.q": True, "method.request.header.X-Needed": True}
    api.mock("/x", answer="in", requestValidatorId=validator, requestParameters=required)
    api.deploy()
    reply = api.get("/x")
    assert reply.status == 400
    assert reply.json["message"].startswith("Missing required request parameters: [")
    assert api.get("/x?q=1", X_Needed="1").body == b"in"


@behaviour(
    "apigateway.payload-is-10-mb-at-most",
    "A request of more than 10 MB is answered 413.",
    guide("Quotas for configuring and running a REST API", "api-gateway-execution-service-limits-table"),
)
def test_payload(api: Api) -> None:
    api.mock("/x", "POST")
    api.deploy()
    assert api.send("POST", "/x", b"x" * (10 * 1024 * 1024 + 1)).status == 413
