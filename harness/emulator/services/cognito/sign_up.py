"""How users come in: SignUp and its confirmation, AdminCreateUser, and what the two share.

docs: API reference, SignUp, ConfirmSignUp, ResendConfirmationCode, AdminCreateUser, AdminConfirmSignUp;
Developer Guide, Managing user existence error responses (read 2026)
"""

from __future__ import annotations

import uuid
from typing import Any

from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.cognito import users as u
from harness.emulator.services.cognito.codes import SIGN_UP
from harness.emulator.services.cognito.delivery import imaginary_details, post, send_code, sign_up_attribute
from harness.emulator.services.cognito.errors import (
    code_expired,
    code_mismatch,
    invalid_parameter,
    not_authorized,
    not_offered,
)
from harness.emulator.services.cognito.pools import Registry, UserPool
from harness.emulator.services.cognito.schema import STANDARD
from harness.emulator.services.cognito.shapes import attribute_values, user_shape
from harness.emulator.services.cognito.users import User

Json = dict[str, Any]
_CONFIRMATIONS_AN_HOUR = 15
_RESENDS_AN_HOUR = 5
_DAY_S = 86_400.0


class SignUpOperations:
    """The operations, by their names in snake case."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def sign_up(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """A person registers; a code goes to the address that the pool verifies."""
        pool, client = self._registry.client(body["ClientId"])
        client.check_secret_hash(body.get("SecretHash"), body["Username"])
        if (pool.settings.get("AdminCreateUserConfig") or {}).get("AllowAdminCreateUserOnly"):
            raise not_authorized("SignUp is not permitted for this user pool")
        if body.get("Password") is None:
            raise not_offered("sign-up without a password")
        attributes = attribute_values(body.get("UserAttributes"))
        client.check_writes(attributes)
        pool.policy.check(body["Password"])
        user = new_user(pool, body["Username"], attributes, u.UNCONFIRMED, now_s)
        pool.schema.check_new(user.attributes, demand_required=True)
        pool.users.add(user)
        pool.set_password(user, body["Password"])
        pool.meters.sign_ups.value += 1
        pool.meters.active(user, now_s)
        answer: Json = {"UserConfirmed": False, "UserSub": user.sub}
        attribute = sign_up_attribute(pool, user)
        if attribute is not None:
            answer["CodeDeliveryDetails"] = send_code(
                pool, self._registry.mailbox, user, attribute, SIGN_UP, now_s
            )
        return answer

    def confirm_sign_up(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """The person shows the code."""
        pool, client = self._registry.client(body["ClientId"])
        client.check_secret_hash(body.get("SecretHash"), body["Username"])
        user = pool.users.find(body["Username"])
        who = body["Username"] if user is None else user.sub
        self._registry.user_quotas.take(who, now_s, write=True)
        pool.tries.take("ConfirmSignUp", who, _CONFIRMATIONS_AN_HOUR, now_s)
        if user is None:
            if client.hides_users:
                raise code_mismatch()
            raise AwsError("UserNotFoundException", "Username/client id combination not found.")
        if user.status != u.UNCONFIRMED:
            raise not_authorized(f"User cannot be confirmed. Current status is {user.status}")
        attribute = sign_up_attribute(pool, user)
        if attribute is None:
            raise code_expired()
        pool.codes.check(user.sub, SIGN_UP, body["ConfirmationCode"], now_s)
        pool.users.change(
            user,
            now_s,
            attributes={f"{attribute}_verified": "true"},
            status=u.CONFIRMED,
            take_aliases=bool(body.get("ForceAliasCreation")),
        )
        pool.codes.redeem(user.sub, SIGN_UP, body["ConfirmationCode"], now_s)
        pool.meters.active(user, now_s)
        return {}

    def resend_confirmation_code(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """A new code; the one before is void."""
        pool, client = self._registry.client(body["ClientId"])
        client.check_secret_hash(body.get("SecretHash"), body["Username"])
        user = pool.users.find(body["Username"])
        who = body["Username"] if user is None else user.sub
        pool.tries.take("ResendConfirmationCode", who, _RESENDS_AN_HOUR, now_s)
        if client.hides_users and (user is None or not user.enabled):
            return {"CodeDeliveryDetails": imaginary_details(pool, body["Username"])}
        if user is None:
            raise AwsError("UserNotFoundException", "Username/client id combination not found.")
        if user.status != u.UNCONFIRMED:
            raise invalid_parameter("User is already confirmed.")
        attribute = sign_up_attribute(pool, user)
        if attribute is None:
            raise invalid_parameter("Cannot resend codes. Auto verification not turned on.")
        sent = send_code(pool, self._registry.mailbox, user, attribute, SIGN_UP, now_s)
        return {"CodeDeliveryDetails": sent}

    def admin_confirm_sign_up(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """An administrator confirms a user, without a code and without verifying an address."""
        pool = self._registry.pool(body["UserPoolId"])
        user = pool.users.get(body["Username"])
        if user.status != u.UNCONFIRMED:
            raise not_authorized(f"User cannot be confirmed. Current status is {user.status}")
        pool.users.change(user, now_s, status=u.CONFIRMED)
        pool.codes.forget(user.sub)
        pool.meters.active(user, now_s)
        return {}

    def admin_create_user(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """An administrator creates a user, who has to change the temporary password at the first sign-in."""
        pool = self._registry.pool(body["UserPoolId"])
        if body.get("MessageAction") == "RESEND":
            return self._invite_again(pool, body, now_s)
        attributes = attribute_values(body.get("UserAttributes"))
        password = body.get("TemporaryPassword") or pool.policy.generate()
        pool.policy.check(password)
        user = new_user(
            pool,
            body["Username"],
            attributes,
            u.FORCE_CHANGE_PASSWORD,
            now_s,
            exists="User account already exists",
        )
        pool.schema.check_new(user.attributes, demand_required=False)
        pool.users.add(user, take_aliases=bool(body.get("ForceAliasCreation")))
        self._invite(pool, user, password, body, now_s)
        pool.meters.active(user, now_s)
        return {"User": user_shape(user)}

    def _invite_again(self, pool: UserPool, body: Json, now_s: float) -> Json:
        user = pool.users.get(body["Username"])
        if user.status != u.FORCE_CHANGE_PASSWORD:
            raise AwsError(
                "UnsupportedUserStateException",
                f"Resend not possible. {user.username} status is not FORCE_CHANGE_PASSWORD",
            )
        password = body.get("TemporaryPassword") or pool.policy.generate()
        pool.policy.check(password)
        self._invite(pool, user, password, body, now_s)
        return {"User": user_shape(user)}

    def _invite(self, pool: UserPool, user: User, password: str, body: Json, now_s: float) -> None:
        pool.set_password(user, password, until_s=now_s + pool.policy.temporary_days * _DAY_S)
        if body.get("MessageAction") == "SUPPRESS":
            return
        mediums = body.get("DesiredDeliveryMediums") or ["SMS"]
        for attribute, medium in (("email", "EMAIL"), ("phone_number", "SMS")):
            if medium in mediums and user.attributes.get(attribute):
                post(pool, self._registry.mailbox, user, attribute, "invitation", password, now_s)


def new_user(
    pool: UserPool,
    name: str,
    attributes: dict[str, str],
    status: str,
    now_s: float,
    *,
    exists: str = "User already exists",
) -> User:
    """A user that is not yet in the pool, known by `name`: its username, or where the pool has users sign in
    by address, that address. Raises AwsError UsernameExistsException or InvalidParameterException."""
    sub = str(uuid.uuid4())
    kept = {_kept_name(key): value for key, value in attributes.items() if value}
    if pool.users.sign_in_names:
        kind = _kind_of(name)
        if kind not in pool.users.sign_in_names:
            words = " or a ".join(part.replace("_", " ") for part in pool.users.sign_in_names)
            raise invalid_parameter(f"Username should be {'an' if words.startswith('e') else 'a'} {words}.")
        kept[kind] = name
        if pool.users.find(name) is not None:
            raise AwsError("UsernameExistsException", f"An account with the given {kind} already exists.")
        return User(pool.users.next_ordinal(), sub, sub, kept, status, now_s)
    if _kind_of(name) in pool.users.aliases:
        kind = str(_kind_of(name)).replace("_number", "")
        raise invalid_parameter(
            f"Username cannot be of {kind} format, since user pool is configured for {kind} alias."
        )
    if pool.users.named(name) is not None:
        raise AwsError("UsernameExistsException", exists)
    return User(pool.users.next_ordinal(), name, sub, kept, status, now_s)


def _kept_name(name: str) -> str:
    """One string for each standard name, instead of one a user."""
    attribute = STANDARD.get(name)
    return name if attribute is None else attribute.name


def _kind_of(name: str) -> str | None:
    for kind in ("email", "phone_number"):
        try:
            STANDARD[kind].check(name)
        except AwsError:
            continue
        return kind
    return None
