"""Lambda: kinds of invocation, errors, limits, what a function sees, asynchronous invocation."""

from __future__ import annotations

import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.conformance.catalogue import behaviour, documented, reference
from tests.conformance.functions import REPORTING, Function, Reports, function, messages, queue, zipped
from tests.conformance.kit import Cleanup, refusing, until
from tests.conformance.targets import Aws

READ = "2026-11-24"
_GUIDE = "lambda/latest/dg"
SOURCE = """
import json, os, sys, time
def handler(event, context):
    do = event.get("do") if isinstance(event, dict) else None
    if do == "raise":
        raise ValueError("broken: \\u00e9")
    if do == "exit":
        os._exit(3)
    if do == "sleep":
        time.sleep(event["s"])
    if do == "big":
        return "x" * event["bytes"]
    if do == "set":
        return {1, 2}
    if do == "environment":
        return dict(os.environ)
    if do == "print":
        print("a line of " + event["what"])
    if do == "file":
        with open("/tmp/kept", "w") as file:
            file.write("1")
        return os.path.exists("/tmp/kept")
    if do == "context":
        return {
            "request_id": context.aws_request_id,
            "name": context.function_name,
            "version": context.function_version,
            "arn": context.invoked_function_arn,
            "memory": int(context.memory_limit_in_mb),
            "group": context.log_group_name,
            "left_ms": context.get_remaining_time_in_millis(),
            "custom": context.client_context.custom if context.client_context else None,
        }
    return event
"""


def guide(title: str, page: str) -> Any:
    return documented(f"Lambda Developer Guide, {title}", f"{_GUIDE}/{page}.html", noted=READ)


@pytest.fixture(scope="module")
def shared(aws: Aws, module_cleanup: Cleanup) -> Function:
    environment = {"Variables": {"COLOUR": "blåu", "EMPTY": ""}}
    return function(aws, module_cleanup, SOURCE, Environment=environment, MemorySize=256)


# --- synchronous -------------------------------------------------------------------------------------------


@behaviour(
    "lambda.invoke-returns-the-result",
    "A synchronous invocation answers 200 with what the function returned, and the version that ran.",
    reference("lambda", "Invoke", "The version of the function that executed", read=READ),
)
def test_invoke(shared: Function) -> None:
    event = {"text": "é", "list": [1, 2.5, None, True], "deep": {"er": {}}}
    answer = shared.invoke(event)
    assert (answer.status, answer.payload, answer.error) == (200, event, None)
    assert answer.raw["ExecutedVersion"] == "$LATEST"


@behaviour(
    "lambda.dry-run-runs-nothing",
    "A dry run answers 204 and does not run the function.",
    reference("lambda", "Invoke", "For the DryRun invocation type, the status code is 204", read=READ),
)
def test_dry_run(shared: Function) -> None:
    answer = shared.invoke({"do": "exit"}, InvocationType="DryRun")
    assert (answer.status, answer.payload) == (204, None)


@behaviour(
    "lambda.raised-error-is-told",
    "A function that raises answers 200 and FunctionError, with the error's type, message and trace.",
    guide("Python function errors", "python-exceptions"),
)
def test_raise(shared: Function) -> None:
    answer = shared.invoke({"do": "raise"})
    assert (answer.status, answer.error) == (200, "Unhandled")
    assert (answer.payload["errorType"], answer.payload["errorMessage"]) == ("ValueError", "broken: é")
    assert any("raise ValueError" in line for line in answer.payload["stackTrace"])


@behaviour(
    "lambda.exited-process-is-an-error",
    "A function whose process ends answers with an error, and the next invocation runs.",
    guide("Understanding the Lambda execution environment lifecycle", "lambda-runtime-environment"),
)
def test_exit(shared: Function) -> None:
    answer = shared.invoke({"do": "exit"})
    assert (answer.status, answer.error) == (200, "Unhandled")
    assert shared.invoke({"again": 1}).payload == {"again": 1}


@behaviour(
    "lambda.timeout-ends-the-function",
    "A function that outlasts its timeout is ended with Task timed out, and the next invocation runs.",
    guide("Troubleshoot invocation issues in Lambda", "troubleshooting-invocation"),
)
def test_timeout(aws: Aws, cleanup: Cleanup) -> None:
    made = function(aws, cleanup, SOURCE, Timeout=1)
    answer = made.invoke({"do": "sleep", "s": 15})
    assert (answer.status, answer.error) == (200, "Unhandled")
    assert re.search(r"Task timed out after 1\.00 seconds", answer.payload["errorMessage"])
    assert made.invoke({"again": 1}).payload == {"again": 1}


@behaviour(
    "lambda.missing-module-is-told",
    "A package without the handler's module is an error of the function: Unable to import module.",
    guide("Troubleshoot deployment issues in Lambda", "troubleshooting-deployment"),
)
def test_import_error(aws: Aws, cleanup: Cleanup) -> None:
    answer = function(aws, cleanup, SOURCE, Handler="nowhere.handler").invoke()
    assert answer.error == "Unhandled"
    assert "Unable to import module 'nowhere'" in answer.payload["errorMessage"]


@behaviour(
    "lambda.missing-handler-is-told",
    "A module without the handler's function is an error of the function: Handler missing on module.",
    guide("Troubleshoot deployment issues in Lambda", "troubleshooting-deployment"),
)
def test_handler_not_found(aws: Aws, cleanup: Cleanup) -> None:
    answer = function(aws, cleanup, SOURCE, Handler="main.nothing").invoke()
    assert answer.error == "Unhandled"
    assert "Handler 'nothing' missing on module 'main'" in answer.payload["errorMessage"]


@behaviour(
    "lambda.result-must-be-json",
    "A result that is no JSON is an error of the function.",
    guide("Define Lambda function handler in Python, Returning a value", "python-handler"),
)
def test_marshal_error(shared: Function) -> None:
    assert shared.invoke({"do": "set"}).error == "Unhandled"


@behaviour(
    "lambda.response-is-6-mb-at-most",
    "A response of more than 6 MB is an error of the function.",
    guide("Lambda quotas, Function configuration, deployment, and execution", "gettingstarted-limits"),
)
def test_big_response(shared: Function) -> None:
    assert len(shared.invoke({"do": "big", "bytes": 5_000_000}).payload) == 5_000_000
    answer = shared.invoke({"do": "big", "bytes": 6_500_000})
    assert answer.error == "Unhandled"


@behaviour(
    "lambda.request-is-6-mb-at-most",
    "A synchronous invocation with more than 6 MB is refused with RequestTooLargeException (413).",
    reference(
        "lambda", "Invoke", "The request payload exceeded the Invoke request body JSON input quota", read=READ
    ),
)
def test_big_request(shared: Function) -> None:
    with refusing("RequestTooLargeException", status=413):
        shared.invoke("x" * 6_300_000)


@behaviour(
    "lambda.asynchronous-request-is-1-mb-at-most",
    "An asynchronous invocation with more than 1 MB is refused with RequestTooLargeException (413).",
    guide("Lambda quotas, Function configuration, deployment, and execution", "gettingstarted-limits"),
)
def test_big_event(shared: Function) -> None:
    assert shared.invoke("x" * 900_000, InvocationType="Event").status == 202
    with refusing("RequestTooLargeException", status=413):
        shared.invoke("x" * 1_100_000, InvocationType="Event")


@behaviour(
    "lambda.payload-must-be-json",
    "A payload that is no JSON is refused with InvalidRequestContentException.",
    reference("lambda", "Invoke", "The request body could not be parsed as JSON", read=READ),
)
def test_no_json(shared: Function) -> None:
    with refusing("InvalidRequestContentException", status=400):
        shared.client.invoke(FunctionName=shared.name, Payload=b"{no json")


@behaviour(
    "lambda.no-such-function",
    "Invoking a function that does not exist is refused with ResourceNotFoundException (404).",
    reference("lambda", "Invoke", "The resource specified in the request does not exist", read=READ),
)
def test_no_such_function(shared: Function) -> None:
    with refusing("ResourceNotFoundException", status=404):
        shared.client.invoke(FunctionName=f"{shared.name}-missing")


@behaviour(
    "lambda.named-in-three-ways",
    "A function is invoked by its name, its ARN or its partial ARN.",
    reference("lambda", "Invoke", "Partial ARN", read=READ),
)
def test_names(shared: Function) -> None:
    account = shared.arn.split(":")[4]
    for name in (shared.name, shared.arn, f"{account}:function:{shared.name}"):
        answer = shared.client.invoke(FunctionName=name, Payload=b"1")
        assert answer["Payload"].read() == b"1"


@behaviour(
    "lambda.log-tail",
    "With LogType Tail the end of the log comes back: START, what was printed, END and REPORT.",
    reference("lambda", "Invoke", "The last 4 KB of the execution log", read=READ),
)
def test_log_tail(shared: Function) -> None:
    answer = shared.invoke({"do": "print", "what": "mine"}, LogType="Tail")
    log = base64.b64decode(answer.raw["LogResult"]).decode()
    assert re.search(
        r"START RequestId: .*a line of mine.*END RequestId: .*REPORT RequestId: ", log, re.DOTALL
    )
    assert re.search(r"Billed Duration: \d+ ms\s+Memory Size: 256 MB\s+Max Memory Used: \d+ MB", log)


@behaviour(
    "lambda.logs-are-kept",
    "What a function prints is in the log group /aws/lambda/ and its name.",
    guide("Sending Lambda function logs to CloudWatch Logs", "monitoring-cloudwatchlogs"),
)
def test_logs(shared: Function, aws: Aws) -> None:
    shared.invoke({"do": "print", "what": "log"})
    logs, group = aws.client("logs"), f"/aws/lambda/{shared.name}"

    def printed() -> bool:
        try:
            found = logs.filter_log_events(logGroupName=group)["events"]
        except logs.exceptions.ResourceNotFoundException:
            return False
        return any("a line of log" in event["message"] for event in found)

    until(printed, "the line is in the log")


# --- what a function sees ----------------------------------------------------------------------------------


@behaviour(
    "lambda.environment-variables",
    "A function sees its own variables and those that Lambda sets.",
    guide("Working with Lambda environment variables", "configuration-envvars"),
)
def test_environment(shared: Function, aws: Aws) -> None:
    seen = shared.invoke({"do": "environment"}).payload
    assert (seen["COLOUR"], seen["EMPTY"]) == ("blåu", "")
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == shared.name
    assert seen["AWS_LAMBDA_FUNCTION_VERSION"] == "$LATEST"
    assert (seen["AWS_REGION"], seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) == (aws.region, "256")
    assert {"LAMBDA_TASK_ROOT", "AWS_ACCESS_KEY_ID", "AWS_LAMBDA_LOG_GROUP_NAME"} <= set(seen)


@behaviour(
    "lambda.context",
    "The context has the request id of the answer, the function's name, version and ARN, and the time left.",
    guide("Using the Lambda context object to retrieve Python function information", "python-context"),
)
def test_context(shared: Function) -> None:
    custom = base64.b64encode(json.dumps({"custom": {"k": "v"}}).encode()).decode()
    answer = shared.invoke({"do": "context"}, ClientContext=custom)
    seen = answer.payload
    assert seen["request_id"] == answer.raw["ResponseMetadata"]["RequestId"]
    assert (seen["name"], seen["version"], seen["arn"]) == (shared.name, "$LATEST", shared.arn)
    assert (seen["memory"], seen["group"]) == (256, f"/aws/lambda/{shared.name}")
    assert 0 < seen["left_ms"] <= 20_000
    assert seen["custom"] == {"k": "v"}


@behaviour(
    "lambda.temporary-folder",
    "A function may write to /tmp.",
    guide("Configure ephemeral storage for Lambda functions", "configuration-ephemeral-storage"),
)
def test_temporary_folder(shared: Function) -> None:
    assert shared.invoke({"do": "file"}).payload is True


# --- concurrency -------------------------------------------------------------------------------------------


@behaviour(
    "lambda.no-reserved-concurrency-throttles",
    "A function whose reserved concurrency is 0 is refused with TooManyRequestsException (429).",
    guide("Configuring reserved concurrency for a function", "configuration-concurrency"),
)
def test_concurrency_zero(aws: Aws, cleanup: Cleanup) -> None:
    made = function(aws, cleanup, SOURCE)
    made.client.put_function_concurrency(FunctionName=made.name, ReservedConcurrentExecutions=0)
    with refusing("TooManyRequestsException", status=429):
        made.invoke()


@behaviour(
    "lambda.reserved-concurrency-is-a-limit",
    "While a function of reserved concurrency 1 runs, another invocation is refused with 429 and why.",
    reference("lambda", "Invoke", "The request throughput limit was exceeded", read=READ),
)
def test_concurrency_one(aws: Aws, cleanup: Cleanup) -> None:
    made = function(aws, cleanup, SOURCE)
    made.client.put_function_concurrency(FunctionName=made.name, ReservedConcurrentExecutions=1)
    made.invoke()
    with ThreadPoolExecutor(3) as threads:
        running = [threads.submit(made.invoke, {"do": "sleep", "s": 2}) for _ in range(3)]
        errors = [error for error in (one.exception() for one in running) if error]
    assert len(errors) == 2, f"{len(errors)} of 3 were refused"
    for error in errors:
        with refusing("TooManyRequestsException", status=429):
            raise error
        told: Any = error
        assert told.response.get("Reason") == "ReservedFunctionConcurrentInvocationLimitExceeded"


# --- asynchronous ------------------------------------------------------------------------------------------


@behaviour(
    "lambda.event-is-accepted-and-runs",
    "An asynchronous invocation answers 202 without a payload, and the function runs with the event.",
    reference("lambda", "Invoke", "For the Event invocation type, this status code is 202", read=READ),
)
def test_event(aws: Aws, cleanup: Cleanup) -> None:
    reports = Reports(aws, cleanup)
    source = REPORTING + "def handler(event, context):\n    report(event)\n"
    made = function(aws, cleanup, source, Environment=reports.environment)
    answer = made.invoke({"n": 1}, InvocationType="Event")
    assert (answer.status, answer.payload, answer.error) == (202, None, None)
    until(lambda: reports.all() == [{"n": 1}], "the function ran")


@behaviour(
    "lambda.success-goes-to-its-destination",
    "An asynchronous invocation that succeeds is told to its destination, with the event and the result.",
    guide("Capturing records of Lambda asynchronous invocations", "invocation-async-retain-records"),
)
def test_on_success(aws: Aws, cleanup: Cleanup) -> None:
    url, arn = queue(aws, cleanup)
    made = function(aws, cleanup, SOURCE)
    made.client.put_function_event_invoke_config(
        FunctionName=made.name, DestinationConfig={"OnSuccess": {"Destination": arn}}
    )
    made.invoke({"n": 1}, InvocationType="Event")
    told = json.loads(messages(aws, url)[0]["Body"])
    assert (told["requestPayload"], told["responsePayload"]) == ({"n": 1}, {"n": 1})
    assert told["requestContext"]["condition"] == "Success"
    assert told["requestContext"]["approximateInvokeCount"] == 1
    assert told["responseContext"]["statusCode"] == 200


@behaviour(
    "lambda.failure-goes-to-its-destination",
    "An asynchronous invocation that fails for good is told to its destination, with the error.",
    guide("Capturing records of Lambda asynchronous invocations", "invocation-async-retain-records"),
)
def test_on_failure(aws: Aws, cleanup: Cleanup) -> None:
    url, arn = queue(aws, cleanup)
    made = function(aws, cleanup, SOURCE)
    made.client.put_function_event_invoke_config(
        FunctionName=made.name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    made.invoke({"do": "raise"}, InvocationType="Event")
    told = json.loads(messages(aws, url)[0]["Body"])
    assert told["requestContext"]["condition"] == "RetriesExhausted"
    assert told["requestContext"]["functionArn"].startswith(made.arn)
    assert told["requestPayload"] == {"do": "raise"}
    assert told["responsePayload"]["errorType"] == "ValueError"
    assert told["responseContext"]["functionError"] == "Unhandled"


@behaviour(
    "lambda.dead-letter-queue",
    "An event that fails for good goes to the dead-letter queue as it was, with the error beside it.",
    guide(
        "Adding a dead-letter queue",
        "invocation-async-retain-records",
    ),
)
def test_dead_letter_queue(aws: Aws, cleanup: Cleanup) -> None:
    url, arn = queue(aws, cleanup)
    made = function(aws, cleanup, SOURCE, DeadLetterConfig={"TargetArn": arn})
    made.client.put_function_event_invoke_config(FunctionName=made.name, MaximumRetryAttempts=0)
    made.invoke({"do": "raise"}, InvocationType="Event")
    (dead,) = messages(aws, url)
    assert json.loads(dead["Body"]) == {"do": "raise"}
    attributes = {name: value["StringValue"] for name, value in dead["MessageAttributes"].items()}
    assert attributes["ErrorCode"] == "200"
    assert "broken" in attributes["ErrorMessage"]
    assert re.fullmatch(r"[0-9a-f-]{36}", attributes["RequestID"])


# --- functions ---------------------------------------------------------------------------------------------


@behaviour(
    "lambda.function-is-described",
    "GetFunction tells the configuration, the hash and size of the package, and a place to download it from.",
    reference("lambda", "GetFunction", "download the deployment package", read=READ),
)
def test_described(shared: Function) -> None:
    told = shared.client.get_function(FunctionName=shared.name)
    configuration = told["Configuration"]
    assert (configuration["FunctionArn"], configuration["Version"]) == (shared.arn, "$LATEST")
    assert (configuration["MemorySize"], configuration["Timeout"]) == (256, 20)
    assert len(base64.b64decode(configuration["CodeSha256"])) == 32
    assert configuration["CodeSize"] == len(zipped(SOURCE))
    assert told["Code"]["Location"]


@behaviour(
    "lambda.names-are-unique",
    "Creating a function whose name is taken is refused with ResourceConflictException (409).",
    reference(
        "lambda",
        "CreateFunction",
        "The resource already exists, or another operation",
        read=READ,
    ),
)
def test_create_twice(shared: Function) -> None:
    role = shared.client.get_function_configuration(FunctionName=shared.name)["Role"]
    with refusing("ResourceConflictException", status=409):
        shared.client.create_function(
            FunctionName=shared.name,
            Runtime="python3.12",
            Handler="main.handler",
            Role=role,
            Code={"ZipFile": zipped("")},
        )


@behaviour(
    "lambda.update-takes-effect",
    "After an update of its code and of its variables, a function runs with the new ones.",
    reference("lambda", "UpdateFunctionCode", "Function's code. If code signing", read=READ),
)
def test_update(aws: Aws, cleanup: Cleanup) -> None:
    made = function(aws, cleanup, "def handler(event, context):\n    return 'old'\n")
    assert made.invoke().payload == "old"
    source = "import os\ndef handler(event, context):\n    return os.environ.get('NEW', 'no variable')\n"
    made.client.update_function_code(FunctionName=made.name, ZipFile=zipped(source))
    assert made.ready().invoke().payload == "no variable"
    variables = {"Variables": {"NEW": "new"}}
    made.client.update_function_configuration(FunctionName=made.name, Environment=variables)
    assert made.ready().invoke().payload == "new"


@behaviour(
    "lambda.variables-are-4-kb-at-most",
    "More than 4 KB of environment variables are refused, and so is a name that Lambda keeps for itself.",
    guide("Working with Lambda environment variables", "configuration-envvars"),
)
def test_variables(shared: Function) -> None:
    for variables in ({"BIG": "x" * 4200}, {"AWS_REGION": "x"}):
        with refusing("InvalidParameterValueException", status=400):
            shared.client.update_function_configuration(
                FunctionName=shared.name, Environment={"Variables": variables}
            )
