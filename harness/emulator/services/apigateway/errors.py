"""What API Gateway answers itself, without or instead of the integration: the gateway responses.

docs: API Gateway Developer Guide, Gateway response types (read 2026-11). The wording of messages and the
`x-amzn-ErrorType` header are from captures of real answers in public issues; where they disagree, the choice
is explained beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class ResponseType(NamedTuple):
    """A gateway response type: its default status and message, and the error type in its header."""

    name: str
    status: int
    message: str | None
    error_type: str


_TYPES = (
    ResponseType(
        "ACCESS_DENIED", 403, "User is not authorized to access this resource", "AccessDeniedException"
    ),
    ResponseType("API_CONFIGURATION_ERROR", 500, "Internal server error", "ApiConfigurationException"),
    ResponseType("AUTHORIZER_CONFIGURATION_ERROR", 500, None, "AuthorizerConfigurationException"),
    ResponseType("AUTHORIZER_FAILURE", 500, None, "AuthorizerFailureException"),
    ResponseType("BAD_REQUEST_PARAMETERS", 400, "Bad request", "BadRequestException"),
    ResponseType("BAD_REQUEST_BODY", 400, "Invalid request body", "BadRequestException"),
    ResponseType("INTEGRATION_FAILURE", 504, "Internal server error", "InternalServerErrorException"),
    ResponseType("INTEGRATION_TIMEOUT", 504, "Endpoint request timed out", "InternalServerErrorException"),
    ResponseType(
        "MISSING_AUTHENTICATION_TOKEN",
        403,
        "Missing Authentication Token",
        "MissingAuthenticationTokenException",
    ),
    ResponseType(
        "REQUEST_TOO_LARGE", 413, "HTTP content length exceeded 10485760 bytes.", "RequestTooLargeException"
    ),
    ResponseType("THROTTLED", 429, "Too Many Requests", "TooManyRequestsException"),
    ResponseType("UNAUTHORIZED", 401, "Unauthorized", "UnauthorizedException"),
    ResponseType("UNSUPPORTED_MEDIA_TYPE", 415, "Unsupported Media Type", "BadRequestException"),
    ResponseType("DEFAULT_4XX", 400, "Bad request", "BadRequestException"),
    ResponseType("DEFAULT_5XX", 500, "Internal server error", "InternalServerErrorException"),
)
RESPONSE_TYPES: Mapping[str, ResponseType] = {kind.name: kind for kind in _TYPES}
"""The gateway responses that this gateway can give."""


class GatewayError(Exception):
    """The request ends with this gateway response; `status` and `message` default to the type's own."""

    def __init__(self, kind: str, message: str | None = None, status: int | None = None) -> None:
        self.kind = RESPONSE_TYPES[kind]
        self.message = self.kind.message if message is None else message
        self.status = self.kind.status if status is None else status
        super().__init__(f"{kind}: {self.message}")


class NotDeployable(Exception):
    """The API uses what this gateway cannot execute, or cannot compile. The message names where and what."""


def internal_server_error(status: int = 500) -> GatewayError:
    """What a client sees when the integration or its configuration is at fault."""
    return GatewayError("DEFAULT_5XX", "Internal server error", status)
