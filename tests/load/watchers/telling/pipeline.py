"""A pipeline that tells: its outputs name a small server that stands for SNS, AppSync and its own API."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from harness.objectives import Objectives
from harness.pipeline import (
    Channel,
    Cloud,
    DeployParameters,
    Entrance,
    Event,
    LiveSubscription,
    LostDelivery,
    Outcome,
    Outputs,
    Told,
    Unbilled,
    Watcher,
)


class Telling:
    name = "telling"
    objectives = Objectives()

    def fingerprint(self) -> str:
        return "0"

    def deploy(self, cloud: Cloud, parameters: DeployParameters) -> Outputs:
        return {}

    def destroy(self, cloud: Cloud) -> None:
        pass

    def entrances(self, outputs: Outputs) -> Sequence[Entrance]:
        return []

    def evidence(self, cloud: Cloud, outputs: Outputs, run_id: str) -> Iterator[Outcome]:
        return iter(())

    def predict(self, events: Iterable[Event]) -> Iterator[tuple[int, str]]:
        return iter(())

    def unbilled(self, outputs: Outputs) -> Sequence[Unbilled]:
        return []

    def owed_kinds(self, channel: Channel) -> frozenset[str]:
        return frozenset({"location"})

    def add_webhook(self, outputs: Outputs, account: int, url: str) -> None:
        _post(f"{outputs['url']}/webhooks", {"account": account, "url": url})

    def remove_webhooks(self, outputs: Outputs, account: int) -> None:
        _post(f"{outputs['url']}/forget", {"account": account})

    def subscription(self, outputs: Outputs, watcher: Watcher) -> LiveSubscription:
        return LiveSubscription(
            outputs["url"].replace("http", "ws") + "/graphql",
            {"host": "telling", "x-api-key": outputs.get("key", "right")},
            "subscription { on }",
            {"account": watcher.account, "device": watcher.device_id},
        )

    def told(self, channel: Channel, payload: Any) -> Sequence[Told]:
        said = json.loads(payload) if channel == "webhook" else payload
        return [Told(event, at_s) for event, at_s in said["events"]]

    def lost_deliveries(self, cloud: Cloud, outputs: Outputs, run_id: str) -> Iterator[LostDelivery]:
        return iter(())


def _post(url: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(url, json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10):
        pass


pipeline = Telling()
