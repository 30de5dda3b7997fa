"""Amazon Kinesis Data Streams, provisioned and on demand (Standard).

Prices: aws.amazon.com/kinesis/data-streams/pricing.

A stream is billed by the mode whose clock ran. Not here: enhanced fan-out, extended retention.
"""

from __future__ import annotations

from decimal import Decimal

from harness.aws.prices.line import KB_A_GB, Line, ResourceUsage, Tariff, gb, hours, line


def _on_demand(stream: ResourceUsage) -> bool:
    return "on_demand_stream_seconds" in stream.quantities


def shard_hours(stream: ResourceUsage) -> Line | None:
    """Open shards of a provisioned stream, over time."""
    return line(
        stream, "kinesis.shard_hours", hours(stream.get("provisioned_shard_seconds")), growth="standing"
    )


def put_payload_units(stream: ResourceUsage) -> Line | None:
    """25 KB units of a provisioned stream, each record rounded up."""
    units = None if _on_demand(stream) else stream.get("put_payload_units")
    return line(stream, "kinesis.put_payload_units", units)


def provisioned_reads(stream: ResourceUsage) -> Line | None:
    """Reads of a provisioned stream: in the price of the shard."""
    return line(
        stream, "kinesis.provisioned_reads", None if _on_demand(stream) else gb(stream.get("read_bytes"))
    )


def on_demand_stream_hours(stream: ResourceUsage) -> Line | None:
    """An on-demand stream, over time."""
    seconds = stream.get("on_demand_stream_seconds")
    return line(stream, "kinesis.on_demand_stream_hours", hours(seconds), growth="standing")


def on_demand_ingest(stream: ResourceUsage) -> Line | None:
    """Data put into an on-demand stream, each record rounded up to 1 KB."""
    kb: Decimal | None = stream.get("ingest_kb") if _on_demand(stream) else None
    return line(stream, "kinesis.on_demand_ingest", None if kb is None else kb / KB_A_GB)


def on_demand_reads(stream: ResourceUsage) -> Line | None:
    """Data read from an on-demand stream: what event source mappings poll is billed as retrieval."""
    return line(
        stream, "kinesis.on_demand_reads", gb(stream.get("read_bytes")) if _on_demand(stream) else None
    )


TARIFF = Tariff(
    "kinesis",
    (
        shard_hours,
        put_payload_units,
        provisioned_reads,
        on_demand_stream_hours,
        on_demand_ingest,
        on_demand_reads,
    ),
    units=frozenset(
        {
            "provisioned_shard_seconds",
            "on_demand_stream_seconds",
            "put_payload_units",
            "ingest_kb",
            "read_bytes",
        }
    ),
    unbilled=frozenset(
        {"put_records", "ingest_bytes", "throttled_records", "get_records_calls", "read_records"}
    ),
)
