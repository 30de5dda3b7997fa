"""Lambda authorizers as the companion answers for them, with the functions at a LocalStack that is a list."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.emulator.services.apigateway.authorizing import path_of
from tests.localstack.companions import FakeLocalStack, RunningCompanion, companion, fake_localstack

ARN = "arn:aws:lambda:us-east-1:000000000000:function:{}"
PATH = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3A{}/invocations"
URI = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{}/invocations"


def policy(effect: str, resource: str, **context: Any) -> bytes:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    answer = {"principalId": "caller", "policyDocument": {"Statement": [statement]}, "context": context}
    return json.dumps(answer).encode()


@pytest.fixture(scope="module")
def localstack() -> Iterator[FakeLocalStack]:
    answers = {
        PATH.format("allows"): policy("Allow", "*", account_id="acct_1", limit=3, trusted=True),
        PATH.format("denies"): policy("Deny", "*"),
        PATH.format("one"): policy("Allow", "arn:aws:execute-api:*/live/GET/open/*"),
        PATH.format("nonsense"): b"{}",
    }
    with fake_localstack(answers) as running:
        yield running


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, localstack: FakeLocalStack) -> Iterator[RunningCompanion]:
    with companion(tmp_path_factory.mktemp("companion"), localstack.url) as running:
        yield running


def question(function: str, token: str | None = "Bearer key", **changed: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "account": "000000000000",
        "region": "us-east-1",
        "request_id": "r-1",
        "authorizer": {
            "id": "a1",
            "name": function,
            "type": "TOKEN",
            "authorizerUri": URI.format(ARN.format(function)),
            "identitySource": "method.request.header.Authorization",
            "authorizerResultTtlInSeconds": 300,
        },
        "api": {"id": "api", "name": "ingest", "stage": "live", "deployment": "d1", "variables": {}},
        "request": {
            "method": "GET",
            "path": "/open/1",
            "query": "",
            "headers": {"Authorization": token} if token else {},
            "source_ip": "127.0.0.1",
        },
        "resource": ["res", "/open/{id}"],
        "parameters": {"id": "1"},
    }
    for name, value in changed.items():
        asked[name] = {**asked[name], **value} if isinstance(value, dict) else value
    return asked


def ask(here: RunningCompanion, asked: Any) -> Any:
    request = urllib.request.Request(here.url + "/_launchday/authorize", json.dumps(asked).encode())
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def test_who_may_pass_is_told_with_the_context_as_strings(here: RunningCompanion) -> None:
    said = ask(here, question("allows"))
    context = {"principalId": "caller", "account_id": "acct_1", "limit": "3", "trusted": "true"}
    assert said == {"principalId": "caller", "context": context}


def test_the_function_is_given_the_token_and_the_method(
    here: RunningCompanion, localstack: FakeLocalStack
) -> None:
    ask(here, question("allows", "Bearer other"))
    path, body = localstack.asked[-1]
    assert path == PATH.format("allows")
    assert json.loads(body) == {
        "type": "TOKEN",
        "methodArn": "arn:aws:execute-api:us-east-1:000000000000:api/live/GET/open/1",
        "authorizationToken": "Bearer other",
    }


def test_an_answer_is_kept_for_each_token_and_deployment(
    here: RunningCompanion, localstack: FakeLocalStack
) -> None:
    before = len(localstack.asked)
    for asked in (
        question("allows", "Bearer kept"),
        question("allows", "Bearer kept"),
        question("allows", "Bearer kept", request={"path": "/open/2"}, parameters={"id": "2"}),
        question("allows", "Bearer kept", api={"deployment": "d2"}),
        question("allows", "Bearer kept", authorizer={"authorizerResultTtlInSeconds": 0}),
        question("allows", "Bearer kept", authorizer={"authorizerResultTtlInSeconds": 0}),
    ):
        assert ask(here, asked)["principalId"] == "caller"
    assert len(localstack.asked) - before == 4


@pytest.mark.parametrize(
    ("asked", "refusal", "status"),
    [
        (question("allows", None), "UNAUTHORIZED", 401),
        (question("allows", authorizer={"identityValidationExpression": "Basic .*"}), "UNAUTHORIZED", 401),
        (question("denies"), "ACCESS_DENIED", 403),
        (question("one", resource=["res", "/shut"], parameters={}), "ACCESS_DENIED", 403),
        (question("nonsense"), "AUTHORIZER_CONFIGURATION_ERROR", 500),
        (question("missing"), "AUTHORIZER_CONFIGURATION_ERROR", 500),
        (
            question("allows", authorizer={"type": "COGNITO_USER_POOLS"}),
            "AUTHORIZER_CONFIGURATION_ERROR",
            500,
        ),
    ],
)
def test_who_may_not_pass_is_told_by_which_gateway_response(
    here: RunningCompanion, asked: dict[str, Any], refusal: str, status: int
) -> None:
    said = ask(here, asked)
    assert (said["refusal"], said["status"]) == (refusal, status)
    assert "context" not in said


def test_a_policy_for_one_path_allows_that_one(here: RunningCompanion) -> None:
    assert ask(here, question("one", "Bearer one"))["principalId"] == "caller"


@pytest.mark.parametrize(
    ("resource", "parameters", "path"),
    [
        ("/", {}, "/"),
        ("/shut", {}, "/shut"),
        ("/open/{id}", {"id": "a b"}, "/open/a b"),
        ("/open/{id}/x", {"id": "a/b"}, "/open/a%2Fb/x"),
        ("/{proxy+}", {"proxy": "v1/things"}, "/v1/things"),
    ],
)
def test_the_path_of_a_resource_has_one_spelling(
    resource: str, parameters: dict[str, str], path: str
) -> None:
    assert path_of(resource, parameters) == path


def test_what_is_no_question_is_refused(here: RunningCompanion) -> None:
    for asked in ({}, {"api": {}}, []):
        with pytest.raises(urllib.error.HTTPError) as caught:
            ask(here, asked)
        assert caught.value.code == 400


def test_hits_and_misses_are_metered(tmp_path: Path, localstack: FakeLocalStack) -> None:
    with companion(tmp_path, localstack.url) as running:
        for _ in range(3):
            ask(running, question("allows", "Bearer metered"))
        usage = {tuple(row[:3]): row[3] for row in running.get("/_launchday/observation?after=")["usage"]}
    assert usage["apigateway", "ingest", "authorizer_misses"] == 1
    assert usage["apigateway", "ingest", "authorizer_hits"] == 2


def test_there_is_no_such_path_where_the_part_is_switched_off(
    tmp_path: Path, localstack: FakeLocalStack
) -> None:
    with (
        companion(tmp_path, localstack.url, "lambda") as running,
        pytest.raises(urllib.error.HTTPError) as caught,
    ):
        ask(running, question("allows"))
    assert caught.value.code == 404
