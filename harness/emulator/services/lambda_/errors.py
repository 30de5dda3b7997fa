"""Lambda's errors as its API documents them: a name, a message, a status, and whose fault it is.

docs: Lambda API Reference, Errors of each action (read 2026)
"""

from __future__ import annotations

from harness.emulator.services.base import AwsError

_USER = {"Type": "User"}


def not_found(message: str) -> AwsError:
    """ResourceNotFoundException (404)."""
    return AwsError("ResourceNotFoundException", message, 404, _USER)


def function_not_found(arn: str) -> AwsError:
    """ResourceNotFoundException for a function."""
    return not_found(f"Function not found: {arn}")


def invalid(message: str) -> AwsError:
    """InvalidParameterValueException (400)."""
    return AwsError("InvalidParameterValueException", message, 400, _USER)


def validation(value: object, member: str, constraint: str) -> AwsError:
    """ValidationException (400): `value` of `member` breaks `constraint`."""
    return AwsError(
        "ValidationException",
        f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: "
        f"Member must {constraint}",
    )


def conflict(message: str) -> AwsError:
    """ResourceConflictException (409)."""
    return AwsError("ResourceConflictException", message, 409, _USER)


def too_large(size: int, limit: int) -> AwsError:
    """RequestTooLargeException (413) for an invocation's payload."""
    message = f"{size} byte payload is too large for the {limit} byte limit"
    return AwsError("RequestTooLargeException", message, 413, _USER)


def too_many_requests(reason: str) -> AwsError:
    """TooManyRequestsException (429) with its Reason."""
    return AwsError("TooManyRequestsException", "Rate Exceeded.", 429, {**_USER, "Reason": reason})


def bad_content(message: str) -> AwsError:
    """InvalidRequestContentException (400)."""
    return AwsError("InvalidRequestContentException", message, 400, _USER)


def not_offered(operation: str) -> AwsError:
    """An operation of AWS's that the embedded Lambda does not have."""
    return AwsError("NotImplementedException", f"The embedded Lambda does not offer {operation}.", 501, _USER)
