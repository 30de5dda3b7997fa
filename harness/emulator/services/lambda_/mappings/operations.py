"""The operations on event source mappings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.aws.limits.profiles import Limits
from harness.emulator.services.base import AwsCalls, AwsError, CallContext
from harness.emulator.services.lambda_.errors import invalid, not_found
from harness.emulator.services.lambda_.functions import Functions
from harness.emulator.services.lambda_.mappings.configuration import (
    BatchRules,
    SourceKind,
    changed_rules,
    check_fifo,
    new_rules,
    render_rules,
    start_of,
)
from harness.emulator.services.lambda_.mappings.dynamodb_source import DynamoDbSource
from harness.emulator.services.lambda_.mappings.kinesis_source import KinesisSource
from harness.emulator.services.lambda_.mappings.manager import EventSourceMapping, Mappings
from harness.emulator.services.lambda_.mappings.polling import DYNAMODB, KINESIS
from harness.emulator.services.lambda_.mappings.queue_source import QueueSource, is_gone
from harness.emulator.services.lambda_.mappings.sources import StreamSource
from harness.emulator.services.lambda_.members import Members
from harness.emulator.services.lambda_.names import only_latest, parse_function
from harness.emulator.services.lambda_.operations import Body, Operation, page, paged
from harness.measure.meters import Meters


class MappingOperations:
    """Holds no state of its own."""

    def __init__(
        self, functions: Functions, mappings: Mappings, calls: AwsCalls, meters: Meters, limits: Limits
    ) -> None:
        self._limits = limits
        self._meters = meters
        self._functions = functions
        self._mappings = mappings
        self._calls = calls

    def operations(self) -> Mapping[str, Operation]:
        """By the API's names."""
        return {
            "CreateEventSourceMapping": self.create,
            "GetEventSourceMapping": self.get,
            "ListEventSourceMappings": self.list,
            "UpdateEventSourceMapping": self.update,
            "DeleteEventSourceMapping": self.delete,
        }

    async def create(self, members: Members, context: CallContext) -> Body:
        """CreateEventSourceMapping."""
        reference = parse_function(members.required_text("FunctionName"), context)
        only_latest(reference, None)
        function = self._functions.get(reference.arn, context)
        arn = members.text("EventSourceArn")
        kind = kind_of(arn)
        source_arn = str(arn)
        rules = new_rules(kind, members)
        start = None if kind == "sqs" else start_of(kind, members)
        source = self._source(kind, source_arn)
        if isinstance(source, QueueSource):
            await _check_queue(source, rules, function.configuration.timeout_s)
        else:
            await _check_stream(source)
        enabled = members.flag("Enabled") is not False
        mapping = self._mappings.create(function.arn, source, rules, start, enabled=enabled)
        return render_mapping(mapping)

    async def get(self, members: Members, _context: CallContext) -> Body:
        """GetEventSourceMapping."""
        return render_mapping(self._find(members))

    async def list(self, members: Members, context: CallContext) -> Body:
        """ListEventSourceMappings, by function and by stream."""
        function, source = members.text("FunctionName"), members.text("EventSourceArn")
        function_arn = parse_function(function, context).arn if function else None
        found = [
            render_mapping(mapping)
            for mapping in self._mappings
            if function_arn in (None, mapping.function_arn) and source in (None, mapping.source_arn)
        ]
        return paged("EventSourceMappings", page(found, members, default=100))

    async def update(self, members: Members, context: CallContext) -> Body:
        """UpdateEventSourceMapping."""
        mapping = self._find(members)
        wanted = members.text("FunctionName")
        if wanted and parse_function(wanted, context).arn != mapping.function_arn:
            raise invalid("The embedded Lambda does not offer moving a mapping to another function.")
        kind = kind_of(mapping.source_arn)
        rules = changed_rules(kind, mapping.rules, members)
        if mapping.source_arn.endswith(".fifo"):
            check_fifo(rules)
        enabled = members.flag("Enabled")
        self._mappings.update(mapping, rules, enabled=mapping.enabled if enabled is None else enabled)
        return {**render_mapping(mapping), **render_rules(kind, rules)}

    async def delete(self, members: Members, _context: CallContext) -> Body:
        """DeleteEventSourceMapping."""
        mapping = self._find(members)
        self._mappings.delete(mapping)
        return render_mapping(mapping)

    def _source(self, kind: SourceKind, arn: str) -> StreamSource | QueueSource:
        if kind == "sqs":
            return QueueSource(self._calls, arn)
        if kind == "kinesis":
            polling = KINESIS.at_most(self._limits.lambda_kinesis_polls_per_s)
            return KinesisSource(self._calls, arn, self._meters, polling)
        return DynamoDbSource(self._calls, arn, DYNAMODB.at_most(self._limits.lambda_dynamodb_polls_per_s))

    def _find(self, members: Members) -> EventSourceMapping:
        found = self._mappings.find(members.required_text("UUID"))
        if found is None:
            raise not_found("The resource you requested does not exist.")
        return found


async def _check_stream(source: StreamSource) -> None:
    try:
        await source.shards()
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            raise invalid(f"Stream not found: {source.arn}") from None
        raise


async def _check_queue(source: QueueSource, rules: BatchRules, timeout_s: int) -> None:
    try:
        attributes = await source.attributes()
    except AwsError as error:
        if is_gone(error):
            raise invalid(
                "Error occurred while ReceiveMessage. SQS Error Code: "
                "AWS.SimpleQueueService.NonExistentQueue. "
                "SQS Error Message: The specified queue does not exist."
            ) from None
        raise
    if attributes.visibility_timeout_s < timeout_s:
        raise invalid(
            f"Queue visibility timeout: {attributes.visibility_timeout_s} seconds is less than Function "
            f"timeout: {timeout_s} seconds"
        )
    if attributes.is_fifo:
        check_fifo(rules)


_KINDS: Mapping[SourceKind, re.Pattern[str]] = {
    "kinesis": re.compile(r"arn:aws[a-z-]*:kinesis:[a-z0-9-]+:\d{12}:stream/[a-zA-Z0-9_.-]+"),
    "dynamodb": re.compile(r"arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:\d{12}:table/[a-zA-Z0-9_.-]+/stream/[^/]+"),
    "sqs": re.compile(r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[a-zA-Z0-9_-]{1,80}(?:\.fifo)?"),
}


def kind_of(arn: str | None) -> SourceKind:
    """The kind of the source of that ARN. Raises AwsError when it is none that is offered."""
    for kind, pattern in _KINDS.items():
        if arn and pattern.fullmatch(arn):
            return kind
    service = arn.split(":")[2] if arn and arn.count(":") >= 5 else None
    if service in ("dynamodb", "sqs", "kinesis", "kafka", "mq"):
        raise invalid(
            f"The embedded Lambda does not offer event source mappings of {arn}: only of Kinesis streams, of "
            "tables' streams and of SQS queues."
        )
    raise invalid("Unrecognized event source, must be kinesis, dynamodb stream or sqs.")


def render_mapping(mapping: EventSourceMapping) -> dict[str, Any]:
    """EventSourceMappingConfiguration as the API answers it."""
    rendered: dict[str, Any] = {
        "UUID": mapping.uuid,
        "EventSourceArn": mapping.source_arn,
        "EventSourceMappingArn": _mapping_arn(mapping),
        "FunctionArn": mapping.function_arn,
        "LastModified": mapping.last_modified_s,
        "LastProcessingResult": mapping.last_result,
        "State": mapping.state,
        "StateTransitionReason": "User action",
        **render_rules(kind_of(mapping.source_arn), mapping.rules),
    }
    if mapping.start is not None:
        rendered["StartingPosition"] = mapping.start.position
        if mapping.start.timestamp_s is not None:
            rendered["StartingPositionTimestamp"] = mapping.start.timestamp_s
    return rendered


def _mapping_arn(mapping: EventSourceMapping) -> str:
    return mapping.function_arn.rpartition(":function:")[0] + f":event-source-mapping:{mapping.uuid}"
