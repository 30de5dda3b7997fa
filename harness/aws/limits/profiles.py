"""AWS's quotas that the embedded AWS enforces, in three profiles or a file of one's own.

`fresh` is a new account with AWS's documented defaults in us-east-1. `established` is an account whose quotas
were raised and whose resources are warm, as the story's was: figures an account could really have. `none`
enforces nothing. The source of each default stands beside its field.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from harness.errors import UsageError


@dataclass(frozen=True)
class Limits:
    """Quotas of one account in one Region. `math.inf` is no limit."""

    name: str
    # docs: API Gateway quotas, account-level throttling per Region (read 2026-04)
    apigateway_requests_per_s: float = 10_000
    apigateway_burst: float = 5_000
    # docs: Kinesis Data Streams quotas and limits (read 2026): a hard limit of every shard
    kinesis_shard_write_bytes_per_s: float = 1_048_576
    kinesis_shard_write_records_per_s: float = 1_000
    kinesis_shard_read_bytes_per_s: float = 2_097_152
    kinesis_shard_reads_per_s: float = 5
    # docs: a new on-demand stream starts with 4 MB/s of write capacity, 4 shards
    kinesis_on_demand_initial_shards: int = 4
    # docs: Lambda quotas, Lambda scaling behaviour (read 2026)
    lambda_concurrent_executions: float = 1_000
    lambda_scaling_environments_per_10_s: float = 1_000
    # docs: Lambda Developer Guide, Using Lambda with Kinesis, and with DynamoDB: the base rate at which event
    # source mappings poll a shard (read 2026). `none` polls as soon as there is something.
    lambda_kinesis_polls_per_s: float = 1
    lambda_dynamodb_polls_per_s: float = 4
    # docs: DynamoDB on-demand capacity, partition limits (read 2026-04)
    dynamodb_on_demand_initial_write_units_per_s: float = 4_000
    dynamodb_on_demand_initial_read_units_per_s: float = 12_000
    dynamodb_table_write_units_per_s: float = 40_000
    dynamodb_table_read_units_per_s: float = 40_000
    dynamodb_partition_write_units_per_s: float = 1_000
    dynamodb_partition_read_units_per_s: float = 3_000
    # docs: AppSync endpoints and quotas, request tokens per second in us-east-1 (read 2026-11)
    appsync_request_tokens_per_s: float = 10_000
    # docs: AWS AppSync endpoints and quotas, us-east-1 (read 2026): a GraphQL API's real-time half
    appsync_connects_per_s: float = 2_000
    appsync_inbound_messages_per_s: float = 10_000
    appsync_outbound_messages_per_s: float = 1_000_000
    appsync_subscriptions_per_connection: float = 200
    # docs: Quotas in Amazon Cognito, request rate categories of user pools, by Region (read 2026-11)
    cognito_user_authentication_per_s: float = 120
    cognito_user_creation_per_s: float = 50
    cognito_user_account_recovery_per_s: float = 30  # cannot be raised
    cognito_user_read_per_s: float = 120
    cognito_user_update_per_s: float = 25  # cannot be raised
    cognito_user_token_per_s: float = 120
    cognito_user_resource_read_per_s: float = 50
    cognito_user_resource_update_per_s: float = 25  # nor can this one, and those that follow
    cognito_user_list_per_s: float = 30
    cognito_user_pool_read_per_s: float = 15
    cognito_user_pool_update_per_s: float = 15
    cognito_user_pool_resource_read_per_s: float = 20
    cognito_user_pool_resource_update_per_s: float = 15
    cognito_user_pool_client_read_per_s: float = 15
    cognito_user_pool_client_update_per_s: float = 15
    cognito_operations_per_user_per_s: float = 10  # reads and writes each
    # docs: SNS endpoints and quotas, us-east-1: Publish and PublishBatch by messages; a hard limit of
    # Subscribe and Unsubscribe (read 2026)
    sns_publish_messages_per_s: float = 30_000
    sns_subscribes_per_s: float = 100
    # docs: SNS Developer Guide, Filter policy constraints (read 2026): can be raised
    sns_filter_policies_per_topic: float = 200
    sns_filter_policies: float = 10_000


FRESH = Limits("fresh")

ESTABLISHED = replace(
    FRESH,
    name="established",
    apigateway_requests_per_s=30_000,
    apigateway_burst=15_000,
    lambda_concurrent_executions=10_000,
    dynamodb_on_demand_initial_write_units_per_s=40_000,
    dynamodb_on_demand_initial_read_units_per_s=40_000,
    appsync_request_tokens_per_s=30_000,
    sns_filter_policies_per_topic=50_000,
    sns_filter_policies=100_000,
    cognito_user_authentication_per_s=1_200,
    cognito_user_creation_per_s=500,
    cognito_user_read_per_s=1_200,
    cognito_user_token_per_s=1_200,
    cognito_user_resource_read_per_s=500,
)

_UNLIMITED: Mapping[str, Any] = {
    f.name: math.inf for f in fields(Limits) if f.name not in ("name", "kinesis_on_demand_initial_shards")
}
NONE = replace(FRESH, **{**_UNLIMITED, "name": "none"})

PROFILES: Mapping[str, Limits] = {limits.name: limits for limits in (ESTABLISHED, FRESH, NONE)}


def load_limits(name_or_path: str) -> Limits:
    """A profile by name, or from a JSON file: `{"base": "established", "lambda_concurrent_executions": 50}`.

    Raises UsageError when there is no such profile or file, or a name or value in it is wrong."""
    found = PROFILES.get(name_or_path)
    if found is not None:
        return found
    path = Path(name_or_path)
    try:
        values: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        raise UsageError(
            f"There is no limits profile or file '{name_or_path}'.",
            f"Choose one of {', '.join(PROFILES)}, or give the path of a JSON file.",
        ) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"The limits file '{path}' cannot be read: {why}.") from None
    if not isinstance(values, dict):
        raise UsageError(f"The limits file '{path}' must hold a JSON object.")
    base_name = values.pop("base", "established")
    base = PROFILES.get(base_name) if isinstance(base_name, str) else None
    if base is None:
        raise UsageError(f"'base' in {path} must be one of {', '.join(PROFILES)}, not {base_name!r}.")
    known = {f.name for f in fields(Limits)} - {"name"}
    for key, value in values.items():
        if key not in known:
            raise UsageError(f"{path} sets an unknown limit '{key}'.", "`launchday limits` lists the names.")
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise UsageError(f"'{key}' in {path} must be a number of 0 or more, not {value!r}.")
    return replace(base, name=str(values.pop("name", path.stem)), **values)


def limits_to_json(limits: Limits) -> dict[str, Any]:
    """The limits as JSON can hold them: no limit is null."""
    return {key: None if value == math.inf else value for key, value in asdict(limits).items()}


def limits_from_json(values: Mapping[str, Any]) -> Limits:
    """The inverse of `limits_to_json`."""
    restored: dict[str, Any] = {key: math.inf if value is None else value for key, value in values.items()}
    return Limits(**restored)
