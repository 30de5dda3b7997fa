"""The ids that API Gateway gives each request."""

from __future__ import annotations

import base64
from random import getrandbits
from typing import NamedTuple


class RequestIds(NamedTuple):
    """`$context.requestId`, `$context.extendedRequestId` and the trace header of one request."""

    request: str
    extended: str
    trace: str


def new_ids(now_s: float, trace_header: str | None) -> RequestIds:
    """Fresh ids; a trace that the client began goes on."""
    digits = f"{getrandbits(312):078x}"
    request = f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"
    extended = base64.urlsafe_b64encode(bytes.fromhex(digits[32:54])).decode()
    return RequestIds(request, extended, trace_header or f"Root=1-{int(now_s):08x}-{digits[54:78]}")
