"""APPSYNC_JS: what code may be, what it is given, what its helpers make, and how it is held in bounds."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import orjson
import pytest

from harness.emulator.services.appsync.javascript.engine import Code, CodeFailure
from harness.emulator.services.appsync.javascript.module import CodeError, read_module

SDL = """
type Query { device(id: ID!, at: Int): Device  text: String  json(a: AWSJSON): AWSJSON }
type Mutation { put(id: ID!, name: String): Device }
type Subscription { onPut(id: ID): Device @aws_subscribe(mutations: ["put"]) }
type Device { id: ID!  name: String }
"""
RUNTIME = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}
UTIL = "import { util, runtime, extensions } from '@aws-appsync/utils';\n"
PASS = "export function response(ctx) { return ctx.result; }\n"


@pytest.fixture
def api(appsync: Any) -> str:
    api_id: str = appsync.create_api(SDL)
    appsync.source(api_id)
    appsync.table(api_id, "devices")
    return api_id


def resolver(appsync: Any, api: str, field: str, code: str, source: str = "none") -> None:
    appsync.resolver(api, field, None, None, source, runtime=RUNTIME, code=code)


def evaluated(appsync: Any, code: str, function: str = "request", **context: Any) -> Any:
    """What EvaluateCode answers."""
    given = orjson.dumps(context).decode()
    return appsync(
        "POST", "/v1/dataplane-evaluatecode", runtime=RUNTIME, code=code, context=given, function=function
    )


def value_of(appsync: Any, expression: str, **context: Any) -> Any:
    """The value of an expression of JavaScript that may use util and ddb."""
    code = (
        f"{UTIL}import * as ddb from '@aws-appsync/utils/dynamodb';\n"
        f"export function request(ctx) {{ return {{ v: {expression} }}; }}\n{PASS}"
    )
    answer = evaluated(appsync, code, **context)
    assert "error" not in answer, answer
    return orjson.loads(answer["evaluationResult"]).get("v")


# -- running


def test_code_reads_and_writes_a_table(appsync: Any, api: str) -> None:
    put = """
    import { util } from '@aws-appsync/utils';
    import { put } from '@aws-appsync/utils/dynamodb';
    export function request(ctx) {
      const { id, ...rest } = ctx.args;
      return put({ key: { id }, item: rest, condition: { id: { attributeExists: false } } });
    }
    export function response(ctx) {
      if (ctx.error) { util.error(ctx.error.message, ctx.error.type, ctx.result); }
      return ctx.result;
    }
    """
    get = """
    import * as ddb from '@aws-appsync/utils/dynamodb';
    export const request = (ctx) => ddb.get({ key: { id: ctx.args.id } });
    export const response = (ctx) => ctx.result;
    """
    resolver(appsync, api, "Mutation.put", put, "devices")
    resolver(appsync, api, "Query.device", get, "devices")
    query = 'mutation { put(id: "1", name: "%s") { id name } }'
    assert appsync.query(api, query % "van") == {"data": {"put": {"id": "1", "name": "van"}}}
    assert appsync.query(api, '{ device(id: "1") { name } }') == {"data": {"device": {"name": "van"}}}
    error = appsync.query(api, query % "other")["errors"][0]
    assert (error["errorType"], error["data"]["name"]) == (
        "DynamoDB:ConditionalCheckFailedException",
        "van",
    )


def test_pipelines_share_the_stash_and_see_what_was_before(appsync: Any, api: str) -> None:
    step = """
    export function request(ctx) {
      ctx.stash.seen.push('step');
      return { payload: ctx.prev.result.start + 1 };
    }
    export function response(ctx) { ctx.stash.seen.push(`got ${ctx.result}`); return ctx.result; }
    """
    made = appsync(
        "POST", f"/v1/apis/{api}/functions", name="step", dataSourceName="none", runtime=RUNTIME, code=step
    )
    whole = """
    export function request(ctx) { ctx.stash.seen = ['before']; return { start: 1 }; }
    export function response(ctx) { return `${ctx.result} ${ctx.stash.seen.join()}`; }
    """
    function_id = made["functionConfiguration"]["functionId"]
    appsync(
        "POST", f"/v1/apis/{api}/types/Query/resolvers", fieldName="text", kind="PIPELINE",
        runtime=RUNTIME, code=whole, pipelineConfig={"functions": [function_id]},
    )  # fmt: skip
    assert appsync.query(api, "{ text }") == {"data": {"text": "2 before,step,got 2"}}


def test_early_return_skips_source_and_response(appsync: Any, api: str) -> None:
    code = (
        UTIL
        + "export function request(ctx) { runtime.earlyReturn({ id: 'early' }); }"
        + PASS.replace("ctx.result", "1/0")
    )
    resolver(appsync, api, "Query.device", code, "devices")
    assert appsync.query(api, "{ device(id: 1) { id } }") == {"data": {"device": {"id": "early"}}}
    assert appsync.calls.made == []


def test_errors_are_the_fields_errors(appsync: Any, api: str) -> None:
    code = (
        UTIL
        + "export function request(ctx) { util.appendError('first', 'A'); util.error('second', 'B', {d: 1}, 'i'); }"  # noqa: E501
        + PASS
    )
    resolver(appsync, api, "Query.text", code)
    errors = appsync.query(api, "{ text }")["errors"]
    assert [(e["message"], e["errorType"], e["data"], e["errorInfo"]) for e in errors] == [
        ("first", "A", None, None),
        ("second", "B", {"d": 1}, "i"),
    ]


def test_unauthorized_names_the_field(appsync: Any, api: str) -> None:
    resolver(appsync, api, "Query.text", UTIL + "export const request = () => util.unauthorized();" + PASS)
    error = appsync.query(api, "{ text }")["errors"][0]
    assert (error["errorType"], error["message"]) == (
        "Unauthorized",
        "Not Authorized to access text on type Query",
    )


def test_a_mistake_in_the_code_is_an_error_of_type_code(appsync: Any, api: str) -> None:
    resolver(appsync, api, "Query.text", "export const request = (ctx) => ctx.nothing.at.all;" + PASS)
    error = appsync.query(api, "{ text }")["errors"][0]
    assert error["errorType"] == "Code"
    assert "undefined" in error["message"]


def test_a_subscriptions_code_sets_its_filter(appsync: Any, api: str) -> None:
    from harness.emulator.services.appsync.contract import Operation, RequestInfo

    code = (
        UTIL
        + """
    export const request = (ctx) => ({ payload: null });
    export const response = (ctx) => {
      extensions.setSubscriptionFilter(util.transform.toSubscriptionFilter({ id: { eq: ctx.args.id } }));
      return null;
    };
    """
    )
    resolver(appsync, api, "Subscription.onPut", code)
    operation = Operation('subscription { onPut(id: "7") { id } }')
    request = appsync.service.executor.subscribe(api, appsync.authorizer.identity, operation, RequestInfo({}))
    found = appsync.run(request)
    assert found.filter == {
        "filterGroup": [{"filters": [{"fieldName": "id", "operator": "eq", "value": "7"}]}]
    }


# -- helpers


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("util.dynamodb.toDynamoDB({a: [1, 'x', null, true, 1.5]})", {"M": {"a": {"L": [{"N": "1"}, {"S": "x"}, {"NULL": True}, {"BOOL": True}, {"N": "1.5"}]}}}),  # noqa: E501
        ("util.dynamodb.toStringSet(['a', 'b'])", {"SS": ["a", "b"]}),
        ("util.dynamodb.toMapValues({id: 'a', n: undefined})", {"id": {"S": "a"}}),
        ("util.urlEncode('a b&ü~*')", "a+b%26%C3%BC%7E*"),
        ("util.urlDecode('a+b%26%C3%BC')", "a b&ü"),
        ("util.base64Encode('grüße 😀')", "Z3LDvMOfZSDwn5iA"),
        ("util.base64Encode('a') + util.base64Encode('ab')", "YQ==YWI="),
        ("util.base64Decode('Z3LDvMOfZSDwn5iA')", "grüße 😀"),
        ("util.matches('a*b', 'aaab') + '' + util.matches('a*b', 'aaabc')", "truefalse"),
        ("util.authType()", "API Key Authorization"),
        ("util.typeOf([]) + util.typeOf({}) + util.typeOf(null)", "ListMapNull"),
        ("util.time.nowISO8601()", "2023-11-14T22:13:20.000Z"),
        ("util.time.nowEpochSeconds()", 1_700_000_000),
        ("util.time.nowFormatted(\"yyyy-MM-dd'T'HH:mm:ss.SSSXXX\", '+05:30')", "2023-11-15T03:43:20.000+05:30"),  # noqa: E501
        ("util.time.parseFormattedToEpochMilliSeconds('2018-02-01 17:21:05.180+08:00', 'yyyy-MM-dd HH:mm:ss.SSSXXX')", 1_517_476_865_180),  # noqa: E501
        ("util.time.parseISO8601ToEpochMilliSeconds('2018-02-01T17:21:05.180+08:00')", 1_517_476_865_180),
        ("util.time.epochMilliSecondsToFormatted(1517943695750, 'EEE, d MMM yyyy hh:mm a')", "Tue, 6 Feb 2018 07:01 PM"),  # noqa: E501
        ("util.str.normalize('e\\u0301', 'nfc')", "é"),
        ("JSON.parse(util.transform.toDynamoDBFilterExpression({title: {contains: 'x'}}))", {"expression": "(contains(#title, :title_contains))", "expressionNames": {"#title": "title"}, "expressionValues": {":title_contains": {"S": "x"}}}),  # noqa: E501
        ("util.transform.toSubscriptionFilter({or: [{a: {eq: 1}}, {b: {gt: 2}}], c: {in: [3]}})", {"filterGroup": [{"filters": [{"fieldName": "a", "operator": "eq", "value": 1}, {"fieldName": "c", "operator": "in", "value": [3]}]}, {"filters": [{"fieldName": "b", "operator": "gt", "value": 2}, {"fieldName": "c", "operator": "in", "value": [3]}]}]}),  # noqa: E501
        ("ddb.update({key: {id: 1}, update: {a: 'x', b: ddb.operations.increment(2), c: ddb.operations.remove()}})", {"operation": "UpdateItem", "key": {"id": {"N": "1"}}, "update": {"expression": "SET #expName_1_0 = :expValue_1, #expName_2_0 = if_not_exists(#expName_2_0, :expZero) + :expValue_2 REMOVE #expName_3_0", "expressionNames": {"#expName_1_0": "a", "#expName_2_0": "b", "#expName_3_0": "c"}, "expressionValues": {":expValue_1": {"S": "x"}, ":expZero": {"N": "0"}, ":expValue_2": {"N": "2"}}}}),  # noqa: E501
        ("ddb.query({query: {account: {eq: 'a'}, id: {beginsWith: 'x'}}, limit: 2, nextToken: null})", {"operation": "Query", "query": {"expression": "#account = :account_eq AND begins_with(#id, :id_beginsWith)", "expressionNames": {"#account": "account", "#id": "id"}, "expressionValues": {":account_eq": {"S": "a"}, ":id_beginsWith": {"S": "x"}}}, "limit": 2, "nextToken": None}),  # noqa: E501
        ("ddb.transactWrite({items: [{putItem: {table: 't', key: {id: 1}, item: {a: 2}}}]})", {"operation": "TransactWriteItems", "transactItems": [{"table": "t", "operation": "PutItem", "key": {"id": {"N": "1"}}, "attributeValues": {"a": {"N": "2"}}}]}),  # noqa: E501
        ("ctx.args.a + ctx.arguments.a", 4),
        ("typeof Date + typeof Proxy + typeof RegExp", "undefinedundefinedundefined"),
    ],
)  # fmt: skip
def test_helpers(appsync: Any, expression: str, value: Any) -> None:
    assert value_of(appsync, expression, arguments={"a": 2}) == value


@pytest.mark.parametrize("helper", ["autoId", "autoUlid", "autoKsuid"])
def test_ids_are_never_the_same(appsync: Any, helper: str) -> None:
    call = f"[util.{helper}(), util.{helper}(), util.{helper}()]"
    made = [made for _ in range(20) for made in value_of(appsync, call)]
    assert len(set(made)) == 60
    assert {len(one) for one in made} == {{"autoId": 36, "autoUlid": 26, "autoKsuid": 27}[helper]}


def test_javascript_and_templates_make_the_same_filters(appsync: Any) -> None:
    from harness.emulator.services.appsync.templates.transforms import (
        dynamodb_expression,
        subscription_filter,
    )

    filters = [
        {"a": {"eq": 1, "lt": 2}},
        {"or": [{"a": {"ne": "x"}}, {"and": [{"b": {"between": [1, 2]}}, {"c": {"attributeExists": True}}]}]},
        {"not": {"a": {"in": [1, 2]}}, "b": {"size": {"ge": 3}}},
        {"not": {"or": [{"a": {"eq": 1}}, {"a": {"eq": 2}}]}},
        {"a-b.c": {"notContains": "x"}, "d": {"attributeType": "S"}},
    ]
    for one in filters:
        text = orjson.dumps(one).decode()
        found = value_of(appsync, f"JSON.parse(util.transform.toDynamoDBConditionExpression({text}))")
        assert found == dynamodb_expression(one)
    for one in (
        {"a": {"eq": 1}, "or": [{"b": {"gt": 1}}, {"c": {"lt": 1}}]},
        {},
        {"and": [{"a": {"in": [1]}}]},
    ):
        text = orjson.dumps(one).decode()
        assert value_of(appsync, f"util.transform.toSubscriptionFilter({text})") == subscription_filter(one)


# -- what is refused when it is made


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("export const request = (ctx) => { x++; };", "++ operator"),
        ("export const request = (ctx) => { while (true) {} };", "'while'"),
        ("export const request = (ctx) => { for (let i = 0; i < 3; i += 1) {} };", "for-in and for-of"),
        ("export const request = async (ctx) => 1;", "'async'"),
        ("export const request = (ctx) => { try { return 1; } catch (e) {} };", "'try'"),
        ("export const request = (ctx) => { throw 1; };", "'throw'"),
        ("export const request = (ctx) => /a/.test('a');", "Regular expressions"),
        ("class A {} export const request = (ctx) => 1;", "'class'"),
        ("import fs from 'fs'; export const request = (ctx) => 1;", "'fs' cannot be imported"),
        ("import { sync } from '@aws-appsync/utils/dynamodb'; export const request = () => 1;", "'sync'"),
        ("import { select } from '@aws-appsync/utils/rds'; export const request = () => 1;", "utils/rds"),
        (UTIL + "export const request = (ctx) => util.xml.toMap('<a/>');", "util.xml"),
        (UTIL + "export const request = (ctx) => util.frobnicate();", "util.frobnicate"),
        ("export const request = (ctx) => {", "error"),
        ("const request = (ctx) => 1;", "must export a function named 'request'"),
        ("export const request = 1;", "must export a function named 'request'"),
        ("export const request = (ctx) => '", "Unexpected token"),
    ],
)
def test_code_that_appsync_does_not_run_is_refused(appsync: Any, api: str, code: str, words: str) -> None:
    with pytest.raises(Exception, match="errors") as caught:
        resolver(appsync, api, "Query.text", code + "\n" + PASS)
    assert caught.value.code == "BadRequestException"
    assert words in caught.value.message


def test_a_refusal_says_where(appsync: Any) -> None:
    answer = evaluated(appsync, "export function request(ctx) {\n  let a = 1;\n  a++;\n}")
    assert answer["error"]["codeErrors"][0]["location"] == {"line": 3, "column": 4, "span": 0}


def test_words_in_strings_comments_templates_and_names_are_free(appsync: Any) -> None:
    code = """
    // while (true) {} /* try */
    const words = { class: 1, do: 2, async: 3, throw: 4 };
    export function request(ctx) {
      const half = words.class / 2 / words.do;
      return `while ${words.async + `${words.throw} try`} "catch" ${half}` + 'class' + "throw";
    }
    """
    answer = evaluated(appsync, code)
    assert orjson.loads(answer["evaluationResult"]) == 'while 34 try "catch" 0.25classthrow'


def test_imports_keep_their_lines_and_names() -> None:
    module = read_module(
        "import {\n  util as u,\n  runtime\n} from '@aws-appsync/utils'\nfunction f() {}\nexport { f as request };"  # noqa: E501
    )
    assert module.exports == ("request",)
    assert module.code.count("\n") == 5
    assert "const { util: u, runtime } = " in module.code


@pytest.mark.parametrize(
    "code", ["export default 1", "import('x')", "export * from 'x'", "import 'x'", "`${", "`${`${"]
)
def test_modules_that_cannot_be_read(code: str) -> None:
    with pytest.raises(CodeError):
        read_module(code)


# -- bounds


@pytest.mark.parametrize(
    "body",
    [
        "const f = () => f(); return f();",
        "const a = ['x']; for (const b of a) { a.push(b + b); }",
        "const a = ['x']; for (const b of a) { a.push(b); }",
        "return 'x'.repeat(500000000);",
        "return util.matches('(a+)+b', 'a'.repeat(40));",
        "const a = {}; a.a = a; return a;",
    ],
)
def test_code_that_runs_away_is_stopped_and_leaves_nothing(appsync: Any, api: str, body: str) -> None:
    code = (
        UTIL
        + f"export function request(ctx) {{ if (ctx.args.id == 'bad') {{ {body} }} return {{ payload: {{ id: 'ok' }} }}; }}\n"  # noqa: E501
        + PASS
    )
    resolver(appsync, api, "Query.device", code)
    answer = appsync.query(api, '{ device(id: "bad") { id } }')
    assert answer["data"] == {"device": None}
    assert answer["errors"][0]["errorType"] == "Code"
    assert appsync.query(api, '{ device(id: "1") { id } }') == {"data": {"device": {"id": "ok"}}}


def test_a_context_that_is_no_json_fails_as_code() -> None:
    code = Code("export function request(ctx) { return ctx.args.a; }")
    with pytest.raises(CodeFailure):
        code.run("request", {"args": {"a": object()}}, 0.0, "API_KEY")


def test_code_reaches_nothing_of_the_machine(appsync: Any) -> None:
    names = "['std', 'os', 'process', 'require', 'module', 'fetch', 'XMLHttpRequest', 'WebAssembly', 'eval']"
    assert value_of(appsync, f"{names}.filter((name) => globalThis[name] !== undefined)") == []


def test_evaluation_answers_logs_stash_and_errors(appsync: Any) -> None:
    code = (
        UTIL
        + """
    export function request(ctx) {
      console.log('saw', ctx.args);
      ctx.stash.a = 1;
      util.appendError('careful', 'Warning');
      return ctx.source.name;
    }
    """
    )
    answer = evaluated(appsync, code, arguments={"id": 1}, source={"name": "van"})
    assert answer == {
        "evaluationResult": '"van"',
        "logs": ['INFO: saw {"id":1}'],
        "stash": '{"a":1}',
        "outErrors": '[{"message":"careful","type":"Warning"}]',
    }


def test_templates_are_evaluated_too(appsync: Any) -> None:
    context = orjson.dumps({"arguments": {"id": "1"}}).decode()
    path = "/v1/dataplane-evaluatetemplate"
    answer = appsync("POST", path, template='{"id": $util.toJson($ctx.args.id)}', context=context)
    assert answer["evaluationResult"] == '{"id": "1"}'
    answer = appsync("POST", path, template='$util.error("no")', context=context)
    assert answer["error"] == {"message": "no"}


def test_the_engine_is_not_loaded_before_it_is_needed() -> None:
    program = "import sys, harness.emulator.push; print('quickjs' in sys.modules, 'psutil' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.split()[0] == "False"
