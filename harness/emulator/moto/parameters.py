"""What Parameter Store refuses, and moto takes: values beyond a tier's size, and paths without their slash.

docs: Systems Manager API Reference, PutParameter: 4 KB in the standard tier, 8 KB in the advanced one; a name
in a hierarchy has a leading slash (read 2026-11). The sentences are those that others have recorded.
"""

from __future__ import annotations

import orjson

from harness.emulator.moto.operations import Operation
from harness.emulator.services.base import AwsError, AwsRequest

STANDARD_CHARACTERS = 4096
ADVANCED_CHARACTERS = 8192


def check(operation: Operation, request: AwsRequest) -> None:
    """Raises AwsError ValidationException for a PutParameter that AWS refuses. Whatever else is wrong with a
    request is left to moto."""
    if (operation.service, operation.name) != ("ssm", "PutParameter"):
        return
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return
    if not isinstance(body, dict):
        return
    name, value = body.get("Name"), body.get("Value")
    if isinstance(name, str) and "/" in name and not name.startswith(("/", "arn:")):
        raise AwsError("ValidationException", "Parameter name must be a fully qualified name.")
    if isinstance(value, str):
        _check_size(value, str(body.get("Tier") or "Standard"))


def _check_size(value: str, tier: str) -> None:
    if tier == "Standard" and len(value) > STANDARD_CHARACTERS:
        raise AwsError(
            "ValidationException",
            f"Standard tier parameters support a maximum parameter value of {STANDARD_CHARACTERS} characters."
            " To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier.",
        )
    if len(value) > ADVANCED_CHARACTERS:
        raise AwsError(
            "ValidationException",
            f"Advanced tier parameters have at most {ADVANCED_CHARACTERS} characters.",
        )
