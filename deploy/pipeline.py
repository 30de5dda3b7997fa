"""The reference pipeline as a value: what a rehearsal deploys, enters, asks and takes down."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from math import ceil
from pathlib import Path
from threading import Lock
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deploy import access_entrances, entrances, evidence, live_entrances, requirements, sign_in, watchers
from deploy.outputs import outputs_of
from deploy.predictions import POISON, predictions
from deploy.services.processing.handlers.contract import LOCATION, REGISTRATION
from deploy.services.processing.handlers.rules import Thresholds
from deploy.standup import engine, ingest_api
from deploy.standup.blueprint import Blueprint
from deploy.standup.engine import Clients
from deploy.standup.names import Names
from deploy.standup.packaging import PackageCache, fingerprint
from deploy.standup.sizing import Sizing
from deploy.standup.streams import NEW_ON_DEMAND_SHARDS
from harness.errors import MeasurementInvalid, TargetError, UsageError
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

STAGE_VARIABLE = "LAUNCHDAY_STAGE"
DEFAULT_STAGE = "local"

_EVENTS_A_SHARD_PER_S = 700  # of Kinesis' 1,000 a shard: devices do not spread evenly over shards
DEFAULT_USERS = 20
"""The accounts, from the first, that get a user unless `users` says otherwise: each takes three calls."""

_NUMBERS = ("stale_after_s", "shards", "users", "webhook_retry_delay_s")
_BOUNDS = {"webhook_retry_delay_s": (1, 3600)}
_DIGITS = 9
_CHOICES = {"webhook_hosts": ("public", "loopback")}
_SETTINGS = (*_NUMBERS, *_CHOICES)
_RETRIES: dict[str, Any] = {
    "mode": "standard",
    "max_attempts": 10,
}  # control planes throttle at a few a second
_DEPLOYED = ("*.py", "*.yml", "*.vtl", "*.graphql")


class LiveLocation:
    """The serverless live-location platform of docs/pipeline.md. Satisfies `harness.pipeline.Pipeline`,
    `Watchable` and `Described`."""

    name = "live-location"
    objectives = Objectives.of("ledger.missing==0", "ledger.duplicated==0")

    def __init__(self, stage: str, packages: PackageCache | None = None) -> None:
        self._stage = stage
        self._packages = packages or PackageCache()
        self._sizing = Sizing()
        self._tokens: tuple[Outputs, sign_in.Tokens] | None = None
        self._signing_in = Lock()

    def fingerprint(self) -> str:
        """A hash over handlers, templates, settings and the stand-up itself."""
        house = Path(__file__).parent
        files = {
            path.relative_to(house).as_posix(): path.read_bytes()
            for folder in ("services", "standup")
            for pattern in _DEPLOYED
            for path in (house / folder).rglob(pattern)
        }
        return fingerprint(files)

    def deploy(self, cloud: Cloud, parameters: DeployParameters) -> Outputs:
        """Stand everything up. Raises TargetError; UsageError for a setting that there is not."""
        self._sizing = sizing_of(parameters)
        clients, names = self._reach(cloud)
        known, _ = engine.stand_up(Blueprint(clients, names, self._sizing, self._packages).resources())
        return outputs_of(cloud, names, known)

    def destroy(self, cloud: Cloud) -> None:
        """Take everything down. Raises TargetError, having tried all of it."""
        clients, names = self._reach(cloud)
        engine.take_down(Blueprint(clients, names, self._sizing, self._packages).resources())

    def _reach(self, cloud: Cloud) -> tuple[Clients, Names]:
        clients = cloud.clients(retries=_RETRIES, max_pool_connections=engine.THREADS)
        try:
            identity = clients("sts").get_caller_identity()
        except (BotoCoreError, ClientError) as why:
            raise TargetError(f"AWS does not say whose account this is: {why}.") from why
        return clients, Names(self._stage, identity["Account"], cloud.region, identity["Arn"].split(":")[1])

    def entrances(self, outputs: Outputs) -> Sequence[Entrance]:
        """Two routes for single events, one for the batches of a device that was offline, the stream itself
        for what is no event at all; and what back ends and front ends ask."""
        keys = entrances.Keys(outputs["accounts"]["seed"])
        base, events = outputs["ingest"]["url"], outputs["events"]
        location = frozenset({LOCATION})
        return [
            entrances.OneEvent(
                f"POST {ingest_api.DEVICES}", frozenset({REGISTRATION}), base + ingest_api.DEVICES, keys
            ),
            entrances.OneEvent(f"POST {ingest_api.LOCATIONS}", location, base + ingest_api.LOCATIONS, keys),
            entrances.EventBatch(
                f"POST {ingest_api.LOCATIONS_BATCH}",
                location,
                base + ingest_api.LOCATIONS_BATCH,
                keys,
                ingest_api.BATCH_EVENTS,
            ),
            entrances.RawRecord(
                "PutRecord events",
                frozenset({POISON}),
                events["endpoint"],
                events["stream"],
                entrances.signer(outputs["region"], "kinesis", outputs["credentials"]),
            ),
            *access_entrances.calls(outputs["access"]["url"], outputs["accounts"]["seed"]),
            *live_entrances.calls(outputs),
        ]

    def evidence(self, cloud: Cloud, outputs: Outputs, run_id: str) -> Iterator[Outcome]:
        """Audit objects and dead letters. Raises MeasurementInvalid when they cannot be read."""
        try:
            yield from evidence.outcomes(cloud.clients(max_pool_connections=16), outputs, run_id)
        except (BotoCoreError, ClientError, OSError, ValueError) as why:
            raise MeasurementInvalid(f"The audit cannot be read: {why}.") from why

    def predict(self, events: Iterable[Event]) -> Iterator[tuple[int, str]]:
        """By the rules that the processor follows, with the thresholds of the last `deploy`."""
        return predictions(events, Thresholds(stale_after_ms=self._sizing.stale_after_s * 1000))

    def unbilled(self, outputs: Outputs) -> Sequence[Unbilled]:
        """The audit."""
        bucket = outputs["archive"]["bucket"]
        return [Unbilled("s3", f"{bucket}/audit", "the audit exists for the ledger")]

    def needs(self, kinds: Set[str], channels: Set[Channel]) -> Mapping[str, str]:
        """What a target must be able to do."""
        return requirements.needs(kinds, channels)

    def parts(self, outputs: Outputs) -> Mapping[str, Sequence[str]]:
        """Its functions, its stream and its dead-letter queues."""
        return {
            "lambda": list(outputs["functions"].values()),
            "kinesis": [outputs["events"]["stream"]],
            "sqs": [outputs[of]["dead_letters_url"] for of in ("events", "archive", "webhooks")],
        }

    def owed_kinds(self, channel: Channel) -> frozenset[str]:  # noqa: ARG002
        """Where devices are, and nothing else."""
        return frozenset({LOCATION})

    def add_webhook(self, outputs: Outputs, account: int, url: str) -> None:
        """Through the access entrance. Raises TargetError."""
        watchers.add_webhook(outputs, account, url)

    def remove_webhooks(self, outputs: Outputs, account: int) -> None:
        """Through the access entrance. Raises TargetError."""
        watchers.remove_webhooks(outputs, account)

    def subscription(self, outputs: Outputs, watcher: Watcher) -> LiveSubscription:
        """As the account's user. Raises TargetError."""
        with self._signing_in:
            if self._tokens is None or self._tokens[0] is not outputs:
                self._tokens = (outputs, sign_in.Tokens(outputs))
            tokens = self._tokens[1]
        return watchers.subscription(outputs, tokens, watcher)

    def told(self, channel: Channel, payload: Any) -> Sequence[Told]:
        """The events in one delivery. Raises ValueError."""
        return watchers.told(channel, payload)

    def lost_deliveries(self, cloud: Cloud, outputs: Outputs, run_id: str) -> Iterator[LostDelivery]:
        """Of the dead-letter queue of the webhooks. Raises MeasurementInvalid when it cannot be read."""
        try:
            yield from watchers.lost_deliveries(cloud.clients(), outputs, run_id)
        except (BotoCoreError, ClientError, OSError) as why:
            raise MeasurementInvalid(f"The dead letters of the webhooks cannot be read: {why}.") from why


def sizing_of(parameters: DeployParameters) -> Sizing:
    """What the parameters ask of the pipeline. Raises UsageError for a setting that there is not."""
    for setting in parameters.settings:
        if setting not in _SETTINGS:
            raise UsageError(
                f"The pipeline has no setting '{setting}'.", f"There are {', '.join(_SETTINGS)}."
            )
    given = parameters.settings
    numbers = {name: _whole(name, given[name]) for name in _NUMBERS if name in given}
    chosen = {name: _one_of(name, given[name]) for name in _CHOICES if name in given}
    return Sizing(
        accounts=parameters.accounts,
        stale_after_s=numbers.get("stale_after_s", Sizing.stale_after_s),
        shards=numbers.get("shards"),
        warm_shards=max(NEW_ON_DEMAND_SHARDS, ceil(parameters.peak_events_per_s / _EVENTS_A_SHARD_PER_S)),
        webhook_hosts=chosen.get("webhook_hosts", Sizing.webhook_hosts),
        webhook_retry_delay_s=numbers.get("webhook_retry_delay_s", Sizing.webhook_retry_delay_s),
        users=min(parameters.accounts, numbers.get("users", DEFAULT_USERS)),
    )


def _one_of(name: str, value: str) -> str:
    if value not in _CHOICES[name]:
        raise UsageError(f"The setting '{name}' is {' or '.join(_CHOICES[name])}, not '{value}'.")
    return value


def _whole(name: str, value: str) -> int:
    lowest, highest = _BOUNDS.get(name, (1, 10**_DIGITS))
    written = value.isascii() and value.isdecimal() and len(value) <= _DIGITS
    if not (written and lowest <= int(value) <= highest):
        bounds = f"from {lowest} to {highest}" if name in _BOUNDS else "above 0"
        raise UsageError(f"The setting '{name}' is a whole number {bounds}, not '{value}'.")
    return int(value)


pipeline = LiveLocation(os.environ.get(STAGE_VARIABLE, DEFAULT_STAGE))
