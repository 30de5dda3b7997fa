"""What the pipeline asks of a target, by the names of harness.targets.findings, each with what for."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Final

from deploy import access_entrances, live_entrances
from harness.pipeline import Channel

_ALWAYS: Final[Mapping[str, str]] = {
    "answers": "everything",
    "s3": "the archive, and the audit that the ledger reads",
    "sqs": "dead letters",
    "ssm": "the names that the services share",
    "dynamodb": "accounts and the devices' live state",
    "kinesis": "the events' stream",
    "lambda": "every function",
    "lambda.sdk": "every function",
    "kinesis.mapping": "the processor",
    "apigateway.mapping": "the devices' entrance",
    "apigateway.authorizer": "the devices' entrance",
    "cognito": "the users that are signed in at deployment",
}
_BACK_ENDS: Final = frozenset(
    {
        access_entrances.GET_DEVICE,
        access_entrances.GET_HISTORY,
        access_entrances.LIST_DEVICES,
        access_entrances.LIST_WEBHOOKS,
    }
)
_FRONT_ENDS: Final = frozenset({live_entrances.GRAPHQL_DEVICE, live_entrances.GRAPHQL_DEVICES})


def needs(kinds: Set[str], channels: Set[Channel]) -> dict[str, str]:
    """With events and calls of `kinds`, and watchers by `channels`."""
    found = dict(_ALWAYS)
    if kinds & _BACK_ENDS:
        found["apigateway.proxy"] = "the back ends' requests"
    if kinds & _FRONT_ENDS:
        found["appsync"] = "the front ends' queries"
    if channels:
        found["dynamodb.mapping"] = "telling those who watch"
    if "webhook" in channels:
        found["apigateway.proxy"] = "adding webhooks"
        found["sns.http"] = "the webhooks"
    if "subscription" in channels:
        found["appsync"] = found["appsync.subscription"] = "the live subscribers"
    return found
