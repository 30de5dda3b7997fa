"""Amazon SNS, standard topics. Prices: aws.amazon.com/sns/pricing.

A publish is billed in chunks of 64 KB. The usage type of deliveries is DeliveryAttempts-HTTP, so each attempt
is taken to be billed, a failed one too. What endpoints are sent is a line of its own (data_transfer). Filter
policies on the body are billed by what they look into; that price is not in the book.
"""

from __future__ import annotations

from harness.aws.prices.line import Line, ResourceUsage, Tariff, gb, line


def publish_requests(topic: ResourceUsage) -> Line | None:
    """Publishes."""
    return line(topic, "sns.publish_requests", topic.get("publish_requests"))


def http_deliveries(topic: ResourceUsage) -> Line | None:
    """Attempts to deliver to HTTP and HTTPS endpoints, confirmations among them."""
    attempts = topic.get("http_attempts")
    return line(topic, "sns.http_deliveries", attempts, note="each attempt is taken to be billed")


def managed_deliveries(topic: ResourceUsage) -> Line | None:
    """Deliveries to queues and functions: free."""
    return line(topic, "sns.managed_deliveries", topic.total("sqs_deliveries", "lambda_deliveries"))


def data_out(topic: ResourceUsage) -> Line | None:
    """The bodies that endpoints are sent. What headers, TLS and TCP add is not counted."""
    return line(topic, "data_transfer.out", gb(topic.get("http_bytes_out")))


TARIFF = Tariff(
    "sns",
    (publish_requests, http_deliveries, managed_deliveries, data_out),
    units=frozenset(
        {"publish_requests", "http_attempts", "http_bytes_out", "sqs_deliveries", "lambda_deliveries"}
    ),
    unbilled=frozenset(
        {
            *("messages_published", "http_deliveries", "http_timeouts", "sqs_attempts", "sqs_timeouts"),
            *("lambda_attempts", "lambda_timeouts", "notifications_filtered_out", "notifications_failed"),
            *("notifications_overflowed", "notifications_redriven", "notifications_failed_to_redrive"),
            "confirmations_failed",
        }
    ),
)
