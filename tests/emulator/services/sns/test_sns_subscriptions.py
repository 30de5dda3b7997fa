from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.aws.limits.profiles import FRESH, NONE
from harness.emulator.services.base import CallContext

from .conftest import ACCOUNT, BASE_URL, DEAD, FUNCTION, HOOK, QUEUE, TOPIC, Driver

UNSIGNED = CallContext(account_id=ACCOUNT, signed=False)
DAY_S = 24 * 3600.0


def attributes(sns: Driver, arn: str) -> dict[str, str]:
    found: dict[str, str] = sns("GetSubscriptionAttributes", SubscriptionArn=arn)["Attributes"]
    return found


def test_queues_and_functions_are_subscribed_at_once(sns: Driver) -> None:
    sns.create()
    for endpoint, protocol in ((QUEUE, "sqs"), (FUNCTION, "lambda")):
        arn = sns.subscribe(endpoint)
        assert arn.startswith(f"{TOPIC}:")
        assert sns.subscribe(endpoint) == arn
        found = attributes(sns, arn)
        assert (found["Protocol"], found["Endpoint"], found["Owner"]) == (protocol, endpoint, ACCOUNT)
        assert (found["PendingConfirmation"], found["RawMessageDelivery"]) == ("false", "false")
        assert "EffectiveDeliveryPolicy" not in found


def test_an_endpoint_gets_nothing_before_it_confirms(sns: Driver) -> None:
    async def steps() -> None:
        async with sns.running():
            sns.create()
            arn = sns.subscribe(HOOK)
            sns.publish("before")
            await sns.settle()
            asked = sns.endpoints.of(HOOK)
            assert [each.kind for each in asked] == ["confirmation"]
            fields = asked[0].fields
            assert fields is not None
            assert fields["SubscribeURL"] == (
                f"{BASE_URL}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={fields['Token']}"
            )
            assert attributes(sns, arn)["PendingConfirmation"] == "true"
            listed = sns("ListSubscriptionsByTopic", TopicArn=TOPIC)["Subscriptions"]
            assert listed[0]["SubscriptionArn"] == "PendingConfirmation"
            for _ in range(2):
                answer = sns("ConfirmSubscription", TopicArn=TOPIC, Token=fields["Token"])
                assert answer == {"SubscriptionArn": arn}
            sns.publish("after")
            await sns.settle()
            sent = [each.message for each in sns.endpoints.of(HOOK) if each.message is not None]
            assert [message.body for message in sent] == ["after"]

    asyncio.run(steps())


def test_subscribing_again_asks_again_with_another_token(sns: Driver) -> None:
    async def steps() -> None:
        async with sns.running():
            sns.create()
            answer = sns("Subscribe", TopicArn=TOPIC, Protocol="http", Endpoint=HOOK)
            assert answer == {"SubscriptionArn": "pending confirmation"}
            await sns.settle()
            first = sns.token()
            sns.subscribe(HOOK)
            await sns.settle()
            assert sns.token() != first
            assert len(sns("ListSubscriptions")["Subscriptions"]) == 1
            sns("ConfirmSubscription", TopicArn=TOPIC, Token=first)
            assert sns("GetTopicAttributes", TopicArn=TOPIC)["Attributes"]["SubscriptionsConfirmed"] == "1"

    asyncio.run(steps())


def test_tokens_are_valid_for_two_days_and_for_their_topic(sns: Driver) -> None:
    async def steps() -> None:
        async with sns.running():
            sns.create()
            other = sns.create("other")
            sns.subscribe(HOOK)
            await sns.settle()
            token = sns.token()
            for topic, value in ((other, token), (TOPIC, token[:-1]), (TOPIC, "x")):
                with sns.refused("InvalidParameter", "Token"):
                    sns("ConfirmSubscription", TopicArn=topic, Token=value)
            sns.now_s += 2 * DAY_S + 1
            with sns.refused("InvalidParameter", "Token"):
                sns("ConfirmSubscription", TopicArn=TOPIC, Token=token)
            sns.subscribe(QUEUE)  # pending subscriptions whose time is over go then
            assert [row["Protocol"] for row in sns("ListSubscriptions")["Subscriptions"]] == ["sqs"]

    asyncio.run(steps())


def test_unsubscribing_by_the_link_tells_the_endpoint_which_may_come_back(sns: Driver) -> None:
    async def steps() -> None:
        async with sns.running():
            sns.create()
            arn = await sns.confirmed()
            sns.context = UNSIGNED
            sns("Unsubscribe", SubscriptionArn=arn)
            await sns.settle()
            fields = sns.endpoints.of(HOOK)[0].fields
            assert fields is not None
            assert fields["Type"] == "UnsubscribeConfirmation"
            assert arn in fields["Message"]
            with sns.refused("NotFound"):
                attributes(sns, arn)
            assert sns("ConfirmSubscription", TopicArn=TOPIC, Token=fields["Token"]) == {
                "SubscriptionArn": arn
            }
            assert attributes(sns, arn)["PendingConfirmation"] == "false"

    asyncio.run(steps())


def test_unsubscribing_by_its_owner_says_nothing_and_ends_its_tokens(sns: Driver) -> None:
    async def steps() -> None:
        async with sns.running():
            sns.create()
            sns.subscribe(HOOK)
            await sns.settle()
            token = sns.token()
            arn = sns("ConfirmSubscription", TopicArn=TOPIC, Token=token)["SubscriptionArn"]
            sns.endpoints.attempts.clear()
            for _ in range(2):
                sns("Unsubscribe", SubscriptionArn=arn)
            await sns.settle()
            assert sns.endpoints.attempts == []
            with sns.refused("InvalidParameter", "Token"):
                sns("ConfirmSubscription", TopicArn=TOPIC, Token=token)

    asyncio.run(steps())


def test_authenticate_on_unsubscribe_asks_for_signatures(sns: Driver) -> None:
    async def steps() -> None:
        async with sns.running():
            sns.create()
            sns.subscribe(HOOK)
            await sns.settle()
            given = {"TopicArn": TOPIC, "Token": sns.token(), "AuthenticateOnUnsubscribe": "true"}
            signed, sns.context = sns.context, UNSIGNED
            with sns.refused("AuthorizationError"):
                sns("ConfirmSubscription", **given)
            sns.context = signed
            arn = sns("ConfirmSubscription", **given)["SubscriptionArn"]
            sns.context = UNSIGNED
            with sns.refused("AuthorizationError"):
                sns("Unsubscribe", SubscriptionArn=arn)
            sns.context = signed
            assert attributes(sns, arn)["ConfirmationWasAuthenticated"] == "true"
            sns("Unsubscribe", SubscriptionArn=arn)

    asyncio.run(steps())


def test_attributes_are_set_shown_and_set_back(sns: Driver) -> None:
    sns.create()
    policy, redrive = json.dumps({"a": ["b"]}), json.dumps({"deadLetterTargetArn": DEAD})
    arn = sns.subscribe(HOOK, FilterPolicy=policy, RawMessageDelivery="true", RedrivePolicy=redrive)
    found = attributes(sns, arn)
    assert (found["FilterPolicy"], found["FilterPolicyScope"]) == (policy, "MessageAttributes")
    assert (found["RawMessageDelivery"], found["RedrivePolicy"]) == ("true", redrive)
    assert json.loads(found["EffectiveDeliveryPolicy"])["healthyRetryPolicy"]["numRetries"] == 3
    retry = '{"healthyRetryPolicy": {"numRetries": 7}}'
    for name, value in (("DeliveryPolicy", retry), ("FilterPolicy", ""), ("RawMessageDelivery", "false")):
        sns("SetSubscriptionAttributes", SubscriptionArn=arn, AttributeName=name, AttributeValue=value)
    found = attributes(sns, arn)
    assert "FilterPolicy" not in found
    assert (found["RawMessageDelivery"], found["DeliveryPolicy"]) == ("false", retry)
    assert json.loads(found["EffectiveDeliveryPolicy"])["healthyRetryPolicy"]["numRetries"] == 7


def test_a_topics_delivery_policy_holds_for_its_subscriptions(sns: Driver) -> None:
    sns.create()
    arn = sns.subscribe(HOOK)
    policy = '{"http": {"defaultHealthyRetryPolicy": {"numRetries": 9}}}'
    for value, retries in ((policy, 9), ("", 3)):
        sns("SetTopicAttributes", TopicArn=TOPIC, AttributeName="DeliveryPolicy", AttributeValue=value)
        effective = json.loads(attributes(sns, arn)["EffectiveDeliveryPolicy"])
        assert effective["healthyRetryPolicy"]["numRetries"] == retries


@pytest.mark.parametrize(
    ("endpoint", "name", "value", "says"),
    [
        (QUEUE, "Color", "red", "AttributeName"),
        (QUEUE, "RawMessageDelivery", "yes", "RawMessageDelivery"),
        (FUNCTION, "RawMessageDelivery", "true", "does not support raw"),
        (QUEUE, "DeliveryPolicy", "{}", "does not support it"),
        (HOOK, "DeliveryPolicy", '{"http": {}}', "DeliveryPolicy"),
        (QUEUE, "FilterPolicyScope", "Body", "FilterPolicyScope"),
        (QUEUE, "FilterPolicy", '{"a": {"b": ["c"]}}', "does not support nested"),
        (QUEUE, "RedrivePolicy", "{}", "deadLetterTargetArn"),
        (QUEUE, "RedrivePolicy", '{"deadLetterTargetArn": "q"}', "invalid arn"),
        (QUEUE, "RedrivePolicy", json.dumps({"deadLetterTargetArn": DEAD + ".fifo"}), "standard queue"),
        (QUEUE, "RedrivePolicy", json.dumps({"deadLetterTargetArn": DEAD.replace("1:1", "2:1")}), "Region"),
        (QUEUE, "SubscriptionRoleArn", "arn:aws:iam::1:role/r", "does not offer Firehose"),
    ],
)
def test_attributes_that_are_refused_change_nothing(
    sns: Driver, endpoint: str, name: str, value: str, says: str
) -> None:
    sns.create()
    with sns.refused("InvalidParameter", says):
        sns.subscribe(endpoint, **{name: value})
    assert sns("ListSubscriptions")["Subscriptions"] == []
    arn = sns.subscribe(endpoint)
    before = attributes(sns, arn)
    with sns.refused("InvalidParameter", says):
        sns("SetSubscriptionAttributes", SubscriptionArn=arn, AttributeName=name, AttributeValue=value)
    assert attributes(sns, arn) == before


def test_a_scope_that_the_policy_does_not_fit_is_refused(sns: Driver) -> None:
    sns.create()
    arn = sns.subscribe(QUEUE, FilterPolicy='{"a": {"b": ["c"]}}', FilterPolicyScope="MessageBody")
    with sns.refused("InvalidParameter", "nested"):
        sns(
            "SetSubscriptionAttributes",
            SubscriptionArn=arn,
            AttributeName="FilterPolicyScope",
            AttributeValue="MessageAttributes",
        )
    assert attributes(sns, arn)["FilterPolicyScope"] == "MessageBody"


@pytest.mark.parametrize(
    ("protocol", "endpoint", "says"),
    [
        *(
            (name, "x", f"does not offer subscriptions by {name}")
            for name in ("email", "sms", "firehose", "application", "email-json")
        ),
        ("ftp", "ftp://x", "does not support this protocol string: ftp"),
        ("http", "", "Endpoint"),
        ("http", "https://127.0.0.1/", "must match the specified protocol"),
        ("https", "http://127.0.0.1/", "must match the specified protocol"),
        ("http", "http:///x", "no http or https URL"),
        ("http", "http://127.0.0.1:x/", "no URL"),
        ("http", "http://127.0.0.1/\nx", "characters that no URL may have"),
        ("http", "http://169.254.169.254/latest/meta-data", "loopback only"),
        ("http", "http://10.0.0.1/", "loopback only"),
        ("http", "http://93.184.216.34/", "loopback only"),
        ("http", "http://0.0.0.0:9999/", "loopback only"),
        ("http", "http://[::ffff:10.0.0.1]/", "loopback only"),
        ("http", "http://[fe80::1]/", "loopback only"),
        ("http", BASE_URL, "is the emulator itself"),
        ("http", "http://127.0.0.2:4566/", "is the emulator itself"),
        ("http", "http://[::1]:4566/", "is the emulator itself"),
        ("http", "http://[::ffff:127.0.0.1]:4566/", "is the emulator itself"),
        ("http", "http://0.0.0.0:4566/", "is the emulator itself"),
        *(
            ("http", f"http://{host}/", "usual form")
            for host in ("127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.0x1")
        ),
        ("sqs", HOOK, "SQS endpoint ARN"),
        ("sqs", QUEUE + ".fifo", "FIFO SQS Queues can not be subscribed"),
        ("sqs", QUEUE.replace(ACCOUNT, "210987654321"), "other accounts"),
        ("lambda", QUEUE, "Lambda endpoint ARN"),
    ],
)
def test_endpoints_that_are_refused(sns: Driver, protocol: str, endpoint: str, says: str) -> None:
    sns.create()
    with sns.refused("InvalidParameter", says):
        sns("Subscribe", TopicArn=TOPIC, Protocol=protocol, Endpoint=endpoint)
    assert sns("ListSubscriptions")["Subscriptions"] == []


def test_a_host_that_was_allowed_may_be_subscribed(make: Callable[..., Driver]) -> None:
    sns = make(allowed_hosts=["10.0.0.1", "fe80::1"])
    sns.create()
    for endpoint in ("http://10.0.0.1/", "http://[fe80::1]:8080/"):
        sns.subscribe(endpoint)
    with sns.refused("InvalidParameter", "loopback only"):
        sns.subscribe("http://10.0.0.2/")


def test_passwords_in_urls_are_not_shown(sns: Driver) -> None:
    sns.create()
    arn = sns.subscribe("http://user:secret@127.0.0.1:9999/")
    listed = sns("ListSubscriptions")["Subscriptions"][0]["Endpoint"]
    assert listed == attributes(sns, arn)["Endpoint"] == "http://user:****@127.0.0.1:9999/"


def test_subscribing_the_same_with_other_attributes_is_refused(sns: Driver) -> None:
    sns.create()
    sns.subscribe(QUEUE, RawMessageDelivery="true")
    with sns.refused("InvalidParameter", "already exists with different attributes"):
        sns.subscribe(QUEUE, RawMessageDelivery="false")


def test_lists_come_in_pages(sns: Driver) -> None:
    sns.create()
    for number in range(150):
        sns.subscribe(f"{QUEUE}{number}")
    first = sns("ListSubscriptionsByTopic", TopicArn=TOPIC)
    second = sns("ListSubscriptionsByTopic", TopicArn=TOPIC, NextToken=first["NextToken"])
    rows = [*first["Subscriptions"], *second["Subscriptions"]]
    assert (len(first["Subscriptions"]), len({row["SubscriptionArn"] for row in rows})) == (100, 150)
    assert "NextToken" not in second


def test_subscriptions_end_with_their_topic(sns: Driver) -> None:
    sns.create()
    arn = sns.subscribe(QUEUE)
    sns("DeleteTopic", TopicArn=TOPIC)
    assert sns("ListSubscriptions")["Subscriptions"] == []
    with sns.refused("NotFound", "Subscription does not exist"):
        attributes(sns, arn)


def test_a_subscription_that_cannot_be_is_no_arn(sns: Driver) -> None:
    for arn in ("PendingConfirmation", TOPIC, f"{TOPIC}:x"):
        with sns.refused("InvalidParameter", "SubscriptionArn"):
            sns("Unsubscribe", SubscriptionArn=arn)


def test_filter_policies_have_a_quota_of_their_own(make: Callable[..., Driver]) -> None:
    sns = make(replace(FRESH, sns_subscribes_per_s=math.inf))
    sns.create()
    for number in range(200):
        sns.subscribe(f"{QUEUE}{number}", FilterPolicy='{"a": ["b"]}')
    with sns.refused("FilterPolicyLimitExceeded"):
        sns.subscribe(f"{QUEUE}-more", FilterPolicy='{"a": ["b"]}')
    arn = sns.subscribe(f"{QUEUE}-without")
    with sns.refused("FilterPolicyLimitExceeded"):
        sns(
            "SetSubscriptionAttributes",
            SubscriptionArn=arn,
            AttributeName="FilterPolicy",
            AttributeValue='{"a": ["b"]}',
        )


def test_subscribing_is_throttled(make: Callable[..., Driver]) -> None:
    sns = make(replace(NONE, sns_subscribes_per_s=2))
    sns.create()
    arns = [sns.subscribe(f"{QUEUE}{number}") for number in range(2)]
    with sns.refused("Throttled", "Rate exceeded"):
        sns.subscribe(f"{QUEUE}-more")
    with sns.refused("Throttled"):
        sns("Unsubscribe", SubscriptionArn=arns[0])
    sns.now_s += 1
    sns.subscribe(f"{QUEUE}-more")


def test_large_messages_are_for_queues_and_functions(sns: Driver) -> None:
    sns.create(Attributes={"MaximumMessageSize": "1048576"})
    sns.subscribe(QUEUE)
    with sns.refused("InvalidParameter", "queues and functions only"):
        sns.subscribe(HOOK)
    sns.publish("x" * 1_000_000)
    small = sns.create("small")
    sns.subscribe(HOOK, small)
    with sns.refused("InvalidParameter", "MaximumMessageSize"):
        sns(
            "SetTopicAttributes",
            TopicArn=small,
            AttributeName="MaximumMessageSize",
            AttributeValue="262145",
        )
