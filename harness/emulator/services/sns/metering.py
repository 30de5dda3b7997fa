"""What is counted of each topic: what AWS bills, and what its CloudWatch metrics show."""

from __future__ import annotations

from harness.emulator.services.sns.delivery.deliveries import Delivery, Outcome
from harness.measure.meters import Counter, Meters

SERVICE = "sns"


class TopicMeters:
    """The counters of one topic, by its name."""

    def __init__(self, meters: Meters, name: str) -> None:
        self._meters = meters
        self._name = name
        self.publish_requests = self._counter("publish_requests")
        """As billed: in chunks of 64 KB."""
        self.messages = self._counter("messages_published")
        self.filtered_out = self._counter("notifications_filtered_out")
        self.body_bytes_filtered = self._counter("body_filter_bytes")
        """Bodies looked into for filter policies with the scope MessageBody, which AWS bills."""
        self.failed = self._counter("notifications_failed")
        """Given up: refused by their endpoint, out of retries, or beyond the bounds of what may wait."""
        self.overflowed = self._counter("notifications_overflowed")
        self.redriven = self._counter("notifications_redriven")
        self.failed_to_redrive = self._counter("notifications_failed_to_redrive")
        self.confirmations_failed = self._counter("confirmations_failed")

    def attempted(self, delivery: Delivery, outcome: Outcome) -> None:
        """An attempt ended."""
        if delivery.kind == "dead_letter":
            self.redriven.value += outcome.kind == "delivered"
            return
        protocol = "http" if delivery.to_http else delivery.subscription.protocol
        self._counter(f"{protocol}_attempts").value += 1
        if outcome.bytes_out:
            self._counter(f"{protocol}_bytes_out").value += outcome.bytes_out
        if outcome.timed_out:
            self._counter(f"{protocol}_timeouts").value += 1
        if delivery.kind == "notification" and outcome.kind == "delivered":
            self._counter(f"{protocol}_deliveries").value += 1

    def _counter(self, unit: str) -> Counter:
        return self._meters.counter(SERVICE, self._name, unit)
