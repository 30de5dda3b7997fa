"""An operation's input, checked before anything looks into it."""

from __future__ import annotations

from typing import Any

from harness.emulator.services.kinesis.errors import member_not_offered
from harness.emulator.services.kinesis.shapes import INPUTS, MEMBERS_NOT_OFFERED
from harness.emulator.services.kinesis.validation import check


def check_input(operation: str, body: dict[str, Any]) -> dict[str, Any]:
    """`body`, when it obeys the operation's rules and asks for nothing that is not offered.

    Raises AwsError: SerializationException, ValidationException, InvalidArgumentException."""
    check(INPUTS[operation], body)
    for member in MEMBERS_NOT_OFFERED.get(operation, ()):
        if body.get(member) is not None:
            raise member_not_offered(operation, member)
    return body
