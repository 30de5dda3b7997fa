"""Reads a service's `serverless.yml`, as far as this pipeline uses the Serverless Framework's form.

The reader is strict: a key that it does not know is an error that names the file and the key, so that nothing
that stands in the file is silently without effect. Variables (`${ssm:...}`) stay in the values until
`resolved` puts theirs in, at deployment, as the framework does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.errors import TargetError

_VARIABLE = re.compile(r"\$\{([^${}]+)\}")

_TOP = frozenset({"service", "provider", "package", "functions"})
_PROVIDER = frozenset({"name", "runtime", "architecture", "stage", "memorySize", "timeout"})
_PACKAGE = frozenset({"patterns"})
_FUNCTION = frozenset(
    {
        *("description", "handler", "role", "runtime", "architecture", "memorySize", "timeout"),
        *("environment", "events", "destinations", "maximumRetryAttempts", "maximumEventAge"),
    }
)
_EVENT = frozenset({"stream"})
_STREAM = frozenset(
    {
        *("type", "arn", "startingPosition", "batchSize", "batchWindow", "parallelizationFactor"),
        *("bisectBatchOnFunctionError", "maximumRetryAttempts", "maximumRecordAgeInSeconds"),
        *("functionResponseType", "destinations", "filterPatterns"),
    }
)
_ON_FAILURE = frozenset({"onFailure"})
_DESTINATION = frozenset({"arn", "type"})

# The framework's own defaults (docs: Serverless Framework, AWS Functions and Kinesis Streams, read 2026-11).
_MEMORY_MB = 1024
_TIMEOUT_S = 6


@dataclass(frozen=True)
class StreamEvent:
    """A `stream` event: an event source mapping. `settings` are those of CreateEventSourceMapping."""

    arn: str
    on_failure: str | None
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class FunctionDescription:
    """A function of a service, its variables unresolved. `name` is as the framework makes it."""

    key: str
    name: str
    description: str
    handler: str
    role: str
    runtime: str
    architecture: str
    memory_mb: int
    timeout_s: int
    environment: Mapping[str, str]
    streams: tuple[StreamEvent, ...]
    on_failure: str | None
    maximum_retry_attempts: int | None
    maximum_event_age_s: int | None


@dataclass(frozen=True)
class ServiceDescription:
    """A service: its functions, and which of its files are packaged."""

    name: str
    directory: Path
    patterns: tuple[str, ...]
    functions: tuple[FunctionDescription, ...]


def read_service(directory: Path) -> ServiceDescription:
    """The service in `directory`. Raises TargetError, naming file and key."""
    file = directory / "serverless.yml"
    try:
        top = _Section(file, "", yaml.safe_load(file.read_text()), _TOP)
    except (OSError, yaml.YAMLError) as why:
        raise TargetError(f"{file} cannot be read: {why}.") from why
    service = top.text("service")
    provider = top.section("provider", _PROVIDER)
    if provider.text("name") != "aws":
        raise provider.wrong("name", "is not aws")
    functions = top.mapping("functions")
    return ServiceDescription(
        name=service,
        directory=directory,
        patterns=tuple(top.section("package", _PACKAGE).values.get("patterns", ("**",))),
        functions=tuple(
            _function(key, service, _Section(file, f"functions.{key}", functions[key], _FUNCTION), provider)
            for key in functions
        ),
    )


def _function(key: str, service: str, own: _Section, provider: _Section) -> FunctionDescription:
    both = _Section(own.file, own.path, {**provider.values, **own.values}, _FUNCTION | _PROVIDER)
    events = own.values.get("events") or []
    return FunctionDescription(
        key=key,
        name=f"{service}-${{sls:stage}}-{key}",
        description=own.text("description", ""),
        handler=own.text("handler"),
        role=own.text("role"),
        runtime=both.text("runtime"),
        architecture=both.text("architecture", "x86_64"),
        memory_mb=both.number("memorySize", _MEMORY_MB) or 0,
        timeout_s=both.number("timeout", _TIMEOUT_S) or 0,
        environment={name: str(value) for name, value in own.mapping("environment").items()},
        streams=tuple(_stream(own, index, event) for index, event in enumerate(events)),
        on_failure=own.on_failure(),
        maximum_retry_attempts=own.number("maximumRetryAttempts"),
        maximum_event_age_s=own.number("maximumEventAge"),
    )


def _stream(function: _Section, index: int, event: Mapping[str, Any]) -> StreamEvent:
    stream = _Section(function.file, f"{function.path}.events[{index}]", event, _EVENT).section(
        "stream", _STREAM
    )
    settings: dict[str, Any] = {
        "StartingPosition": stream.text("startingPosition", "TRIM_HORIZON"),
        "BatchSize": stream.number("batchSize", 10),
        "MaximumBatchingWindowInSeconds": stream.number("batchWindow", 0),
        "ParallelizationFactor": stream.number("parallelizationFactor", 1),
        "BisectBatchOnFunctionError": stream.values.get("bisectBatchOnFunctionError", False) is True,
        "MaximumRetryAttempts": stream.number("maximumRetryAttempts", -1),
        "MaximumRecordAgeInSeconds": stream.number("maximumRecordAgeInSeconds", -1),
    }
    response_type = stream.values.get("functionResponseType")
    settings["FunctionResponseTypes"] = [response_type] if response_type else []
    settings["FilterCriteria"] = {"Filters": _filters(stream)}
    return StreamEvent(stream.text("arn"), stream.on_failure(), settings)


def _filters(stream: _Section) -> list[dict[str, str]]:
    patterns = stream.values.get("filterPatterns") or []
    if not isinstance(patterns, list) or not all(isinstance(each, Mapping) for each in patterns):
        raise stream.wrong("filterPatterns", "is not a list of patterns")
    return [{"Pattern": json.dumps(pattern, separators=(",", ":"))} for pattern in patterns]


@dataclass(frozen=True)
class _Section:
    """A mapping in the file, at `path`, that may hold `allowed` and nothing else."""

    file: Path
    path: str
    values: Mapping[str, Any]
    allowed: frozenset[str]

    def __post_init__(self) -> None:
        if not isinstance(self.values, Mapping):
            raise TargetError(f"{self.file}: {self.path or 'the file'} is not a mapping.")
        for key in self.values:
            if key not in self.allowed:
                raise self.wrong(str(key), "is not a key that the stand-up knows")

    def wrong(self, key: str, what: str) -> TargetError:
        """The error that names file and key."""
        place = f"{self.path}.{key}" if self.path else key
        return TargetError(f"{self.file}: {place} {what}.")

    def text(self, key: str, default: str | None = None) -> str:
        """A value that is text."""
        value = self.values.get(key, default)
        if not isinstance(value, str):
            raise self.wrong(key, "is missing" if value is None else "is not text")
        return value

    def number(self, key: str, default: int | None = None) -> int | None:
        """A value that is a whole number."""
        value = self.values.get(key, default)
        if value is not None and type(value) is not int:
            raise self.wrong(key, "is not a whole number")
        return value

    def mapping(self, key: str) -> Mapping[str, Any]:
        """A value with keys of the reader's own choice; empty when it is not there."""
        value = self.values.get(key) or {}
        if not isinstance(value, Mapping):
            raise self.wrong(key, "is not a mapping")
        return value

    def section(self, key: str, allowed: frozenset[str]) -> _Section:
        """A value that is a section."""
        return _Section(self.file, f"{self.path}.{key}" if self.path else key, self.mapping(key), allowed)

    def on_failure(self) -> str | None:
        """`destinations.onFailure`: an ARN, or one with its type beside it."""
        value = self.section("destinations", _ON_FAILURE).values.get("onFailure")
        if value is None or isinstance(value, str):
            return value
        return _Section(self.file, f"{self.path}.destinations.onFailure", value, _DESTINATION).text("arn")


def resolved(text: str, values: Callable[[str], str | None]) -> str:
    """`text` with its variables' values in their place, the inner ones first. `values` is asked for the name
    of each (`sls:stage`, `ssm:/launchday/...`). Raises TargetError for one that has no value."""

    def value(found: re.Match[str]) -> str:
        name, _, default = (part.strip() for part in found[1].partition(","))
        given = values(name)
        if given is not None:
            return given
        if default.startswith("'") and default.endswith("'"):
            return default[1:-1]
        raise TargetError(f"The variable ${{{name}}} of a serverless.yml has no value.")

    before = None
    while before != text:
        before, text = text, _VARIABLE.sub(value, text)
    return text
