"""What Lambda's REPORT lines in CloudWatch Logs say of an invocation.

`REPORT RequestId: 1b…`, then with tabs between them `Duration: 3.31 ms`, `Billed Duration: 104 ms`,
`Memory Size: 512 MB`, `Max Memory Used: 48 MB`, on a cold start `Init Duration: 99.87 ms`, where it was one
`Status: timeout` or `Status: error`, and on a line of its own what X-Ray has.
docs: Lambda Developer Guide, Viewing CloudWatch logs for Python Lambda functions (read 2026-11)
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from harness.measure.observation import InvocationStatus

_START: Final = "REPORT RequestId:"
_FIELD: Final = re.compile(
    r"(?P<name>RequestId|Duration|Billed Duration|Memory Size|Max Memory Used|Init Duration|Status"
    r"|XRAY TraceId):\s*(?P<value>[^\t\n]*)"
)
_UNITS: Final = (" ms", " MB")


class ReportLine(NamedTuple):
    """Times in ms, memory in MB."""

    request_id: str
    wall_ms: float
    billed_ms: float | None
    memory_mb: int | None
    peak_memory_mb: float | None
    init_ms: float | None
    status: InvocationStatus
    """`ok` too for a function that raised an error which its runtime caught: the line does not say."""
    trace_id: str


def parse_report(message: str) -> ReportLine | None:
    """The line's figures; None for any other line, and for one without an id or a duration."""
    text = message.lstrip()
    if not text.startswith(_START):
        return None
    fields = {found["name"]: found["value"].strip() for found in _FIELD.finditer(text)}
    wall_ms = _number(fields.get("Duration"))
    if not fields.get("RequestId") or wall_ms is None:
        return None
    memory_mb = _number(fields.get("Memory Size"))
    said = fields.get("Status", "")
    status: InvocationStatus = "timeout" if said == "timeout" else "crash" if said else "ok"
    return ReportLine(
        request_id=fields["RequestId"],
        wall_ms=wall_ms,
        billed_ms=_number(fields.get("Billed Duration")),
        memory_mb=None if memory_mb is None else int(memory_mb),
        peak_memory_mb=_number(fields.get("Max Memory Used")),
        init_ms=_number(fields.get("Init Duration")),
        status=status,
        trace_id=fields.get("XRAY TraceId", ""),
    )


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    for unit in _UNITS:
        text = text.removesuffix(unit)
    try:
        return float(text)
    except ValueError:
        return None
