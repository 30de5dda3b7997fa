"""Lambda authorizers on a clock that only the test moves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from harness.emulator.services.apigateway import authorizers
from harness.emulator.services.base import AwsError

WHO = "$context.authorizer.principalId|$context.authorizer.account_id|$context.authorizer.n"
ECHO = {"200": {"responseTemplates": {"application/json": WHO}}}


def protected(account: Any, paths: tuple[str, ...] = ("/x",), **settings: Any) -> str:
    api = str(account.api())
    authorizer = account.authorizer(api, **settings)
    for path in paths:
        account.method(
            api, "ANY", path, account.mock(), ECHO, authorizationType="CUSTOM", authorizerId=authorizer
        )
    account.functions.functions.setdefault(
        "authorizer", lambda event: account.allow(event, account_id="acc-1")
    )
    account.deploy(api)
    return api


def get(
    account: Any, api: str, token: str | None = "key", path: str = "/x", **more: Any
) -> tuple[int, bytes]:
    headers = {} if token is None else {"authorization": token}
    response = account.execute(api, "GET", path, **headers, **more)
    return response.status, response.body


def asked(account: Any) -> int:
    return len(account.functions.invocations)


def test_the_function_is_given_the_token_and_the_method(account: Any) -> None:
    api = protected(account)
    assert get(account, api) == (200, b"caller|acc-1|")
    event = {
        "type": "TOKEN",
        "methodArn": f"arn:aws:execute-api:us-east-1:123456789012:{api}/prod/GET/x",
        "authorizationToken": "key",
    }
    assert account.functions.invocations == [("authorizer", "RequestResponse", event)]


def test_a_result_is_kept_for_its_ttl_and_each_token(account: Any) -> None:
    api = protected(account)
    trace = []
    for at, token in [
        (0, "a"),
        (1, "a"),
        (2, "b"),
        (299, "a"),
        (300, "a"),
        (301, "b"),
        (302, "b"),
        (599, "a"),
    ]:
        account.clock.now = 1_790_000_000.0 + at
        before = asked(account)
        assert get(account, api, token)[0] == 200
        trace.append((at, token, asked(account) - before))
    assert trace == [
        (0, "a", 1), (1, "a", 0), (2, "b", 1), (299, "a", 0), (300, "a", 1), (301, "b", 0), (302, "b", 1),
        (599, "a", 0),
    ]  # fmt: skip
    assert (account.usage("authorizer_hits"), account.usage("authorizer_misses")) == (4, 4)


@pytest.mark.parametrize(("ttl", "asked_of_three"), [(0, 3), (1, 1), (3600, 1)])
def test_ttl_zero_keeps_nothing(account: Any, ttl: int, asked_of_three: int) -> None:
    api = protected(account, authorizerResultTtlInSeconds=ttl)
    for _ in range(3):
        get(account, api)
    assert asked(account) == asked_of_three


def test_a_deployment_starts_with_an_empty_cache_and_a_flush_empties_it(account: Any) -> None:
    api = protected(account)
    get(account, api)
    account.deploy(api)
    get(account, api)
    assert asked(account) == 2
    account.aws.flush_stage_authorizers_cache(restApiId=api, stageName="prod")
    get(account, api)
    assert asked(account) == 3


def test_the_cache_is_bounded_and_forgets_the_least_recently_used(
    account: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authorizers, "MAX_CACHED", 2)
    api = protected(account)
    for token in ("a", "b", "a", "c", "a", "b"):
        get(account, api, token)
    assert [event["authorizationToken"] for _, _, event in account.functions.invocations] == [
        "a",
        "b",
        "c",
        "b",
    ]


def test_concurrent_requests_of_one_token_ask_once(account: Any) -> None:
    api = protected(account)

    async def surge() -> list[Any]:
        account.functions.gate = asyncio.Event()
        requests = [
            asyncio.create_task(
                account.service.execute(api, "prod", "/x", account.request("GET", authorization=token))
            )
            for token in ["a"] * 50 + ["b"] * 50
        ]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        account.functions.gate.set()
        return await asyncio.gather(*requests)

    responses = account.run(surge())
    assert [response.status for response in responses] == [200] * 100
    assert asked(account) == 2


def test_one_client_that_leaves_does_not_take_the_answer_from_the_others(account: Any) -> None:
    api = protected(account)

    async def leave() -> Any:
        account.functions.gate = asyncio.Event()
        request = account.request("GET", authorization="a")
        first, second = (
            asyncio.create_task(account.service.execute(api, "prod", "/x", request)) for _ in range(2)
        )
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        account.functions.gate.set()
        return await second

    assert account.run(leave()).status == 200
    assert asked(account) == 1


@pytest.mark.parametrize("token", [None, ""])
def test_a_missing_token_is_refused_without_asking(account: Any, token: str | None) -> None:
    api = protected(account)
    assert get(account, api, token) == (401, b'{"message":"Unauthorized"}')
    assert (asked(account), account.usage("unauthorized")) == (0, 1)


def test_a_token_must_match_the_whole_validation_expression(account: Any) -> None:
    api = protected(account, identityValidationExpression="Bearer [a-z]+")
    statuses = {
        token: get(account, api, token)[0] for token in ("Bearer abc", "Bearer ABC", "abc", "xBearer a")
    }
    assert statuses == {"Bearer abc": 200, "Bearer ABC": 401, "abc": 401, "xBearer a": 401}
    assert asked(account) == 1


def policy(effect: str, resource: str = "*") -> Any:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return lambda _event: {"principalId": "p", "policyDocument": {"Statement": [statement]}}


def unauthorized(_event: Any) -> Any:
    raise Exception("Unauthorized")


def broken(_event: Any) -> Any:
    raise ValueError("broken")


def throttled(_event: Any) -> Any:
    raise AwsError("TooManyRequestsException", "Rate Exceeded.", 429)


DENIED = b'{"Message":"User is not authorized to access this resource with an explicit deny"}'
NOT_ALLOWED = b'{"Message":"User is not authorized to access this resource"}'
NULL = b'{"message":null}'
ANSWERS = [
    (policy("Deny"), 403, DENIED, "AccessDeniedException"),
    (policy("Allow", "arn:aws:execute-api:*:*:*/*/POST/*"), 403, NOT_ALLOWED, "AccessDeniedException"),
    (unauthorized, 401, b'{"message":"Unauthorized"}', "UnauthorizedException"),
    (broken, 500, NULL, "AuthorizerFailureException"),
    (throttled, 500, NULL, "AuthorizerConfigurationException"),
    (lambda _: None, 500, NULL, "AuthorizerConfigurationException"),
    (lambda _: b"not json", 500, NULL, "AuthorizerConfigurationException"),
    (lambda _: {"principalId": "p"}, 500, NULL, "AuthorizerConfigurationException"),
    (lambda _: {"policyDocument": {"Statement": []}}, 500, NULL, "AuthorizerConfigurationException"),
    (lambda _: {"principalId": "p", "policyDocument": "x"}, 500, NULL, "AuthorizerConfigurationException"),
    (lambda e: {**policy("Allow")(e), "context": {"a": {}}}, 500, NULL, "AuthorizerConfigurationException"),
    (lambda e: {**policy("Allow")(e), "context": "x"}, 500, NULL, "AuthorizerConfigurationException"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "status", "body", "error_type"), ANSWERS)
def test_what_the_functions_answer_means(
    account: Any, function: Any, status: int, body: bytes, error_type: str
) -> None:
    account.functions.functions["authorizer"] = function
    api = protected(account)
    response = account.execute(api, "GET", "/x", authorization="k")
    assert (response.status, response.body) == (status, body)
    assert response.headers["x-amzn-errortype"] == error_type


def test_a_function_that_is_missing_is_a_configuration_error(account: Any) -> None:
    api = protected(account)
    account.functions.functions.clear()
    assert get(account, api) == (500, NULL)


def test_failures_are_not_kept_and_denials_are(account: Any) -> None:
    account.functions.functions["authorizer"] = broken
    api = protected(account)
    assert get(account, api)[0] == 500
    account.functions.functions["authorizer"] = policy("Deny")
    assert get(account, api)[0] == 403
    account.functions.functions["authorizer"] = policy("Allow")
    assert get(account, api)[0] == 403
    assert asked(account) == 2
    assert (account.usage("authorizer_hits"), account.usage("authorizer_misses")) == (1, 2)
    assert (account.usage("unauthorized"), account.usage("server_errors")) == (2, 1)


def test_a_kept_policy_decides_for_each_method_by_itself(account: Any) -> None:
    arn = "arn:aws:execute-api:*/prod/GET/open/*"
    account.functions.functions["authorizer"] = policy("Allow", arn)
    api = protected(account, ("/open/{id}", "/shut"))
    assert [get(account, api, path=path)[0] for path in ("/open/1", "/shut", "/open/2")] == [200, 403, 200]
    assert asked(account) == 1


@pytest.mark.parametrize("path", ["/shut", "/shut/", "/sh%75t", "/%73hut/", "/shut?x=1"])
def test_no_spelling_of_a_path_evades_a_denial(account: Any, path: str) -> None:
    deny = {
        "Action": "execute-api:Invoke",
        "Effect": "Deny",
        "Resource": "arn:aws:execute-api:*/prod/GET/shut",
    }
    allow = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": "*"}
    account.functions.functions["authorizer"] = lambda _: {
        "principalId": "p",
        "policyDocument": {"Statement": [allow, deny]},
    }
    api = protected(account, ("/shut", "/open"))
    assert get(account, api, path="/open")[0] == 200
    raw, _, query = path.partition("?")
    assert get(account, api, path=raw, query=query)[0] == 403
    assert get(account, api, path="/" + raw)[0] == 403


def test_context_values_reach_templates_as_strings(account: Any) -> None:
    account.functions.functions["authorizer"] = lambda event: {
        **account.allow(event, account_id=True, n=1.5, nothing=None),
        "principalId": "user|1",
    }
    api = protected(account)
    assert get(account, api) == (200, b"user|1|true|1.5")


REQUEST = {
    "type": "REQUEST",
    "identitySource": "method.request.header.X-Key,method.request.querystring.user",
}


def test_a_request_authorizer_is_given_the_request(account: Any) -> None:
    api = protected(account, ("/things/{id}",), **REQUEST)
    headers = {"x_key": "k"}
    assert account.execute(api, "GET", "/things/7", query="user=u", **headers).status == 200
    ((_, _, event),) = account.functions.invocations
    assert event["type"] == "REQUEST"
    assert event["methodArn"].endswith("/prod/GET/things/7")
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/things/{id}", "/things/7", "GET")
    assert event["headers"]["X-Key"] == "k"
    assert event["queryStringParameters"] == {"user": "u"}
    assert event["pathParameters"] == {"id": "7"}
    assert event["requestContext"]["stage"] == "prod"


def test_a_request_authorizers_result_is_kept_under_all_its_sources(account: Any) -> None:
    api = protected(account, **REQUEST)
    for key, user in [("k", "u"), ("k", "u"), ("k", "v"), ("l", "u"), ("k", "u")]:
        account.execute(api, "GET", "/x", query=f"user={user}", x_key=key)
    assert asked(account) == 3


def test_a_missing_source_is_refused_only_while_results_are_kept(account: Any) -> None:
    api = protected(account, **REQUEST)
    assert account.execute(api, "GET", "/x", x_key="k").status == 401
    assert asked(account) == 0
    uncached = protected(account, **REQUEST, authorizerResultTtlInSeconds=0)
    assert account.execute(uncached, "GET", "/x", x_key="k").status == 200
    assert asked(account) == 1
