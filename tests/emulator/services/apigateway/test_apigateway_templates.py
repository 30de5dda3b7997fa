"""API Gateway's own variables in templates, and templates as people write them."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.emulator.services.apigateway.errors import GatewayError
from harness.emulator.services.apigateway.exchange import Authorization, Exchange, StageIdentity
from harness.emulator.services.apigateway.ids import RequestIds
from harness.emulator.services.apigateway.variables import template_variables
from harness.emulator.services.base import AwsRequest, CallContext
from harness.emulator.vtl import ReadOnlyMap, TemplateFailure, compile_template

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_categories=("Cs",)), max_size=8), inner, max_size=4),
    max_leaves=15,
)  # fmt: skip


def exchange_of(body: bytes = b"", **changes: Any) -> Exchange:
    headers = {
        "host": "api1.execute-api.us-east-1.amazonaws.com",
        "user-agent": "curl/8",
        "content-type": "application/json",
        "x-api-thing": "h",
    }
    request = AwsRequest(
        changes.pop("method", "POST"),
        "/",
        changes.pop("query", "q=1&q=2&sp=a%20b&empty="),
        {**headers, **changes.pop("headers", {})},
        body,
        CallContext(account_id="123456789012"),
        source_ip="10.0.0.1",
    )
    stage = StageIdentity("api1", "ingest", "prod", "dep1", ReadOnlyMap(table="things"))
    exchange = Exchange(
        stage, "/v1/devices/d%201", request, RequestIds("rid", "eid", "Root=1-abc"), 1_790_000_000.123
    )
    exchange.routed(("res1", "/v1/devices/{id}"), {"id": "d 1"}, "/v1/devices/d 1")
    exchange.authorization = Authorization("user", ReadOnlyMap(principalId="user", account_id="acc-1", n="1"))
    return exchange


def render(template: str, body: bytes = b"", *, of_client: bool = True, **changes: Any) -> str:
    exchange = exchange_of(body, **changes)
    variables = template_variables(body, exchange, of_client=of_client)
    return compile_template(template, unresolved="empty").render(variables)


CONTEXT = [
    ("$context.requestId $context.extendedRequestId", "rid eid"),
    ("$context.apiId $context.stage $context.deploymentId", "api1 prod dep1"),
    ("$context.accountId", "123456789012"),
    ("$context.httpMethod $context.resourcePath $context.resourceId", "POST /v1/devices/{id} res1"),
    ("$context.path", "/prod/v1/devices/d%201"),
    ("$context.protocol", "HTTP/1.1"),
    ("$context.requestTimeEpoch", "1790000000123"),
    ("$context.requestTime", "21/Sep/2026:14:13:20 +0000"),
    ("$context.domainName $context.domainPrefix", "api1.execute-api.us-east-1.amazonaws.com api1"),
    ("$context.identity.sourceIp $context.identity.userAgent", "10.0.0.1 curl/8"),
    ("[$context.identity.apiKey$context.identity.userArn]", "[]"),
    ("$context.authorizer.account_id $context.authorizer.n $context.authorizer.principalId", "acc-1 1 user"),
    ("$context['stage'] $context.authorizer['n']", "prod 1"),
    ("$context.xrayTraceId", "1-abc"),
    ("[$context.nope]", "[]"),
    ("$stageVariables.table ${stageVariables['table']} [$stageVariables.nope]", "things things []"),
]


@pytest.mark.parametrize(("template", "expected"), CONTEXT)
def test_context_and_stage_variables(template: str, expected: str) -> None:
    assert render(template) == expected


PARAMETERS = [
    ("$input.params('id')", "d 1"),
    ("$input.params('q') $input.params('sp') [$input.params('empty')]", "2 a b []"),
    ("$input.params('X-Api-Thing') $input.params('x-api-thing')", "h h"),
    ("[$input.params('nope')]", "[]"),
    ("$input.params().path.id $input.params().querystring.q", "d 1 2"),
    ("$input.params().header.get('X-Api-Thing') $input.params().header.User-Agent", "h curl/8"),
    ("$input.params().get('querystring').get('sp')", "a b"),
    (
        "$input.params().header.containsKey('x-api-thing') $input.params().header.containsKey('z')",
        "true false",
    ),
    ("$input.params().keySet()", "[path, querystring, header]"),
    ("#if($input.params('nope') == '')none#end", "none"),
]


@pytest.mark.parametrize(("template", "expected"), PARAMETERS)
def test_parameters(template: str, expected: str) -> None:
    assert render(template) == expected


BODY = b'{"a": {"b": [1, 2]}, "s": "x\\"y", "n": null, "f": 1.50, "t": true}'
BODIES = [
    ("$input.json('$')", '{"a":{"b":[1,2]},"s":"x\\"y","n":null,"f":1.5,"t":true}'),
    ("$input.json('$.a')", '{"b":[1,2]}'),
    ("$input.json('$.s') $input.path('$.s')", '"x\\"y" x"y'),
    ("$input.json('$.n') [$input.path('$.n')]", "null []"),
    ("$input.json('$.nope') [$input.path('$.nope')]", '"" []'),
    ("$input.path('$.a.b').size() $input.path('$.a.b')[1]", "2 2"),
    ("$input.path('$').a.b[0] $input.path('$.a')", "1 {b=[1,2]}"),
    ("$input.json('$.a.b[*]')", "[1,2]"),
    ("$input.body", BODY.decode()),
    (
        "#set($root = $input.path('$'))#set($root.a.c = 1)$root.a $input.json('$.a')",
        '{b=[1,2], c=1} {"b":[1,2]}',
    ),
]


@pytest.mark.parametrize(("template", "expected"), BODIES)
def test_bodies(template: str, expected: str) -> None:
    assert render(template, BODY) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("$input.json('$')", "{}"),
        ("[$input.path('$')]", "[]"),
        ("$input.json('$.a')", '""'),
        ("[$input.body]", "[]"),
    ],
)
def test_an_empty_body(template: str, expected: str) -> None:
    assert render(template, b"") == expected


def test_a_body_that_is_no_json_is_one_string() -> None:
    form = b"name=Marcus&email=email%40example.com&message="
    template = """{"data": {
#foreach($token in $input.path('$').split('&'))
#set($pair = $token.split('='))
#if($pair.size() > 1)#set($value = $util.urlDecode($pair[1]))#else#set($value = '')#end
"$util.urlDecode($pair[0])": "$value"#if($foreach.hasNext),#end
#end
}}"""
    data = {"name": "Marcus", "email": "email@example.com", "message": ""}
    assert json.loads(render(template, form)) == {"data": data}
    assert render("$input.json('$')", b"not json") == '"not json"'


@pytest.mark.parametrize("body", [b'{"a": ', b"[1, 2", b'{"a": 1}}', b'"open', b"\xef{", b'{"a": NaN}'])
def test_broken_json_of_a_client_is_refused(body: bytes) -> None:
    if body[:1] in (b"{", b"[", b'"'):
        with pytest.raises(GatewayError) as caught:
            render("$input.json('$')", body)
        assert caught.value.status == 400
        assert str(caught.value.message).startswith("Could not parse request body into json: ")
    else:
        assert render("$input.json('$')", body) == '"\ufffd{"'


def test_broken_json_of_an_integration_is_the_gateways_fault() -> None:
    with pytest.raises(GatewayError) as caught:
        render("$input.path('$.a')", b'{"a": ', of_client=False)
    assert caught.value.status == 500


def test_a_body_is_not_parsed_when_no_template_asks() -> None:
    assert render("$context.requestId", b"{broken") == "rid"


UTIL = [
    ("$util.escapeJavaScript($input.path('$.s'))", {"s": "a\"b'c\\d/e\nf\té☃😀"},
     "a\\\"b\\'c\\\\d\\/e\\nf\\t\\u00E9\\u2603\\uD83D\\uDE00"),
    ("$util.escapeJavaScript(\"it's\").replaceAll(\"\\\\'\",\"'\")", {}, "it's"),
    ("$util.parseJson($input.path('$.s')).key2.arr[0]", {"s": '{"key2":{"arr":[7]}}'}, "7"),
    ("$util.base64Encode('é')", {}, "w6k="),
    ("$util.base64Decode('w6k=')", {}, "é"),
    ("$util.urlEncode('a b&c~*')", {}, "a+b%26c%7E*"),
    ("$util.urlDecode('a+b%26c')", {}, "a b&c"),
    ("[$util.base64Encode($nope)$util.urlEncode($nope)$util.escapeJavaScript($nope)]", {}, "[]"),
    ("$util.base64Encode($input.path('$.o'))", {"o": {"a": [1]}}, base64.b64encode(b'{"a":[1]}').decode()),
]  # fmt: skip


@pytest.mark.parametrize(("template", "body", "expected"), UTIL)
def test_util(template: str, body: dict[str, Any], expected: str) -> None:
    assert render(template, json.dumps(body).encode()) == expected


@pytest.mark.parametrize("template", ["$util.parseJson('{')", "$util.base64Decode('a')", "$input.path(1)"])
def test_util_fails_on_what_it_cannot_read(template: str) -> None:
    with pytest.raises(TemplateFailure):
        render(template)


def test_what_aws_documents_as_passing_all_parameters() -> None:
    """docs: API Gateway Developer Guide, mapping template variable examples, example 2."""
    template = """#set($allParams = $input.params())
{
  "params" : {
    #foreach($type in $allParams.keySet())
    #set($params = $allParams.get($type))
    "$type" : {
      #foreach($paramName in $params.keySet())
      "$paramName" : "$util.escapeJavaScript($params.get($paramName))"
      #if($foreach.hasNext),#end
      #end
    }
    #if($foreach.hasNext),#end
    #end
  }
}"""
    answer = json.loads(render(template))
    assert answer["params"]["path"] == {"id": "d 1"}
    assert answer["params"]["querystring"] == {"q": "2", "sp": "a b", "empty": ""}
    assert answer["params"]["header"]["X-Api-Thing"] == "h"


def test_a_dynamodb_item_to_plain_json() -> None:
    template = """#set($inputRoot = $input.path('$'))
{ "comments": [
#foreach($elem in $inputRoot.Items) {
  "id": "$elem.id.S",
  "n": $elem.n.N
}#if($foreach.hasNext),#end
#end
]}"""
    body = {"Items": [{"id": {"S": "a"}, "n": {"N": "1"}}, {"id": {"S": "b"}, "n": {"N": "2"}}]}
    rendered = json.loads(render(template, json.dumps(body).encode()))
    assert rendered == {"comments": [{"id": "a", "n": 1}, {"id": "b", "n": 2}]}


def test_overrides_are_noted() -> None:
    exchange = exchange_of()
    template = """#set($context.responseOverride.status = 418)
#set($context.responseOverride.header.X-Tea = "pot")
#set($context.requestOverride.header['x-a'] = "b")"""
    compile_template(template).render(template_variables(b"", exchange, of_client=True))
    assert exchange.response_override == {"status": 418, "header": {"X-Tea": "pot"}}
    assert exchange.request_override["header"] == {"x-a": "b"}


@pytest.mark.parametrize(
    "template",
    [
        "#set($context.authorizer.account_id = 'other')",
        "$context.authorizer.put('account_id', 'other')",
        "#set($context.stage = 'other')",
        "#set($stageVariables.table = 'other')",
        "$stageVariables.clear()",
        "$input.params().header.clear()",
    ],
)
def test_what_outlives_a_request_cannot_be_changed(template: str) -> None:
    exchange = exchange_of()
    variables = template_variables(b"", exchange, of_client=True)
    with contextlib.suppress(TemplateFailure):
        compile_template(template).render(variables)
    assert exchange.authorization is not None
    assert exchange.authorization.context["account_id"] == "acc-1"
    assert exchange.stage.variables == {"table": "things"}
    assert exchange.stage.stage == "prod"
    assert "User-Agent" in exchange.headers


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_any_json_body_survives_a_round_trip(value: Any) -> None:
    body = orjson.dumps(value)
    assert orjson.loads(render("$input.json('$')", body)) == orjson.loads(body)
    wrapped = render('{"Data":"$util.base64Encode($input.json(\'$\'))"}', body)
    assert orjson.loads(base64.b64decode(orjson.loads(wrapped)["Data"])) == orjson.loads(body)


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=60))
def test_no_text_breaks_out_of_its_string_when_escaped(text: str) -> None:
    """AWS's documentation says what to do with the one escape that JSON does not know."""
    template = """{"a":"$util.escapeJavaScript($input.path('$.s')).replaceAll("\\\\'","'")","b":1}"""
    rendered = render(template, orjson.dumps({"s": text}))
    assert json.loads(rendered) == {"a": text, "b": 1}


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=60))
def test_values_of_a_request_are_never_templates(text: str) -> None:
    hostile = "#set($x = 1)$context.requestId" + text
    body = orjson.dumps({"s": hostile})
    assert render("$input.path('$.s')", body) == hostile
    assert render("#set($t = \"$input.path('$.s')\")$t", body) == hostile
