"""Lambda functions, their asynchronous invocation, permissions and event source mappings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deploy.standup.engine import Clients, Facts, Journal, Known
from deploy.standup.packaging import Package, PackageCache
from deploy.standup.serverless import FunctionDescription, StreamEvent
from deploy.standup.waiting import code_of, found, once_possible, until
from harness.errors import TargetError

Resolver = Callable[[str], str]
"""Puts the values of a serverless.yml's variables in their place."""

_MISSING = ("ResourceNotFoundException",)


def _role_not_ready(error: ClientError) -> bool:
    """A role that was just made: IAM takes some seconds to be the same everywhere."""
    return code_of(error) == "InvalidParameterValueException" and (
        "role" in str(error) or "permission" in str(error)
    )


def _busy(error: ClientError) -> bool:
    return code_of(error) in ("ResourceConflictException", "ResourceInUseException")


@dataclass(frozen=True)
class Function:
    """A function as its service describes it."""

    clients: Clients
    name: str
    function_name: str
    described: FunctionDescription
    package: Package
    packages: PackageCache
    resolver: Callable[[Known], Resolver]
    needs: Sequence[str]

    def stand_up(self, known: Known, journal: Journal) -> Facts:
        """Create the function, or bring code, settings and asynchronous invocation to what is described."""
        resolve = self.resolver(known)
        wanted = self._wanted(resolve)
        lambda_ = self.clients("lambda")
        there = found(
            lambda: lambda_.get_function_configuration(FunctionName=self.function_name), missing=_MISSING
        )
        if there is None:
            there = once_possible(
                lambda: lambda_.create_function(
                    **wanted,
                    Architectures=[self.described.architecture],
                    Code={"ZipFile": self.package.content},
                ),
                _role_not_ready,
            )
            journal.note(f"created the function {self.function_name}", self.take_down)
            self._ready()
        else:
            self._follow(there, wanted, journal)
        self._invoked_asynchronously(resolve, journal)
        return {"arn": there["FunctionArn"], "name": self.function_name}

    def _wanted(self, resolve: Resolver) -> dict[str, Any]:
        described = self.described
        return {
            "FunctionName": self.function_name,
            "Description": described.description,
            "Runtime": described.runtime,
            "Role": resolve(described.role),
            "Handler": described.handler,
            "MemorySize": described.memory_mb,
            "Timeout": described.timeout_s,
            "Environment": {
                "Variables": {name: resolve(value) for name, value in described.environment.items()}
            },
        }

    def _follow(self, there: Mapping[str, Any], wanted: dict[str, Any], journal: Journal) -> None:
        before_sha256 = there["CodeSha256"]
        if before_sha256 != self.package.sha256 or there["Architectures"] != [self.described.architecture]:
            self._update_code(self.package.content, self.described.architecture)
            journal.note(
                f"changed the code of {self.function_name}",
                lambda: self._update_code(self._built_before(before_sha256), there["Architectures"][0]),
            )
        before = {key: there.get(key, "") for key in wanted}
        before["Environment"] = {"Variables": there.get("Environment", {}).get("Variables", {})}
        if before != wanted:
            self._update(wanted)
            journal.note(f"changed the settings of {self.function_name}", lambda: self._update(before))

    def _built_before(self, sha256: str) -> bytes:
        content = self.packages.by_sha256(sha256)
        if content is None:
            raise TargetError(f"The code of {self.function_name} before this was not built on this machine.")
        return content

    def _update_code(self, content: bytes, architecture: str) -> None:
        self.clients("lambda").update_function_code(
            FunctionName=self.function_name, ZipFile=content, Architectures=[architecture]
        )
        self._ready()

    def _update(self, settings: dict[str, Any]) -> None:
        once_possible(
            lambda: self.clients("lambda").update_function_configuration(**settings),
            lambda error: _busy(error) or _role_not_ready(error),
        )
        self._ready()

    def _ready(self) -> None:
        def ready() -> bool:
            there = self.clients("lambda").get_function_configuration(FunctionName=self.function_name)
            if there.get("State") == "Failed" or there.get("LastUpdateStatus") == "Failed":
                why = there.get("StateReason") or there.get("LastUpdateStatusReason")
                raise TargetError(f"The function {self.function_name} does not start: {why}.")
            return there.get("State", "Active") == "Active" and there.get("LastUpdateStatus") in (
                None,
                "Successful",
            )

        until(ready, f"the function {self.function_name} is active")

    def _invoked_asynchronously(self, resolve: Resolver, journal: Journal) -> None:
        lambda_, described = self.clients("lambda"), self.described
        wanted: dict[str, Any] = {}
        if described.maximum_retry_attempts is not None:
            wanted["MaximumRetryAttempts"] = described.maximum_retry_attempts
        if described.maximum_event_age_s is not None:
            wanted["MaximumEventAgeInSeconds"] = described.maximum_event_age_s
        if described.on_failure is not None:
            wanted["DestinationConfig"] = {"OnFailure": {"Destination": resolve(described.on_failure)}}
        there = found(
            lambda: lambda_.get_function_event_invoke_config(FunctionName=self.function_name),
            missing=_MISSING,
        )
        before = _asynchronous(there) if there else {}
        if before == wanted:
            return
        self._invoke_so(wanted)
        journal.note(
            f"changed the asynchronous invocation of {self.function_name}", lambda: self._invoke_so(before)
        )

    def _invoke_so(self, settings: dict[str, Any]) -> None:
        lambda_ = self.clients("lambda")
        if settings:
            lambda_.put_function_event_invoke_config(FunctionName=self.function_name, **settings)
        else:
            lambda_.delete_function_event_invoke_config(FunctionName=self.function_name)

    def take_down(self) -> None:
        """Delete the function and its logs."""
        lambda_, logs = self.clients("lambda"), self.clients("logs")
        found(lambda: lambda_.delete_function(FunctionName=self.function_name), missing=_MISSING)
        group = f"/aws/lambda/{self.function_name}"
        found(lambda: logs.delete_log_group(logGroupName=group), missing=_MISSING)


def _asynchronous(there: Mapping[str, Any]) -> dict[str, Any]:
    settings = {
        key: there[key] for key in ("MaximumRetryAttempts", "MaximumEventAgeInSeconds") if key in there
    }
    destination = there.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    if destination:
        settings["DestinationConfig"] = {"OnFailure": {"Destination": destination}}
    return settings


@dataclass(frozen=True)
class Permission:
    """Lets `principal` invoke a function from the ARN that `source` gives."""

    clients: Clients
    name: str
    function: str
    function_name: str
    principal: str
    source: Callable[[Known], str]
    needs: Sequence[str]

    def stand_up(self, known: Known, journal: Journal) -> Facts:
        """Add the permission, in the place of one from another source."""
        lambda_, source = self.clients("lambda"), self.source(known)
        policy = found(lambda: lambda_.get_policy(FunctionName=self.function_name), missing=_MISSING)
        statements = json.loads(policy["Policy"])["Statement"] if policy else []
        there = next((each for each in statements if each.get("Sid") == self.name), None)
        if there is not None:
            before = there.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn", "")
            if before == source:
                return {}
            self._remove()
            journal.note(f"removed the permission {self.name}", lambda: self._add(before))
        self._add(source)
        journal.note(f"added the permission {self.name}", self._remove)
        return {}

    def _add(self, source: str) -> None:
        self.clients("lambda").add_permission(
            FunctionName=self.function_name,
            StatementId=self.name,
            Action="lambda:InvokeFunction",
            Principal=self.principal,
            SourceArn=source,
        )

    def _remove(self) -> None:
        self.clients("lambda").remove_permission(FunctionName=self.function_name, StatementId=self.name)

    def take_down(self) -> None:
        """The permission goes with its function."""


@dataclass(frozen=True)
class EventSourceMapping:
    """The event source mapping of a stream to a function."""

    clients: Clients
    name: str
    function_name: str
    described: StreamEvent
    resolver: Callable[[Known], Resolver]
    needs: Sequence[str]

    def stand_up(self, known: Known, journal: Journal) -> Facts:
        """Create the mapping, or bring its settings to what is described."""
        resolve = self.resolver(known)
        source = resolve(self.described.arn)
        wanted = dict(self.described.settings)
        on_failure = self.described.on_failure
        wanted["DestinationConfig"] = {
            "OnFailure": {"Destination": resolve(on_failure)} if on_failure else {}
        }
        there = self._find(source)
        if there is None:
            if not wanted["FilterCriteria"]["Filters"]:
                del wanted["FilterCriteria"]  # an empty list is for taking filters away
            there = once_possible(
                lambda: self.clients("lambda").create_event_source_mapping(
                    FunctionName=self.function_name, EventSourceArn=source, Enabled=True, **wanted
                ),
                _role_not_ready,
            )
            journal.note(f"created the mapping to {self.function_name}", self.take_down)
        else:
            self._follow(there, wanted, journal)
        self._in_state("Enabled", there["UUID"])
        return {"uuid": there["UUID"]}

    def _follow(self, there: dict[str, Any], wanted: dict[str, Any], journal: Journal) -> None:
        del wanted["StartingPosition"]  # cannot be changed
        before = {key: there.get(key) for key in wanted}
        before["FunctionResponseTypes"] = there.get("FunctionResponseTypes") or []
        on_failure = (there.get("DestinationConfig") or {}).get("OnFailure") or {}
        before["DestinationConfig"] = {"OnFailure": on_failure}
        before["FilterCriteria"] = there.get("FilterCriteria") or {"Filters": []}
        if before != wanted:
            self._update(there["UUID"], wanted)
            journal.note(
                f"changed the mapping to {self.function_name}", lambda: self._update(there["UUID"], before)
            )

    def _update(self, uuid: str, settings: dict[str, Any]) -> None:
        once_possible(
            lambda: self.clients("lambda").update_event_source_mapping(UUID=uuid, **settings), _busy
        )

    def _find(self, source: str | None) -> dict[str, Any] | None:
        pages = self.clients("lambda").get_paginator("list_event_source_mappings")
        mappings = found(
            lambda: [
                each
                for page in pages.paginate(FunctionName=self.function_name)
                for each in page["EventSourceMappings"]
                if source in (None, each["EventSourceArn"]) and each.get("State") != "Deleting"
            ],
            missing=_MISSING,
        )
        return mappings[0] if mappings else None

    def _in_state(self, state: str | None, uuid: str) -> None:
        def reached() -> bool:
            there = found(
                lambda: self.clients("lambda").get_event_source_mapping(UUID=uuid), missing=_MISSING
            )
            return (there["State"] if there else None) == state

        until(reached, f"the mapping to {self.function_name} is {state or 'gone'}")

    def take_down(self) -> None:
        """Delete the mapping and wait until it is gone."""
        there = self._find(None)
        if there is not None:
            uuid = there["UUID"]
            once_possible(
                lambda: found(
                    lambda: self.clients("lambda").delete_event_source_mapping(UUID=uuid), missing=_MISSING
                ),
                _busy,
            )
            self._in_state(None, uuid)
