"""What users do with their own account: with an access token, or a code when the password is forgotten.

docs: API reference, GetUser, UpdateUserAttributes, DeleteUserAttributes, DeleteUser, ChangePassword,
GetUserAttributeVerificationCode, VerifyUserAttribute, GlobalSignOut, ForgotPassword, ConfirmForgotPassword
(read 2026)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.cognito import users as u
from harness.emulator.services.cognito.bearer import bearer
from harness.emulator.services.cognito.codes import FORGOT_PASSWORD, Mailbox
from harness.emulator.services.cognito.delivery import imaginary_details, recovery_attribute, send_code
from harness.emulator.services.cognito.errors import (
    code_mismatch,
    invalid_parameter,
    no_such_user,
    not_authorized,
    user_disabled,
    wrong_credentials,
)
from harness.emulator.services.cognito.pools import Registry, UserPool
from harness.emulator.services.cognito.schema import VERIFIABLE
from harness.emulator.services.cognito.second_factors import mfa_settings
from harness.emulator.services.cognito.shapes import attribute_list, attribute_values
from harness.emulator.services.cognito.users import User

Json = dict[str, Any]
_RECOVERIES_AN_HOUR = 20
"""AWS: 5 to 20 by a risk that it does not document how to assess; the more lenient end."""
_PASSWORD_CHANGES_AN_HOUR = 5
_CODES_AN_HOUR = 5
_VERIFICATIONS_AN_HOUR = 15


class AccountOperations:
    """The operations, by their names in snake case."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def get_user(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """The user's name and the attributes that the client may read."""
        who = bearer(self._registry, body["AccessToken"], now_s)
        readable = {
            name: value for name, value in who.user.all_attributes().items() if who.client.may_read(name)
        }
        return {
            "Username": who.user.username,
            "UserAttributes": attribute_list(readable),
            **mfa_settings(who.pool, who.user),
        }

    def update_user_attributes(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """Changes attributes that the client may write."""
        who = bearer(self._registry, body["AccessToken"], now_s)
        self._registry.user_quotas.take(who.user.sub, now_s, write=True)
        values = attribute_values(body["UserAttributes"])
        who.client.check_writes(values)
        sent = change_attributes(who.pool, self._registry.mailbox, who.user, values, now_s)
        return {"CodeDeliveryDetailsList": sent}

    def delete_user_attributes(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """Removes attributes that the client may write."""
        who = bearer(self._registry, body["AccessToken"], now_s)
        self._registry.user_quotas.take(who.user.sub, now_s, write=True)
        names = body["UserAttributeNames"]
        who.client.check_writes(dict.fromkeys(names))
        remove_attributes(who.pool, who.user, names, now_s)
        return {}

    def delete_user(self, body: Json, _context: CallContext, now_s: float) -> None:
        """Deletes the user."""
        who = bearer(self._registry, body["AccessToken"], now_s)
        who.pool.remove(who.user)

    def change_password(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """A new password, for one who knows the old one."""
        who = bearer(self._registry, body["AccessToken"], now_s)
        who.pool.tries.take("ChangePassword", who.user.sub, _PASSWORD_CHANGES_AN_HOUR, now_s)
        if who.pool.lockouts.locked(who.user.sub, now_s):
            raise not_authorized("Password attempts exceeded")
        if not who.pool.password_fits(who.user, body.get("PreviousPassword") or ""):
            who.pool.lockouts.failed(who.user.sub, now_s)
            raise wrong_credentials()
        who.pool.policy.check(body["ProposedPassword"])
        who.pool.set_password(who.user, body["ProposedPassword"])
        who.user.modified_s = now_s
        return {}

    def get_user_attribute_verification_code(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """A code to the user's address, to prove that it is theirs."""
        who = bearer(self._registry, body["AccessToken"], now_s)
        name = _verifiable(body["AttributeName"])
        who.pool.tries.take("GetUserAttributeVerificationCode", who.user.sub, _CODES_AN_HOUR, now_s)
        if not who.user.attributes.get(name):
            raise invalid_parameter(f"User does not have an {name} attribute")
        return {
            "CodeDeliveryDetails": send_code(who.pool, self._registry.mailbox, who.user, name, name, now_s)
        }

    def verify_user_attribute(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """The user shows that code."""
        who = bearer(self._registry, body["AccessToken"], now_s)
        name = _verifiable(body["AttributeName"])
        who.pool.tries.take("VerifyUserAttribute", who.user.sub, _VERIFICATIONS_AN_HOUR, now_s)
        who.pool.codes.check(who.user.sub, name, body["Code"], now_s)
        who.pool.users.change(who.user, now_s, attributes={f"{name}_verified": "true"})
        who.pool.codes.redeem(who.user.sub, name, body["Code"], now_s)
        return {}

    def global_sign_out(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """Voids all tokens that the user holds, this one too."""
        who = bearer(self._registry, body["AccessToken"], now_s)
        who.pool.sign_out(who.user)
        who.pool.meters.active(who.user, now_s)
        return {}

    def forgot_password(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """A code to the user's verified address, to set a new password with."""
        pool, client = self._registry.client(body["ClientId"])
        client.check_secret_hash(body.get("SecretHash"), body["Username"])
        user = pool.users.find(body["Username"])
        who = body["Username"] if user is None else user.sub
        pool.tries.take("ForgotPassword", who, _RECOVERIES_AN_HOUR, now_s)
        if user is None:
            if client.hides_users:
                return {"CodeDeliveryDetails": imaginary_details(pool, body["Username"])}
            raise AwsError("UserNotFoundException", "Username/client id combination not found.")
        try:
            if not user.enabled:
                raise user_disabled()
            if user.status == u.FORCE_CHANGE_PASSWORD:
                raise not_authorized("User password cannot be reset in the current state.")
            attribute = recovery_attribute(pool, user)
        except AwsError:
            if client.hides_users:
                return {"CodeDeliveryDetails": imaginary_details(pool, body["Username"])}
            raise
        pool.meters.active(user, now_s)
        sent = send_code(pool, self._registry.mailbox, user, attribute, FORGOT_PASSWORD, now_s)
        return {"CodeDeliveryDetails": sent}

    def confirm_forgot_password(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """The user shows that code, with a new password."""
        pool, client = self._registry.client(body["ClientId"])
        client.check_secret_hash(body.get("SecretHash"), body["Username"])
        user = pool.users.find(body["Username"])
        who = body["Username"] if user is None else user.sub
        pool.tries.take("ForgotPassword", who, _RECOVERIES_AN_HOUR, now_s)
        if user is None or not user.enabled:
            if client.hides_users:
                raise code_mismatch()
            raise no_such_user() if user is None else user_disabled()
        pool.codes.check(user.sub, FORGOT_PASSWORD, body["ConfirmationCode"], now_s)
        pool.policy.check(body["Password"])
        pool.codes.redeem(user.sub, FORGOT_PASSWORD, body["ConfirmationCode"], now_s)
        pool.set_password(user, body["Password"])
        pool.users.change(user, now_s, status=u.CONFIRMED)
        pool.meters.active(user, now_s)
        return {}


def change_attributes(
    pool: UserPool, mailbox: Mailbox, user: User, values: Mapping[str, str], now_s: float
) -> list[dict[str, str]]:
    """Give a user's attributes new values (an empty one removes the attribute), and send codes to new
    addresses that the pool verifies: their CodeDeliveryDetails."""
    pool.schema.check_change(values)
    changes: dict[str, str | None] = {name: value or None for name, value in values.items()}
    to_prove = []
    for name in VERIFIABLE:
        if name not in values or values[name] == user.attributes.get(name):
            continue
        if values.get(f"{name}_verified") != "true":
            changes[f"{name}_verified"] = "false" if values[name] else None
            if values[name] and name in pool.auto_verified:
                to_prove.append(name)
    pool.users.change(user, now_s, attributes=changes)
    return [send_code(pool, mailbox, user, name, name, now_s) for name in to_prove]


def remove_attributes(pool: UserPool, user: User, names: list[str], now_s: float) -> None:
    """Take attributes from a user."""
    pool.schema.check_removal(names)
    changes: dict[str, str | None] = dict.fromkeys(names)
    for name in VERIFIABLE:
        if name in changes:
            changes[f"{name}_verified"] = None
    pool.users.change(user, now_s, attributes=changes)


def _verifiable(name: str) -> str:
    if name not in VERIFIABLE:
        raise invalid_parameter(f"Invalid attribute name: {name}")
    return name
