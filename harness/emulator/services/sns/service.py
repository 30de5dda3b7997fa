"""SNS: the operations by name, over HTTP in the query protocol and in-process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from harness.emulator.services.base import AwsError, AwsRequest, AwsResponse, CallContext
from harness.emulator.services.json_protocol import parse_body as parse_json
from harness.emulator.services.query_protocol import parse_body, parse_form, xml_error, xml_response
from harness.emulator.services.sns.errors import (
    internal_error,
    missing_token,
    not_offered,
    unknown_operation,
)
from harness.emulator.services.sns.inputs import NOT_OFFERED, Input, check_input
from harness.emulator.services.sns.topic_operations import TopicOperations
from harness.emulator.services.sns.topics import Topics
from harness.measure.meters import Meters

log = logging.getLogger(__name__)

SERVICE = "sns"
NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"
Operation = Callable[[Input, CallContext], Mapping[str, Any] | None]


class SnsService:
    """The service."""

    name = SERVICE

    def __init__(self, *, meters: Meters) -> None:
        self._meters = meters
        self._topics = Topics()
        topics = TopicOperations(self._topics)
        self._operations: Mapping[str, Operation] = {
            "AddPermission": topics.add_permission,
            "CreateTopic": topics.create_topic,
            "DeleteTopic": topics.delete_topic,
            "GetTopicAttributes": topics.get_topic_attributes,
            "ListTagsForResource": topics.list_tags_for_resource,
            "ListTopics": topics.list_topics,
            "RemovePermission": topics.remove_permission,
            "SetTopicAttributes": topics.set_topic_attributes,
            "TagResource": topics.tag_resource,
            "UntagResource": topics.untag_resource,
        }

    async def handle(self, request: AwsRequest) -> AwsResponse:
        """Answer a request over HTTP: a form posted, or the parameters in the query."""
        request_id = request.context.request_id
        try:
            given = parse_body(request.body) if request.method == "POST" else parse_form(request.query)
            operation = given.get("Action")
            if not isinstance(operation, str) or not operation:
                raise AwsError("MissingAction", "The request names no Action.")
            if not _signed(request):
                raise missing_token()
            output = self._answer(operation, given, request.context)
        except AwsError as error:
            return xml_error(error, namespace=NAMESPACE, request_id=request_id)
        except Exception:
            log.exception("SNS failed at a request.")
            return xml_error(internal_error(), namespace=NAMESPACE, request_id=request_id)
        return xml_response(operation, output, namespace=NAMESPACE, request_id=request_id)

    async def call(self, operation: str, body: bytes, context: CallContext) -> bytes:
        """Answer an operation in-process, its members as JSON. Raises AwsError."""
        return orjson.dumps(self._answer(operation, parse_json(body), context) or {})

    async def start(self) -> None:
        """Nothing to begin."""

    async def reset(self) -> None:
        """Forget all topics."""
        self._topics.clear()

    async def close(self) -> None:
        """Nothing to stop."""

    def _answer(self, operation: str, given: Input, context: CallContext) -> Mapping[str, Any] | None:
        run = self._operations.get(operation)
        if run is None:
            raise not_offered(operation) if operation in NOT_OFFERED else unknown_operation(operation)
        return run(check_input(operation, given), context)


def _signed(request: AwsRequest) -> bool:
    """Whether somebody signed the request. Who it was is not verified, as nowhere in the embedded AWS."""
    return "authorization" in request.headers or "X-Amz-Signature=" in request.query
