"""A pipeline that deploys nothing and enters where its outputs say: for tests of the generator."""

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

CALLS = "get_device list_devices get_history graphql_device graphql_devices sign_in"


class Way:
    hops: Sequence[str] = ()

    def __init__(self, route: str, kinds: str, max_events: int, url: str) -> None:
        self.route = route
        self.kinds = frozenset(kinds.split())
        self.max_events = max_events
        self._url = url

    def request(self, events: Sequence[Event]) -> HttpRequest:
        body = orjson.dumps([{"event_id": event.event_id, **event.fields} for event in events])
        return HttpRequest("POST", self._url, {"Content-Type": "application/json"}, body)

    def acceptance(self, status: int, body: bytes, events: int) -> Sequence[Acceptance]:
        return ["accepted" if status == 200 else "throttled" if status == 429 else "failed"] * events


class Nothing:
    name = "nothing"
    objectives = Objectives()

    def fingerprint(self) -> str:
        return "nothing"

    def deploy(self, cloud: Cloud, parameters: DeployParameters) -> Outputs:
        return {}

    def destroy(self, cloud: Cloud) -> None:
        pass

    def entrances(self, outputs: Outputs) -> Sequence[Way]:
        return [
            Way("POST /devices", "registration", 1, outputs["url"]),
            Way("POST /locations", "location", 1, outputs["url"]),
            Way("POST /batch", "location", 100, outputs["url"]),
            Way("POST /raw", "poison", 1, outputs["url"]),
            Way("POST /call", CALLS, 1, outputs["url"]),
        ]

    def evidence(self, cloud: Cloud, outputs: Outputs, run_id: str) -> Iterator[Outcome]:
        return iter(())

    def predict(self, events: Iterable[Event]) -> Iterator[tuple[int, str]]:
        return iter(())

    def unbilled(self, outputs: Outputs) -> Sequence[Unbilled]:
        return ()


pipeline = Nothing()
