"""Who watches what: the same for the same scenario, in the watchers' process and in whoever checks them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harness.load.devices import Devices
from harness.load.events import device_id
from harness.pipeline import Watcher
from harness.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Post:
    """A watcher and its number. `device` is the row in the devices' arrays, None for a whole account;
    `behaviour` is a webhook endpoint's, `healthy` for a subscriber."""

    number: int
    watcher: Watcher
    device: int | None
    behaviour: str


def posts(scenario: Scenario, devices: Devices, run_id: str) -> list[Post]:
    """The watchers of `scenario` in one run, by number; none when it has none."""
    return [Post(number, *post) for number, post in enumerate(_posts(scenario, devices, run_id))]


def _posts(scenario: Scenario, devices: Devices, run_id: str) -> Iterator[tuple[Watcher, int | None, str]]:
    watchers = scenario.watchers
    if watchers is None:
        return
    accounts = scenario.population.accounts
    slots = np.arange(watchers.device_subscribers, dtype=np.int64) % len(devices)
    for device in devices.tracked(slots).tolist():
        account = int(devices.account[device])
        yield Watcher("subscription", account, device_id(run_id, device)), device, "healthy"
    for number in range(watchers.account_subscribers):
        yield Watcher("subscription", number % accounts), None, "healthy"
    number = 0
    for behaviour, count in watchers.webhooks:
        for _ in range(count):
            yield Watcher("webhook", number % accounts), None, behaviour
            number += 1
