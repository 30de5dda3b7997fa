"""Amazon CloudWatch Logs. Prices: aws.amazon.com/cloudwatch/pricing."""

from __future__ import annotations

from harness.aws.prices.line import Line, ResourceUsage, Tariff, gb, line, stored_gb_months


def ingested(group: ResourceUsage) -> Line | None:
    """Log lines taken in."""
    return line(group, "logs.ingested", gb(group.get("ingested_bytes")))


def storage(group: ResourceUsage) -> Line | None:
    """Log lines kept, as they came: AWS compresses them, by how much is not modelled."""
    months = stored_gb_months(group.get("ingested_bytes"), group.hours)
    return line(group, "logs.storage", months, "assumed", "stored", "nothing expires, uncompressed")


TARIFF = Tariff("logs", (ingested, storage), units=frozenset({"ingested_bytes"}))
