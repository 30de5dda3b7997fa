"""From boto3's calls to a deployed stage: snapshots, stages, what is mended, what cannot be deployed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

MOCK = {"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}}


def says(account: Any, text: str, **settings: Any) -> dict[str, Any]:
    """An integration response with a fixed body."""
    return {"responseTemplates": {"application/json": text}, **settings}


def redefine(account: Any, api: str, path: str, text: str) -> None:
    resource = account.resource(api, path)
    account.aws.put_integration_response(
        restApiId=api,
        resourceId=resource,
        httpMethod="GET",
        statusCode="200",
        responseTemplates={"application/json": text},
    )


def mock_api(account: Any, text: str = "one") -> str:
    api = account.api()
    account.method(api, "GET", "/x", MOCK, {"200": says(account, text)})
    return str(api)


def body(account: Any, api: str, **settings: Any) -> bytes:
    return bytes(account.execute(api, "GET", "/x", **settings).body)


def refused(account: Any, api: str) -> str:
    with pytest.raises(ClientError) as caught:
        account.deploy(api)
    assert caught.value.response["Error"]["Code"] == "BadRequestException"
    return str(caught.value.response["Error"]["Message"])


def test_a_deployment_is_a_snapshot(account: Any) -> None:
    api = mock_api(account)
    account.deploy(api)
    redefine(account, api, "/x", "two")
    assert body(account, api) == b"one"
    account.deploy(api)
    assert body(account, api) == b"two"


def test_a_stage_can_go_back_to_an_earlier_deployment(account: Any) -> None:
    api = mock_api(account)
    first = account.deploy(api)
    redefine(account, api, "/x", "two")
    account.deploy(api)
    operations = [{"op": "replace", "path": "/deploymentId", "value": first}]
    account.aws.update_stage(restApiId=api, stageName="prod", patchOperations=operations)
    assert body(account, api) == b"one"


def test_a_stage_of_its_own_for_a_deployment(account: Any) -> None:
    api = mock_api(account, "$context.stage $stageVariables.color")
    deployment = account.aws.create_deployment(restApiId=api)["id"]
    assert account.execute(api, "GET", "/x", stage="blue").status == 403
    account.aws.create_stage(
        restApiId=api, stageName="blue", deploymentId=deployment, variables={"color": "sky"}
    )
    assert body(account, api, stage="blue") == b"blue sky"
    operations = [{"op": "replace", "path": "/variables/color", "value": "navy"}]
    account.aws.update_stage(restApiId=api, stageName="blue", patchOperations=operations)
    assert body(account, api, stage="blue") == b"blue navy"
    account.aws.delete_stage(restApiId=api, stageName="blue")
    assert account.execute(api, "GET", "/x", stage="blue").status == 403


def test_redeploying_keeps_the_stages_variables_and_settings(account: Any) -> None:
    api = mock_api(account, "$stageVariables.a$stageVariables.b")
    account.deploy(api, variables={"a": "1", "b": "2"})
    operations = [{"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "7"}]
    account.aws.update_stage(restApiId=api, stageName="prod", patchOperations=operations)
    account.deploy(api, variables={"b": "3"})
    assert body(account, api) == b"13"
    stage = account.aws.get_stage(restApiId=api, stageName="prod")
    assert stage["methodSettings"]["*/*"]["throttlingRateLimit"] == 7


def test_an_api_that_is_deleted_is_gone(account: Any) -> None:
    api = mock_api(account)
    account.deploy(api)
    answer = account.aws.delete_rest_api(restApiId=api)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    response = account.execute(api, "GET", "/x")
    assert (response.status, response.body) == (403, b'{"message":"Forbidden"}')


def test_an_unknown_api_is_asked_for_once(account: Any) -> None:
    for _ in range(3):
        assert account.execute("nosuchapi", "GET", "/").headers["x-amzn-errortype"] == "ForbiddenException"
    assert account.forwarded == [("GET", "/restapis/nosuchapi/stages/prod")]


def test_a_new_process_builds_its_plans_from_the_control_plane(account: Any) -> None:
    api = mock_api(account)
    account.deploy(api)
    account.service = account.new_service()
    account.forwarded.clear()
    assert [body(account, api) for _ in range(2)] == [b"one", b"one"]
    assert len(account.forwarded) == 6  # a stage, and the five parts of an API, once


def test_a_reset_forgets_every_deployment(account: Any) -> None:
    api = mock_api(account)
    account.deploy(api)
    account.run(account.service.reset())
    account.forwarded.clear()
    assert body(account, api) == b"one"
    assert account.forwarded


def test_what_moto_leaves_out_is_mended(account: Any) -> None:
    created = account.aws.create_rest_api(name="x", binaryMediaTypes=["image/png", "a/b"])
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert created["binaryMediaTypes"] == ["image/png", "a/b"]
    api = created["id"]
    operations = [{"op": "add", "path": "/binaryMediaTypes/image~1gif"}]
    account.aws.update_rest_api(restApiId=api, patchOperations=operations)
    assert account.aws.get_rest_api(restApiId=api)["binaryMediaTypes"] == ["image/png", "a/b", "image/gif"]
    authorizer = account.authorizer(api, identityValidationExpression="^k.*")
    found = account.aws.get_authorizer(restApiId=api, authorizerId=authorizer)
    assert found["identityValidationExpression"] == "^k.*"
    account.method(api, "GET", "/x", MOCK)
    resource = account.resource(api, "/x")
    integration = account.aws.get_integration(restApiId=api, resourceId=resource, httpMethod="GET")
    assert integration["timeoutInMillis"] == 29_000
    assert integration["passthroughBehavior"] == "WHEN_NO_MATCH"
    assert integration["cacheNamespace"] == resource


def test_any_other_method_setting_makes_up_no_throttle(account: Any) -> None:
    api = mock_api(account)
    account.deploy(api)
    operations = [{"op": "replace", "path": "/*/*/metrics/enabled", "value": "true"}]
    stage = account.aws.update_stage(restApiId=api, stageName="prod", patchOperations=operations)
    assert stage["methodSettings"]["*/*"]["throttlingRateLimit"] == -1
    assert {account.execute(api, "GET", "/x").status for _ in range(3_000)} == {200}


def test_an_integration_with_a_service_needs_a_role(account: Any) -> None:
    api = account.api()
    integration = account.kinesis()
    del integration["credentials"]
    with pytest.raises(ClientError, match="Role ARN must be specified"):
        account.method(api, "POST", "/x", integration)


def test_an_api_that_is_not_there_cannot_be_deployed(account: Any) -> None:
    with pytest.raises(ClientError) as caught:
        account.deploy("nosuchapi")
    assert caught.value.response["Error"]["Code"] == "NotFoundException"


def test_an_api_without_methods_is_refused_by_the_control_plane(account: Any) -> None:
    assert "method" in refused(account, account.api())


NOT_DEPLOYABLE: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"type": "HTTP", "integrationHttpMethod": "GET", "uri": "http://example.com"}, {},
     "POST /x: integrations of type HTTP are not supported"),
    (MOCK, {"apiKeyRequired": True}, "POST /x: API keys (apiKeyRequired) are not supported"),
    (MOCK, {"authorizationType": "COGNITO_USER_POOLS"},
     "POST /x: the authorization type COGNITO_USER_POOLS is not supported"),
    (MOCK, {"authorizationType": "CUSTOM", "authorizerId": "nope"}, "POST /x: there is no authorizer 'nope'"),
    ({**MOCK, "requestTemplates": {"application/json": "{\n  #if($x)"}}, {},
     "POST /x: template for application/json: #if is not closed by #end (line 2, column 3)"),
    ({**MOCK, "requestTemplates": {"application/json": "$input.json('$.a[?(@.b)]')"}}, {},
     "POST /x: template for application/json: The JSONPath '$.a[?(@.b)]' is not supported from '[?(@.b)]' on "
     "(line 1, column 8)"),
    ({**MOCK, "timeoutInMillis": 20}, {}, "POST /x: timeoutInMillis must be 50 to 29000, not 20"),
    ({**MOCK, "requestParameters": {"integration.request.header.a": "method.request.cookie.b"}}, {},
     "POST /x: the parameter mapping source 'method.request.cookie.b' is not supported"),
    ({"type": "AWS", "integrationHttpMethod": "PUT", "credentials": "ROLE",
      "uri": "arn:aws:apigateway:us-east-1:s3:path/bucket/key"}, {},
     "POST /x: the integration URI 'arn:aws:apigateway:us-east-1:s3:path/bucket/key' is not supported: only "
     "Lambda functions and actions of services with a JSON protocol are"),
]  # fmt: skip


@pytest.mark.parametrize(("integration", "method", "message"), NOT_DEPLOYABLE)
def test_what_cannot_be_executed_cannot_be_deployed(
    account: Any, integration: dict[str, Any], method: dict[str, Any], message: str
) -> None:
    api = account.api()
    if integration.get("credentials"):
        integration = {**integration, "credentials": account.kinesis()["credentials"]}
    account.method(api, "POST", "/x", integration, **method)
    assert refused(account, api) == f"The API cannot be deployed here: {message}"
    assert account.aws.get_deployments(restApiId=api)["items"] == []


def test_a_wrong_selection_pattern_is_found_at_the_deployment(account: Any) -> None:
    api = account.api()
    account.method(api, "GET", "/x", MOCK, {"200": {"selectionPattern": "("}})
    assert "integration response 200: the regular expression '(' is not valid" in refused(account, api)


def test_a_model_that_would_be_validated_is_refused(account: Any) -> None:
    api = account.api()
    account.aws.create_model(
        restApiId=api, name="Thing", contentType="application/json", schema=json.dumps({"type": "object"})
    )
    validator = account.aws.create_request_validator(restApiId=api, name="v", validateRequestBody=True)["id"]
    account.method(
        api,
        "POST",
        "/x",
        MOCK,
        requestModels={"application/json": "Thing"},
        requestValidatorId=validator,
    )
    assert "validation of request bodies against models is not supported" in refused(account, api)


def test_a_disabled_endpoint_is_refused(account: Any) -> None:
    api = account.api(disableExecuteApiEndpoint=True)
    account.method(api, "GET", "/x", MOCK)
    assert "its default endpoint is disabled" in refused(account, api)


def test_caching_and_canaries_are_refused_and_the_stage_is_left_alone(account: Any) -> None:
    api = mock_api(account)
    deployment = account.deploy(api)
    with pytest.raises(ClientError, match="response caching is not supported"):
        account.aws.create_stage(
            restApiId=api, stageName="c", deploymentId=deployment, cacheClusterEnabled=True
        )
    with pytest.raises(ClientError, match="canary releases are not supported"):
        account.aws.create_stage(
            restApiId=api, stageName="c", deploymentId=deployment, canarySettings={"percentTraffic": 5}
        )
    for path in ("/*/*/caching/enabled", "/cacheClusterEnabled"):
        with pytest.raises(ClientError, match="response caching is not supported"):
            account.aws.update_stage(
                restApiId=api,
                stageName="prod",
                patchOperations=[{"op": "replace", "path": path, "value": "true"}],
            )
    assert [stage["stageName"] for stage in account.aws.get_stages(restApiId=api)["item"]] == ["prod"]
    assert body(account, api) == b"one"
