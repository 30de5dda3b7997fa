"""AppSync's errors as its API documents them, and what this emulator says of what it does not have.

docs: AppSync API Reference, Errors of each action (read 2026-11)
"""

from __future__ import annotations

from harness.emulator.services.base import AwsError


def bad_request(message: str) -> AwsError:
    """BadRequestException (400)."""
    return AwsError("BadRequestException", message, 400)


def not_found(message: str) -> AwsError:
    """NotFoundException (404)."""
    return AwsError("NotFoundException", message, 404)


def api_not_found(api_id: str) -> AwsError:
    """NotFoundException for a GraphQL API."""
    return not_found(f"GraphQL API {api_id} not found.")


def limit_exceeded(message: str) -> AwsError:
    """LimitExceededException (429)."""
    return AwsError("LimitExceededException", message, 429)


def schema_error(message: str) -> AwsError:
    """GraphQLSchemaException (400)."""
    return AwsError("GraphQLSchemaException", message, 400)


def not_offered(what: str) -> AwsError:
    """BadRequestException (400) for a setting of AWS's that the embedded AppSync does not have."""
    return bad_request(f"The embedded AppSync does not offer {what}.")


def operation_not_offered(operation: str) -> AwsError:
    """An operation of AWS's that the embedded AppSync does not have."""
    return AwsError("NotImplementedException", f"The embedded AppSync does not offer {operation}.", 501)


def code_error(message: str, line: int, column: int) -> AwsError:
    """BadRequestException (400) for code that cannot be a resolver's, with where it is wrong."""
    location = {"line": line, "column": column, "span": 0}
    return AwsError(
        "BadRequestException",
        f"The code contains one or more errors: {message}",
        400,
        {
            "reason": "CODE_ERROR",
            "detail": {"codeErrors": [{"errorType": "PARSER_ERROR", "value": message, "location": location}]},
        },
    )
