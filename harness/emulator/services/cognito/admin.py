"""What administrators do with users.

docs: API reference, Admin* operations and ListUsers (read 2026)
"""

from __future__ import annotations

from typing import Any

from harness.emulator.services.base import CallContext
from harness.emulator.services.cognito import users as u
from harness.emulator.services.cognito.account import change_attributes, remove_attributes
from harness.emulator.services.cognito.codes import FORGOT_PASSWORD
from harness.emulator.services.cognito.delivery import recovery_attribute, send_code
from harness.emulator.services.cognito.errors import invalid_parameter, not_authorized, user_disabled
from harness.emulator.services.cognito.filters import user_filter
from harness.emulator.services.cognito.paging import page
from harness.emulator.services.cognito.pools import Registry, UserPool
from harness.emulator.services.cognito.second_factors import mfa_settings
from harness.emulator.services.cognito.shapes import attribute_values, user_shape
from harness.emulator.services.cognito.users import User

Json = dict[str, Any]
_DAY_S = 86_400.0


class AdminOperations:
    """The operations, by their names in snake case."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def admin_get_user(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """All of a user."""
        pool, user = self._user(body)
        pool.meters.active(user, now_s)
        return {**user_shape(user, key="UserAttributes"), **mfa_settings(pool, user)}

    def list_users(self, body: Json, _context: CallContext, _now_s: float) -> Json:
        """Users that fit the filter, as they came."""
        pool = self._registry.pool(body["UserPoolId"])
        fits = user_filter(body.get("Filter") or "")
        wanted = body.get("AttributesToGet")
        for name in wanted or ():
            if name not in pool.schema.attributes:
                raise invalid_parameter(f"One or more requested attributes do not exist: {name}")
        users = (user for user in pool.users if fits(user))
        found, token = page(users, lambda user: user.ordinal, body.get("PaginationToken"), body.get("Limit"))
        shown = [user_shape(user, _only(user, wanted)) for user in found]
        return {"Users": shown, **({"PaginationToken": token} if token else {})}

    def admin_set_user_password(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """A password for good, or until the next sign-in."""
        pool, user = self._user(body)
        pool.policy.check(body["Password"])
        permanent = bool(body.get("Permanent"))
        until_s = None if permanent else now_s + pool.policy.temporary_days * _DAY_S
        pool.set_password(user, body["Password"], until_s=until_s)
        pool.users.change(user, now_s, status=u.CONFIRMED if permanent else u.FORCE_CHANGE_PASSWORD)
        pool.meters.active(user, now_s)
        return {}

    def admin_reset_user_password(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """Makes the password useless and sends the user a code."""
        pool, user = self._user(body)
        if not user.enabled:
            raise user_disabled()
        if user.status not in (u.CONFIRMED, u.RESET_REQUIRED):
            raise not_authorized("User password cannot be reset in the current state.")
        attribute = recovery_attribute(pool, user)
        pool.users.change(user, now_s, status=u.RESET_REQUIRED)
        send_code(pool, self._registry.mailbox, user, attribute, FORGOT_PASSWORD, now_s)
        return {}

    def admin_update_user_attributes(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """Changes any attribute, `email_verified` too."""
        pool, user = self._user(body)
        values = attribute_values(body["UserAttributes"])
        change_attributes(pool, self._registry.mailbox, user, values, now_s)
        pool.meters.active(user, now_s)
        return {}

    def admin_delete_user_attributes(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """Removes any attribute that is not required."""
        pool, user = self._user(body)
        remove_attributes(pool, user, body["UserAttributeNames"], now_s)
        pool.meters.active(user, now_s)
        return {}

    def admin_disable_user(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """Keeps a user out, and voids the tokens that the user holds."""
        pool, user = self._user(body)
        user.enabled = False
        user.modified_s = now_s
        pool.sign_out(user)
        return {}

    def admin_enable_user(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """Lets a user in again."""
        _, user = self._user(body)
        user.enabled = True
        user.modified_s = now_s
        return {}

    def admin_delete_user(self, body: Json, _context: CallContext, _now_s: float) -> None:
        """Deletes a user."""
        pool, user = self._user(body)
        pool.remove(user)

    def admin_user_global_sign_out(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """Voids all tokens that the user holds."""
        pool, user = self._user(body)
        pool.sign_out(user)
        pool.meters.active(user, now_s)
        return {}

    def _user(self, body: Json) -> tuple[UserPool, User]:
        pool = self._registry.pool(body["UserPoolId"])
        return pool, pool.users.get(body["Username"])


def _only(user: User, wanted: list[str] | None) -> dict[str, str] | None:
    if wanted is None:
        return None
    return {name: value for name, value in user.all_attributes().items() if name in wanted}
