"""The embedded AWS's execution environments: a sandbox for one revision of a function."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from harness.emulator.services.base import LogSink
from harness.emulator.services.credentials import AccessKeys
from harness.emulator.services.lambda_.environments.process import Sweeps
from harness.emulator.services.lambda_.environments.sandbox import DEFAULT_CLIENT, Program, Sandbox
from harness.emulator.services.lambda_.environments.variables import environment_variables, principal_of
from harness.emulator.services.lambda_.functions import Revision
from harness.emulator.services.lambda_.logs import EnvironmentLog
from harness.emulator.services.lambda_.names import LATEST


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What environments need from their service. `client` is `awslambdaric` or `builtin`."""

    logs: LogSink
    function_environment: Callable[[], Mapping[str, str]]
    access_keys: AccessKeys
    clock: Callable[[], float]
    client: str = DEFAULT_CLIENT
    sweeps: Sweeps = field(default_factory=lambda: Sweeps("AWS_LAMBDA_LOG_STREAM_NAME"))


class Environment(Sandbox):
    """One environment of one revision of a function."""

    def __init__(self, revision: Revision, surroundings: Surroundings) -> None:
        self.revision = revision
        self.idle_since_s = 0.0
        clock = surroundings.clock
        day = datetime.fromtimestamp(clock(), UTC).strftime("%Y/%m/%d")
        log = EnvironmentLog(
            surroundings.logs, revision.log_group, f"{day}/[{LATEST}]{secrets.token_hex(16)}", clock
        )

        def variables(runtime_api: str) -> Mapping[str, str]:
            return environment_variables(
                revision,
                runtime_api=runtime_api,
                log_stream=log.stream,
                credentials=surroundings.access_keys.issue(principal_of(revision)),
                extra=surroundings.function_environment(),
            )

        program = Program(
            revision.configuration.handler, revision.package.folder, variables, surroundings.client
        )
        super().__init__(program, log, surroundings.sweeps, clock)
