from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest

from harness.emulator.services.base import AwsRequest, AwsResponse, CallContext

from .conftest import ACCOUNT, Driver, run

ARN = f"arn:aws:sns:us-east-1:{ACCOUNT}:events"
ALL_OPERATIONS = [
    *("CheckIfPhoneNumberIsOptedOut", "CreatePlatformApplication", "PutDataProtectionPolicy"),
    *("GetSMSAttributes", "VerifySMSSandboxPhoneNumber"),
]


def attributes(sns: Driver, arn: str = ARN) -> dict[str, str]:
    found: dict[str, str] = sns("GetTopicAttributes", TopicArn=arn)["Attributes"]
    return found


def test_a_topic_is_created_once(sns: Driver) -> None:
    given: dict[str, Any] = {"Attributes": {"DisplayName": "d"}, "Tags": [{"Key": "k", "Value": "v"}]}
    assert sns.create(**given) == ARN
    assert sns.create(**given) == ARN
    assert sns.create() == ARN
    with sns.refused("InvalidParameter", "already exists with different attributes"):
        sns.create(Attributes={"DisplayName": "other"})
    with sns.refused("InvalidParameter", "already exists with different tags"):
        sns.create(Tags=[{"Key": "k", "Value": "other"}])
    assert sns("ListTopics") == {"Topics": [{"TopicArn": ARN}]}


@pytest.mark.parametrize("name", ["", "a b", "a.b", "x" * 257, "é", ".fifo"])
def test_names_that_no_topic_may_have(sns: Driver, name: str) -> None:
    with sns.refused("InvalidParameter", "Topic Name"):
        sns.create(name)


def test_fifo_topics_are_refused_by_name(sns: Driver) -> None:
    for given in ({"Name": "a.fifo"}, {"Name": "a", "Attributes": {"FifoTopic": "true"}}):
        with sns.refused("InvalidParameter", "does not offer FIFO topics"):
            sns("CreateTopic", **given)
    sns("CreateTopic", Name="a", Attributes={"FifoTopic": "false"})


def test_attributes_are_those_that_aws_gives(sns: Driver) -> None:
    sns.create(Attributes={"SignatureVersion": "2", "KmsMasterKeyId": "alias/aws/sns"})
    found = attributes(sns)
    assert json.loads(found.pop("Policy"))["Statement"][0]["Resource"] == ARN
    effective = json.loads(found.pop("EffectiveDeliveryPolicy"))["http"]
    assert effective["defaultHealthyRetryPolicy"]["numRetries"] == 3
    assert found == {
        "TopicArn": ARN,
        "Owner": ACCOUNT,
        "DisplayName": "",
        "SubscriptionsConfirmed": "0",
        "SubscriptionsPending": "0",
        "SubscriptionsDeleted": "0",
        "SignatureVersion": "2",
        "KmsMasterKeyId": "alias/aws/sns",
    }


def test_attributes_are_set_and_set_back(sns: Driver) -> None:
    sns.create()
    sns("SetTopicAttributes", TopicArn=ARN, AttributeName="DisplayName", AttributeValue="d")
    assert attributes(sns)["DisplayName"] == "d"
    sns("SetTopicAttributes", TopicArn=ARN, AttributeName="DisplayName")
    assert attributes(sns)["DisplayName"] == ""
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    sns("SetTopicAttributes", TopicArn=ARN, AttributeName="Policy", AttributeValue=policy)
    assert attributes(sns)["Policy"] == policy


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("Owner", "x", "AttributeName"),
        ("DisplayName", "x" * 101, "DisplayName"),
        ("Policy", "{", "Policy"),
        ("Policy", "[]", "Policy"),
        ("SignatureVersion", "3", "SignatureVersion"),
        ("TracingConfig", "Active", "X-Ray"),
        ("ContentBasedDeduplication", "true", "FIFO"),
        ("HTTPSuccessFeedbackRoleArn", "arn:aws:iam::1:role/r", "delivery status logging"),
    ],
)
def test_attributes_that_are_refused(sns: Driver, name: str, value: str, says: str) -> None:
    sns.create()
    before = attributes(sns)
    with sns.refused("InvalidParameter", says):
        sns("SetTopicAttributes", TopicArn=ARN, AttributeName=name, AttributeValue=value)
    assert attributes(sns) == before


def test_a_deleted_topic_is_gone_and_deleting_it_again_is_no_error(sns: Driver) -> None:
    sns.create()
    for _ in range(2):
        assert sns("DeleteTopic", TopicArn=ARN) == {}
    with sns.refused("NotFound", "Topic does not exist"):
        attributes(sns)
    with sns.refused("ResourceNotFound"):
        sns("ListTagsForResource", ResourceArn=ARN)


def test_topics_of_another_region_are_not_this_regions(sns: Driver) -> None:
    sns.create()
    sns.context = CallContext(region="eu-west-1", account_id=ACCOUNT)
    assert sns("ListTopics")["Topics"] == []
    with sns.refused("InvalidParameter", "TopicArn"):
        attributes(sns)
    assert sns.create() == ARN.replace("us-east-1", "eu-west-1")


def test_an_arn_that_is_none(sns: Driver) -> None:
    for arn in ("events", "arn:aws:sqs:us-east-1:123456789012:q", ARN + "\n"):
        with sns.refused("InvalidParameter", "TopicArn"):
            attributes(sns, arn)


def test_lists_come_in_pages_that_deletions_do_not_disturb(sns: Driver) -> None:
    names = [f"t{number:03d}" for number in range(205)]
    for name in names:
        sns.create(name)
    first = sns("ListTopics")
    for row in first["Topics"][50:]:
        sns("DeleteTopic", **row)
    second = sns("ListTopics", NextToken=first["NextToken"])
    third = sns("ListTopics", NextToken=second["NextToken"])
    assert "NextToken" not in third
    listed = [row["TopicArn"].rpartition(":")[2] for page in (first, second, third) for row in page["Topics"]]
    assert listed == names
    for token in ("x", "!", "YXJ"):
        with sns.refused("InvalidParameter", "NextToken"):
            sns("ListTopics", NextToken=token)


def test_tags(sns: Driver) -> None:
    sns.create(Tags=[{"Key": "a", "Value": "1"}])
    sns("TagResource", ResourceArn=ARN, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": ""}])
    tags = [{"Key": "a", "Value": "2"}, {"Key": "b", "Value": ""}]
    assert sns("ListTagsForResource", ResourceArn=ARN) == {"Tags": tags}
    sns("UntagResource", ResourceArn=ARN, TagKeys=["a", "none"])
    assert sns("ListTagsForResource", ResourceArn=ARN) == {"Tags": tags[1:]}
    with sns.refused("TagLimitExceeded"):
        sns("TagResource", ResourceArn=ARN, Tags=[{"Key": str(n), "Value": ""} for n in range(50)])
    for key in ("", "aws:x", "x" * 129):
        with sns.refused("InvalidParameter", "Tags"):
            sns("TagResource", ResourceArn=ARN, Tags=[{"Key": key, "Value": ""}])


def test_permissions_change_the_policy(sns: Driver) -> None:
    sns.create()
    before = attributes(sns)["Policy"]
    given = {"TopicArn": ARN, "Label": "l", "AWSAccountId": [ACCOUNT], "ActionName": ["Publish", "Subscribe"]}
    sns("AddPermission", **given)
    statement = json.loads(attributes(sns)["Policy"])["Statement"][1]
    assert statement == {
        "Sid": "l",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": ["SNS:Publish", "SNS:Subscribe"],
        "Resource": ARN,
    }
    with sns.refused("InvalidParameter", "Statement already exists"):
        sns("AddPermission", **given)
    with sns.refused("InvalidParameter", "action out of service scope"):
        sns("AddPermission", **{**given, "Label": "m", "ActionName": ["Fly"]})
    with sns.refused("InvalidParameter", "AWSAccountId"):
        sns("AddPermission", **{**given, "Label": "m", "AWSAccountId": ["1"]})
    for _ in range(2):
        sns("RemovePermission", TopicArn=ARN, Label="l")
    assert json.loads(attributes(sns)["Policy"]) == json.loads(before)


@pytest.mark.parametrize("operation", ALL_OPERATIONS)
def test_an_operation_that_is_not_offered_is_named(sns: Driver, operation: str) -> None:
    with sns.refused("NotImplemented", operation):
        sns(operation)


def test_an_operation_that_is_none(sns: Driver) -> None:
    with sns.refused("InvalidAction", "Fly"):
        sns("Fly")


def test_members_that_are_missing_or_of_the_wrong_kind(sns: Driver) -> None:
    with sns.refused("ValidationError", "'topicArn'"):
        sns("GetTopicAttributes")
    with sns.refused("MalformedInput", "TopicArn"):
        sns("GetTopicAttributes", TopicArn=[ARN])
    with sns.refused("MalformedInput", "Tags"):
        sns.create(Tags=[{"Value": "v"}])


# Over HTTP


def sent(sns: Driver, *, method: str = "POST", signed: bool = True, **parameters: str) -> AwsResponse:
    text = urlencode(parameters)
    headers = {"authorization": "AWS4-HMAC-SHA256 Credential=..."} if signed else {}
    query, body = ("", text.encode()) if method == "POST" else (text, b"")
    context = CallContext(account_id=ACCOUNT, request_id="r-1")
    return run(sns.service.handle(AwsRequest(method, "/", query, headers, body, context)))


def code(answer: AwsResponse) -> str | None:
    root = ElementTree.fromstring(answer.body)
    return root.findtext("Error/Code", namespaces={"": "http://sns.amazonaws.com/doc/2010-03-31/"})


def test_the_answer_is_aws_xml(sns: Driver) -> None:
    answer = sent(sns, Action="CreateTopic", Name="events")
    assert answer.status == 200
    assert answer.body.decode() == (
        '<CreateTopicResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">'
        f"<CreateTopicResult><TopicArn>{ARN}</TopicArn></CreateTopicResult>"
        "<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></CreateTopicResponse>"
    )


def test_an_error_is_aws_xml(sns: Driver) -> None:
    answer = sent(sns, method="GET", Action="GetTopicAttributes", TopicArn=ARN)
    assert (answer.status, code(answer)) == (404, "NotFound")


def test_a_request_without_a_signature_is_refused(sns: Driver) -> None:
    answer = sent(sns, signed=False, Action="CreateTopic", Name="events")
    assert (answer.status, code(answer)) == (403, "MissingAuthenticationToken")
    assert sns("ListTopics")["Topics"] == []


def test_a_request_without_an_action_is_refused(sns: Driver) -> None:
    assert code(sent(sns, Name="events")) == "MissingAction"
