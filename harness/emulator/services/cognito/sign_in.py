"""Signing in and staying so: InitiateAuth and its administrators' form, challenges, refreshing, revoking.

docs: API reference, InitiateAuth, AdminInitiateAuth, RespondToAuthChallenge, AdminRespondToAuthChallenge,
GetTokensFromRefreshToken, RevokeToken; Developer Guide, Authentication flows (read 2026)
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from typing import Any

from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.cognito import srp
from harness.emulator.services.cognito import users as u
from harness.emulator.services.cognito.challenges import NewPassword, PasswordProof, Waiting
from harness.emulator.services.cognito.clients import AppClient
from harness.emulator.services.cognito.errors import (
    invalid_parameter,
    no_such_user,
    not_authorized,
    not_offered,
    user_disabled,
    wrong_credentials,
    wrong_session,
)
from harness.emulator.services.cognito.pools import Registry, UserPool
from harness.emulator.services.cognito.refreshing import Refreshing, token_result
from harness.emulator.services.cognito.second_factors import SETUP, SOFTWARE_TOKEN, SecondFactors
from harness.emulator.services.cognito.tokens import seal_refresh_token
from harness.emulator.services.cognito.users import User

Json = dict[str, Any]
_REFRESH = ("REFRESH_TOKEN_AUTH", "REFRESH_TOKEN")
_ADMIN_PASSWORD = ("ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH")
_NOT_OFFERED = ("CUSTOM_AUTH", "USER_AUTH")
_MAX_NUMBER_DIGITS = 1_024


class SignInOperations:
    """The operations, by their names in snake case."""

    def __init__(self, registry: Registry, factors: SecondFactors) -> None:
        self._registry = registry
        self._factors = factors
        self._proofs: Waiting[PasswordProof] = Waiting()
        self._new_passwords: Waiting[NewPassword] = Waiting()
        self._refreshing = Refreshing(registry)

    def clear(self) -> None:
        """Forget the sign-ins that are under way."""
        self._proofs.clear()
        self._new_passwords.clear()
        self._factors.clear()

    def initiate_auth(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """Begin to sign in, or refresh, as the user."""
        pool, client = self._registry.client(body["ClientId"])
        flow = body["AuthFlow"]
        if flow in _ADMIN_PASSWORD:
            raise invalid_parameter("Initiate Auth method not supported.")
        return self._initiate(pool, client, flow, body.get("AuthParameters") or {}, now_s)

    def admin_initiate_auth(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """The same from a server, with AWS credentials."""
        pool = self._registry.pool(body["UserPoolId"])
        client = self._registry.client_of(pool, body["ClientId"])
        flow = body["AuthFlow"]
        if flow == "USER_PASSWORD_AUTH":
            raise invalid_parameter("Initiate Auth method not supported.")
        return self._initiate(pool, client, flow, body.get("AuthParameters") or {}, now_s)

    def respond_to_auth_challenge(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """Answer a challenge as the user."""
        pool, client = self._registry.client(body["ClientId"])
        return self._respond(pool, client, body, now_s)

    def admin_respond_to_auth_challenge(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """The same from a server."""
        pool = self._registry.pool(body["UserPoolId"])
        return self._respond(pool, self._registry.client_of(pool, body["ClientId"]), body, now_s)

    def get_tokens_from_refresh_token(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """New tokens; a new refresh token too, where the client rotates them."""
        return self._refreshing.exchange(body, now_s)

    def revoke_token(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """Voids a refresh token and all tokens of its session."""
        return self._refreshing.revoke(body, now_s)

    def _initiate(
        self, pool: UserPool, client: AppClient, flow: str, given: Mapping[str, str], now_s: float
    ) -> Json:
        if flow in _NOT_OFFERED:
            raise not_offered(f"the authentication flow {flow}")
        if flow in _REFRESH:
            return self._refreshing.refresh(pool, client, given, now_s)
        if flow in _ADMIN_PASSWORD:
            flow = "ADMIN_USER_PASSWORD_AUTH"
        _check_allowed(client, flow)
        name = _required(given, "USERNAME")
        client.check_secret_hash(given.get("SECRET_HASH"), name)
        if flow == "USER_SRP_AUTH":
            return self._ask_for_proof(pool, client, name, _required(given, "SRP_A"), now_s)
        return self._by_password(pool, client, name, _required(given, "PASSWORD"), now_s)

    def _by_password(self, pool: UserPool, client: AppClient, name: str, password: str, now_s: float) -> Json:
        user = self._candidate(pool, client, name, now_s)
        key = name if user is None else user.sub
        _check_lockout(pool, key, now_s)
        if not pool.password_fits(user, password) or user is None or user.status == u.RESET_REQUIRED:
            raise _refuse(pool, key, now_s)
        return self._let_in(pool, client, user, now_s)

    def _ask_for_proof(self, pool: UserPool, client: AppClient, name: str, srp_a: str, now_s: float) -> Json:
        user = self._candidate(pool, client, name, now_s)
        if user is not None and user.password is not None:
            sub, user_id, username = user.sub, user.username, user.username
            salt, kept = user.password.salt, user.password.verifier
        else:
            imagined, salt, kept = pool.imaginary(name)
            sub, user_id = None, imagined if pool.users.sign_in_names else name
            username = user_id
        half = _begun(srp_a, kept)
        proof = PasswordProof(client.id, sub, user_id, half)
        return {
            "ChallengeName": "PASSWORD_VERIFIER",
            "ChallengeParameters": {
                "SALT": salt.hex(),
                "SECRET_BLOCK": self._proofs.ask(proof, now_s + client.session_s, now_s),
                "SRP_B": f"{half.public_b:x}",
                "USERNAME": username,
                "USER_ID_FOR_SRP": user_id,
            },
        }

    def _candidate(self, pool: UserPool, client: AppClient, name: str, now_s: float) -> User | None:
        """Who wants to sign in; None when there is nobody of that name and the client hides it. Raises
        AwsError when that user may not try; a client that hides users hides that too, until the password was
        right."""
        user = pool.users.find(name)
        if user is None and not client.hides_users:
            raise no_such_user()
        self._registry.user_quotas.take(f"{pool.id} {name}" if user is None else user.sub, now_s)
        if user is None or client.hides_users:
            return user
        if not user.enabled:
            raise user_disabled()
        if user.status == u.RESET_REQUIRED:
            raise AwsError("PasswordResetRequiredException", "Password reset required for the user")
        return user

    def _respond(self, pool: UserPool, client: AppClient, body: Json, now_s: float) -> Json:
        given: Mapping[str, str] = body.get("ChallengeResponses") or {}
        challenge = body["ChallengeName"]
        name = _required(given, "USERNAME")
        client.check_secret_hash(given.get("SECRET_HASH"), name)
        if challenge == "PASSWORD_VERIFIER":
            return self._check_proof(pool, client, name, given, now_s)
        if challenge == "NEW_PASSWORD_REQUIRED":
            return self._take_new_password(pool, client, name, given, body.get("Session"), now_s)
        if challenge in (SOFTWARE_TOKEN, SETUP):
            session = body.get("Session")
            user = self._factors.answered(pool, client, challenge, given, session, now_s)
            return self._signed_in(pool, client, user, now_s)
        raise not_offered(f"the challenge {challenge}")

    def _check_proof(
        self, pool: UserPool, client: AppClient, name: str, given: Mapping[str, str], now_s: float
    ) -> Json:
        block = _required(given, "PASSWORD_CLAIM_SECRET_BLOCK")
        signature = _required(given, "PASSWORD_CLAIM_SIGNATURE")
        timestamp = _required(given, "TIMESTAMP")
        proof = self._proofs.take(block, now_s)
        if proof.client_id != client.id:
            raise wrong_session()
        user = pool.users.by_sub(proof.sub) if proof.sub is not None else None
        if pool.users.find(name) is not user:
            raise wrong_session()
        key = name if user is None else user.sub
        _check_lockout(pool, key, now_s)
        expected = srp.claim_signature(
            srp.session_key(proof.half), pool.short_name, proof.user_id, base64.b64decode(block), timestamp
        )
        right = hmac.compare_digest(expected, _decoded(signature))
        if not right or user is None or user.status == u.RESET_REQUIRED or _changed(user, proof):
            raise _refuse(pool, key, now_s)
        return self._let_in(pool, client, user, now_s)

    def _let_in(self, pool: UserPool, client: AppClient, user: User, now_s: float) -> Json:
        """The password was right: tokens, or what else is to be done first."""
        pool.lockouts.succeeded(user.sub)
        if not user.enabled:
            raise user_disabled()
        if user.status == u.UNCONFIRMED:
            raise AwsError("UserNotConfirmedException", "User is not confirmed.")
        pool.meters.active(user, now_s)
        if user.status != u.FORCE_CHANGE_PASSWORD:
            return self._factors.ask(pool, client, user, now_s) or self._signed_in(pool, client, user, now_s)
        if user.password_until_s is not None and now_s >= user.password_until_s:
            raise not_authorized("Temporary password has expired and must be reset by an administrator.")
        shown = {name: value for name, value in user.attributes.items() if client.may_read(name)}
        missing = [f"userAttributes.{name}" for name in pool.schema.required if not user.attributes.get(name)]
        asked = NewPassword(client.id, user.sub, user.password)
        return {
            "ChallengeName": "NEW_PASSWORD_REQUIRED",
            "Session": self._new_passwords.ask(asked, now_s + client.session_s, now_s),
            "ChallengeParameters": {
                "USER_ID_FOR_SRP": user.username,
                "requiredAttributes": json.dumps(missing),
                "userAttributes": json.dumps(shown),
            },
        }

    def _take_new_password(
        self,
        pool: UserPool,
        client: AppClient,
        name: str,
        given: Mapping[str, str],
        session: str | None,
        now_s: float,
    ) -> Json:
        asked = self._new_passwords.get(session, now_s)
        user = pool.users.by_sub(asked.sub)
        if asked.client_id != client.id or user is None or pool.users.find(name) is not user:
            raise wrong_session()
        if user.status != u.FORCE_CHANGE_PASSWORD or user.password is not asked.password:
            raise wrong_session()
        if not user.enabled:
            raise user_disabled()
        password = _required(given, "NEW_PASSWORD")
        pool.policy.check(password)
        prefix = "userAttributes."
        values = {key[len(prefix) :]: value for key, value in given.items() if key.startswith(prefix)}
        client.check_writes(values)
        pool.schema.check_change(values)
        pool.schema.check_new({**user.attributes, **values}, demand_required=True)
        pool.users.change(user, now_s, attributes=values, status=u.CONFIRMED)
        pool.set_password(user, password)
        self._new_passwords.take(session, now_s)
        return self._factors.ask(pool, client, user, now_s) or self._signed_in(pool, client, user, now_s)

    @staticmethod
    def _signed_in(pool: UserPool, client: AppClient, user: User, now_s: float) -> Json:
        session = pool.begin_session(client, now_s)
        pool.meters.sign_ins.value += 1
        result = token_result(pool, client, user, session, now_s)
        result["RefreshToken"] = seal_refresh_token(pool.keys, client, user, session)
        return {"ChallengeParameters": {}, "AuthenticationResult": result}


def _check_allowed(client: AppClient, flow: str) -> None:
    if client.allows(flow):
        return
    if flow == "USER_PASSWORD_AUTH":
        raise invalid_parameter("USER_PASSWORD_AUTH flow not enabled for this client")
    if flow == "USER_SRP_AUTH":
        raise invalid_parameter("USER_SRP_AUTH is not enabled for the client.")
    raise invalid_parameter("Auth flow not enabled for this client")


def _check_lockout(pool: UserPool, key: str, now_s: float) -> None:
    if pool.lockouts.locked(key, now_s):
        pool.meters.refused_sign_ins.value += 1
        raise not_authorized("Password attempts exceeded")


def _refuse(pool: UserPool, key: str, now_s: float) -> AwsError:
    pool.lockouts.failed(key, now_s)
    pool.meters.refused_sign_ins.value += 1
    return wrong_credentials()


def _changed(user: User, proof: PasswordProof) -> bool:
    """Whether the user has another password than when the proof was asked for."""
    return user.password is None or int.from_bytes(user.password.verifier) != proof.half.verifier


def _required(given: Mapping[str, str], name: str) -> str:
    value = given.get(name)
    if not value:
        raise invalid_parameter(f"Missing required parameter {name}")
    return value


def _begun(srp_a: str, kept: bytes) -> srp.ServerHalf:
    try:
        if len(srp_a) > _MAX_NUMBER_DIGITS:
            raise ValueError
        return srp.begin(int(srp_a, 16), kept)
    except ValueError:
        raise invalid_parameter("SRP_A must be a hexadecimal number that is not 0 mod N") from None


def _decoded(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return b""
