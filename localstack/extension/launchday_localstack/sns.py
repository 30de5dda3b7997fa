"""SNS as LocalStack's own provider serves it, with its deliveries noted: those to HTTP endpoints are no
requests to LocalStack, so its gateway does not see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localstack.services.plugins import Service, aws_provider
from localstack.services.sns.provider import SnsProvider
from localstack.services.sns.publisher import HttpTopicPublisher, PublishDispatcher

from launchday_localstack.metering.deliveries import add_pending, note
from launchday_localstack.metering.sizes import blob_bytes


@aws_provider(api="sns", name="launchday")
def sns() -> Service:
    """The provider, by its entry point."""
    return Service.for_provider(NotedSnsProvider())


class NotedSnsProvider(SnsProvider):
    """LocalStack's, with a dispatcher that notes."""

    def __init__(self) -> None:
        super().__init__()
        self._publisher = NotedDispatcher()  # LocalStack's own has no thread before its first delivery


class NotedHttpPublisher(HttpTopicPublisher):
    """LocalStack tries once: each delivery is an attempt."""

    def prepare_message(
        self, message_context: Any, subscriber: Mapping[str, Any], topic_attributes: Any = None
    ) -> str:
        """The body, noted as it is about to be sent."""
        body: str = super().prepare_message(message_context, subscriber, topic_attributes)
        note("delivery", _topic(subscriber), subscriber["Protocol"], blob_bytes(body))
        return body


class NotedDispatcher(PublishDispatcher):
    """Counts what waits, and notes what filter policies look into."""

    topic_notifiers = {  # noqa: RUF012 -- LocalStack's own is a class's
        **PublishDispatcher.topic_notifiers,
        "http": NotedHttpPublisher(),
        "https": NotedHttpPublisher(),
    }

    def _should_publish(
        self, subscription_filter_policy: Mapping[str, Any], message_ctx: Any, subscriber: Mapping[str, Any]
    ) -> Any:
        wanted = super()._should_publish(subscription_filter_policy, message_ctx, subscriber)
        if subscription_filter_policy.get(subscriber["SubscriptionArn"]):
            looks_into_body = subscriber.get("FilterPolicyScope") == "MessageBody"
            size = blob_bytes(message_ctx.message_content(subscriber["Protocol"])) if looks_into_body else 0
            note("filter", _topic(subscriber), int(not wanted), size)
        return wanted

    def _submit_notification(self, notifier: Any, ctx: Any, subscriber: Mapping[str, Any]) -> None:
        super()._submit_notification(_Counted(notifier, _topic(subscriber)), ctx, subscriber)


class _Counted:
    """A notifier whose delivery is pending from here on until it is over."""

    def __init__(self, notifier: Any, topic: str) -> None:
        self._notifier = notifier
        self._topic = topic
        add_pending(topic, 1)

    def publish(self, context: Any, subscriber: Mapping[str, Any]) -> None:
        """Deliver."""
        try:
            self._notifier.publish(context=context, subscriber=subscriber)
        finally:
            add_pending(self._topic, -1)


def _topic(subscriber: Mapping[str, Any]) -> str:
    return str(subscriber["TopicArn"]).rpartition(":")[2]
