"""What a stream is billed for and watched by, counted where it happens.

docs: Kinesis Data Streams pricing (read 2026): provisioned writes in 25 KB payload units a record, on-demand
ingest in KB, each record rounded up; both by data and partition key.
"""

from __future__ import annotations

from harness.measure.meters import Counter, Meters

_KB = 1024
PAYLOAD_UNIT_BYTES = 25 * _KB


class StreamMeters:
    """The counters of one stream."""

    __slots__ = (
        "get_records_calls",
        "ingest_bytes",
        "ingest_kb",
        "on_demand_stream_seconds",
        "provisioned_shard_seconds",
        "put_payload_units",
        "put_records",
        "read_bytes",
        "read_records",
        "throttled_records",
    )

    def __init__(self, meters: Meters, stream: str) -> None:
        def counter(unit: str) -> Counter:
            return meters.counter("kinesis", stream, unit)

        self.get_records_calls = counter("get_records_calls")
        self.ingest_bytes = counter("ingest_bytes")
        self.ingest_kb = counter("ingest_kb")
        self.on_demand_stream_seconds = counter("on_demand_stream_seconds")
        self.provisioned_shard_seconds = counter("provisioned_shard_seconds")
        self.put_payload_units = counter("put_payload_units")
        self.put_records = counter("put_records")
        self.read_bytes = counter("read_bytes")
        self.read_records = counter("read_records")
        self.throttled_records = counter("throttled_records")

    def accepted(self, payload_bytes: int) -> None:
        """A record of that payload was written. An empty one still is one unit and one KB."""
        self.put_records.value += 1
        self.ingest_bytes.value += payload_bytes
        self.ingest_kb.value += -(-payload_bytes // _KB) or 1
        self.put_payload_units.value += -(-payload_bytes // PAYLOAD_UNIT_BYTES) or 1

    def read(self, records: int, payload_bytes: int) -> None:
        """A GetRecords call was answered."""
        self.get_records_calls.value += 1
        self.read_records.value += records
        self.read_bytes.value += payload_bytes
