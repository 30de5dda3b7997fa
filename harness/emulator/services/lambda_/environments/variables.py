"""The environment variables that an environment starts with.

docs: Lambda environment variables, defined runtime environment variables (read 2026)
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.emulator.services.credentials import Credentials
from harness.emulator.services.lambda_.functions import Revision
from harness.emulator.services.lambda_.names import LATEST

PLATFORM = {
    "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "LANG": "en_US.UTF-8",
    "TZ": ":UTC",
    "LAMBDA_RUNTIME_DIR": "/var/runtime",
}
"""What is the same in every environment."""


def environment_variables(
    revision: Revision,
    *,
    runtime_api: str,
    log_stream: str,
    credentials: Credentials,
    extra: Mapping[str, str],
) -> dict[str, str]:
    """All variables of a new environment of `revision`: AWS's, then `extra` (the endpoints of this AWS), then
    the function's own. Nothing is inherited from this process. `credentials` are this environment's."""
    settings = revision.configuration
    return {
        **PLATFORM,
        "LAMBDA_TASK_ROOT": str(revision.package.folder),
        "_HANDLER": settings.handler,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{settings.runtime}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_FUNCTION_NAME": revision.name,
        "AWS_LAMBDA_FUNCTION_VERSION": LATEST,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(settings.memory_mb),
        "AWS_LAMBDA_LOG_GROUP_NAME": revision.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_LOG_FORMAT": settings.log_format,
        "AWS_REGION": revision.region,
        "AWS_DEFAULT_REGION": revision.region,
        **credentials.variables(),
        **extra,
        **settings.environment,
    }


def principal_of(revision: Revision) -> str:
    """Who a function is to the services it calls: its role, in a session named after the function."""
    account_id = revision.arn.split(":")[4]
    role = revision.configuration.role.rpartition("/")[2]
    return f"arn:aws:sts::{account_id}:assumed-role/{role}/{revision.name}"
