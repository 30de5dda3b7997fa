"""The settings of an event source mapping, as the API takes and shows them.

docs: Lambda API Reference, CreateEventSourceMapping; Lambda parameters for Amazon Kinesis Data Streams, for
Amazon DynamoDB Streams, and for Amazon SQS event source mappings (read 2026)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from harness.emulator.services.lambda_.errors import invalid, validation
from harness.emulator.services.lambda_.mappings.filters import parse_filters, render_filters
from harness.emulator.services.lambda_.members import Members
from harness.emulator.services.lambda_.names import is_queue, is_topic

REPORT_ITEMS = "ReportBatchItemFailures"
SourceKind = Literal["kinesis", "dynamodb", "sqs"]
StartingPosition = Literal["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"]
_POSITIONS: Mapping[SourceKind, Mapping[str, StartingPosition]] = {
    "kinesis": {"TRIM_HORIZON": "TRIM_HORIZON", "LATEST": "LATEST", "AT_TIMESTAMP": "AT_TIMESTAMP"},
    "dynamodb": {"TRIM_HORIZON": "TRIM_HORIZON", "LATEST": "LATEST"},
    "sqs": {},
}
ENCODED_MEMBER: Mapping[SourceKind, str | None] = {"kinesis": "data", "dynamodb": None, "sqs": "body"}
"""What of a record is bytes, which filters take as JSON or text."""
_NOT_OFFERED = (
    "TumblingWindowInSeconds",
    "KMSKeyArn",
    "MetricsConfig",
    "ProvisionedPollerConfig",
    "SourceAccessConfigurations",
    "SelfManagedEventSource",
    "AmazonManagedKafkaEventSourceConfig",
    "SelfManagedKafkaEventSourceConfig",
    "DocumentDBEventSourceConfig",
    "Topics",
    "Queues",
)


_NOT_OF_QUEUES = (
    "StartingPosition",
    "StartingPositionTimestamp",
    "ParallelizationFactor",
    "BisectBatchOnFunctionError",
    "MaximumRetryAttempts",
    "MaximumRecordAgeInSeconds",
    "DestinationConfig",
)
_NOT_OF_STREAMS = ("ScalingConfig",)
MAX_FIFO_BATCH = 10
MAX_BATCH_WITHOUT_WINDOW = 10


@dataclass(frozen=True, slots=True)
class BatchRules:
    """How records become batches and what becomes of failed ones; -1 is no bound. Defaults are AWS's."""

    batch_size: int = 100
    batching_window_s: int = 0
    parallelization_factor: int = 1
    bisect_on_error: bool = False
    maximum_retry_attempts: int = -1
    maximum_record_age_s: int = -1
    report_item_failures: bool = False
    on_failure: str | None = None
    filters: tuple[str, ...] = ()
    """Patterns, as they came."""
    maximum_concurrency: int | None = None
    """Of a queue: how many batches at once."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a mapping begins to read."""

    position: StartingPosition
    timestamp_s: float | None = None


def new_rules(kind: SourceKind, members: Members) -> BatchRules:
    """The rules of a new mapping. Raises AwsError for what is wrong or not offered."""
    return changed_rules(kind, BatchRules(batch_size=10) if kind == "sqs" else BatchRules(), members)


def changed_rules(kind: SourceKind, before: BatchRules, members: Members) -> BatchRules:
    """`before` with what `members` set."""
    members.refuse(*_NOT_OFFERED)
    for name in _NOT_OF_QUEUES if kind == "sqs" else _NOT_OF_STREAMS:
        if name in members and (name != "DestinationConfig" or members.raw(name).get("OnFailure")):
            raise invalid(f"Unsupported {name} parameter for given event source mapping type.")
    changes: dict[str, Any] = {
        "batch_size": members.integer("BatchSize", 1, 10_000),
        "batching_window_s": members.integer("MaximumBatchingWindowInSeconds", 0, 300),
        "parallelization_factor": members.integer("ParallelizationFactor", 1, 10),
        "bisect_on_error": members.flag("BisectBatchOnFunctionError"),
        "maximum_retry_attempts": members.integer("MaximumRetryAttempts", -1, 10_000),
        "maximum_record_age_s": _record_age(members),
        "filters": parse_filters(members, ENCODED_MEMBER[kind]),
    }
    response_types = members.texts("FunctionResponseTypes")
    if response_types is not None:
        if any(each != REPORT_ITEMS for each in response_types):
            raise validation(response_types, "functionResponseTypes", f"be [{REPORT_ITEMS}] or empty")
        changes["report_item_failures"] = bool(response_types)
    changed = replace(before, **{name: value for name, value in changes.items() if value is not None})
    scaling = members.structure("ScalingConfig")
    if scaling is not None:
        changed = replace(changed, maximum_concurrency=scaling.integer("MaximumConcurrency", 2, 1_000))
    if kind == "sqs" and changed.batch_size > MAX_BATCH_WITHOUT_WINDOW and not changed.batching_window_s:
        raise invalid(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        )
    destinations = members.structure("DestinationConfig")
    if destinations is not None:
        changed = replace(changed, on_failure=_on_failure(destinations))
    return changed


def _record_age(members: Members) -> int | None:
    age_s = members.integer("MaximumRecordAgeInSeconds", -1, 604_800)
    if age_s is not None and 0 <= age_s < 60:
        raise validation(age_s, "maximumRecordAgeInSeconds", "be -1 or between 60 and 604800")
    return age_s


def _on_failure(destinations: Members) -> str | None:
    structure = destinations.structure("OnFailure")
    arn = structure.text("Destination") if structure else None
    if arn and not (is_queue(arn) or is_topic(arn)):
        raise invalid(
            "The embedded Lambda offers standard SQS queues and SNS topics as a mapping's on-failure "
            f"destination, not {arn}."
        )
    return arn or None


def start_of(kind: SourceKind, members: Members) -> Start:
    """Where the mapping begins. Raises AwsError when it is missing or has no timestamp that it needs."""
    offered = _POSITIONS[kind]
    found = offered.get(members.text("StartingPosition") or "")
    if found is None:
        names = ", ".join(offered)
        raise invalid(f"1 validation error detected: StartingPosition must be one of {names} for {kind}.")
    timestamp_s = members.seconds("StartingPositionTimestamp")
    if (found == "AT_TIMESTAMP") != (timestamp_s is not None):
        raise invalid("StartingPositionTimestamp goes with StartingPosition AT_TIMESTAMP, and only with it.")
    return Start(found, timestamp_s)


def check_fifo(rules: BatchRules) -> None:
    """Raises AwsError for what the batches of a FIFO queue cannot be.

    docs: Lambda parameters for Amazon SQS event source mappings (read 2026)"""
    if rules.batch_size > MAX_FIFO_BATCH:
        raise invalid(f"Batch size must be between 1 and {MAX_FIFO_BATCH} for FIFO queues.")
    if rules.batching_window_s:
        raise invalid("Batching window is not supported for FIFO queues")


def render_rules(kind: SourceKind, rules: BatchRules) -> dict[str, Any]:
    """The rules as the API answers them."""
    if kind == "sqs":
        most = rules.maximum_concurrency
        return {
            "BatchSize": rules.batch_size,
            "MaximumBatchingWindowInSeconds": rules.batching_window_s,
            "FunctionResponseTypes": [REPORT_ITEMS] if rules.report_item_failures else [],
            **({"ScalingConfig": {"MaximumConcurrency": most}} if most is not None else {}),
            **render_filters(rules.filters),
        }
    return {
        "BatchSize": rules.batch_size,
        "MaximumBatchingWindowInSeconds": rules.batching_window_s,
        "ParallelizationFactor": rules.parallelization_factor,
        "BisectBatchOnFunctionError": rules.bisect_on_error,
        "MaximumRetryAttempts": rules.maximum_retry_attempts,
        "MaximumRecordAgeInSeconds": rules.maximum_record_age_s,
        "TumblingWindowInSeconds": 0,
        "FunctionResponseTypes": [REPORT_ITEMS] if rules.report_item_failures else [],
        "DestinationConfig": {"OnFailure": {"Destination": rules.on_failure} if rules.on_failure else {}},
        **render_filters(rules.filters),
    }
