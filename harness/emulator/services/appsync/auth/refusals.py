"""What AppSync says to a caller whom it refuses.

Seen on AWS (public issue threads of Amplify and the AppSync community, read 2026-11): a request without
usable credentials is told that no valid header was provided, or what its API's only mode misses; a wrong or
expired API key and a refusing Lambda authorizer give the sentence about not being authorized; tokens have
sentences of their own. Signature errors are 403 and carry the names that SigV4 has for them everywhere. AWS
documents none of these sentences.
"""

from __future__ import annotations

from collections.abc import Collection

from harness.emulator.services.appsync.contract import RequestRefused


def no_header(modes: Collection[str]) -> RequestRefused:
    """There is nothing that any of the API's modes could look at."""
    if set(modes) == {"AWS_IAM"}:
        return RequestRefused("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
    if set(modes) == {"AMAZON_COGNITO_USER_POOLS"}:
        return RequestRefused("UnauthorizedException", "Missing authorization header")
    return RequestRefused("UnauthorizedException", "Valid authorization header not provided.")


def not_authorized() -> RequestRefused:
    """There is something, and it is not good."""
    return RequestRefused("UnauthorizedException", "You are not authorized to make this call.")


def unreadable_token() -> RequestRefused:
    """A token that is no JWT."""
    return RequestRefused("UnauthorizedException", "Unable to parse JWT token.")


def expired_token() -> RequestRefused:
    """A token whose time is over."""
    return RequestRefused("UnauthorizedException", "Token has expired.")


def bad_signature(message: str) -> RequestRefused:
    """A SigV4 signature that does not hold."""
    return RequestRefused("InvalidSignatureException", message, 403)


def incomplete_signature(message: str) -> RequestRefused:
    """A SigV4 signature that lacks a part."""
    return RequestRefused("IncompleteSignatureException", message, 403)


def unknown_key() -> RequestRefused:
    """An access key that nobody holds."""
    return RequestRefused(
        "UnrecognizedClientException", "The security token included in the request is invalid.", 403
    )
