"""The second factor of a sign-in: a software token (TOTP). Codes by SMS and mail are refused by name.

docs: API reference, AssociateSoftwareToken, VerifySoftwareToken, SetUserMFAPreference, SetUserPoolMfaConfig;
Developer Guide, TOTP software token MFA (read 2026)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.cognito.bearer import bearer
from harness.emulator.services.cognito.challenges import Waiting
from harness.emulator.services.cognito.clients import AppClient
from harness.emulator.services.cognito.errors import (
    invalid_parameter,
    not_authorized,
    not_offered,
    user_disabled,
    wrong_session,
)
from harness.emulator.services.cognito.pools import Registry, UserPool
from harness.emulator.services.cognito.totp import SoftwareToken
from harness.emulator.services.cognito.users import User

Json = dict[str, Any]
SOFTWARE_TOKEN: Literal["SOFTWARE_TOKEN_MFA"] = "SOFTWARE_TOKEN_MFA"
SETUP: Literal["MFA_SETUP"] = "MFA_SETUP"


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """A user who showed the password is asked for a code, or to set a token up."""

    challenge: Literal["SOFTWARE_TOKEN_MFA", "MFA_SETUP"]
    pool_id: str
    client_id: str
    sub: str
    until_s: float
    set_up: bool = False
    """Within this very session a token was set up: another that waits is not let in by it."""


class SecondFactors:
    """What a sign-in asks for after the password, and the operations on software tokens, by their names in
    snake case."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._waiting: Waiting[SecondFactor] = Waiting()

    def clear(self) -> None:
        """Forget who was asked."""
        self._waiting.clear()

    def ask(self, pool: UserPool, client: AppClient, user: User, now_s: float) -> Json | None:
        """The challenge that `user` has to answer before the tokens come, or None."""
        if pool.mfa == "OFF":
            return None
        token = pool.software_tokens.get(user.sub)
        if token is not None and token.secret is not None and (token.enabled or pool.mfa == "ON"):
            parameters = {"USER_ID_FOR_SRP": user.username}
            return self._asked(SOFTWARE_TOKEN, parameters, pool, client, user, now_s)
        if pool.mfa == "ON":
            parameters = {"USER_ID_FOR_SRP": user.username, "MFAS_CAN_SETUP": json.dumps([SOFTWARE_TOKEN])}
            return self._asked(SETUP, parameters, pool, client, user, now_s)
        return None

    def answered(
        self,
        pool: UserPool,
        client: AppClient,
        challenge: str,
        given: Mapping[str, str],
        session: str | None,
        now_s: float,
    ) -> User:
        """Who may come in by this answer. Raises AwsError CodeMismatchException for a wrong code (the session
        stays good), NotAuthorizedException for a wrong session."""
        asked = self._waiting.get(session, now_s)
        user = pool.users.by_sub(asked.sub)
        if (asked.challenge, asked.pool_id, asked.client_id) != (challenge, pool.id, client.id):
            raise wrong_session()
        if user is None or pool.users.find(given.get("USERNAME", "")) is not user:
            raise wrong_session()
        if not user.enabled:
            raise user_disabled()
        if challenge == SOFTWARE_TOKEN:
            self._check_code(pool, user, given.get("SOFTWARE_TOKEN_MFA_CODE"), now_s)
        elif not asked.set_up:
            raise invalid_parameter("User has not set up software token mfa")
        self._waiting.take(session, now_s)
        return user

    def associate_software_token(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """A new secret for the user's app; it counts once a code of it was shown."""
        pool, user, asked = self._who(body, now_s)
        token = pool.software_tokens.setdefault(user.sub, SoftwareToken())
        if asked is not None and token.secret is not None:
            raise wrong_session()
        answer = {"SecretCode": token.offer()}
        if asked is not None:
            self._waiting.take(body["Session"], now_s)
            answer["Session"] = self._waiting.ask(asked, asked.until_s, now_s)
        return answer

    def verify_software_token(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """The user shows a code of the new secret."""
        pool, user, asked = self._who(body, now_s)
        token = pool.software_tokens.get(user.sub)
        if token is None or token.pending is None:
            raise invalid_parameter("User has not set up software token mfa")
        if not token.confirm(body["UserCode"], now_s):
            raise AwsError("EnableSoftwareTokenMFAException", "Code mismatch")
        if asked is None:
            return {"Status": "SUCCESS"}
        token.enabled = token.preferred = True
        self._waiting.take(body["Session"], now_s)
        done = replace(asked, set_up=True)
        return {"Status": "SUCCESS", "Session": self._waiting.ask(done, asked.until_s, now_s)}

    def set_user_mfa_preference(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """Whether the user is asked for codes."""
        who = bearer(self._registry, body["AccessToken"], now_s)
        _set_preference(who.pool, who.user, body)
        return {}

    def admin_set_user_mfa_preference(self, body: Json, _context: CallContext, _now_s: float) -> Json:
        """The same, by an administrator."""
        pool = self._registry.pool(body["UserPoolId"])
        _set_preference(pool, pool.users.get(body["Username"]), body)
        return {}

    def get_user_pool_mfa_config(self, body: Json, _context: CallContext, _now_s: float) -> Json:
        """What the pool asks of its users."""
        return _config(self._registry.pool(body["UserPoolId"]))

    def set_user_pool_mfa_config(self, body: Json, _context: CallContext, _now_s: float) -> Json:
        """Sets that: off, optional or on, with software tokens."""
        pool = self._registry.pool(body["UserPoolId"])
        for name in body:
            if name not in ("UserPoolId", "MfaConfiguration", "SoftwareTokenMfaConfiguration") and body[name]:
                raise not_offered(f"{name} (SetUserPoolMfaConfig)")
        enabled = bool((body.get("SoftwareTokenMfaConfiguration") or {}).get("Enabled"))
        mfa = body.get("MfaConfiguration") or "OFF"
        if mfa != "OFF" and not enabled:
            raise invalid_parameter(
                "Invalid MFA configuration given, can't turn on MFA without an MFA method."
            )
        pool.mfa = mfa
        pool.software_token_offered = enabled
        return _config(pool)

    def _asked(
        self,
        challenge: Literal["SOFTWARE_TOKEN_MFA", "MFA_SETUP"],
        parameters: dict[str, str],
        pool: UserPool,
        client: AppClient,
        user: User,
        now_s: float,
    ) -> Json:
        until_s = now_s + client.session_s
        asked = SecondFactor(challenge, pool.id, client.id, user.sub, until_s)
        session = self._waiting.ask(asked, until_s, now_s)
        return {"ChallengeName": challenge, "Session": session, "ChallengeParameters": parameters}

    def _who(self, body: Json, now_s: float) -> tuple[UserPool, User, SecondFactor | None]:
        """The user of an access token, or of a session that asked for a token to be set up."""
        if body.get("AccessToken"):
            who = bearer(self._registry, body["AccessToken"], now_s)
            return who.pool, who.user, None
        asked = self._waiting.get(body.get("Session"), now_s)
        pool = self._registry.pools.get(asked.pool_id)
        user = pool.users.by_sub(asked.sub) if pool is not None else None
        if asked.challenge != SETUP or pool is None or user is None or not user.enabled:
            raise wrong_session()
        return pool, user, asked

    @staticmethod
    def _check_code(pool: UserPool, user: User, code: str | None, now_s: float) -> None:
        """A wrong code counts as a wrong password does."""
        if not code:
            raise invalid_parameter("Missing required parameter SOFTWARE_TOKEN_MFA_CODE")
        if pool.lockouts.locked(user.sub, now_s):
            raise not_authorized("Password attempts exceeded")
        token = pool.software_tokens.get(user.sub)
        if token is None or not token.accept(code, now_s):
            pool.lockouts.failed(user.sub, now_s)
            pool.meters.refused_sign_ins.value += 1
            raise AwsError("CodeMismatchException", "Invalid code received for user")
        pool.lockouts.succeeded(user.sub)


def mfa_settings(pool: UserPool, user: User) -> Json:
    """What GetUser shows of it."""
    token = pool.software_tokens.get(user.sub)
    if token is None or token.secret is None or not token.enabled:
        return {}
    shown: Json = {"UserMFASettingList": [SOFTWARE_TOKEN]}
    if token.preferred:
        shown["PreferredMfaSetting"] = SOFTWARE_TOKEN
    return shown


def _set_preference(pool: UserPool, user: User, body: Json) -> None:
    for name in ("SMSMfaSettings", "EmailMfaSettings", "WebAuthnMfaSettings"):
        if (body.get(name) or {}).get("Enabled"):
            raise not_offered(f"{name} (SetUserMFAPreference)")
    asked = body.get("SoftwareTokenMfaSettings")
    if asked is None:
        return
    token = pool.software_tokens.get(user.sub)
    if asked.get("Enabled") and (token is None or token.secret is None):
        raise invalid_parameter("User has not verified software token mfa")
    if token is not None:
        token.enabled = bool(asked.get("Enabled"))
        token.preferred = bool(asked.get("PreferredMfa"))


def _config(pool: UserPool) -> Json:
    shown: Json = {"MfaConfiguration": pool.mfa}
    if pool.software_token_offered:
        shown["SoftwareTokenMfaConfiguration"] = {"Enabled": True}
    return shown
