"""The roles of the pipeline: one for each function, and one for the API that writes to the stream. Each may
do what its part does and no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from deploy.standup.iam import allow
from deploy.standup.names import Names

_LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
_READ_KINESIS = (
    *("kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStream"),
    *("kinesis:DescribeStreamSummary", "kinesis:ListShards"),
)


class RoleDescription(NamedTuple):
    """Which service assumes it, and what it is allowed."""

    service: str
    statements: tuple[dict[str, Any], ...]


def roles(names: Names) -> Mapping[str, RoleDescription]:
    """Every role by what it is for."""

    def of_function(*statements: dict[str, Any]) -> RoleDescription:
        logs = allow(_LOGS, names.arn("logs", f"log-group:/aws/lambda/launchday-*-{names.stage}-*"))
        return RoleDescription("lambda", (logs, *statements))

    def queue(thing: str) -> str:
        return names.arn("sqs", names.own(thing))

    archive = f"arn:{names.partition}:s3:::{names.archive_bucket}"
    accounts, devices, webhooks = (
        names.arn("dynamodb", f"table/{names.own(table)}") for table in ("accounts", "devices", "webhooks")
    )
    events = names.arn("kinesis", f"stream/{names.own('events')}")
    topic = names.arn("sns", names.own("device_events"))
    return {
        "authorizer": of_function(allow(["dynamodb:GetItem"], accounts)),
        "processor": of_function(
            allow(_READ_KINESIS, events),
            allow(["dynamodb:BatchGetItem", "dynamodb:BatchWriteItem"], devices),
            allow(["s3:PutObject"], f"{archive}/audit/processor/*"),
            allow(["sqs:SendMessage"], queue("events-dead-letters")),
            allow(
                ["lambda:InvokeFunction"],
                names.arn("lambda", f"function:launchday-processing-{names.stage}-archiver"),
            ),
        ),
        "archiver": of_function(
            allow(["s3:PutObject"], f"{archive}/archive/*", f"{archive}/audit/archiver/*"),
            allow(["sqs:SendMessage"], queue("archive-dead-letters")),
        ),
        "access_authorizer": of_function(allow(["dynamodb:GetItem"], accounts)),
        "access_api": of_function(
            allow(["dynamodb:GetItem", "dynamodb:BatchGetItem"], devices),
            allow(["dynamodb:Query"], f"{devices}/index/*"),
            allow(
                [
                    *("dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem"),
                    *("dynamodb:UpdateItem", "dynamodb:DeleteItem"),
                ],
                webhooks,
            ),
            allow(["s3:GetObject"], f"{archive}/archive/*"),
            allow(["s3:ListBucket"], archive),
            allow(["sns:Subscribe"], topic),
            allow(["sns:Unsubscribe", "sns:GetSubscriptionAttributes"], f"{topic}:*"),
        ),
        "fanout": of_function(
            allow(
                [
                    *("dynamodb:GetRecords", "dynamodb:GetShardIterator"),
                    *("dynamodb:DescribeStream", "dynamodb:ListStreams"),
                ],
                f"{devices}/stream/*",
            ),
            allow(["sns:Publish"], topic),
            allow(["appsync:GraphQL"], names.arn("appsync", "apis/*/types/Mutation/fields/publishLocation")),
            allow(["sqs:SendMessage"], queue("fanout-dead-letters")),
        ),
        "live": RoleDescription(
            "appsync",
            (
                allow(["dynamodb:GetItem", "dynamodb:BatchGetItem"], devices),
                allow(["dynamodb:Query"], f"{devices}/index/*"),
            ),
        ),
        "ingest": RoleDescription(
            "apigateway", (allow(["kinesis:PutRecord", "kinesis:PutRecords"], events),)
        ),
    }
