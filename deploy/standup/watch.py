"""What the operators of the pipeline are woken for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from deploy.standup.alarms import Alarm

SPEND_USD = 1000.0
"""Of the month so far: the surge's own bill is the surprise that this is for."""
_BILLING_REGION = "us-east-1"  # the one Region that has billing metrics (docs: Billing alarms, read 2026-11)
_BEHIND_MS = 60_000
_FIVE_XX_SHARE = 0.01


def alarms(
    *,
    region: str,
    functions: Mapping[str, str],
    stream_consumers: tuple[str, ...],
    apis: Mapping[str, str],
    queues: Mapping[str, str],
    stream: str,
    topic: str,
    graphql_api_id: str,
) -> Iterator[Alarm]:
    """All of them. The mappings go from what a thing is for to its name."""
    for key in stream_consumers:
        yield Alarm(
            f"behind-{key}", "AWS/Lambda", "IteratorAge", {"FunctionName": functions[key]}, "Maximum",
            _BEHIND_MS, f"{key} is more than a minute behind its stream.", periods=3,
        )  # fmt: skip
    for key, function in functions.items():
        named = {"FunctionName": function}
        yield Alarm(f"errors-{key}", "AWS/Lambda", "Errors", named, "Sum", 0, f"{key} fails.", periods=3)
        yield Alarm(
            f"throttles-{key}", "AWS/Lambda", "Throttles", named, "Sum", 0, f"{key} is throttled.", periods=3
        )
    for key, api in apis.items():
        yield Alarm(
            f"5xx-{key}", "AWS/ApiGateway", "5XXError", {"ApiName": api}, "Average", _FIVE_XX_SHARE,
            f"More than one in a hundred requests to {key} fails.", periods=3,
        )  # fmt: skip
    yield Alarm(
        "5xx-live", "AWS/AppSync", "5XXError", {"GraphQLAPIId": graphql_api_id}, "Sum", 0,
        "The GraphQL API fails.", periods=3,
    )  # fmt: skip
    yield Alarm(
        "throttled-events", "AWS/Kinesis", "WriteProvisionedThroughputExceeded", {"StreamName": stream},
        "Sum", 0, "The stream of events refuses some of them.", periods=3,
    )  # fmt: skip
    yield Alarm(
        "failed-notifications", "AWS/SNS", "NumberOfNotificationsFailed", {"TopicName": topic}, "Sum", 0,
        "Webhooks do not take what is posted to them.", periods=5,
    )  # fmt: skip
    for key, queue in queues.items():
        yield Alarm(
            f"dead-letters-{key}", "AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": queue},
            "Maximum", 0, f"Something was given up: there are dead letters of {key}.", period_s=300,
        )  # fmt: skip
    if region == _BILLING_REGION:
        yield Alarm(
            "spend", "AWS/Billing", "EstimatedCharges", {"Currency": "USD"}, "Maximum", SPEND_USD,
            f"The account's bill of this month is above {SPEND_USD:,.0f} USD.", period_s=21_600,
        )  # fmt: skip
