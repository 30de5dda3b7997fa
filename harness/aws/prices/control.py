"""Services whose API costs nothing: they set things up, and are called beside the traffic, not by it."""

from __future__ import annotations

from harness.aws.prices.line import Line, ResourceUsage, Tariff, line

FREE_SERVICES = ("cloudformation", "iam", "sts", "tagging")


def requests(service: ResourceUsage) -> Line | None:
    """Requests: free."""
    return line(service, "control.requests", service.get("requests"))


TARIFFS = tuple(Tariff(name, (requests,), units=frozenset({"requests"})) for name in FREE_SERVICES)
