"""AWS Lambda, on-demand functions. Prices: aws.amazon.com/lambda/pricing.

The GB-seconds come from the duration model (harness.aws.latencies.duration), not from this machine's clock.
"""

from __future__ import annotations

from harness.aws.prices.line import Line, ResourceUsage, Tariff, line


def requests(function: ResourceUsage) -> Line | None:
    """Invocations, failed ones too; throttled ones never started."""
    calls = function.get("requests")
    return line(function, "lambda.requests", calls, calls=calls)


def gb_seconds_x86_64(function: ResourceUsage) -> Line | None:
    """Memory times billed duration, initialization included, on x86_64."""
    return _duration(function, "x86_64")


def gb_seconds_arm64(function: ResourceUsage) -> Line | None:
    """Memory times billed duration, initialization included, on arm64."""
    return _duration(function, "arm64")


def _duration(function: ResourceUsage, architecture: str) -> Line | None:
    unit = f"gb_seconds_{architecture}"
    return line(function, f"lambda.{unit}", function.get(unit), "modelled", calls=function.get("requests"))


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
            "filtered_records",
            "process_wait_ms",
        }
    ),
)
