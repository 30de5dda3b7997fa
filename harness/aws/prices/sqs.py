"""Amazon SQS. Prices: aws.amazon.com/sqs/pricing. A request is counted in 64 KB units, empty receives too."""

from __future__ import annotations

from harness.aws.prices.line import Line, ResourceUsage, Tariff, line


def requests(queue: ResourceUsage) -> Line | None:
    """Requests, by the kind of queue: the name of a FIFO queue ends in `.fifo`."""
    kind = "fifo" if queue.resource.endswith(".fifo") else "standard"
    calls = queue.get("requests")
    return line(queue, f"sqs.{kind}_requests", calls, calls=calls)


TARIFF = Tariff("sqs", (requests,), units=frozenset({"requests"}))
