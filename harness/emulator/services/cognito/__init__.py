"""Amazon Cognito user pools: users, groups, app clients, sign-in by password and SRP, signed tokens."""

from harness.emulator.services.cognito.service import CognitoService

__all__ = ["CognitoService"]
