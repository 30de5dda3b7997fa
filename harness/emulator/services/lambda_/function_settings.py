"""A function's Configuration from the members of CreateFunction and UpdateFunctionConfiguration.

docs: Lambda API Reference, CreateFunction; Lambda quotas (read 2026)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.emulator.services.lambda_.errors import invalid, validation
from harness.emulator.services.lambda_.functions import Configuration
from harness.emulator.services.lambda_.members import Members
from harness.emulator.services.lambda_.names import is_queue, is_topic

MAX_ENVIRONMENT_BYTES = 4096
RUNTIMES = tuple(f"python3.{minor}" for minor in range(9, 15))
ARCHITECTURES = ("x86_64", "arm64")
NOT_OFFERED = ("Layers", "FileSystemConfigs", "ImageConfig", "CodeSigningConfigArn", "DurableConfig")
UNEVALUATED = ("VpcConfig", "KMSKeyArn")
_ROLE = re.compile(r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+")
_VARIABLE = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
_RESERVED_VARIABLES = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    }
)


def new_configuration(members: Members) -> Configuration:
    """The configuration of a new function. Raises AwsError for what is missing, wrong or not offered."""
    if members.one_of("PackageType", ("Zip", "Image")) == "Image":
        raise invalid("The embedded Lambda does not offer container images (PackageType Image).")
    start = Configuration(
        runtime=_runtime(members.required_text("Runtime")),
        handler=members.required_text("Handler"),
        role=_role(members.required_text("Role")),
    )
    return changed_configuration(start, members)


def changed_configuration(before: Configuration, members: Members) -> Configuration:
    """`before` with what `members` set. Raises AwsError for what is wrong or not offered."""
    members.refuse(*NOT_OFFERED)
    snap_start = members.structure("SnapStart")
    if snap_start and snap_start.text("ApplyOn") not in (None, "None"):
        raise invalid("The embedded Lambda does not offer SnapStart.")
    changes: dict[str, Any] = {
        "runtime": members.text("Runtime"),
        "handler": members.text("Handler"),
        "role": members.text("Role"),
        "description": members.text("Description"),
        "timeout_s": members.integer("Timeout", 1, 900),
        "memory_mb": members.integer("MemorySize", 128, 10_240),
        "environment": _environment(members),
        "architecture": _architecture(members),
        **_structures(members),
    }
    unevaluated = {name: members.raw(name) for name in UNEVALUATED if name in members}
    if unevaluated:
        changes["unevaluated"] = {**before.unevaluated, **unevaluated}
    if changes["runtime"] is not None:
        _runtime(changes["runtime"])
    if changes["role"] is not None:
        _role(changes["role"])
    return replace(before, **{name: value for name, value in changes.items() if value is not None})


def _structures(members: Members) -> Mapping[str, Any]:
    """What is set by a member of a structure."""
    storage, tracing = members.structure("EphemeralStorage"), members.structure("TracingConfig")
    logging, dead_letters = members.structure("LoggingConfig"), members.structure("DeadLetterConfig")
    return {
        "ephemeral_storage_mb": storage.integer("Size", 512, 10_240) if storage else None,
        "tracing_mode": tracing.one_of("Mode", ("Active", "PassThrough")) if tracing else None,
        "log_group": logging.text("LogGroup") if logging else None,
        "log_format": logging.one_of("LogFormat", ("JSON", "Text")) if logging else None,
        "dead_letter_arn": _queue(dead_letters.text("TargetArn")) if dead_letters else None,
    }


def _runtime(runtime: str) -> str:
    if runtime not in RUNTIMES:
        raise invalid(
            f"The runtime parameter of {runtime} is not offered by the embedded Lambda: it runs functions of "
            f"{', '.join(RUNTIMES)}."
        )
    return runtime


def _role(role: str) -> str:
    if _ROLE.fullmatch(role) is None:
        raise validation(role, "role", "satisfy regular expression pattern: " + _ROLE.pattern)
    return role


def _architecture(members: Members) -> str | None:
    wanted = members.texts("Architectures")
    if wanted is None:
        return None
    if len(wanted) != 1 or wanted[0] not in ARCHITECTURES:
        raise validation(wanted, "architectures", f"be one of {', '.join(ARCHITECTURES)}")
    return wanted[0]


def _environment(members: Members) -> dict[str, str] | None:
    structure = members.structure("Environment")
    if structure is None:
        return None
    variables = structure.text_map("Variables") or {}
    for name in variables:
        if _VARIABLE.fullmatch(name) is None:
            raise validation(
                name, "environment.variables", "satisfy regular expression pattern: " + _VARIABLE.pattern
            )
    reserved = sorted(_RESERVED_VARIABLES & variables.keys())
    if reserved:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you "
            "have provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    size = sum(len(name.encode()) + len(value.encode()) for name, value in variables.items())
    if size > MAX_ENVIRONMENT_BYTES:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you "
            f"have provided exceeded the {MAX_ENVIRONMENT_BYTES // 1024}KB limit."
        )
    return variables


def _queue(arn: str | None) -> str:
    """The target of a dead-letter queue; an empty one takes it away."""
    if arn and not (is_queue(arn) or is_topic(arn)):
        raise invalid(
            f"The embedded Lambda offers standard SQS queues and SNS topics as dead-letter queues, not {arn}."
        )
    return arn or ""
