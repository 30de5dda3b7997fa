"""Amazon API Gateway, REST APIs. Prices: aws.amazon.com/api-gateway/pricing.

A Lambda authorizer is billed as Lambda only. What a response sends out is a line of its own (data_transfer).
Requests without an API's name are those of the control plane.
"""

from __future__ import annotations

from harness.aws.prices.line import Line, ResourceUsage, Tariff, gb, line

_REFUSED = ("throttled", "unauthorized")


def requests(api: ResourceUsage) -> Line | None:
    """Requests that got past throttling and the authorizer, whatever they were answered with."""
    received = api.get("requests") if api.resource else None
    refused = api.total(*_REFUSED)
    if received is not None and refused is not None:
        received -= refused
    return line(api, "apigateway.rest_requests", received, follows="requests")


def refused_requests(api: ResourceUsage) -> Line | None:
    """Requests answered by throttling or by the authorizer: not billed."""
    return line(api, "apigateway.refused_requests", api.total(*_REFUSED))


def control_requests(api: ResourceUsage) -> Line | None:
    """Calls that set an API up: free."""
    return line(api, "control.requests", None if api.resource else api.get("requests"))


def data_out(api: ResourceUsage) -> Line | None:
    """What responses send to the internet, headers and all. What TLS and TCP add is not counted."""
    return line(api, "data_transfer.out", gb(api.get("bytes_out")), follows="requests")


TARIFF = Tariff(
    "apigateway",
    (requests, refused_requests, control_requests, data_out),
    units=frozenset({"requests", "throttled", "unauthorized", "bytes_out"}),
    unbilled=frozenset({"client_errors", "server_errors", "authorizer_hits", "authorizer_misses"}),
)
