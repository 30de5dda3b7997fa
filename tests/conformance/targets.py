"""Where the suite runs: the embedded AWS, LocalStack with Launchday's extension (both started for it), or any
endpoint that speaks AWS's API.

Chosen by environment variables: LAUNCHDAY_CONFORMANCE_TARGET is `embedded` (the default), `localstack` or a
URL; LAUNCHDAY_CONFORMANCE_NAME and LAUNCHDAY_CONFORMANCE_VERSION say what answers at the URL, and
LAUNCHDAY_CONFORMANCE_APIS=host that its REST APIs are reached by AWS's host names, not by the path that
LocalStack and most others have for them.
"""

from __future__ import annotations

import json
import os
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from harness.aws.limits.profiles import ESTABLISHED
from harness.emulator.launch import EmbeddedAws
from harness.pipeline import Cloud
from harness.targets.localstack import environment
from harness.targets.localstack.launch import LocalStack

REGION = "us-east-1"
_HEALTH_TIMEOUT_S = 10.0
_LIMITS = replace(ESTABLISHED, lambda_kinesis_polls_per_s=10, lambda_dynamodb_polls_per_s=10)
"""As an account has them, but mappings read ten times a second: the cases wait for many of them."""


@dataclass(frozen=True)
class Place:
    """What the suite was told to run against. An empty `url` is ours to start."""

    name: str
    url: str = ""
    version: str = ""
    apis_by_host: bool = False

    @property
    def embedded(self) -> bool:
        """Whether it is the embedded AWS, which has to pass every case."""
        return self.name == "embedded" and not self.url


class Aws:
    """A target as a case sees it."""

    region = REGION

    def __init__(self, url: str, version: str, *, by_host: bool = False) -> None:
        self.url = url
        self.version = version
        self._by_host = by_host
        self._clients = Cloud(REGION, {"": url}, "test", "test").clients(
            retries={"max_attempts": 1},
            connect_timeout=5,
            read_timeout=40,
            s3={"addressing_style": "path"},
            parameter_validation=False,
        )

    def client(self, service: str) -> Any:
        """The boto3 client of a service. It sends what it is given: checking is the target's."""
        return self._clients(service)

    def stage(self, api_id: str, stage: str) -> tuple[str, dict[str, str]]:
        """The base URL of a stage of a REST API here, and the headers that a request to it must have."""
        if self._by_host:
            return f"{self.url}/{stage}", {"host": f"{api_id}.execute-api.{REGION}.amazonaws.com"}
        return f"{self.url}/_aws/execute-api/{api_id}/{stage}", {}

    def name(self, what: str) -> str:
        """A name for a resource of a case's own: `lc-<what>-<random>`."""
        return f"lc-{what}-{uuid.uuid4().hex[:8]}"


def place_of(variables: Mapping[str, str]) -> Place:
    """What the variables say. Raises ValueError when they do not say enough."""
    chosen = variables.get("LAUNCHDAY_CONFORMANCE_TARGET") or "embedded"
    version = variables.get("LAUNCHDAY_CONFORMANCE_VERSION", "")
    if chosen == "embedded":
        return Place("embedded", version=metadata.version("launchday"))
    if chosen == "localstack":
        return Place("localstack")
    if not chosen.startswith(("http://", "https://")):
        raise ValueError("LAUNCHDAY_CONFORMANCE_TARGET is `embedded`, `localstack` or a URL")
    name = variables.get("LAUNCHDAY_CONFORMANCE_NAME")
    if not name or not version:
        raise ValueError(
            "LAUNCHDAY_CONFORMANCE_NAME and LAUNCHDAY_CONFORMANCE_VERSION say what is at the URL"
        )
    by_host = variables.get("LAUNCHDAY_CONFORMANCE_APIS") == "host"
    return Place(name, chosen.rstrip("/"), version, by_host)


@cache
def place() -> Place:
    """What this process's environment says."""
    return place_of(os.environ)


@contextmanager
def started(where: Place, folder: Path) -> Iterator[Aws]:
    """The target for the time of a `with` block; what is ours to start is started and stopped. Raises
    LaunchdayError when it cannot be."""
    if where.embedded:
        with EmbeddedAws(port=0, data_dir=folder, limits=_LIMITS) as running:
            yield Aws(running.endpoints[""], where.version)
    elif not where.url:
        with LocalStack(environment.install(print), port=0, data_dir=folder, limits=_LIMITS) as serving:
            url = serving.endpoints[""]
            yield Aws(url, f"{_version_of_localstack(url)} with Launchday's extension")
    else:
        yield Aws(where.url, where.version, by_host=where.apis_by_host)


def _version_of_localstack(url: str) -> str:
    with urllib.request.urlopen(f"{url}/_localstack/health", timeout=_HEALTH_TIMEOUT_S) as answer:
        return str(json.load(answer)["version"])
