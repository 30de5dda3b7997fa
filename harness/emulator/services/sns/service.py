"""SNS: the operations by name, over HTTP in the query protocol and in-process."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from inspect import isawaitable
from typing import Any

import orjson

from harness.aws.limits.profiles import Limits
from harness.emulator.services.base import AwsCalls, AwsError, AwsRequest, AwsResponse, CallContext
from harness.emulator.services.json_protocol import parse_body as parse_json
from harness.emulator.services.outbound import DeliveryAddresses
from harness.emulator.services.query_protocol import parse_body, parse_form, xml_error, xml_response
from harness.emulator.services.sns.delivery.dispatcher import Dispatcher, Send
from harness.emulator.services.sns.delivery.senders import Senders
from harness.emulator.services.sns.errors import (
    internal_error,
    missing_token,
    not_offered,
    unknown_operation,
)
from harness.emulator.services.sns.inputs import NOT_OFFERED, Input, check_input
from harness.emulator.services.sns.links import CERTIFICATE_PATH, Links
from harness.emulator.services.sns.metering import SERVICE, TopicMeters
from harness.emulator.services.sns.publishing import Publishing
from harness.emulator.services.sns.receivers import Receivers
from harness.emulator.services.sns.signing import Signer
from harness.emulator.services.sns.subscription_operations import SubscriptionOperations
from harness.emulator.services.sns.subscriptions import Subscription, Subscriptions, Tokens
from harness.emulator.services.sns.topic_operations import TopicOperations
from harness.emulator.services.sns.topics import Topic, Topics
from harness.measure.meters import Meters

log = logging.getLogger(__name__)

NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"
MAX_BODY_BYTES = 8 * 1024 * 1024
"""Of a request: ten messages within the quota of 1 MiB together, percent-encoded, with room to spare."""
WITHOUT_SIGNATURE = frozenset({"ConfirmSubscription", "Unsubscribe"})
"""What the links in SNS's messages do."""
Output = Mapping[str, Any] | None
Operation = Callable[[Input, CallContext], Output | Awaitable[Output]]


class SnsService:
    """The service.

    `base_url` is where endpoints reach it, `functions_url` where Lambda's API answers; deliveries go to this
    machine except `own_ports`, and to `allowed_hosts`. `clock` gives seconds since the epoch, `jitter`
    numbers from 0 to 1. `send` makes the attempts, in the place of real ones."""

    name = SERVICE

    def __init__(
        self,
        *,
        meters: Meters,
        limits: Limits,
        calls: AwsCalls,
        base_url: str,
        functions_url: str,
        allowed_hosts: Collection[str] = (),
        own_ports: Collection[int] = (),
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
        send: Send | None = None,
    ) -> None:
        self._meters = meters
        self._topic_meters: dict[str, TopicMeters] = {}
        self._topics = Topics()
        self._receivers: dict[str, Receivers] = {}
        self._subscriptions = Subscriptions(self._on_change)
        self._tokens = Tokens()
        self._links = Links(base_url)
        self._signer = Signer()
        addresses = DeliveryAddresses(allowed_hosts=allowed_hosts, own_ports=own_ports)
        self._senders = Senders(
            calls=calls,
            functions_url=functions_url,
            signer=self._signer,
            links=self._links,
            addresses=addresses,
        )
        self._dispatcher = Dispatcher(send or self._senders.send, self._meters_of, clock, jitter)
        topics = TopicOperations(self._topics, self._subscriptions, self._on_delete_topic)
        subscriptions = SubscriptionOperations(
            topics=self._topics,
            subscriptions=self._subscriptions,
            tokens=self._tokens,
            dispatcher=self._dispatcher,
            addresses=addresses,
            links=self._links,
            limits=limits,
            clock=clock,
        )
        publishing = Publishing(
            topics=self._topics,
            receivers=self._receivers_of,
            submit=self._dispatcher.submit,
            meters=meters,
            meters_of=self._meters_of,
            limits=limits,
            clock=clock,
        )
        self._operations = _operations(topics, subscriptions, publishing)
        meters.watch(self._dispatcher.gauges)

    async def handle(self, request: AwsRequest) -> AwsResponse:
        """Answer a request over HTTP: a form posted, or the parameters in the query."""
        request_id = request.context.request_id
        if request.method == "GET" and CERTIFICATE_PATH.fullmatch(request.path):
            return await self._certificate(request)
        try:
            operation, given = _parsed(request)
            context = replace(request.context, signed=_signed(request))
            if not context.signed and operation not in WITHOUT_SIGNATURE:
                raise missing_token()
            output = await self._answer(operation, given, context)
        except AwsError as error:
            return xml_error(error, namespace=NAMESPACE, request_id=request_id)
        except Exception:
            log.exception("SNS failed at a request.")
            return xml_error(internal_error(), namespace=NAMESPACE, request_id=request_id)
        return xml_response(operation, output, namespace=NAMESPACE, request_id=request_id)

    async def call(self, operation: str, body: bytes, context: CallContext) -> bytes:
        """Answer an operation in-process, its members as JSON. Raises AwsError."""
        return orjson.dumps(await self._answer(operation, parse_json(body), context) or {})

    async def start(self) -> None:
        """Begin to deliver."""
        await self._dispatcher.start()

    async def reset(self) -> None:
        """Forget all topics, subscriptions and what is pending."""
        self._dispatcher.clear()
        self._topics.clear()
        self._subscriptions.clear()
        self._receivers.clear()
        self._tokens.clear()

    async def close(self) -> None:
        """Stop; what is pending is lost."""
        await self._dispatcher.close()
        await self._senders.close()
        self._signer.close()

    async def _answer(self, operation: str, given: Input, context: CallContext) -> Output:
        run = self._operations.get(operation)
        if run is None:
            raise not_offered(operation) if operation in NOT_OFFERED else unknown_operation(operation)
        output = run(check_input(operation, given), context)
        return await output if isawaitable(output) else output

    async def _certificate(self, request: AwsRequest) -> AwsResponse:
        if request.path != self._links.certificate_path:
            return AwsResponse(404, b"", {"content-type": "text/plain"})
        pem = await self._signer.certificate()
        return AwsResponse(200, pem, {"content-type": "application/x-pem-file"})

    def _meters_of(self, topic_arn: str) -> TopicMeters:
        found = self._topic_meters.get(topic_arn)
        if found is None:
            name = topic_arn.rpartition(":")[2]
            found = self._topic_meters[topic_arn] = TopicMeters(self._meters, name)
        return found

    def _receivers_of(self, topic_arn: str) -> Receivers:
        found = self._receivers.get(topic_arn)
        if found is None:
            found = self._receivers[topic_arn] = Receivers()
        return found

    def _on_change(self, subscription: Subscription) -> None:
        receivers = self._receivers_of(subscription.topic.arn)
        if subscription.deleted:
            receivers.discard(subscription)
        else:
            receivers.put(subscription)

    def _on_delete_topic(self, topic: Topic) -> None:
        removed = self._subscriptions.remove_topic(topic.arn)
        self._receivers.pop(topic.arn, None)
        self._tokens.forget(removed)
        self._dispatcher.drop(removed)
        self._dispatcher.forget_topic(topic.arn)


def _operations(
    topics: TopicOperations, subscriptions: SubscriptionOperations, publishing: Publishing
) -> Mapping[str, Operation]:
    return {
        "AddPermission": topics.add_permission,
        "ConfirmSubscription": subscriptions.confirm_subscription,
        "CreateTopic": topics.create_topic,
        "DeleteTopic": topics.delete_topic,
        "GetSubscriptionAttributes": subscriptions.get_subscription_attributes,
        "GetTopicAttributes": topics.get_topic_attributes,
        "ListSubscriptions": subscriptions.list_subscriptions,
        "ListSubscriptionsByTopic": subscriptions.list_subscriptions_by_topic,
        "ListTagsForResource": topics.list_tags_for_resource,
        "ListTopics": topics.list_topics,
        "Publish": publishing.publish,
        "PublishBatch": publishing.publish_batch,
        "RemovePermission": topics.remove_permission,
        "SetSubscriptionAttributes": subscriptions.set_subscription_attributes,
        "SetTopicAttributes": topics.set_topic_attributes,
        "Subscribe": subscriptions.subscribe,
        "TagResource": topics.tag_resource,
        "Unsubscribe": subscriptions.unsubscribe,
        "UntagResource": topics.untag_resource,
    }


def _parsed(request: AwsRequest) -> tuple[str, Input]:
    """The operation and its parameters. Raises AwsError."""
    if len(request.body) > MAX_BODY_BYTES:
        raise AwsError("RequestEntityTooLarge", "Request size exceeded the limit", 413)
    given = parse_body(request.body) if request.method == "POST" else parse_form(request.query)
    operation = given.get("Action")
    if not isinstance(operation, str) or not operation:
        raise AwsError("MissingAction", "The request names no Action.")
    return operation, given


def _signed(request: AwsRequest) -> bool:
    """Whether somebody signed the request. Who it was is not verified, as nowhere in the embedded AWS."""
    return "authorization" in request.headers or "X-Amz-Signature=" in request.query
