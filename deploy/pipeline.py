"""The reference pipeline as a value: what a rehearsal deploys, enters, asks and takes down."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deploy import entrances, evidence
from deploy.accounts import DISABLED, account_id, publishable_key, secret_key
from deploy.predictions import POISON, predictions
from deploy.services.processing.handlers.contract import LOCATION, REGISTRATION
from deploy.services.processing.handlers.rules import Thresholds
from deploy.standup import engine, ingest_api
from deploy.standup.blueprint import Blueprint, Sizing
from deploy.standup.engine import Clients, Known
from deploy.standup.names import Names
from deploy.standup.packaging import PackageCache, fingerprint
from deploy.standup.streams import NEW_ON_DEMAND_SHARDS
from harness.errors import MeasurementInvalid, TargetError, UsageError
from harness.objectives import Objectives
from harness.pipeline import Cloud, DeployParameters, Entrance, Event, Outcome, Outputs, Unbilled

STAGE_VARIABLE = "LAUNCHDAY_STAGE"
DEFAULT_STAGE = "local"

_EVENTS_A_SHARD_PER_S = 700  # of Kinesis' 1,000 a shard: devices do not spread evenly over shards
_NUMBERS = ("stale_after_s", "shards", "webhook_retry_delay_s")
_CHOICES = {"webhook_hosts": ("public", "loopback")}
_SETTINGS = (*_NUMBERS, *_CHOICES)
_RETRIES: dict[str, Any] = {
    "mode": "standard",
    "max_attempts": 10,
}  # control planes throttle at a few a second
_FUNCTIONS = ("authorizer", "processor", "archiver", "access_authorizer", "access_api")
_DEPLOYED = ("*.py", "*.yml", "*.vtl")


class LiveLocation:
    """The serverless live-location platform of docs/pipeline.md, its ingest half. Satisfies
    `harness.pipeline.Pipeline`."""

    name = "live-location"
    objectives = Objectives.of("ledger.missing==0", "ledger.duplicated==0")

    def __init__(self, stage: str, packages: PackageCache | None = None) -> None:
        self._stage = stage
        self._packages = packages or PackageCache()
        self._sizing = Sizing()

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
        return _outputs(cloud, names, known)

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
        """Two routes for single events, one for the batches of a device that was offline, and the stream
        itself for what is no event at all."""
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
    )


def _one_of(name: str, value: str) -> str:
    if value not in _CHOICES[name]:
        raise UsageError(f"The setting '{name}' is {' or '.join(_CHOICES[name])}, not '{value}'.")
    return value


def _whole(name: str, value: str) -> int:
    if not (value.isascii() and value.isdecimal()) or int(value) == 0:
        raise UsageError(f"The setting '{name}' is a whole number above 0, not '{value}'.")
    return int(value)


def _outputs(cloud: Cloud, names: Names, known: Known) -> Outputs:
    seed, api, access = known["accounts"]["seed"], known["api ingest"], known["api access"]
    return {
        "stage": names.stage,
        "region": names.region,
        "ingest": {
            "url": _stage_url(cloud, api["id"], api["stage"]),
            "api_id": api["id"],
            "stage": api["stage"],
            "sample_account": account_id(0),
            "sample_publishable_key": publishable_key(seed, account_id(0)),
            "disabled_publishable_key": publishable_key(seed, DISABLED),
        },
        "access": {
            "url": _stage_url(cloud, access["id"], access["stage"]),
            "api_id": access["id"],
            "stage": access["stage"],
            "sample_account": account_id(0),
            "sample_secret_key": secret_key(seed, account_id(0)),
        },
        "accounts": {
            "table": known["table accounts"]["name"],
            "count": int(known["accounts"]["count"]),
            "seed": seed,
        },
        "events": {
            "stream": known["stream events"]["name"],
            "stream_arn": known["stream events"]["arn"],
            "endpoint": cloud.endpoint("kinesis") or f"https://kinesis.{names.region}.amazonaws.com",
            "dead_letters_url": known["queue events"]["url"],
        },
        "devices": {"table": known["table devices"]["name"]},
        "archive": {
            "bucket": known["bucket archive"]["name"],
            "dead_letters_url": known["queue archive"]["url"],
        },
        "device_events": {"topic_arn": known["topic device_events"]["arn"]},
        "webhooks": {
            "table": known["table webhooks"]["name"],
            "dead_letters_url": known["queue webhooks"]["url"],
        },
        "functions": {key: known[f"function {key}"]["name"] for key in _FUNCTIONS},
        "credentials": _credentials(cloud),
    }


def _stage_url(cloud: Cloud, api_id: str, stage: str) -> str:
    endpoint = cloud.endpoint("apigateway")
    if endpoint is None:
        return f"https://{api_id}.execute-api.{cloud.region}.amazonaws.com/{stage}"
    return f"{endpoint.rstrip('/')}/_aws/execute-api/{api_id}/{stage}"


def _credentials(cloud: Cloud) -> dict[str, str] | None:
    """Those of a local AWS, which are no secret; on AWS, whoever enters has credentials of its own."""
    if cloud.endpoint("kinesis") is None or cloud.access_key_id is None:
        return None
    return {"access_key_id": cloud.access_key_id, "secret_access_key": cloud.secret_access_key or ""}


pipeline = LiveLocation(os.environ.get(STAGE_VARIABLE, DEFAULT_STAGE))
