"""AWS AppSync, GraphQL APIs. Prices: aws.amazon.com/appsync/pricing.

Not here: caching, and data transfer out, which is billed at EC2's rates.
"""

from __future__ import annotations

from harness.aws.prices.line import Line, ResourceUsage, Tariff, line


def requests(api: ResourceUsage) -> Line | None:
    """Queries and mutations that were executed. Requests of the control plane, of no API, are free."""
    return line(api, "appsync.requests", api.get("requests")) if api.resource else None


def realtime_updates(api: ResourceUsage) -> Line | None:
    """Updates to subscribers, each in units of 5 KB, and connects of clients."""
    return line(api, "appsync.realtime_updates", api.total("realtime_updates", "connects"))


def connection_minutes(api: ResourceUsage) -> Line | None:
    """Minutes of connections, each begun minute whole: that is assumed, not documented."""
    return line(api, "appsync.connection_minutes", api.get("connection_minutes"), growth="standing")


TARIFF = Tariff(
    "appsync",
    (requests, realtime_updates, connection_minutes),
    units=frozenset({"requests", "realtime_updates", "connects", "connection_minutes"}),
    unbilled=frozenset(
        {
            "client_errors",
            "connections_closed_slow",
            "connects_refused",
            "graphql_errors",
            "latency_ms",
            "received",
            "resolvers",
            "server_errors",
            "subscriptions",
            "subscriptions_refused",
            "throttled",
            "tokens",
            "unauthorized",
            "updates_throttled",
            "updates_too_large",
        }
    ),
)
