"""Whatever is sent is answered in AWS's form: refused, or done; never a failure of the service."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.emulator.services.base import AwsRequest, AwsResponse, CallContext
from harness.emulator.services.sns.service import MAX_BODY_BYTES

from .conftest import ACCOUNT, HOOK, QUEUE, TOPIC, Driver, run

OPERATIONS = [
    *("AddPermission", "ConfirmSubscription", "CreateTopic", "DeleteTopic", "GetSubscriptionAttributes"),
    *("GetTopicAttributes", "ListSubscriptions", "ListSubscriptionsByTopic", "ListTagsForResource"),
    *("ListTopics", "Publish", "PublishBatch", "RemovePermission", "SetSubscriptionAttributes"),
    *("SetTopicAttributes", "Subscribe", "TagResource", "Unsubscribe", "UntagResource"),
]
NAMES = [
    *("TopicArn", "Name", "Label", "AWSAccountId.member.1", "ActionName.member.1", "Token", "NextToken"),
    *("Attributes.entry.1.key", "Attributes.entry.1.value", "Tags.member.1.Key", "Tags.member.1.Value"),
    *("SubscriptionArn", "AttributeName", "AttributeValue", "Protocol", "Endpoint", "Message", "Subject"),
    *("MessageStructure", "MessageAttributes.entry.1.Name", "MessageAttributes.entry.1.Value.DataType"),
    *("MessageAttributes.entry.1.Value.StringValue", "MessageAttributes.entry.1.Value", "ResourceArn"),
    *("PublishBatchRequestEntries.member.1.Id", "PublishBatchRequestEntries.member.1.Message"),
    *("PublishBatchRequestEntries.member.1", "TagKeys.member.1", "TagKeys", "ReturnSubscriptionArn"),
    *("Attributes", "Tags", "MessageAttributes", "PublishBatchRequestEntries", "MaximumMessageSize"),
]
VALUES = [
    *(TOPIC, QUEUE, HOOK, "", "x", "http", "sqs", "json", "String", "Number", "1", "Publish", ACCOUNT),
    *("FilterPolicy", "DeliveryPolicy", "RedrivePolicy", "RawMessageDelivery", "DisplayName", "true"),
    *("FilterPolicyScope", "MaximumMessageSize", "Policy", "SignatureVersion", '{"a": [{"numeric": []}]}'),
    *('{"http": null}', '{"healthyRetryPolicy": {"numRetries": 1e99}}', '{"deadLetterTargetArn": []}'),
    *("[]", "{}", "null", '{"Statement": [1]}', "http://[::1", "http://a:b@c:99999/", "\u2028\x00é"),
]


def sent(sns: Driver, body: bytes, *, method: str = "POST", signed: bool = True) -> AwsResponse:
    headers = {"authorization": "AWS4-HMAC-SHA256 ..."} if signed else {}
    context = CallContext(account_id=ACCOUNT, request_id="r")
    query = body.decode("latin-1") if method == "GET" else ""
    request = AwsRequest(method, "/", query, headers, b"" if method == "GET" else body, context)
    return run(sns.service.handle(request))


def code(answer: AwsResponse) -> str | None:
    root = ElementTree.fromstring(answer.body)
    return root.findtext("Error/Code", namespaces={"": "http://sns.amazonaws.com/doc/2010-03-31/"})


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(OPERATIONS),
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES) | st.text(max_size=8)), max_size=8),
)
def test_any_parameters_are_answered(operation: str, parameters: list[tuple[str, str]]) -> None:
    sns = Driver()
    sns.create()
    sns.subscribe(QUEUE)
    clean = [(name, value.encode("utf-8", "replace")) for name, value in parameters]
    if operation == "Subscribe":  # a name would be looked up
        clean = [pair for pair in clean if pair[0] != "Endpoint" or b"//" not in pair[1]]
    answer = sent(sns, urlencode([("Action", operation), *clean]).encode())
    assert answer.status < 500 or code(answer) == "NotImplemented"
    ElementTree.fromstring(answer.body)


@given(st.binary(max_size=300), st.sampled_from(["GET", "POST"]), st.booleans())
def test_any_bytes_are_answered(body: bytes, method: str, signed: bool) -> None:
    answer = sent(Driver(), body, method=method, signed=signed)
    assert answer.status in (400, 403)
    assert code(answer) in ("MalformedQueryString", "MissingAction", "MissingAuthenticationToken", None)


def test_a_request_that_is_too_large_is_refused() -> None:
    answer = sent(Driver(), b"x" * (MAX_BODY_BYTES + 1))
    assert (answer.status, code(answer)) == (413, "RequestEntityTooLarge")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_without_a_signature_only_the_links_are_answered(operation: str) -> None:
    members: dict[str, Any] = {"TopicArn": TOPIC, "Token": "x", "SubscriptionArn": f"{TOPIC}:x"}
    answer = sent(Driver(), urlencode({"Action": operation, **members}).encode(), method="GET", signed=False)
    refused = code(answer) == "MissingAuthenticationToken"
    assert refused is (operation not in ("ConfirmSubscription", "Unsubscribe"))
    assert answer.status in (400, 403, 404)


def test_no_token_or_password_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    sns = Driver()
    sns.create()

    def fail(*_: Any) -> Any:
        raise RuntimeError("boom")

    sns.service._operations = {**sns.service._operations, "ConfirmSubscription": fail}
    form = urlencode({"Action": "ConfirmSubscription", "TopicArn": TOPIC, "Token": "a-secret-token"})
    answer = sent(sns, form.encode())
    assert (answer.status, code(answer)) == (500, "InternalError")
    assert "SNS failed" in caplog.text
    assert "a-secret-token" not in caplog.text
