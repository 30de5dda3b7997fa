"""What a function is: its configuration, its code, its state, and what is set beside it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from harness.emulator.services.base import CallContext
from harness.emulator.services.lambda_.errors import function_not_found
from harness.emulator.services.lambda_.names import LATEST, parse_function
from harness.emulator.services.lambda_.packages import CodePackage

State = Literal["Pending", "Active", "Failed"]
UpdateStatus = Literal["Successful", "InProgress", "Failed"]


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings of a function, replaced as a whole by an update. Defaults are AWS's.

    docs: Lambda API Reference, CreateFunction (read 2026)"""

    runtime: str
    handler: str
    role: str
    description: str = ""
    timeout_s: int = 3
    memory_mb: int = 128
    environment: Mapping[str, str] = field(default_factory=dict)
    architecture: str = "x86_64"
    ephemeral_storage_mb: int = 512
    tracing_mode: str = "PassThrough"
    dead_letter_arn: str | None = None
    log_group: str | None = None
    log_format: str = "Text"
    unevaluated: Mapping[str, Any] = field(default_factory=dict)
    """Members that are kept and given back, but change nothing: VpcConfig, KMSKeyArn."""


@dataclass(frozen=True, slots=True)
class Revision:
    """What environments run: a function's code and settings as they were at one moment. `id` is the API's
    RevisionId."""

    id: str
    name: str
    arn: str
    region: str
    configuration: Configuration
    package: CodePackage

    @property
    def log_group(self) -> str:
        """The log group that its environments write to."""
        return self.configuration.log_group or f"/aws/lambda/{self.name}"


@dataclass(frozen=True, slots=True)
class EventInvokeConfig:
    """How asynchronous invocations of a function are retried, and where their records go.

    docs: Lambda API Reference, PutFunctionEventInvokeConfig (read 2026)"""

    maximum_retry_attempts: int | None = None
    maximum_event_age_s: int | None = None
    on_success: str | None = None
    on_failure: str | None = None
    last_modified_s: float = 0.0


@dataclass(slots=True)
class Function:
    """One function. `package` is None only while its first package is being unpacked."""

    name: str
    arn: str
    region: str
    account_id: str
    configuration: Configuration
    last_modified_s: float
    package: CodePackage | None = None
    revision_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: State = "Pending"
    last_update_status: UpdateStatus = "Successful"
    state_reason: str | None = None
    """Why the last package could not be unpacked."""
    preparing: asyncio.Task[None] | None = None
    """The unpacking that is under way: an invocation waits for it, an update is refused meanwhile."""
    tags: dict[str, str] = field(default_factory=dict)
    policy: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Statements of the resource policy by their Sid."""
    reserved_concurrency: int | None = None
    event_invoke: EventInvokeConfig | None = None

    @property
    def log_group(self) -> str:
        """The log group that its environments write to."""
        return self.configuration.log_group or f"/aws/lambda/{self.name}"

    def revision(self) -> Revision:
        """What runs now. The first package must have been unpacked."""
        assert self.package is not None
        return Revision(self.revision_id, self.name, self.arn, self.region, self.configuration, self.package)

    def revise(self, now_s: float) -> None:
        """Note a change of code or settings: from now on it is another revision that runs."""
        self.revision_id = str(uuid.uuid4())
        self.last_modified_s = now_s


class Functions:
    """All functions by ARN."""

    def __init__(self) -> None:
        self._by_arn: dict[str, Function] = {}

    def __iter__(self) -> Iterator[Function]:
        return iter(sorted(self._by_arn.values(), key=lambda function: function.arn))

    def find(self, arn: str) -> Function | None:
        """The function of that ARN (without a qualifier), if there is one."""
        return self._by_arn.get(arn)

    def get(self, reference: str, context: CallContext) -> Function:
        """The function that `reference` names. Raises AwsError ResourceNotFoundException."""
        arn = parse_function(reference, context).arn
        found = self._by_arn.get(arn)
        if found is None:
            raise function_not_found(arn)
        return found

    def add(self, function: Function) -> None:
        """Keep `function`."""
        self._by_arn[function.arn] = function

    def remove(self, function: Function) -> None:
        """Forget `function`."""
        self._by_arn.pop(function.arn, None)

    def clear(self) -> None:
        """Forget all."""
        self._by_arn.clear()


def timestamp(at_s: float) -> str:
    """A time as Lambda's control plane writes it: `2026-11-23T15:41:00.000+0000`."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


def render_configuration(function: Function) -> dict[str, Any]:
    """FunctionConfiguration as the API answers it."""
    settings = function.configuration
    rendered: dict[str, Any] = {
        "FunctionName": function.name,
        "FunctionArn": function.arn,
        "Runtime": settings.runtime,
        "Role": settings.role,
        "Handler": settings.handler,
        "CodeSize": function.package.size_bytes if function.package else 0,
        "Description": settings.description,
        "Timeout": settings.timeout_s,
        "MemorySize": settings.memory_mb,
        "LastModified": timestamp(function.last_modified_s),
        "CodeSha256": function.package.sha256 if function.package else "",
        "Version": LATEST,
        "TracingConfig": {"Mode": settings.tracing_mode},
        "RevisionId": function.revision_id,
        "State": function.state,
        "LastUpdateStatus": function.last_update_status,
        "PackageType": "Zip",
        "Architectures": [settings.architecture],
        "EphemeralStorage": {"Size": settings.ephemeral_storage_mb},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": settings.log_format, "LogGroup": function.log_group},
        **settings.unevaluated,
    }
    if function.state_reason:
        rendered |= {"StateReason": function.state_reason, "StateReasonCode": "InternalError"}
    elif function.state == "Pending":
        rendered |= {"StateReason": "The function is being created.", "StateReasonCode": "Creating"}
    if settings.environment:
        rendered["Environment"] = {"Variables": dict(settings.environment)}
    if settings.dead_letter_arn:
        rendered["DeadLetterConfig"] = {"TargetArn": settings.dead_letter_arn}
    return rendered
