"""LocalStack's runtime executor `launchday`: each of its execution environments is one of the companion's.

LocalStack decides which environment runs what and when: concurrency, keep-alive, versions, retries and
destinations are its own. Its executor endpoint and its init binary, made for containers, are not used.
"""

from __future__ import annotations

import logging
import os
from functools import cache
from pathlib import Path
from typing import Any

from localstack import config
from localstack.aws.api.lambda_ import PackageType
from localstack.services.lambda_.invocation.executor_endpoint import (
    InvokeSendError,
    ShutdownDuringStartup,
    StatusErrorException,
)
from localstack.services.lambda_.invocation.lambda_models import (
    FunctionVersion,
    InitializationType,
    InvocationResult,
)
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import LambdaRuntimeException, RuntimeExecutor

from launchday_localstack.companion import CompanionUnreachable
from launchday_localstack.environments import PATH, Code, Environments, Refused, Work
from launchday_localstack.forwarding import companion

LOG = logging.getLogger(__name__)
OF_LOCALSTACKS_INIT = frozenset(
    {
        "AWS_LAMBDA_FUNCTION_TIMEOUT",
        "LOCALSTACK_FUNCTION_ACCOUNT_ID",
        "LOCALSTACK_INIT_LOG_LEVEL",
        "LOCALSTACK_MAX_PAYLOAD_SIZE",
        "LOCALSTACK_POST_INVOKE_WAIT_MS",
        "LOCALSTACK_RUNTIME_ENDPOINT",
        "LOCALSTACK_RUNTIME_ID",
        "LOCALSTACK_USER",
    }
)
"""Variables for the init binary, which a function does not see."""


class LaunchdayRuntimeExecutorPlugin(RuntimeExecutorPlugin):
    """`LAMBDA_RUNTIME_EXECUTOR=launchday`."""

    name = "launchday"

    def load(self, *_: object, **__: object) -> type[RuntimeExecutor]:
        """The executor's class."""
        return LaunchdayRuntimeExecutor


@cache
def environments() -> Environments:
    """Those of the companion that the environment names. Raises SettingsError."""
    return Environments(companion())


class LaunchdayRuntimeExecutor(RuntimeExecutor):
    """One environment. LocalStack invokes it one at a time, and may stop it at any time."""

    def __init__(self, id: str, function_version: FunctionVersion) -> None:  # noqa: A002 - LocalStack's name
        super().__init__(id=id, function_version=function_version)
        self._specification: dict[str, Any] = {}
        self._code_stamp = 0

    def start(self, env_vars: dict[str, Any]) -> None:
        """Return when the runtime asks for its first invocation, or when this machine has no process to spare
        for it yet: its first invocation waits for one then. Raises ShutdownDuringStartup when it was
        stopped meanwhile, StatusErrorException when a provisioned environment could not be initialized (of
        others the first invocation tells that), LambdaRuntimeException."""
        self._specification = _specification(self.id, self.function_version, env_vars)
        self._start()

    def _start(self) -> None:
        self._code_stamp = self._stamp()
        try:
            environments().start(self.id, {**self._specification, "code_stamp": self._code_stamp})
        except Refused as refusal:
            if refusal.error is not None:
                raise StatusErrorException(str(refusal), payload=refusal.error.encode()) from refusal
            if refusal.status == 410:
                raise ShutdownDuringStartup(str(refusal)) from refusal
            raise LambdaRuntimeException(str(refusal)) from refusal
        except CompanionUnreachable as error:
            raise LambdaRuntimeException(str(error)) from error

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        """The result, with all that was logged since the last. Raises InvokeSendError when the companion
        gives none."""
        work = Work(
            payload["invoke-id"],
            payload["payload"].encode(),
            payload["invoked-function-arn"],
            payload["trace-id"],
        )
        timeout_s = self.function_version.config.timeout
        try:
            self._reload()
            try:
                outcome = environments().invoke(self.id, work, function_timeout_s=timeout_s)
            except Refused as refusal:
                if refusal.status != 404:
                    raise
                self._start()  # the companion is another by now, or was reset
                outcome = environments().invoke(self.id, work, function_timeout_s=timeout_s)
        except (Refused, CompanionUnreachable, LambdaRuntimeException) as error:
            raise InvokeSendError(str(error)) from error
        return InvocationResult(
            request_id=work.request_id,
            payload=outcome.payload,
            is_error=outcome.is_error,
            logs=outcome.logs,
            executed_version=self.function_version.id.qualifier,
        )

    def stop(self) -> None:
        """Stop it. As on AWS, an invocation that runs in it goes on to its end."""
        try:
            environments().stop(self.id)
        except (Refused, CompanionUnreachable) as error:
            LOG.warning("The environment %s of %s: %s", self.id, self.function_version.qualified_arn, error)

    def get_address(self) -> str:
        """Where the function's process is: on this machine."""
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        """Where the function's process finds LocalStack."""
        if config.HOSTNAME_FROM_LAMBDA:
            return str(config.HOSTNAME_FROM_LAMBDA)
        host = str(config.GATEWAY_LISTEN[0].host)
        return "127.0.0.1" if host in ("0.0.0.0", "::", "") else host

    def get_runtime_endpoint(self) -> str:
        """Where the environment is managed. Nothing in it asks there."""
        return f"{companion().url}{PATH}/{self.id}"

    def get_logs(self) -> str:
        """Its last log lines."""
        try:
            return environments().logs(self.id)
        except (Refused, CompanionUnreachable) as error:
            return str(error)

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        """Unpack the version's code, once, and see that it can be run. Raises LambdaRuntimeException, which
        becomes the reason of the function's state `Failed`."""
        settings = function_version.config
        if settings.package_type == PackageType.Image or settings.code is None or not settings.runtime:
            raise LambdaRuntimeException("Functions of container images need Docker.")
        if settings.capacity_provider_config:
            raise LambdaRuntimeException("Functions of capacity providers need Docker.")
        settings.code.prepare_for_execution()
        for layer in settings.layers:
            if layer.code is not None:
                layer.code.prepare_for_execution()
        try:
            notes = environments().check(_code(function_version))
        except (Refused, CompanionUnreachable) as error:
            raise LambdaRuntimeException(str(error)) from error
        if "AWS_LAMBDA_EXEC_WRAPPER" in (settings.environment or {}):
            notes.append("its wrapper script (AWS_LAMBDA_EXEC_WRAPPER) is not run")
        for note in notes:
            LOG.warning("%s: %s", function_version.qualified_arn, note)

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """LocalStack removes what it unpacked itself, with the version's code."""

    @classmethod
    def validate_environment(cls) -> bool:
        """Whether the companion answers; says so when it does not."""
        try:
            companion().look()
        except CompanionUnreachable as error:
            LOG.warning("%s Lambda functions cannot be run until it does.", error)
            return False
        return True

    def _reload(self) -> None:
        """A function of the bucket `hot-reload` runs what its folder has now."""
        if self._stamp() != self._code_stamp:
            environments().stop(self.id)
            self._start()

    def _stamp(self) -> int:
        """When the folder of a hot-reloaded function was changed last; of others it never is."""
        code = self.function_version.config.code
        if not code.is_hot_reloading():
            return 0
        folder = Path(code.get_unzipped_code_location())
        return max((path.stat().st_mtime_ns for path in _sources(folder)), default=0)


def _sources(folder: Path) -> list[Path]:
    return [path for path in (folder, *folder.rglob("*")) if "__pycache__" not in path.parts]


def _code(function_version: FunctionVersion) -> Code:
    settings = function_version.config
    layers = [layer.code for layer in settings.layers if layer.code is not None]
    return Code(
        str(settings.runtime),
        str(settings.architectures[0]),
        str(settings.code.get_unzipped_code_location()),
        [str(layer.get_unzipped_code_location()) for layer in layers],
        settings.code.is_hot_reloading(),
    )


def _specification(id_: str, function_version: FunctionVersion, env_vars: dict[str, Any]) -> dict[str, Any]:
    settings, identity = function_version.config, function_version.id
    own = settings.environment or {}
    is_provisioned = env_vars.get("AWS_LAMBDA_INITIALIZATION_TYPE") == str(
        InitializationType.provisioned_concurrency
    )
    variables = {
        name: str(value) for name, value in env_vars.items() if name in own or name not in OF_LOCALSTACKS_INIT
    }
    return {
        "owner_pid": os.getpid(),
        "function": {
            "name": identity.function_name,
            "version": identity.qualifier,
            "arn": identity.unqualified_arn(),
            "role": settings.role,
            "handler": settings.handler,
            "timeout_s": settings.timeout,
            "memory_mb": settings.memory_size,
            **_code(function_version).members(),
        },
        "log_group": f"/aws/lambda/{identity.function_name}",
        "log_stream": _log_stream(id_, function_version, env_vars),
        "variables": variables,
        "provisioned": is_provisioned,
    }


def _log_stream(id_: str, function_version: FunctionVersion, env_vars: dict[str, Any]) -> str:
    """The stream that LocalStack writes to; the function's own variables may hide it."""
    stream = str(env_vars.get("AWS_LAMBDA_LOG_STREAM_NAME", ""))
    return stream if id_ in stream else f"[{function_version.id.qualifier}]{id_}"
