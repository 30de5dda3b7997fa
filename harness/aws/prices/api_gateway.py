"""Amazon API Gateway, REST APIs. Prices: aws.amazon.com/api-gateway/pricing.

A Lambda authorizer is billed as Lambda only. What a response sends out is a line of its own (data_transfer).
"""

from __future__ import annotations

from harness.aws.prices.line import Line, ResourceUsage, Tariff, line

_REFUSED = ("throttled", "unauthorized")


def requests(api: ResourceUsage) -> Line | None:
    """Requests that got past throttling and the authorizer, whatever they were answered with."""
    received = api.get("requests")
    refused = api.total(*_REFUSED)
    if received is not None and refused is not None:
        received -= refused
    return line(api, "apigateway.rest_requests", received)


def refused_requests(api: ResourceUsage) -> Line | None:
    """Requests answered by throttling or by the authorizer: taken not to be billed, which is not verified."""
    return line(
        api, "apigateway.refused_requests", api.total(*_REFUSED), "assumed", note="taken as not billed"
    )


def data_out(api: ResourceUsage) -> Line | None:
    """What responses send to the internet."""
    size = api.get("bytes_out")
    return line(api, "data_transfer.out", None if size is None else size / 2**30)


TARIFF = Tariff(
    "apigateway",
    (requests, refused_requests, data_out),
    units=frozenset({"requests", "throttled", "unauthorized", "bytes_out"}),
    unbilled=frozenset({"client_errors", "server_errors", "authorizer_hits", "authorizer_misses"}),
)
