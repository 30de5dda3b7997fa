"""Lambda and HTTP data sources, and pipelines of several."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from aiohttp import web

from harness.emulator.services.base import InvocationResult

SDL = """
type Query {
  one(id: ID!): Device
  many: [Device!]!
  fetch(path: String!, q: String): AWSJSON
}
type Mutation { fire(id: ID!): Device }
type Device { id: ID  name: String  owner: Owner }
type Owner { name: String }
"""
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:devices"
INVOKE = '{"version": "2018-05-29", "operation": "Invoke", "payload": $util.toJson($ctx.args)}'
ERRORS = "#if($ctx.error) $util.error($ctx.error.message, $ctx.error.type) #end $util.toJson($ctx.result)"


@pytest.fixture
def api(appsync: Any) -> str:
    api_id: str = appsync.create_api(SDL)
    appsync.source(api_id)
    appsync.source(api_id, "devices", type="AWS_LAMBDA", lambdaConfig={"lambdaFunctionArn": FUNCTION})
    return api_id


# -- Lambda


def test_a_function_is_given_the_payload_and_its_answer_is_the_result(appsync: Any, api: str) -> None:
    appsync.functions.handlers[FUNCTION] = lambda event: {"id": event["id"], "name": "van"}
    appsync.resolver(api, "Query.one", INVOKE, source="devices")
    answer = appsync.query(api, '{ one(id: "1") { id name } }')
    assert answer == {"data": {"one": {"id": "1", "name": "van"}}}
    assert appsync.functions.invoked == [(FUNCTION, {"id": "1"}, "RequestResponse")]


def test_without_templates_the_function_is_given_the_whole_context(appsync: Any, api: str) -> None:
    appsync.functions.handlers[FUNCTION] = lambda event: {"id": event["arguments"]["id"]}
    appsync.resolver(api, "Query.one", None, None, source="devices")
    body = {"query": "query($i: ID!) { one(id: $i) { id owner { name } } }", "variables": {"i": "7"}}
    assert orjson.loads(appsync.post(api, body, {"x-own": "1"}).body)["data"] == {
        "one": {"id": "7", "owner": None}
    }
    _, event, _ = appsync.functions.invoked[0]
    assert event == {
        "arguments": {"id": "7"},
        "identity": None,
        "source": None,
        "request": {"headers": {"x-own": "1"}, "domainName": None},
        "prev": None,
        "info": {
            "fieldName": "one",
            "parentTypeName": "Query",
            "variables": {"i": "7"},
            "selectionSetList": ["id", "owner", "owner/name"],
            "selectionSetGraphQL": "{\n  id\n  owner {\n    name\n  }\n}",
        },
        "stash": {},
    }


def test_a_function_that_fails_is_the_response_templates_error(appsync: Any, api: str) -> None:
    appsync.functions.handlers[FUNCTION] = lambda _: 1 / 0
    appsync.resolver(api, "Query.one", INVOKE, ERRORS, source="devices")
    error = appsync.query(api, '{ one(id: "1") { id } }')["errors"][0]
    assert (error["errorType"], error["message"]) == ("Lambda:Unhandled", "division by zero")


@pytest.mark.parametrize("templates", [(INVOKE, ERRORS), (None, None)])
def test_a_function_that_is_not_there(appsync: Any, api: str, templates: tuple[Any, Any]) -> None:
    appsync.resolver(api, "Query.one", *templates, source="devices")
    error = appsync.query(api, '{ one(id: "1") { id } }')["errors"][0]
    assert error["errorType"] == "Lambda:ResourceNotFoundException"


def test_an_answer_that_is_no_json(appsync: Any, api: str) -> None:
    appsync.functions.handlers[FUNCTION] = lambda _: b"<html>"
    appsync.resolver(api, "Query.one", INVOKE, ERRORS, source="devices")
    assert appsync.query(api, '{ one(id: "1") { id } }')["errors"][0]["errorType"] == "Lambda:Unhandled"


def test_an_event_is_not_waited_for(appsync: Any, api: str) -> None:
    appsync.functions.handlers[FUNCTION] = lambda _: {"id": "never seen"}
    request = INVOKE.replace('"Invoke",', '"Invoke", "invocationType": "Event",')
    appsync.resolver(api, "Mutation.fire", request, '{"id": "sent"}', source="devices")
    assert appsync.query(api, 'mutation { fire(id: "1") { id } }') == {"data": {"fire": {"id": "sent"}}}
    assert appsync.functions.invoked[0][2] == "Event"


BATCH = '{"version": "2018-05-29", "operation": "BatchInvoke", "payload": {"device": "$ctx.source.id"}}'
OWNERS = "{ many { id owner { name } } }"


def many(appsync: Any, api: str, count: int) -> None:
    devices = orjson.dumps([{"id": str(n)} for n in range(count)]).decode()
    appsync.resolver(api, "Query.many", '{"version": "2018-05-29"}', devices)


@pytest.mark.parametrize(("size", "batches"), [(None, [5, 2]), (3, [3, 3, 1]), (10, [7])])
def test_siblings_are_resolved_in_batches(
    appsync: Any, api: str, size: int | None, batches: list[int]
) -> None:
    many(appsync, api, 7)
    appsync.functions.handlers[FUNCTION] = lambda events: [{"name": f"of {e['device']}"} for e in events]
    members = {} if size is None else {"maxBatchSize": size}
    appsync.resolver(api, "Device.owner", BATCH, source="devices", **members)
    answer = appsync.query(api, OWNERS)
    assert [d["owner"]["name"] for d in answer["data"]["many"]] == [f"of {n}" for n in range(7)]
    assert [len(given) for _, given, _ in appsync.functions.invoked] == batches


def test_each_of_a_batch_fails_alone(appsync: Any, api: str) -> None:
    many(appsync, api, 2)
    appsync.functions.handlers[FUNCTION] = lambda _: [
        {"data": {"name": "ok"}},
        {"data": None, "errorMessage": "no owner", "errorType": "Missing"},
    ]
    appsync.resolver(api, "Device.owner", None, None, source="devices", maxBatchSize=10)
    answer = appsync.query(api, OWNERS)
    assert [d["owner"] for d in answer["data"]["many"]] == [{"name": "ok"}, None]
    assert [(e["path"], e["errorType"], e["message"]) for e in answer["errors"]] == [
        (["many", 1, "owner"], "Missing", "no owner")
    ]
    assert [event["source"]["id"] for event in appsync.functions.invoked[0][1]] == ["0", "1"]


@pytest.mark.parametrize("wrong", [[], {"a": 1}, None, [1, 2, 3]])
def test_a_batch_of_another_length_fails_whole(appsync: Any, api: str, wrong: Any) -> None:
    many(appsync, api, 2)
    appsync.functions.handlers[FUNCTION] = lambda _: wrong
    appsync.resolver(api, "Device.owner", BATCH, ERRORS, source="devices")
    answer = appsync.query(api, OWNERS)
    assert [d["owner"] for d in answer["data"]["many"]] == [None, None]
    assert {e["errorType"] for e in answer["errors"]} == {"Lambda:BatchInvoke"}


def test_fields_of_a_query_run_side_by_side_and_of_a_mutation_in_a_row(appsync: Any, api: str) -> None:
    running: list[str] = []
    met = asyncio.Event()

    async def invoke(function: str, payload: bytes, **_: Any) -> Any:
        name = orjson.loads(payload)["id"]
        running.append(f"{name} begins")
        if len(running) == 2:
            met.set()
        if name in ("a", "b"):
            await met.wait()  # each waits for the other: in a row they would wait for ever
        await asyncio.sleep(0)
        running.append(f"{name} ends")
        return InvocationResult(200, orjson.dumps({"id": name}), None, "r")

    appsync.functions.invoke = invoke
    appsync.resolver(api, "Query.one", INVOKE, source="devices")
    appsync.resolver(api, "Mutation.fire", INVOKE, source="devices")
    answer = appsync.query(api, '{ x: one(id: "a") { id } y: one(id: "b") { id } }')
    assert answer == {"data": {"x": {"id": "a"}, "y": {"id": "b"}}}
    assert running[:2] == ["a begins", "b begins"]
    running.clear()
    appsync.query(api, 'mutation { x: fire(id: "c") { id } y: fire(id: "d") { id } }')
    assert running == ["c begins", "c ends", "d begins", "d ends"]


# -- pipelines


def function(appsync: Any, api: str, name: str, request: str, response: str, source: str = "none") -> str:
    made = appsync(
        "POST",
        f"/v1/apis/{api}/functions",
        name=name,
        dataSourceName=source,
        functionVersion="2018-05-29",
        requestMappingTemplate=request,
        responseMappingTemplate=response,
    )
    function_id: str = made["functionConfiguration"]["functionId"]
    return function_id


def pipeline(
    appsync: Any, api: str, *functions: str, before: str = "{}", after: str = "$util.toJson($ctx.result)"
) -> None:
    appsync(
        "POST",
        f"/v1/apis/{api}/types/Query/resolvers",
        fieldName="one",
        kind="PIPELINE",
        pipelineConfig={"functions": list(functions)},
        requestMappingTemplate=before,
        responseMappingTemplate=after,
    )


PAYLOAD = '{"version": "2018-05-29", "payload": %s}'


def test_functions_run_in_a_row_and_share_the_stash(appsync: Any, api: str) -> None:
    first = function(
        appsync, api, "first",
        '$util.qr($ctx.stash.put("seen", ["first after $ctx.prev.result.from"]))' + PAYLOAD % '{"id": "$ctx.args.id"}',  # noqa: E501
        "$util.toJson($ctx.result)",
    )  # fmt: skip
    second = function(
        appsync, api, "second",
        '$util.qr($ctx.stash.seen.add("second")) ' + PAYLOAD % '{"id": "${ctx.prev.result.id}-2"}',
        "$util.toJson($ctx.result)",
    )  # fmt: skip
    after = '{"id": "$ctx.result.id", "name": "$ctx.stash.seen"}'
    pipeline(appsync, api, first, second, before='{"from": "before"}', after=after)
    assert appsync.query(api, '{ one(id: "1") { id name } }') == {
        "data": {"one": {"id": "1-2", "name": "[first after before, second]"}}
    }


def test_an_error_ends_the_row(appsync: Any, api: str) -> None:
    failing = function(appsync, api, "failing", PAYLOAD % "1", '$util.error("stop here", "Stopped")')
    never = function(appsync, api, "never", INVOKE, "null", source="devices")
    pipeline(appsync, api, failing, never)
    answer = appsync.query(api, '{ one(id: "1") { id } }')
    assert (answer["data"], answer["errors"][0]["errorType"]) == ({"one": None}, "Stopped")
    assert appsync.functions.invoked == []


def test_return_in_a_function_goes_on_with_the_next(appsync: Any, api: str) -> None:
    early = function(
        appsync, api, "early", '#if($ctx.args.id == "1") #return({"id": "early"}) #end ' + INVOKE,
        "$util.toJson($ctx.result)", source="devices",
    )  # fmt: skip
    last = function(
        appsync, api, "last", PAYLOAD % '{"id": "$ctx.prev.result.id then last"}', "$util.toJson($ctx.result)"
    )
    pipeline(appsync, api, early, last)
    assert appsync.query(api, '{ one(id: "1") { id } }')["data"] == {"one": {"id": "early then last"}}
    assert appsync.functions.invoked == []


def test_return_before_the_pipeline_is_the_fields_value(appsync: Any, api: str) -> None:
    never = function(appsync, api, "never", INVOKE, "null", source="devices")
    pipeline(appsync, api, never, before='#return({"id": "none needed"})', after='{"id": "after"}')
    assert appsync.query(api, '{ one(id: "1") { id } }')["data"] == {"one": {"id": "none needed"}}


def test_a_function_changed_later_is_changed_in_its_pipelines(appsync: Any, api: str) -> None:
    step = function(appsync, api, "step", PAYLOAD % '{"id": "old"}', "$util.toJson($ctx.result)")
    pipeline(appsync, api, step)
    query = '{ one(id: "1") { id } }'
    assert appsync.query(api, query)["data"] == {"one": {"id": "old"}}
    appsync(
        "POST",
        f"/v1/apis/{api}/functions/{step}",
        name="step",
        dataSourceName="none",
        requestMappingTemplate=PAYLOAD % '{"id": "new"}',
        responseMappingTemplate="$util.toJson($ctx.result)",
    )
    assert appsync.query(api, query)["data"] == {"one": {"id": "new"}}


# -- HTTP


class Site:
    """A server on loopback; what it was asked is kept."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], str]] = []
        self.url = ""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append((request.method, request.raw_path, dict(request.headers), await request.text()))
        if request.path == "/moved":
            return web.Response(status=302, headers={"location": "http://127.0.0.1:4566/"})
        if request.path == "/large":
            return web.Response(body=b"x" * (5 * 1024 * 1024 + 1))
        return web.Response(text='{"ok": true}', headers={"x-site": "1"})


@pytest.fixture
def site(appsync: Any) -> Iterator[Site]:
    found = Site()

    async def start() -> web.ServerRunner:
        runner = web.ServerRunner(web.Server(found.handle))
        await runner.setup()
        listening = web.TCPSite(runner, "127.0.0.1", 0)
        await listening.start()
        found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    runner = appsync.run(start())
    yield found
    appsync.run(appsync.service._sources.close())
    appsync.run(runner.cleanup())


REQUEST = """{"version": "2018-05-29", "method": "POST", "resourcePath": $util.toJson($ctx.args.path),
  "params": {"query": {"q": $util.toJson($ctx.args.q)}, "headers": {"X-Own": "yes", "Host": "evil"},
             "body": {"a": 1}}}"""


def fetching(appsync: Any, api: str, endpoint: str, request: str = REQUEST) -> None:
    appsync.source(api, "site", type="HTTP", httpConfig={"endpoint": endpoint})
    appsync.resolver(api, "Query.fetch", request, ERRORS, source="site")


def test_an_endpoint_is_asked_as_the_template_says(appsync: Any, api: str, site: Site) -> None:
    fetching(appsync, api, site.url)
    answer = appsync.query(api, '{ fetch(path: "/v1/x", q: "a b&c") }')
    result = orjson.loads(answer["data"]["fetch"])
    assert (result["statusCode"], result["body"], result["headers"]["x-site"]) == (200, '{"ok": true}', "1")
    method, path, headers, body = site.asked[0]
    assert (method, path, body) == ("POST", "/v1/x?q=a+b%26c", '{"a":1}')
    assert headers["X-Own"] == "yes"
    assert headers["Host"] != "evil"


def test_a_redirect_is_an_answer_not_a_way(appsync: Any, api: str, site: Site) -> None:
    fetching(appsync, api, site.url)
    result = orjson.loads(appsync.query(api, '{ fetch(path: "/moved") }')["data"]["fetch"])
    assert result["statusCode"] == 302
    assert len(site.asked) == 1


def test_an_answer_that_is_too_large_is_an_error(appsync: Any, api: str, site: Site) -> None:
    fetching(appsync, api, site.url)
    error = appsync.query(api, '{ fetch(path: "/large") }')["errors"][0]
    assert error["errorType"] == "Http:ResponseTooLarge"


@pytest.mark.parametrize("path", ["@evil.example/", "//evil.example/", ".evil.example", ":80@evil/", "", "x"])
def test_a_path_never_leads_elsewhere(appsync: Any, api: str, site: Site, path: str) -> None:
    fetching(appsync, api, site.url)
    answer = appsync.query(api, "query($p: String!) { fetch(path: $p) }", p=path)
    if "errors" in answer:
        assert answer["errors"][0]["errorType"] == "MappingTemplate"
        assert site.asked == []
    else:
        assert len(site.asked) == 1  # it was a path of the configured endpoint after all


def test_headers_cannot_be_smuggled(appsync: Any, api: str, site: Site) -> None:
    request = REQUEST.replace('"yes"', "$util.toJson($ctx.args.q)")
    fetching(appsync, api, site.url, request)
    answer = appsync.query(api, 'query($q: String) { fetch(path: "/", q: $q) }', q="a\r\nX-Evil: 1")
    assert answer["errors"][0]["errorType"] == "Http:RequestFailed"
    assert site.asked == []


@pytest.mark.parametrize(
    "endpoint",
    [
        *(
            "http://169.254.169.254",
            "http://10.0.0.1",
            "http://[::ffff:10.0.0.1]:80",
            "http://127.0.0.1:4566",
        ),
        *(
            "http://localhost:1/path",
            "ftp://localhost",
            "http://",
            "x",
            "http://u:p@127.0.0.1:1",
            "http://0x7f.1",
        ),
    ],
)
def test_endpoints_that_may_not_be_asked_are_refused(appsync: Any, api: str, endpoint: str) -> None:
    with appsync.refused("BadRequestException", "HTTP endpoint"):
        appsync.source(api, "site", type="HTTP", httpConfig={"endpoint": endpoint})


def test_a_name_is_judged_by_its_addresses(appsync: Any, api: str) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        await asyncio.sleep(0)
        return {"metadata.example": ["169.254.169.254"], "self.example": ["127.0.0.1"]}[host]

    appsync.service._sources._http.addresses._resolve = resolve
    for name, port in (("metadata.example", 80), ("self.example", 4566)):
        appsync.source(api, f"at{port}", type="HTTP", httpConfig={"endpoint": f"http://{name}:{port}"})
        appsync.resolver(api, "Query.fetch", REQUEST, ERRORS, source=f"at{port}")
        error = appsync.query(api, '{ fetch(path: "/") }')["errors"][0]
        appsync("DELETE", f"/v1/apis/{api}/types/Query/resolvers/fetch")
        assert error["errorType"] == "Http:RequestFailed"
    appsync.run(appsync.service._sources.close())
