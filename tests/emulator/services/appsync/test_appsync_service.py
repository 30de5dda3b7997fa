"""What the service is to others: meters, limits, and the real-time half's executor."""

# ruff: noqa: E501
from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from harness.aws.limits.profiles import NONE
from harness.emulator.services.appsync.contract import Operation, OperationRefused, RequestInfo
from harness.emulator.services.appsync.identity import Identity
from harness.emulator.services.base import AwsError

SDL = """
type Query { device(id: ID): Device }
type Mutation { put(id: ID!, name: String): Device  other: Device }
type Subscription {
  onPut(id: ID, name: String): Device @aws_subscribe(mutations: ["put"])
  onAny: Device @aws_subscribe(mutations: ["put", "other"])
  guarded: Device @aws_subscribe(mutations: ["put"]) @aws_iam
}
type Device @aws_api_key @aws_iam { id: ID!  name: String  secret: String @aws_iam  owner: Owner }
type Owner @aws_api_key @aws_iam { name: String }
"""


@pytest.fixture
def api(appsync: Any) -> str:
    providers = [{"authenticationType": "AWS_IAM"}]
    api_id: str = appsync.create_api(SDL, additionalAuthenticationProviders=providers)
    appsync.source(api_id)
    appsync.resolver(api_id, "Query.device")
    return api_id


def usage(appsync: Any) -> dict[str, float]:
    return {row.unit: row.quantity for row in appsync.meters.usage() if row.resource == "live"}


# -- meters and limits


def test_each_request_is_counted_once_whatever_it_asks(appsync: Any, api: str) -> None:
    appsync.query(api, "{ a: device(id: 1) { id } b: device(id: 2) { id } }")
    appsync.query(api, "{ nothing }")
    appsync.query(api, "{ device { id } }")
    appsync.post(api, b"")
    appsync.post(api, {"query": "{ __typename }"}, {"x-api-key": "wrong"})
    counted = usage(appsync)
    assert counted.pop("latency_ms") > 0
    assert counted == {
        "received": 5,
        "requests": 3,
        "tokens": 3,
        "unauthorized": 1,
        "client_errors": 2,
        "graphql_errors": 1,
        "resolvers": 3,
    }


def test_tokens_run_out_and_come_back_with_time(make: Any) -> None:
    appsync = make(replace(NONE, appsync_request_tokens_per_s=2))
    api_id = appsync.create_api(SDL)
    body = {"query": "{ __typename }"}
    assert [appsync.post(api_id, body).status for _ in range(3)] == [200, 200, 429]
    refused = appsync.post(api_id, body)
    assert orjson.loads(refused.body)["errors"][0]["errorType"] == "TooManyRequestsException"
    appsync.now_s += 0.5
    assert [appsync.post(api_id, body).status for _ in range(2)] == [200, 429]
    assert usage(appsync)["throttled"] == 3


def test_the_limit_is_the_accounts_not_the_apis(make: Any) -> None:
    appsync = make(replace(NONE, appsync_request_tokens_per_s=1))
    first, second = appsync.create_api(SDL), appsync.create_api(SDL)
    body = {"query": "{ __typename }"}
    assert [appsync.post(each, body).status for each in (first, second)] == [200, 429]


def test_a_request_that_takes_too_long_ends(appsync: Any, api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    from harness.emulator.services.appsync.execution import executor

    async def forever(*_: Any, **__: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(executor, "TIMEOUT_S", 0.0)
    appsync.source(api, "slow", type="AWS_LAMBDA", lambdaConfig={"lambdaFunctionArn": "slow"})
    appsync.functions.invoke = forever
    appsync.resolver(api, "Mutation.other", None, None, source="slow")
    answer = appsync.query(api, "mutation { other { id } }")
    assert (answer["data"], answer["errors"][0]["errorType"]) == (None, "ExecutionTimeout")


def test_a_subscription_is_no_request_over_http(appsync: Any, api: str) -> None:
    answer = appsync.query(api, "subscription { onAny { id } }")
    assert answer["data"] is None
    assert "real-time" in answer["errors"][0]["message"]


# -- subscriptions


def subscribe(appsync: Any, api: str, query: str, caller: Identity | None = None, **variables: Any) -> Any:
    operation = Operation(query, variables)
    identity = caller or Identity("API_KEY")
    return appsync.run(appsync.service.executor.subscribe(api, identity, operation, RequestInfo({})))


def test_a_subscription_is_what_its_text_says(appsync: Any, api: str) -> None:
    query = "subscription($id: ID, $name: String) { mine: onPut(id: $id, name: $name) { id } }"
    found = subscribe(appsync, api, query, id=7)
    assert (found.field, found.response_key, found.mutations) == ("onPut", "mine", frozenset({"put"}))
    assert found.arguments == {"id": "7"}
    assert subscribe(appsync, api, query, id=7, name=None).arguments == {"id": "7", "name": None}
    assert subscribe(appsync, api, "subscription { onAny { id } }").mutations == frozenset({"put", "other"})


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("subscription { nothing { id } }", "FieldUndefined"),
        ("subscription { onAny { id } onPut { id } }", "must have exactly one root field"),
        ("query { device { id } }", "Only subscriptions"),
        ("subscription { guarded { id } }", "Not Authorized to access guarded on type Subscription"),
        ("subscription($id: ID!) { onPut(id: $id) { id } }", "coerced Null value"),
    ],
)
def test_a_subscription_that_cannot_be_is_refused(appsync: Any, api: str, query: str, message: str) -> None:
    with pytest.raises(OperationRefused) as caught:
        subscribe(appsync, api, query)
    assert message in str(caught.value.errors[0]["message"])


def test_a_resolver_may_refuse_a_subscription(appsync: Any, api: str) -> None:
    response = '#if($ctx.args.id != "1") $util.unauthorized() #end null'
    appsync.resolver(api, "Subscription.onPut", response=response)
    subscribe(appsync, api, 'subscription { onPut(id: "1") { id } }')
    with pytest.raises(OperationRefused) as caught:
        subscribe(appsync, api, 'subscription { onPut(id: "2") { id } }')
    assert caught.value.errors[0]["errorType"] == "Unauthorized"


def test_a_resolver_sets_filters(appsync: Any, api: str) -> None:
    response = """
    $extensions.setSubscriptionFilter($util.transform.toSubscriptionFilter({"name": {"beginsWith": "v"}}))
    $extensions.setSubscriptionInvalidationFilter({"filterGroup": []})
    null
    """
    appsync.resolver(api, "Subscription.onPut", response=response)
    found = subscribe(appsync, api, "subscription { onPut { id } }")
    assert found.filter == {
        "filterGroup": [{"filters": [{"fieldName": "name", "operator": "beginsWith", "value": "v"}]}]
    }
    assert found.invalidation_filter == {"filterGroup": []}


def test_what_is_pushed_has_the_subscribers_shape_and_the_mutations_fields(appsync: Any, api: str) -> None:
    found = subscribe(appsync, api, "subscription { x: onPut { again: id name owner { name } } }")
    project = appsync.service.executor.project
    result = {"id": "1", "owner": {"name": "Ann"}}
    assert project(found, result) == {"data": {"x": {"again": "1", "name": None, "owner": {"name": "Ann"}}}}
    assert result == {"id": "1", "owner": {"name": "Ann"}}


def test_a_non_null_field_that_the_mutation_did_not_select_is_an_error(appsync: Any, api: str) -> None:
    found = subscribe(appsync, api, "subscription { onPut { id name } }")
    assert appsync.service.executor.project(found, {"name": "van"}) == {
        "data": {"onPut": None},
        "errors": [
            {
                "path": ["onPut", "id"],
                "locations": None,
                "message": "Cannot return null for non-nullable type: 'ID' within parent 'Device' (/onPut/id)",
            }
        ],
    }


def test_nobody_is_shown_a_field_that_is_not_theirs(appsync: Any, api: str) -> None:
    query = "subscription { onAny { id secret } }"
    project = appsync.service.executor.project
    result = {"id": "1", "secret": "s"}
    shown = project(subscribe(appsync, api, query), result)
    assert shown["data"] == {"onAny": {"id": "1", "secret": None}}
    assert shown["errors"][0]["message"] == "Not Authorized to access secret on type Device"
    iam = subscribe(appsync, api, query.replace("onAny", "guarded"), Identity("AWS_IAM", {}))
    assert project(iam, result) == {"data": {"guarded": {"id": "1", "secret": "s"}}}


def test_projections_are_equal_for_those_who_see_the_same(appsync: Any, api: str) -> None:
    query = "subscription($id: ID) { onPut(id: $id) { id } }"
    one, other = subscribe(appsync, api, query, id=1), subscribe(appsync, api, query, id=2)
    assert one.projection == other.projection
    assert hash(one.projection) == hash(other.projection)
    assert one.projection != subscribe(appsync, api, query.replace("{ id }", "{ name }"), id=1).projection
    denied = Identity("API_KEY", denied_fields=frozenset({"Device.id"}))
    assert one.projection != subscribe(appsync, api, query, denied, id=1).projection


def test_a_resolver_of_a_mutation_invalidates_subscriptions(appsync: Any, api: str) -> None:
    response = """
    $extensions.invalidateSubscriptions({"subscriptionField": "onPut", "payload": {"id": "$ctx.args.id"}})
    $util.toJson($ctx.result)
    """
    appsync.resolver(api, "Mutation.put", response=response)
    appsync.query(api, 'mutation { put(id: "1") { id } }')
    assert appsync.subscriptions.invalidated == [("onPut", {"id": "1"})]


def test_only_mutations_that_somebody_could_hear_of_are_published(appsync: Any, api: str) -> None:
    appsync.resolver(api, "Mutation.other", response='{"id": "1"}')
    appsync.query(api, "mutation { other { id } }")
    assert [name for name, _, _ in appsync.subscriptions.published] == ["other"]
    quiet = SDL.replace('["put", "other"]', '["put"]')
    assert appsync.schema(api, quiet)["status"] == "SUCCESS"
    appsync.query(api, "mutation { other { id } }")
    assert len(appsync.subscriptions.published) == 1


# -- helpers of templates


def rendered(appsync: Any, template: str, **context: Any) -> str:
    answer = appsync(
        "POST", "/v1/dataplane-evaluatetemplate", template=template, context=orjson.dumps(context).decode()
    )
    assert "error" not in answer, answer
    text: str = answer["evaluationResult"]
    return text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("$util.toJson($ctx.args)", '{"id":"1","n":null,"list":[3,1,2]}'),
        ("$util.defaultIfNull($ctx.args.n, 5)", "5"),
        ("$util.defaultIfNullOrBlank('  ', 'x')", "x"),
        ("$util.isNullOrEmpty('') $util.isNull($ctx.args.n) $util.isString(1)", "true true false"),
        ("$util.typeOf({}) $util.typeOf([]) $util.typeOf(true)", "Map List Boolean"),
        ("$util.matches('[a-z]+', 'abc')", "true"),
        ("$util.urlEncode('a b&c') $util.urlDecode('a+b')", "a+b%26c a b"),
        ("$util.base64Encode('grüße') $util.base64Decode('Z3LDvMOfZQ==')", "Z3LDvMOfZQ== grüße"),
        ("$util.authType()", "API Key Authorization"),
        ("$util.time.nowISO8601()", "2023-11-14T22:13:20.000Z"),
        ("$util.time.nowEpochMilliSeconds()", "1700000000000"),
        ("$util.time.nowFormatted('yyyy-MM-dd HH:mm:ssZ', 'Europe/Berlin')", "2023-11-14 23:13:20+0100"),
        ("$util.time.epochMilliSecondsToSeconds(1517943695750)", "1517943695"),
        ("$util.time.parseISO8601ToEpochMilliSeconds('2018-02-01T17:21:05.180+08:00')", "1517476865180"),
        ("$util.list.sortList($ctx.args.list, true, 'x')", "[3, 2, 1]"),
        ("$util.toJson($util.list.copyAndRetainAll([1, 2, 3], [2]))", "[2]"),
        ("$util.toJson($util.map.copyAndRemoveAllKeys({'a': 1, 'b': 2}, ['a']))", '{"b":2}'),
        ("$util.str.toUpper('a') $util.str.toReplace('abc', 'b', 'x')", "A axc"),
        ("$util.math.roundNum(2.5) $util.math.minVal(1, 2) $util.math.maxVal(1, 2)", "3 1 2"),
        ("$util.dynamodb.toStringSetJson(['a'])", '{"SS":["a"]}'),
        ("$util.dynamodb.toMapValuesJson({'a': 1, 'b': [true]})", '{"a":{"N":"1"},"b":{"L":[{"BOOL":true}]}}'),
        ("$util.dynamodb.toS3ObjectJson('k', 'b', 'r')", '{"S":"{\\"s3\\":{\\"key\\":\\"k\\",\\"bucket\\":\\"b\\",\\"region\\":\\"r\\"}}"}'),
        ("$util.toJson($util.parseJson('[1]'))$util.qr($ctx.stash.put('a', 1))", "[1]"),
        ("#foreach($e in $ctx.args.list)$e#if($foreach.hasNext),#end#end", "3,1,2"),
    ],
)  # fmt: skip
def test_template_helpers(appsync: Any, template: str, text: str) -> None:
    assert rendered(appsync, template, arguments={"id": "1", "n": None, "list": [3, 1, 2]}) == text


@pytest.mark.parametrize(
    "template",
    [
        "$util.time.nowFormatted('qqq')",
        "$util.time.nowFormatted('yyyy', 'Mars/Base')",
        "$util.parseJson('{')",
        "$util.dynamodb.toNumber('x')",
        "$util.str.normalize('a', 'nfz')",
        "$util.transform.toDynamoDBFilterExpression({'a': {'like': 1}})",
        "$util.validate(false, 'no')",
    ],
)
def test_helpers_given_nonsense_are_errors(appsync: Any, template: str) -> None:
    answer = appsync("POST", "/v1/dataplane-evaluatetemplate", template=template, context="{}")
    assert answer["error"]["message"]


def test_headers_are_added_to_the_answer_within_limits(appsync: Any, api: str) -> None:
    response = '$util.http.addResponseHeader("X-Own", $ctx.args.id) {"id": "1"}'
    appsync.resolver(api, "Mutation.put", response=response)
    query = "mutation($id: ID!) { put(id: $id) { id } }"
    answer = appsync.post(api, {"query": query, "variables": {"id": "yes"}})
    assert answer.headers["x-own"] == "yes"
    answer = appsync.post(api, {"query": query, "variables": {"id": "a\r\nSet-Cookie: b"}})
    assert orjson.loads(answer.body)["errors"][0]["errorType"] == "MappingTemplate"
    assert "x-own" not in answer.headers


def test_what_a_template_changes_is_gone_with_its_request(appsync: Any, api: str) -> None:
    """Neither the caller's identity, nor headers, nor arguments that stand in the query, outlive a request."""
    appsync.authorizer.identity = Identity("AWS_IAM", {"sub": "1"})
    response = """
    $util.qr($ctx.identity.put("sub", "2")) $util.qr($ctx.args.put("id", "changed"))
    {"id": "$ctx.args.id", "name": "$ctx.identity.sub"}
    """
    appsync(
        "POST",
        f"/v1/apis/{api}",
        name="live",
        authenticationType="AWS_IAM",
        additionalAuthenticationProviders=[{"authenticationType": "API_KEY"}],
    )
    appsync.resolver(api, "Mutation.put", response=response)
    for _ in range(2):
        appsync.query(api, 'mutation { put(id: "1") { id name } }')
    assert appsync.authorizer.identity.context == {"sub": "1"}
    assert [arguments for _, arguments, _ in appsync.subscriptions.published] == [{"id": "1"}, {"id": "1"}]
    headers = '$util.qr($ctx.request.headers.put("a", "b")) {"id": "1"}'
    appsync.resolver(api, "Mutation.other", response=headers)
    assert appsync.query(api, "mutation { other { id } }")["errors"][0]["errorType"] == "MappingTemplate"


@pytest.mark.parametrize("rest", ["/other", "/realtime", "//", "/../x"])
def test_nothing_is_below_the_endpoint_over_http(appsync: Any, api: str, rest: str) -> None:
    with appsync.refused("UnknownOperationException"):
        appsync("POST", f"/graphql/{api}{rest}", query="{ __typename }")


def test_an_operation_that_is_not_there(appsync: Any) -> None:
    with appsync.refused("UnknownOperationException"):
        appsync("GET", "/v1/nothing")
    with pytest.raises(AwsError):
        appsync.run(appsync.service.call("GetGraphqlApi", b"", appsync.context))
