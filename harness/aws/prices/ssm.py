"""AWS Systems Manager Parameter Store, standard parameters. Prices: aws.amazon.com/systems-
manager/pricing."""

from __future__ import annotations

from harness.aws.prices.line import Line, ResourceUsage, Tariff, line


def requests(store: ResourceUsage) -> Line | None:
    """Requests at standard throughput: free."""
    return line(store, "ssm.standard_requests", store.get("requests"))


TARIFF = Tariff("ssm", (requests,), units=frozenset({"requests"}))
