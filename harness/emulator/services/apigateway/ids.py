"""The ids that API Gateway gives each request."""

from __future__ import annotations

import base64
from random import getrandbits
from typing import NamedTuple

from harness.emulator.services.json_protocol import new_request_id


class RequestIds(NamedTuple):
    """`$context.requestId`, `$context.extendedRequestId` and the trace header of one request."""

    request: str
    extended: str
    trace: str


def new_ids(now_s: float, request_id: str, trace_header: str | None) -> RequestIds:
    """The ids of a request that its process knows as `request_id`; a trace that the client began goes on."""
    digits = f"{getrandbits(184):046x}"
    extended = base64.urlsafe_b64encode(bytes.fromhex(digits[:22])).decode()
    trace = trace_header or f"Root=1-{int(now_s):08x}-{digits[22:]}"
    return RequestIds(request_id or new_request_id(), extended, trace)
