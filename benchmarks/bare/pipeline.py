# ruff: noqa: ARG002 - the protocol names its arguments
"""A pipeline of one entrance at a bare server, for the generator's benchmark: nothing is deployed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import orjson

from harness.objectives import Objectives
from harness.pipeline import (
    Acceptance,
    Cloud,
    DeployParameters,
    Event,
    HttpRequest,
    Outcome,
    Outputs,
    Unbilled,
)


class Bare:
    """Takes an event a request, as the reference pipeline's routes do."""

    route = "POST /events"
    kinds = frozenset({"registration", "location"})
    max_events = 1
    hops: Sequence[str] = ()

    def __init__(self, url: str) -> None:
        self._url = url
        self._headers = {"Authorization": "Bearer 0123456789abcdef", "Content-Type": "application/json"}

    def request(self, events: Sequence[Event]) -> HttpRequest:
        event = events[0]
        body = orjson.dumps({"event_id": event.event_id, "device_id": event.device_id, **event.fields})
        return HttpRequest("POST", self._url, self._headers, body)

    def acceptance(self, status: int, body: bytes, events: int) -> Sequence[Acceptance]:
        return ["accepted" if status == 200 else "failed"] * events


class BarePipeline:
    name = "bare"
    objectives = Objectives()

    def fingerprint(self) -> str:
        return "bare"

    def deploy(self, cloud: Cloud, parameters: DeployParameters) -> Outputs:
        return {}

    def destroy(self, cloud: Cloud) -> None:
        pass

    def entrances(self, outputs: Outputs) -> Sequence[Bare]:
        return [Bare(outputs["url"])]

    def evidence(self, cloud: Cloud, outputs: Outputs, run_id: str) -> Iterator[Outcome]:
        return iter(())

    def predict(self, events: Iterable[Event]) -> Iterator[tuple[int, str]]:
        return iter(())

    def unbilled(self, outputs: Outputs) -> Sequence[Unbilled]:
        return ()


pipeline = BarePipeline()
