"""Who sends a GraphQL request: API keys, SigV4 signatures, Cognito's tokens, Lambda authorizers."""

from harness.emulator.services.appsync.auth.authorizer import ApiAuthorizer

__all__ = ["ApiAuthorizer"]
