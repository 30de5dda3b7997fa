"""App clients: what an application may do with a pool, and how long its tokens are good.

docs: API reference, CreateUserPoolClient; Developer Guide, Computing secret hash values (read 2026)
"""

from __future__ import annotations

import base64
import hmac
import secrets
import string
from collections.abc import Mapping
from typing import Any

from harness.emulator.services.base import AwsError
from harness.emulator.services.cognito.errors import invalid_parameter, not_authorized, not_offered
from harness.emulator.services.cognito.schema import STANDARD, Schema

_ALPHANUMERIC = string.ascii_lowercase + string.digits
_UNITS_S: Mapping[str, int] = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400}
_DEFAULT_FLOWS = ("ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH")
_OLD_FLOWS = ("ADMIN_NO_SRP_AUTH", "CUSTOM_AUTH_FLOW_ONLY", "USER_PASSWORD_AUTH")
_NEVER_WRITTEN = frozenset({"sub", "email_verified", "phone_number_verified"})
_KEPT = (
    *("ClientName", "RefreshTokenValidity", "AccessTokenValidity", "IdTokenValidity", "TokenValidityUnits"),
    *("ReadAttributes", "WriteAttributes", "ExplicitAuthFlows", "SupportedIdentityProviders"),
    *("CallbackURLs", "LogoutURLs", "DefaultRedirectURI", "AllowedOAuthFlows", "AllowedOAuthScopes"),
    *("AllowedOAuthFlowsUserPoolClient", "PreventUserExistenceErrors", "EnableTokenRevocation"),
    *("EnablePropagateAdditionalUserContextData", "AuthSessionValidity", "RefreshTokenRotation"),
)
_DEFAULTS: Mapping[str, Any] = {
    "RefreshTokenValidity": 30,
    "TokenValidityUnits": {},
    "AllowedOAuthFlowsUserPoolClient": False,
    "EnableTokenRevocation": True,
    "EnablePropagateAdditionalUserContextData": False,
    "AuthSessionValidity": 3,
}


def new_client_id() -> str:
    """26 characters, as AWS's."""
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(26))


def new_secret() -> str:
    """51 characters, as AWS's."""
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(51))


def secret_hash(secret: str, client_id: str, username: str) -> str:
    """The SECRET_HASH that a client with a secret sends beside a username."""
    return base64.b64encode(hmac.digest(secret.encode(), (username + client_id).encode(), "sha256")).decode()


class AppClient:
    """One client. `settings` are the members of CreateUserPoolClient as they were given."""

    def __init__(
        self, client_id: str, pool_id: str, settings: Mapping[str, Any], secret: str | None, now_s: float
    ) -> None:
        self.id = client_id
        self.pool_id = pool_id
        self.secret = secret
        self.created_s = now_s
        self.replace(settings, now_s)

    def replace(self, settings: Mapping[str, Any], now_s: float) -> None:
        """Take new settings; what is not among them goes back to its default, as AWS does at an update."""
        kept = {name: settings[name] for name in _KEPT if settings.get(name) is not None}
        self.settings = {**_DEFAULTS, **kept}
        if not self.settings["RefreshTokenValidity"]:
            self.settings["RefreshTokenValidity"] = 30
        self.modified_s = now_s
        self.id_token_s = self._validity_s("IdToken", "hours", 1)
        self.access_token_s = self._validity_s("AccessToken", "hours", 1)
        self.refresh_token_s = self._validity_s("RefreshToken", "days", 30)
        self.session_s = 60.0 * self.settings["AuthSessionValidity"]
        self.hides_users = self.settings.get("PreventUserExistenceErrors") == "ENABLED"
        self.revokes = bool(self.settings["EnableTokenRevocation"])
        rotation = self.settings.get("RefreshTokenRotation") or {}
        self.rotates = rotation.get("Feature") == "ENABLED"
        self.grace_s = float(rotation.get("RetryGracePeriodSeconds") or 0)

    @property
    def flows(self) -> tuple[str, ...]:
        """The ExplicitAuthFlows in force."""
        return tuple(self.settings.get("ExplicitAuthFlows") or _DEFAULT_FLOWS)

    def allows(self, flow: str) -> bool:
        """Whether users may sign in by `flow` (`USER_SRP_AUTH`): in the names of today or the old ones, which
        stand for SRP and refreshing too."""
        flows = self.flows
        if any(name.startswith("ALLOW_") for name in flows):
            return f"ALLOW_{flow}" in flows
        old = {"ADMIN_USER_PASSWORD_AUTH": "ADMIN_NO_SRP_AUTH"}.get(flow, flow)
        return old in flows or flow == "REFRESH_TOKEN_AUTH" or flow == "USER_SRP_AUTH"

    def may_read(self, attribute: str) -> bool:
        """Whether the client's tokens show the attribute. Without ReadAttributes it sees all: AWS's API
        reference names the standard ones only, CDK's documentation the pool's own too, and tokens do."""
        readable = self.settings.get("ReadAttributes")
        return attribute == "sub" or readable is None or attribute in readable

    def check_writes(self, attributes: Mapping[str, Any]) -> None:
        """Raises AwsError NotAuthorizedException when the client's users may not write one of these."""
        writable = self.settings.get("WriteAttributes")
        for name in attributes:
            if name in _NEVER_WRITTEN or (writable is not None and name not in writable):
                raise not_authorized("A client attempted to write unauthorized attribute")

    def check_secret_hash(self, given: str | None, *names: str) -> None:
        """Raises AwsError NotAuthorizedException unless `given` fits one of the user's `names`; a client
        without a secret must get none."""
        if self.secret is None:
            if given:
                raise not_authorized(
                    f"Client {self.id} is not configured with secret but SECRET_HASH was received"
                )
            return
        if not given:
            raise not_authorized(
                f"Client {self.id} is configured with secret but SECRET_HASH was not received"
            )
        fits = [
            hmac.compare_digest(secret_hash(self.secret, self.id, name).encode(), given.encode())
            for name in names
        ]
        if not any(fits):
            raise not_authorized(f"Unable to verify secret hash for client {self.id}")

    def describe(self) -> dict[str, Any]:
        """As DescribeUserPoolClient shows it."""
        shown = {
            "UserPoolId": self.pool_id,
            "ClientId": self.id,
            "LastModifiedDate": self.modified_s,
            "CreationDate": self.created_s,
            **self.settings,
        }
        if self.secret is not None:
            shown["ClientSecret"] = self.secret
        return shown

    def _validity_s(self, token: str, default_unit: str, default: int) -> int:
        unit = (self.settings.get("TokenValidityUnits") or {}).get(token, default_unit)
        validity: int = self.settings.get(f"{token}Validity") or default
        return validity * _UNITS_S[unit]


def check_settings(settings: Mapping[str, Any], schema: Schema) -> None:
    """Raises AwsError InvalidParameterException for settings that AWS refuses, NotImplemented for what we do
    not offer."""
    if settings.get("AnalyticsConfiguration"):
        raise not_offered("Pinpoint analytics (AnalyticsConfiguration)")
    if settings.get("EnablePropagateAdditionalUserContextData"):
        raise not_offered("threat protection (EnablePropagateAdditionalUserContextData)")
    foreign = [name for name in settings.get("SupportedIdentityProviders") or () if name != "COGNITO"]
    if foreign:
        raise not_offered(f"sign-in through {', '.join(foreign)} (SupportedIdentityProviders)")
    _check_flows(settings)
    _check_validities(settings)
    for member in ("ReadAttributes", "WriteAttributes"):
        for name in settings.get(member) or ():
            if name not in schema.attributes:
                raise invalid_parameter(f"Invalid {member} specified while creating a client: {name}")
    for name in settings.get("WriteAttributes") or ():
        if name in STANDARD and name in _NEVER_WRITTEN:
            raise invalid_parameter(f"Invalid write attributes specified while creating a client: {name}")


def _check_flows(settings: Mapping[str, Any]) -> None:
    flows = settings.get("ExplicitAuthFlows") or ()
    if any(flow in _OLD_FLOWS for flow in flows) and any(flow.startswith("ALLOW_") for flow in flows):
        raise invalid_parameter(
            "Can't specify a value for ExplicitAuthFlows that mixes ALLOW_ values with the legacy ones."
        )
    rotation = settings.get("RefreshTokenRotation") or {}
    if rotation.get("Feature") == "ENABLED" and (not flows or "ALLOW_REFRESH_TOKEN_AUTH" in flows):
        raise invalid_parameter(
            "ALLOW_REFRESH_TOKEN_AUTH cannot be enabled when refresh token rotation is enabled."
        )


def _check_validities(settings: Mapping[str, Any]) -> None:
    units = settings.get("TokenValidityUnits") or {}
    bounds = (
        ("IdToken", "hours", 300, 86_400, "5 minutes and 1 day"),
        ("AccessToken", "hours", 300, 86_400, "5 minutes and 1 day"),
        ("RefreshToken", "days", 3_600, 315_360_000, "60 minutes and 3650 days"),
    )
    for token, default_unit, least_s, most_s, words in bounds:
        validity = settings.get(f"{token}Validity")
        if validity and not least_s <= validity * _UNITS_S[units.get(token, default_unit)] <= most_s:
            raise _wrong_validity(token, words)
    session_minutes = settings.get("AuthSessionValidity")
    if session_minutes is not None and not 3 <= session_minutes <= 15:
        raise invalid_parameter("AuthSessionValidity must be between 3 and 15 minutes.")


def _wrong_validity(token: str, words: str) -> AwsError:
    return invalid_parameter(f"Invalid range for token validity. {token}Validity must be between {words}.")
