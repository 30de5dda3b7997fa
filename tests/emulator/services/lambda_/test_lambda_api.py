"""The API, by boto3 over a real port: answers, errors, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from harness.aws.limits.profiles import FRESH
from harness.emulator.services.base import CallContext

QUEUE = "arn:aws:sqs:us-east-1:000000000000:dead"
ECHO = "def handler(event, context): return event"


@pytest.fixture
def running(start_lambda: Callable[..., Any]) -> Any:
    return start_lambda()


def error_of(action: Callable[..., Any], **members: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as caught:
        action(**members)
    response = caught.value.response
    return (
        response["Error"]["Code"],
        response["ResponseMetadata"]["HTTPStatusCode"],
        response["Error"]["Message"],
    )


def test_a_function_from_creation_to_deletion(running: Any, zipped: Callable[..., bytes]) -> None:
    client = running.client
    created = client.create_function(
        FunctionName="app",
        Runtime="python3.13",
        Role="arn:aws:iam::000000000000:role/function",
        Handler="app.handler",
        Code={"ZipFile": zipped(ECHO)},
        Tags={"team": "one"},
        DeadLetterConfig={"TargetArn": QUEUE},
    )
    assert (created["State"], created["Timeout"], created["MemorySize"]) == ("Pending", 3, 128)
    running.settle()
    found = client.get_function(FunctionName=created["FunctionArn"])
    assert found["Configuration"]["State"] == "Active"
    assert found["Configuration"]["CodeSize"] == len(zipped(ECHO))
    assert found["Configuration"]["DeadLetterConfig"] == {"TargetArn": QUEUE}
    assert found["Tags"] == {"team": "one"}
    client.update_function_configuration(
        FunctionName="app", Timeout=7, Description="new", DeadLetterConfig={}
    )
    changed = client.get_function_configuration(FunctionName="app", Qualifier="$LATEST")
    assert (changed["Timeout"], changed["Description"], changed["MemorySize"]) == (7, "new", 128)
    client.delete_function(FunctionName="app")
    assert error_of(client.get_function, FunctionName="app")[:2] == ("ResourceNotFoundException", 404)
    assert error_of(client.invoke, FunctionName="app")[0] == "ResourceNotFoundException"


def test_the_error_names_the_function_as_aws_does(running: Any) -> None:
    assert error_of(running.client.get_function, FunctionName="none")[2] == (
        "Function not found: arn:aws:lambda:us-east-1:000000000000:function:none"
    )


def test_lists_come_in_pages(running: Any) -> None:
    for name in ("c", "a", "b"):
        running.create(ECHO, name=name)
    pages = list(running.client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2}))
    assert [[each["FunctionName"] for each in page["Functions"]] for page in pages] == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    ("members", "code", "words"),
    [
        ({"Runtime": "nodejs22.x"}, "InvalidParameterValueException", "nodejs22.x is not offered"),
        ({"Runtime": "java21"}, "InvalidParameterValueException", "java21 is not offered"),
        ({"PackageType": "Image"}, "InvalidParameterValueException", "container images"),
        ({"Timeout": 901}, "ValidationException", "'Timeout' failed to satisfy constraint"),
        ({"MemorySize": 127}, "ValidationException", "greater than or equal to 128"),
        ({"Role": "role"}, "ValidationException", "'role' failed"),
        (
            {"Layers": ["arn:aws:lambda:us-east-1:1:layer:x:1"]},
            "InvalidParameterValueException",
            "member Layers",
        ),
        ({"Code": {"ZipFile": b"no zip"}}, "InvalidParameterValueException", "Could not unzip uploaded file"),
        ({"Code": {"S3Bucket": "b", "S3Key": "k"}}, "InvalidParameterValueException", "not from S3Bucket"),
        (
            {"Environment": {"Variables": {"AWS_REGION": "x"}}},
            "InvalidParameterValueException",
            "reserved keys",
        ),
        ({"Environment": {"Variables": {"BIG": "x" * 5000}}}, "InvalidParameterValueException", "4KB limit"),
        (
            {"DeadLetterConfig": {"TargetArn": "arn:aws:sns:us-east-1:1:t"}},
            "InvalidParameterValueException",
            "SQS",
        ),
        (
            {"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:queue"}},
            "InvalidParameterValueException",
            "SQS",
        ),
        ({"Publish": True}, "InvalidParameterValueException", "versions"),
    ],
)
def test_what_cannot_be_created(
    running: Any, zipped: Callable[..., bytes], members: dict[str, Any], code: str, words: str
) -> None:
    given = {
        "FunctionName": "app",
        "Runtime": "python3.12",
        "Role": "arn:aws:iam::000000000000:role/function",
        "Handler": "app.handler",
        "Code": {"ZipFile": zipped(ECHO)},
        **members,
    }
    found, status, message = error_of(running.client.create_function, **given)
    assert (found, status) == (code, 400)
    assert words in message
    assert running.client.list_functions()["Functions"] == []


def test_a_package_that_breaks_while_it_is_unpacked_fails_its_function(
    running: Any, zipped: Callable[..., bytes]
) -> None:
    package = bytearray(zipped(ECHO))
    package[package.index(b"app.py") + len("app.py")] ^= 0xFF  # the first byte of the file: its sum is wrong
    running.client.create_function(
        FunctionName="app",
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/function",
        Handler="app.handler",
        Code={"ZipFile": bytes(package)},
    )
    while (found := running.client.get_function_configuration(FunctionName="app"))["State"] == "Pending":
        pass
    assert (found["State"], found["LastUpdateStatus"]) == ("Failed", "Failed")
    assert "could not be unpacked" in found["StateReason"]
    assert error_of(running.client.invoke, FunctionName="app")[:2] == ("ResourceConflictException", 409)
    running.client.update_function_code(FunctionName="app", ZipFile=zipped(ECHO))
    running.settle()
    assert running.invoke(b"1")["Payload"] == b"1"


def test_a_name_is_taken_once(running: Any) -> None:
    running.create(ECHO)
    with pytest.raises(ClientError, match="ResourceConflictException"):
        running.create(ECHO)


def test_a_change_of_another_revision_is_refused(running: Any) -> None:
    running.create(ECHO)
    found = error_of(
        running.client.update_function_configuration, FunctionName="app", Timeout=9, RevisionId="old"
    )
    assert found[:2] == ("PreconditionFailedException", 412)


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("publish_version", {}),
        ("create_alias", {"Name": "live", "FunctionVersion": "1"}),
        ("put_provisioned_concurrency_config", {"Qualifier": "1", "ProvisionedConcurrentExecutions": 1}),
        ("create_function_url_config", {"AuthType": "NONE"}),
        ("get_runtime_management_config", {}),
    ],
)
def test_what_is_not_offered_says_so_by_name(running: Any, operation: str, members: dict[str, Any]) -> None:
    running.create(ECHO)
    code, status, message = error_of(getattr(running.client, operation), FunctionName="app", **members)
    name = "".join(part.capitalize() for part in operation.split("_"))
    assert (code, status, message) == (
        "NotImplementedException",
        501,
        f"The embedded Lambda does not offer {name}.",
    )


def test_versions_and_aliases_are_not_there(running: Any) -> None:
    running.create(ECHO)
    assert (
        error_of(running.client.invoke, FunctionName="app", Qualifier="7")[0] == "ResourceNotFoundException"
    )
    assert error_of(running.client.invoke, FunctionName="app:live")[0] == "ResourceNotFoundException"
    assert running.client.list_aliases(FunctionName="app")["Aliases"] == []
    assert [
        v["Version"] for v in running.client.list_versions_by_function(FunctionName="app")["Versions"]
    ] == ["$LATEST"]


def test_payloads_are_checked(running: Any) -> None:
    running.create(ECHO)
    invoke = running.client.invoke
    assert error_of(invoke, FunctionName="app", Payload=b"{no")[:2] == ("InvalidRequestContentException", 400)
    large, larger = b'"' + b"x" * 1_100_000 + b'"', b'"' + b"x" * 6_300_000 + b'"'
    assert error_of(invoke, FunctionName="app", Payload=larger)[:2] == ("RequestTooLargeException", 413)
    refused = error_of(invoke, FunctionName="app", Payload=large, InvocationType="Event")
    assert refused[:2] == ("RequestTooLargeException", 413)
    assert running.invoke(large)["Payload"] == large
    assert running.invoke(b"")["Payload"] == b"{}"


def test_a_dry_run_runs_nothing(running: Any) -> None:
    running.create(ECHO)
    assert running.invoke(InvocationType="DryRun")["StatusCode"] == 204
    assert running.service.take_invocations() == []


def test_reserved_concurrency_is_set_shown_enforced_and_lifted(running: Any) -> None:
    running.create(ECHO)
    client = running.client
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName="app")
    client.put_function_concurrency(FunctionName="app", ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError) as caught:
        client.invoke(FunctionName="app")
    assert caught.value.response["Error"]["Code"] == "TooManyRequestsException"
    assert dict(caught.value.response)["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert client.get_function(FunctionName="app")["Concurrency"] == {"ReservedConcurrentExecutions": 0}
    client.delete_function_concurrency(FunctionName="app")
    assert running.invoke()["StatusCode"] == 200
    beyond = error_of(client.put_function_concurrency, FunctionName="app", ReservedConcurrentExecutions=901)
    assert "below its minimum value of [100]" in beyond[2]


def test_permissions_are_kept_and_given_back(running: Any) -> None:
    running.create(ECHO)
    client = running.client
    assert error_of(client.get_policy, FunctionName="app")[0] == "ResourceNotFoundException"
    statement = {
        "StatementId": "gateway",
        "Action": "lambda:InvokeFunction",
        "Principal": "apigateway.amazonaws.com",
        "SourceArn": "arn:aws:execute-api:us-east-1:000000000000:api/*",
    }
    client.add_permission(FunctionName="app", **statement)
    assert error_of(client.add_permission, FunctionName="app", **statement)[0] == "ResourceConflictException"
    policy = json.loads(client.get_policy(FunctionName="app")["Policy"])
    assert policy["Statement"] == [
        {
            "Sid": "gateway",
            "Effect": "Allow",
            "Principal": {"Service": "apigateway.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": "arn:aws:lambda:us-east-1:000000000000:function:app",
            "Condition": {"ArnLike": {"AWS:SourceArn": statement["SourceArn"]}},
        }
    ]
    client.remove_permission(FunctionName="app", StatementId="gateway")
    assert error_of(client.remove_permission, FunctionName="app", StatementId="gateway")[1] == 404


def test_asynchronous_settings_are_put_updated_listed_and_deleted(running: Any) -> None:
    running.create(ECHO)
    client = running.client
    on_failure = {"OnFailure": {"Destination": QUEUE}}
    client.put_function_event_invoke_config(
        FunctionName="app", MaximumRetryAttempts=1, DestinationConfig=on_failure
    )
    client.update_function_event_invoke_config(FunctionName="app", MaximumEventAgeInSeconds=60)
    found = client.get_function_event_invoke_config(FunctionName="app")
    assert (found["MaximumRetryAttempts"], found["MaximumEventAgeInSeconds"]) == (1, 60)
    assert found["DestinationConfig"] == {"OnSuccess": {}, **on_failure}
    client.put_function_event_invoke_config(FunctionName="app", MaximumEventAgeInSeconds=90)
    listed = client.list_function_event_invoke_configs(FunctionName="app")["FunctionEventInvokeConfigs"]
    assert [("MaximumRetryAttempts" in each, each["MaximumEventAgeInSeconds"]) for each in listed] == [
        (False, 90)
    ]
    client.delete_function_event_invoke_config(FunctionName="app")
    assert error_of(client.get_function_event_invoke_config, FunctionName="app")[1] == 404
    bus = {"OnFailure": {"Destination": "arn:aws:events:us-east-1:000000000000:event-bus/b"}}
    refused = error_of(client.put_function_event_invoke_config, FunctionName="app", DestinationConfig=bus)
    assert "SQS queues and SNS topics, and functions" in refused[2]


def test_tags(running: Any) -> None:
    running.create(ECHO, Tags={"a": "1"})
    arn = running.client.get_function(FunctionName="app")["Configuration"]["FunctionArn"]
    running.client.tag_resource(Resource=arn, Tags={"b": "2"})
    running.client.untag_resource(Resource=arn, TagKeys=["a", "c"])
    assert running.client.list_tags(Resource=arn)["Tags"] == {"b": "2"}


def test_account_settings_show_the_limits(running: Any) -> None:
    running.create(ECHO)
    running.client.put_function_concurrency(FunctionName="app", ReservedConcurrentExecutions=25)
    found = running.client.get_account_settings()
    assert found["AccountLimit"]["ConcurrentExecutions"] == 1000
    assert found["AccountLimit"]["UnreservedConcurrentExecutions"] == 975
    assert found["AccountUsage"]["FunctionCount"] == 1


def test_an_unknown_path_names_itself(running: Any) -> None:
    import urllib.error
    import urllib.request

    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"http://127.0.0.1:{running.port}/2015-03-31/nothing")
    assert caught.value.code == 404
    assert caught.value.headers["x-amzn-errortype"] == "UnknownOperationException"
    assert b"/2015-03-31/nothing" in caught.value.read()


def test_a_throttled_invocation_is_metered_and_gives_its_lease_back(start_lambda: Callable[..., Any]) -> None:
    running = start_lambda(limits=replace(FRESH, lambda_concurrent_executions=1))
    running.create("import time\ndef handler(event, context): time.sleep(event.get('s', 0)); return 1")
    running.invoke()
    with ThreadPoolExecutor(1) as others:
        slow = others.submit(running.invoke, b'{"s": 1}')
        while not any(g.value for g in running.meters.gauges() if g.name == "concurrent_executions"):
            assert not slow.done()
        found = error_of(running.client.invoke, FunctionName="app")
        assert found[:2] == ("TooManyRequestsException", 429)
        assert slow.result()["Payload"] == b"1"
    assert running.invoke()["Payload"] == b"1"
    usage = {each.unit: each.quantity for each in running.meters.usage()}
    assert (usage["requests"], usage["throttles"]) == (3, 1)


def test_a_reset_forgets_everything(running: Any) -> None:
    running.create(ECHO)
    running.invoke()
    running.run(running.service.reset())
    assert running.client.list_functions()["Functions"] == []
    assert running.service.take_invocations() == []
    running.create(ECHO)
    assert running.invoke(b"7")["Payload"] == b"7"


def test_a_call_from_within_an_invocation_is_noted_under_its_trace(running: Any) -> None:
    running.create(ECHO)
    context = CallContext(trace_id="1-5f000000-abc")
    running.run(running.service.invoke("app", b"1", context=context))
    running.run(running.service.invoke("app", b"1", invocation_type="Event", context=context))
    running.run(running.service.invoke("app", b"1", context=CallContext()))
    assert running.meters.take_calls() == [
        ("1-5f000000-abc", "lambda", "Invoke:RequestResponse", "app", 1),
        ("1-5f000000-abc", "lambda", "Invoke", "app", 1),
    ]
