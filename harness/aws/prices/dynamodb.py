"""Amazon DynamoDB, on-demand tables, Standard class. Prices: aws.amazon.com/dynamodb/pricing/on-demand.

Not here: provisioned capacity, backups, global tables.
"""

from __future__ import annotations

from harness.aws.prices.line import BYTES_A_GB, HOURS_A_MONTH, Line, ResourceUsage, Tariff, line


def write_request_units(table: ResourceUsage) -> Line | None:
    """1 KB units written, each item rounded up."""
    return line(table, "dynamodb.write_request_units", table.get("write_request_units"))


def read_request_units(table: ResourceUsage) -> Line | None:
    """4 KB units read, each item rounded up; half when eventually consistent."""
    return line(table, "dynamodb.read_request_units", table.get("read_request_units"))


def stream_reads(table: ResourceUsage) -> Line | None:
    """Reads of the table's stream by Lambda: free."""
    return line(table, "dynamodb.stream_reads_by_lambda", table.get("stream_reads"))


def storage(table: ResourceUsage) -> Line | None:
    """The table as large as it was at the end, for all of the time."""
    size = table.get("storage_bytes")
    months = None if size is None else size / BYTES_A_GB * table.hours / HOURS_A_MONTH
    return line(table, "dynamodb.storage", months, "assumed", "standing", "as large as at the end")


TARIFF = Tariff(
    "dynamodb",
    (write_request_units, read_request_units, stream_reads, storage),
    units=frozenset({"write_request_units", "read_request_units", "stream_reads", "storage_bytes"}),
    unbilled=frozenset({"throttled_requests"}),
)
