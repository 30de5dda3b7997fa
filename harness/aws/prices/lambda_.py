"""AWS Lambda, on-demand functions. Prices: aws.amazon.com/lambda/pricing.

The GB-seconds come from the duration model (harness.aws.latencies.duration), not from this machine's clock.
"""

from __future__ import annotations

from harness.aws.prices.line import Line, ResourceUsage, Tariff, line


def requests(function: ResourceUsage) -> Line | None:
    """Invocations, failed ones too; throttled ones never started."""
    return line(function, "lambda.requests", function.get("requests"))


def gb_seconds_x86_64(function: ResourceUsage) -> Line | None:
    """Memory times billed duration, initialization included, on x86_64."""
    return line(function, "lambda.gb_seconds_x86_64", function.get("gb_seconds_x86_64"), "modelled")


def gb_seconds_arm64(function: ResourceUsage) -> Line | None:
    """Memory times billed duration, initialization included, on arm64."""
    return line(function, "lambda.gb_seconds_arm64", function.get("gb_seconds_arm64"), "modelled")


TARIFF = Tariff(
    "lambda",
    (requests, gb_seconds_x86_64, gb_seconds_arm64),
    units=frozenset({"requests", "gb_seconds_x86_64", "gb_seconds_arm64"}),
    unbilled=frozenset(
        {
            "errors",
            "timeouts",
            "throttles",
            "async_dropped",
            "destination_deliveries",
            "destination_failures",
            "discarded_records",
            "process_wait_ms",
        }
    ),
)
