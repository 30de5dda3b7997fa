"""Cognito's errors, in its own words.

docs: Amazon Cognito user pools API reference, errors of each operation (read 2026). The messages are those
that AWS's SDKs and their users quote; all are HTTP 400 but the internal one.
"""

from __future__ import annotations

from harness.emulator.services.base import AwsError


def invalid_parameter(message: str) -> AwsError:
    """An input that is wrong in itself, or not possible with the pool's settings."""
    return AwsError("InvalidParameterException", message)


def not_found(message: str) -> AwsError:
    """A pool, client or group that is not there."""
    return AwsError("ResourceNotFoundException", message)


def no_such_pool(pool_id: str) -> AwsError:
    """There is no such pool in this account."""
    return not_found(f"User pool {pool_id} does not exist.")


def no_such_client(client_id: str) -> AwsError:
    """There is no such app client, or not in that pool."""
    return not_found(f"User pool client {client_id} does not exist.")


def no_such_user() -> AwsError:
    """There is no such user in the pool."""
    return AwsError("UserNotFoundException", "User does not exist.")


def not_authorized(message: str) -> AwsError:
    """The caller, or the user, may not."""
    return AwsError("NotAuthorizedException", message)


def wrong_credentials() -> AwsError:
    """A wrong password; also an unknown user, where the client hides which users exist."""
    return not_authorized("Incorrect username or password.")


def user_disabled() -> AwsError:
    """An administrator disabled the user."""
    return not_authorized("User is disabled.")


def wrong_session() -> AwsError:
    """A challenge was answered with a session that is used up, of another client or user, or unknown."""
    return not_authorized("Invalid session for the user, session can only be used once.")


def expired_session() -> AwsError:
    """A challenge was answered too late."""
    return not_authorized("Invalid session for the user, session is expired.")


def code_mismatch() -> AwsError:
    """A wrong confirmation code."""
    return AwsError("CodeMismatchException", "Invalid verification code provided, please try again.")


def code_expired() -> AwsError:
    """A code that is too old, was used, or was never sent."""
    return AwsError("ExpiredCodeException", "Invalid code provided, please request a code again.")


def alias_exists(attribute: str) -> AwsError:
    """Another user signs in with that e-mail address or number."""
    return AwsError("AliasExistsException", f"An account with the {attribute} already exists.")


def attempts_exceeded() -> AwsError:
    """More than an operation allows for one user an hour."""
    return AwsError("LimitExceededException", "Attempt limit exceeded, please try after some time.")


def too_many_requests() -> AwsError:
    """A request rate quota is used up. HTTP 400 here, as nowhere else in AWS."""
    return AwsError("TooManyRequestsException", "Rate exceeded")


def missing_credentials() -> AwsError:
    """An administrator's operation without a signature. What it is signed with is not looked at."""
    return AwsError("MissingAuthenticationTokenException", "Missing Authentication Token")


def internal_error() -> AwsError:
    """A defect of ours."""
    return AwsError("InternalErrorException", "An internal error has occurred.", 500)


def unknown_operation(operation: str) -> AwsError:
    """Not an operation of this API."""
    return AwsError("UnknownOperationException", f"There is no operation {operation} of Cognito user pools.")


def not_offered(what: str) -> AwsError:
    """What AWS has and the embedded AWS refuses."""
    return AwsError("NotImplemented", f"The embedded AWS does not offer {what} of Cognito user pools.", 501)
