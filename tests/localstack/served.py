"""Requests as LocalStack's gateway shows them to a response handler, without a LocalStack."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from requests.structures import CaseInsensitiveDict

from harness.emulator.companion.metering.counting import RequestMeter
from harness.emulator.companion.metering.intake import Intake
from harness.emulator.companion.metering.mappings import Behind, Mappings
from harness.emulator.companion.metering.positions import Iterators
from harness.measure.meters import Meters
from launchday_localstack.metering import where
from launchday_localstack.metering.rows import Row, row_of

NOW_MS = 1_800_000_000_000


def request_context(
    service: str,
    operation: str,
    asked: Mapping[str, Any],
    answered: Mapping[str, Any] | None = None,
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    error: str = "",
    own: Mapping[str, Any] | None = None,
) -> Any:
    """LocalStack's RequestContext of an AWS call. `own` is set for a call of LocalStack's own."""
    return SimpleNamespace(
        service=SimpleNamespace(service_name=service),
        operation=SimpleNamespace(name=operation),
        service_request=asked,
        service_response=answered,
        service_exception=SimpleNamespace(code=error) if error else None,
        internal_request_params=own,
        request=SimpleNamespace(
            method=method,
            headers=CaseInsensitiveDict(headers or {}),
            host="127.0.0.1:4566",
            path="/",
        ),
    )


def response(status: int = 200, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Any:
    """LocalStack's Response."""
    return SimpleNamespace(
        status_code=status,
        data=body,
        content_length=len(body),
        headers=CaseInsensitiveDict(headers or {}),
    )


def call(
    service: str,
    operation: str,
    asked: Mapping[str, Any],
    answered: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
    body: bytes = b"",
    at_ms: int = NOW_MS,
    **context: Any,
) -> Row:
    """The row of a call, as the companion reads it from JSON."""
    made = request_context(service, operation, asked, answered, **context)
    return sent(row_of(made, response(status, body), at_ms))


def stage(api_id: str, answer: Any, at_ms: int = NOW_MS) -> Row:
    """The row of a request to a stage."""
    context = request_context("", "", {})
    context.operation = None
    context.request.path = f"/_aws/execute-api/{api_id}/v1/devices"
    return sent(row_of(context, answer, at_ms))


def sent(row: Row | None) -> Row:
    """A row after its way as JSON."""
    assert row is not None
    there: Row = json.loads(json.dumps(row))
    return there


class Metered:
    """The companion's part: rows in, meters out. Time is `now_ms`; LocalStack itself shows `waiting`."""

    def __init__(self, here: tuple[str, ...] = (), behind: Behind | None = None) -> None:
        self.now_ms = float(NOW_MS)
        self.meters = Meters()
        self.waiting: list[list[Any]] = []
        self.lost = 0
        self.process_space = where.process_space()
        self.posted_before = 0
        iterators = Iterators()
        requests = RequestMeter(self.meters, here, iterators, self._clock)
        self.mappings = Mappings(behind, iterators, self._clock)
        self.intake = Intake(self.meters, requests, self.mappings, iterators, self._ask)
        self._number = 0

    def take(self, *rows: Row) -> None:
        """A batch of rows comes in."""
        self._number += 1
        self.intake.take({"source": "one", "number": self._number, "rows": list(rows)})

    def used(self) -> dict[tuple[str, str, str], float]:
        """What the meters hold."""
        list(self.meters.gauges())
        return {(row.service, row.resource, row.unit): row.quantity for row in self.meters.usage()}

    def gauge(self, resource: str, name: str) -> float:
        """The value of a gauge. Raises KeyError when it is not shown."""
        return {(g.resource, g.name): g.value for g in self.meters.gauges()}[resource, name]

    async def _ask(self) -> Any:
        return {
            "source": "one",
            "number": self._number + self.posted_before,
            "lost": self.lost,
            "flushed": True,
            "gauges": self.waiting,
            "pid": 1,
            "process_space": self.process_space,
        }

    def _clock(self) -> float:
        return self.now_ms / 1000
