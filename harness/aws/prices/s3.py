"""Amazon S3 Standard. Prices: aws.amazon.com/s3/pricing. Reads are taken to stay within the Region."""

from __future__ import annotations

from harness.aws.prices.line import Line, ResourceUsage, Tariff, line, stored_gb_months


def put_requests(prefix: ResourceUsage) -> Line | None:
    """PUT, COPY, POST and LIST."""
    return _requests(prefix, "put_requests")


def get_requests(prefix: ResourceUsage) -> Line | None:
    """GET, HEAD and the rest."""
    return _requests(prefix, "get_requests")


def delete_requests(prefix: ResourceUsage) -> Line | None:
    """DELETE: free."""
    return _requests(prefix, "delete_requests")


def _requests(prefix: ResourceUsage, unit: str) -> Line | None:
    requests = prefix.get(unit)
    return line(prefix, f"s3.{unit}", requests, calls=requests)


def storage(prefix: ResourceUsage) -> Line | None:
    """What was put, kept."""
    months = stored_gb_months(prefix.get("bytes_in"), prefix.hours)
    return line(prefix, "s3.storage", months, "assumed", "stored", "nothing is deleted")


TARIFF = Tariff(
    "s3",
    (put_requests, get_requests, delete_requests, storage),
    units=frozenset({"put_requests", "get_requests", "delete_requests", "bytes_in"}),
    unbilled=frozenset({"bytes_out"}),
)
