"""AWS Lambda, on-demand functions. Prices: aws.amazon.com/lambda/pricing.

The GB-seconds come from the duration model (harness.aws.latencies.duration), not from this machine's clock.
Where a target tells durations in its REPORT lines alone, they are AWS's own figures on AWS (`billed_…`), and
anywhere else taken for them (`reported_…`).
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
    price_id, calls = f"lambda.{unit}", function.get("requests")
    billed, reported = function.get(f"billed_{unit}"), function.get(f"reported_{unit}")
    if billed is not None:
        return line(function, price_id, billed, "metered", note="of AWS's REPORT lines", calls=calls)
    if reported is not None:
        note = "of the target's REPORT lines: its machine's time, not AWS's"
        return line(function, price_id, reported, "assumed", note=note, calls=calls)
    return line(function, price_id, function.get(unit), "modelled", calls=calls)


TARIFF = Tariff(
    "lambda",
    (requests, gb_seconds_x86_64, gb_seconds_arm64),
    units=frozenset(
        {"requests"}
        | {f"{of}gb_seconds_{on}" for of in ("", "billed_", "reported_") for on in ("x86_64", "arm64")}
    ),
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
