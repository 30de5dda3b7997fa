"""The operations on subscriptions.

docs: SNS API Reference, Subscribe, ConfirmSubscription, Unsubscribe, ListSubscriptions (read 2026)
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping

from harness.aws.limits.profiles import Limits
from harness.aws.limits.token_bucket import TokenBucket
from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.outbound import DeliveryAddresses, parse_endpoint
from harness.emulator.services.query_protocol import Entries
from harness.emulator.services.sns import envelopes
from harness.emulator.services.sns.delivery.deliveries import Delivery
from harness.emulator.services.sns.delivery.dispatcher import Dispatcher
from harness.emulator.services.sns.errors import (
    invalid_parameter,
    not_offered_parameter,
    throttled,
)
from harness.emulator.services.sns.inputs import Input
from harness.emulator.services.sns.links import Links
from harness.emulator.services.sns.messages import DEFAULT_MAX_BYTES, timestamp
from harness.emulator.services.sns.paging import page
from harness.emulator.services.sns.subscription_attributes import QUEUE_ARN, described, set_attributes
from harness.emulator.services.sns.subscriptions import (
    HTTP,
    MAX_PENDING,
    Subscription,
    Subscriptions,
    Tokens,
    check_arn,
    subscription_arn,
)
from harness.emulator.services.sns.topic_operations import MAX_LARGE_SUBSCRIPTIONS
from harness.emulator.services.sns.topics import Topic, Topics

_PROTOCOLS = frozenset({*HTTP, "sqs", "lambda"})
_NOT_OFFERED = frozenset({"application", "email", "email-json", "firehose", "sms"})
_FUNCTION_ARN = re.compile(
    r"arn:aws[a-z-]*:lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):function:"
    r"[A-Za-z0-9_-]{1,64}(?::[A-Za-z0-9_$-]{1,128})?"
)

Output = dict[str, object]


class SubscriptionOperations:
    """Each method is an operation: the input and the caller; the output, or None for one without."""

    def __init__(
        self,
        *,
        topics: Topics,
        subscriptions: Subscriptions,
        tokens: Tokens,
        dispatcher: Dispatcher,
        addresses: DeliveryAddresses,
        links: Links,
        limits: Limits,
        clock: Callable[[], float],
    ) -> None:
        self._topics = topics
        self._subscriptions = subscriptions
        self._tokens = tokens
        self._dispatcher = dispatcher
        self._addresses = addresses
        self._links = links
        self._clock = clock
        self._limits = limits
        rate = limits.sns_subscribes_per_s
        self._bucket = TokenBucket(rate, rate, clock())

    async def subscribe(self, given: Input, context: CallContext) -> Output:
        """Subscribe: queues and functions at once, endpoints once they confirm."""
        topic = self._topics.find(given["TopicArn"], context)
        protocol, endpoint = given["Protocol"], given.get("Endpoint", "")
        await self._check_endpoint(protocol, endpoint, context)
        if self._bucket.take(self._clock()) > 0:
            raise throttled()
        attributes = given.get("Attributes", {})
        existing = self._subscriptions.same(topic, protocol, endpoint)
        if existing is None:
            subscription = self._new(topic, protocol, endpoint, attributes, context)
        else:
            subscription = existing
            _check_same(existing, attributes)
        if not subscription.confirmed:
            self._ask(subscription, "SubscriptionConfirmation")
        shown = subscription.confirmed or given.get("ReturnSubscriptionArn") in ("true", True)
        return {"SubscriptionArn": subscription.arn if shown else "pending confirmation"}

    def confirm_subscription(self, given: Input, context: CallContext) -> Output:
        """ConfirmSubscription: with AuthenticateOnUnsubscribe only for a caller who signs."""
        authenticate = given.get("AuthenticateOnUnsubscribe", "").lower() == "true"
        if authenticate and not context.signed:
            raise AwsError("AuthorizationError", "AuthenticateOnUnsubscribe requires a signed request", 403)
        if self._topics.get(given["TopicArn"]) is None:
            self._topics.find(given["TopicArn"], context)
        subscription = self._tokens.confirm(given["Token"], given["TopicArn"], self._clock())
        if subscription.deleted:  # its UnsubscribeConfirmation's token restores it
            if self._subscriptions.same(subscription.topic, subscription.protocol, subscription.endpoint):
                raise invalid_parameter("Token")
            self._subscriptions.add(subscription)
        if not subscription.confirmed:
            subscription.confirmed = True
            subscription.confirmation_was_authenticated = context.signed
            self._subscriptions.changed(subscription)
        subscription.authenticate_on_unsubscribe |= authenticate
        return {"SubscriptionArn": subscription.arn}

    def unsubscribe(self, given: Input, context: CallContext) -> None:
        """Unsubscribe: one that is not there is no error. An endpoint that did not ask for it is told."""
        arn = given["SubscriptionArn"]
        subscription = self._subscriptions.get(arn)
        if subscription is None:
            check_arn(arn)
            return
        if context.signed:
            if self._bucket.take(self._clock()) > 0:
                raise throttled()
        elif subscription.authenticate_on_unsubscribe:
            raise AwsError("AuthorizationError", "Unsubscribing requires a signed request", 403)
        self._remove(subscription)
        if not context.signed and subscription.confirmed and subscription.protocol in HTTP:
            self._ask(subscription, "UnsubscribeConfirmation")
        else:
            self._tokens.forget([subscription])

    def get_subscription_attributes(self, given: Input, _context: CallContext) -> Output:
        """GetSubscriptionAttributes."""
        return {"Attributes": Entries(described(self._subscriptions.find(given["SubscriptionArn"])))}

    def set_subscription_attributes(self, given: Input, _context: CallContext) -> None:
        """SetSubscriptionAttributes; an empty value sets an attribute back."""
        subscription = self._subscriptions.find(given["SubscriptionArn"])
        name, value = given["AttributeName"], given.get("AttributeValue", "")
        if name == "FilterPolicy" and value and subscription.filter_policy is None:
            self._check_filter_quota(subscription.topic)
        set_attributes(subscription, {name: value}, subscribing=False)
        self._subscriptions.changed(subscription)

    def list_subscriptions(self, given: Input, context: CallContext) -> Output:
        """ListSubscriptions."""
        own = (
            s
            for s in self._subscriptions
            if (s.topic.region, s.topic.account_id) == (context.region, context.account_id)
        )
        return self._listed(list(own), given)

    def list_subscriptions_by_topic(self, given: Input, context: CallContext) -> Output:
        """ListSubscriptionsByTopic."""
        topic = self._topics.find(given["TopicArn"], context)
        return self._listed(list(self._subscriptions.of_topic(topic.arn)), given)

    def expire_pending(self) -> None:
        """Forget subscriptions that were not confirmed in time."""
        now_s = self._clock()
        for subscription in self._tokens.expire(now_s):
            if not subscription.confirmed and not self._tokens.has(subscription):
                self._remove(subscription)

    def _listed(self, subscriptions: list[Subscription], given: Input) -> Output:
        ordered = sorted(subscriptions, key=lambda subscription: subscription.arn)
        found, token = page(ordered, lambda subscription: subscription.arn, given.get("NextToken"))
        rows: list[Mapping[str, str]] = [
            {
                "SubscriptionArn": each.arn if each.confirmed else "PendingConfirmation",
                "Owner": each.owner,
                "Protocol": each.protocol,
                "Endpoint": each.shown_endpoint,
                "TopicArn": each.topic.arn,
            }
            for each in found
        ]
        return {"Subscriptions": rows, **({"NextToken": token} if token else {})}

    def _new(
        self,
        topic: Topic,
        protocol: str,
        endpoint: str,
        attributes: Mapping[str, str],
        context: CallContext,
    ) -> Subscription:
        self.expire_pending()
        pending = protocol in HTTP
        if pending and sum(not s.confirmed for s in self._subscriptions) >= MAX_PENDING:
            raise AwsError(
                "SubscriptionLimitExceeded", "There are too many pending subscriptions in this account", 403
            )
        if int(topic.attributes.get("MaximumMessageSize") or 0) > DEFAULT_MAX_BYTES:
            self._check_large(topic, protocol)
        subscription = Subscription(
            topic, protocol, endpoint, context.account_id, subscription_arn(topic), confirmed=not pending
        )
        subscription.confirmation_was_authenticated = not pending
        set_attributes(subscription, attributes, subscribing=True)
        if subscription.filter_policy is not None:
            self._check_filter_quota(topic)
        self._subscriptions.add(subscription)
        return subscription

    def _ask(self, subscription: Subscription, kind: str) -> None:
        """Send a message with a new token."""
        now_s = self._clock()
        fields = envelopes.confirmation_fields(
            kind,
            subscription,
            message_id=str(uuid.uuid4()),
            token=self._tokens.issue(subscription, now_s),
            timestamp=timestamp(now_s),
            links=self._links,
        )
        self._dispatcher.submit(Delivery("confirmation", subscription, fields=fields))

    def _remove(self, subscription: Subscription) -> None:
        subscription.topic.subscriptions_deleted += 1
        self._subscriptions.remove(subscription)
        self._dispatcher.drop([subscription])

    async def _check_endpoint(self, protocol: str, endpoint: str, context: CallContext) -> None:
        if protocol in _NOT_OFFERED:
            raise not_offered_parameter("Protocol", f"subscriptions by {protocol}")
        if protocol not in _PROTOCOLS:
            raise invalid_parameter(f"Amazon SNS does not support this protocol string: {protocol}")
        if not endpoint:
            raise invalid_parameter("Endpoint", "no value for required parameter")
        if protocol in HTTP:
            await self._check_url(protocol, endpoint)
            return
        found = (QUEUE_ARN if protocol == "sqs" else _FUNCTION_ARN).fullmatch(endpoint)
        if found is None:
            what = "SQS endpoint ARN" if protocol == "sqs" else "Lambda endpoint ARN"
            raise invalid_parameter(what)
        if endpoint.endswith(".fifo"):
            raise invalid_parameter(
                "Endpoint", "FIFO SQS Queues can not be subscribed to standard SNS topics"
            )
        if found["account"] != context.account_id:
            raise not_offered_parameter("Endpoint", "subscriptions of other accounts")

    async def _check_url(self, protocol: str, endpoint: str) -> None:
        if not endpoint.startswith(f"{protocol}://"):
            raise invalid_parameter("Endpoint must match the specified protocol")
        try:
            parsed = parse_endpoint(endpoint)
        except ValueError as error:
            raise invalid_parameter("Endpoint", str(error)) from None
        reason = await self._addresses.check(parsed)
        if reason is not None:
            raise invalid_parameter("Endpoint", reason)

    def _check_filter_quota(self, topic: Topic) -> None:
        of_topic = sum(s.filter_policy is not None for s in self._subscriptions.of_topic(topic.arn))
        of_all = sum(s.filter_policy is not None for s in self._subscriptions)
        limits = self._limits
        if of_topic >= limits.sns_filter_policies_per_topic or of_all >= limits.sns_filter_policies:
            raise AwsError("FilterPolicyLimitExceeded", "Filter policy limit exceeded", 403)

    def _check_large(self, topic: Topic, protocol: str) -> None:
        count = sum(1 for _ in self._subscriptions.of_topic(topic.arn))
        if protocol in HTTP or count >= MAX_LARGE_SUBSCRIPTIONS:
            raise invalid_parameter(
                "TopicArn", "a topic with a MaximumMessageSize above 256 KiB has queues and functions only"
            )


def _check_same(existing: Subscription, attributes: Mapping[str, str]) -> None:
    """Subscribing the same again is no error, unless with other attributes."""
    if any(existing.attributes.get(name, "") != value for name, value in attributes.items()):
        raise invalid_parameter("Attributes", "Subscription already exists with different attributes")
