"""A table's throughput against the account's limits, and how an answer says what was consumed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from harness.aws.limits.dynamodb_capacity import (
    OnDemandThroughput,
    PartitionCaps,
    ProvisionedThroughput,
    Throughput,
)
from harness.aws.limits.profiles import Limits
from harness.emulator.services.base import AwsError
from harness.emulator.services.dynamodb.items import BUCKETS
from harness.measure.meters import Counter

Consumed = dict[str, float]
"""Units by index name; the table itself is `""`."""


class Admission:
    """Lets one kind of unit (`Read` or `Write`) of one table through, or refuses it as AWS does."""

    def __init__(
        self,
        kind: str,
        resource: str,
        throughput: Throughput,
        caps: PartitionCaps,
        throttled: Counter,
        *,
        on_demand: bool,
    ) -> None:
        self._throttled = throttled
        self._kind = kind
        self._resource = resource
        self._throughput = throughput
        self._caps = caps
        self._on_demand = on_demand

    def take(self, now_s: float, key_range: int, units: float) -> None:
        """Take units for an item in a key range.

        Raises AwsError ThrottlingException (on demand) or ProvisionedThroughputExceededException."""
        if self._caps.take(now_s, key_range, units) > 0.0:
            raise self._refusal("KeyRangeThroughputExceeded")
        if self._throughput.take(now_s, units) > 0.0:
            raise self._refusal(
                "MaxOnDemandThroughputExceeded" if self._on_demand else "ProvisionedThroughputExceeded"
            )

    def take_page(self, now_s: float, units: float) -> None:
        """Take units for a page of items that lie in many key ranges. Raises AwsError as `take` does."""
        if self._throughput.take(now_s, units) > 0.0:
            raise self._refusal(
                "MaxOnDemandThroughputExceeded" if self._on_demand else "ProvisionedThroughputExceeded"
            )

    def _refusal(self, reason: str) -> AwsError:
        self._throttled.value += 1
        reasons = [{"reason": f"Table{self._kind}{reason}", "resource": self._resource}]
        if self._on_demand:
            return AwsError(
                "ThrottlingException",
                "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically "
                "scaling your table or index so please try again shortly. If exceptions persist, check if "
                "you have a hot key: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
                "bp-partition-key-design.html",
                fields={"throttlingReasons": reasons},
            )
        return AwsError(
            "ProvisionedThroughputExceededException",
            "The level of configured provisioned throughput for the table was exceeded. Consider increasing "
            "your provisioning level with the UpdateTable API.",
            fields={"ThrottlingReasons": reasons},
        )


THROTTLED = frozenset(("ThrottlingException", "ProvisionedThroughputExceededException"))


def admission(
    kind: str,
    resource: str,
    limits: Limits,
    now_s: float,
    *,
    throttled: Counter,
    provisioned: float | None,
    warm: float = 0.0,
    most: float = -1,
) -> Admission | None:
    """The admission of `Read` or `Write` units; None where nothing is limited.

    `provisioned` units a second, or None on demand; `warm` is the table's warm throughput, if it has one;
    `most` its own maximum on demand, -1 for none."""
    reads = kind == "Read"
    cap = limits.dynamodb_partition_read_units_per_s if reads else limits.dynamodb_partition_write_units_per_s
    quota = limits.dynamodb_table_read_units_per_s if reads else limits.dynamodb_table_write_units_per_s
    if math.isinf(cap) and math.isinf(quota):
        return None
    if most >= 0:
        quota = min(quota, most)
    caps = PartitionCaps(cap, BUCKETS)
    if provisioned is not None:
        rate: Throughput = ProvisionedThroughput(provisioned, now_s)
        return Admission(kind, resource, rate, caps, throttled, on_demand=False)
    initial = (
        limits.dynamodb_on_demand_initial_read_units_per_s
        if reads
        else limits.dynamodb_on_demand_initial_write_units_per_s
    )
    on_demand = OnDemandThroughput(max(initial, warm), quota, now_s)
    return Admission(kind, resource, on_demand, caps, throttled, on_demand=True)


def consumed_capacity(
    table_name: str, consumed: Mapping[str, float], mode: str, local_indexes: frozenset[str]
) -> dict[str, Any]:
    """ConsumedCapacity as AWS answers it; `mode` is TOTAL or INDEXES."""
    answer: dict[str, Any] = {"TableName": table_name, "CapacityUnits": float(sum(consumed.values()))}
    if mode != "INDEXES":
        return answer
    answer["Table"] = {"CapacityUnits": float(consumed.get("", 0.0))}
    for member, local in (("LocalSecondaryIndexes", True), ("GlobalSecondaryIndexes", False)):
        units = {
            name: {"CapacityUnits": float(value)}
            for name, value in consumed.items()
            if name and (name in local_indexes) is local
        }
        if units:
            answer[member] = units
    return answer


def add_consumed(total: Consumed, more: Mapping[str, float]) -> None:
    """Add `more` to `total`."""
    for name, units in more.items():
        total[name] = total.get(name, 0.0) + units
