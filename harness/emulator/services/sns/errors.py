"""The errors that SNS answers, with AWS's codes (on the wire they have no `Exception` at the end).

The wording of those marked (ours) is not documented by AWS; their codes are.
docs: SNS API Reference, errors of each action; Common Errors (read 2026)
"""

from __future__ import annotations

from harness.emulator.services.base import AwsError


def invalid_parameter(parameter: str, reason: str = "") -> AwsError:
    """`Invalid parameter: <parameter> Reason: <reason>`."""
    return AwsError(
        "InvalidParameter", f"Invalid parameter: {parameter}" + (f" Reason: {reason}" if reason else "")
    )


def not_offered_parameter(parameter: str, what: str) -> AwsError:
    """SNS has it, the embedded AWS does not (ours)."""
    return invalid_parameter(parameter, f"the embedded SNS does not offer {what}")


def missing(parameter: str) -> AwsError:
    """A required member is not there."""
    name = parameter[:1].lower() + parameter[1:]
    return AwsError(
        "ValidationError",
        f"1 validation error detected: Value null at '{name}' failed to satisfy constraint: "
        "Member must not be null",
    )


def wrong_shape(parameter: str) -> AwsError:
    """A member is a list, a map or a string where it should be another of them (ours)."""
    return AwsError("MalformedInput", f"{parameter} does not have the form that this operation asks for.")


def topic_not_found() -> AwsError:
    """There is no such topic."""
    return AwsError("NotFound", "Topic does not exist", 404)


def subscription_not_found() -> AwsError:
    """There is no such subscription."""
    return AwsError("NotFound", "Subscription does not exist", 404)


def resource_not_found() -> AwsError:
    """A tagging operation names what is not there."""
    return AwsError("ResourceNotFound", "Resource does not exist", 404)


def not_offered(operation: str) -> AwsError:
    """SNS has this operation, the embedded AWS does not (ours)."""
    return AwsError(
        "NotImplemented",
        f"The embedded SNS does not offer {operation}: it answers for topics, subscriptions and publishing.",
        501,
    )


def unknown_operation(operation: str) -> AwsError:
    """SNS has no such operation."""
    return AwsError("InvalidAction", f"Could not find operation {operation} for version 2010-03-31")


def throttled() -> AwsError:
    """A quota of requests is used up for now."""
    return AwsError("Throttled", "Rate exceeded", 429)


def missing_token() -> AwsError:
    """The request carries no signature, and its operation needs one."""
    return AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)


def internal_error() -> AwsError:
    """The service itself could not do it."""
    return AwsError("InternalError", "Internal service failure.", 500)
