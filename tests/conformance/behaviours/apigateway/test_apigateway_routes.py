"""API Gateway: routes and mapping templates of a deployed REST API."""

from __future__ import annotations

import json

from tests.conformance.behaviours.apigateway.rest_apis import (
    MISSING,
    MOCK,
    READ,
    RESPONSE_TYPES,
    VARIABLES,
    Api,
    guide,
    uri_of,
)
from tests.conformance.catalogue import behaviour, observed
from tests.conformance.functions import Function
from tests.conformance.kit import until

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
