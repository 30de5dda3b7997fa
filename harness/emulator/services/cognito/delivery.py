"""Which address a code goes to, and what the caller is told of it.

docs: API reference, CodeDeliveryDetailsType; Developer Guide, Verifying contact information at sign-up;
Password recovery (read 2026)
"""

from __future__ import annotations

from harness.emulator.services.cognito.codes import Mailbox, Message
from harness.emulator.services.cognito.errors import invalid_parameter, not_authorized
from harness.emulator.services.cognito.pools import UserPool
from harness.emulator.services.cognito.users import User

_MEDIUM = {"email": "EMAIL", "phone_number": "SMS"}
_RECOVERY = {"verified_email": "email", "verified_phone_number": "phone_number"}


def sign_up_attribute(pool: UserPool, user: User) -> str | None:
    """The attribute whose ownership a sign-up proves: the number before the mail address; None when the pool
    verifies none that the user has."""
    for name in ("phone_number", "email"):
        if name in pool.auto_verified and user.attributes.get(name):
            return name
    return None


def recovery_attribute(pool: UserPool, user: User) -> str:
    """The verified attribute that a forgotten password is recovered by. Raises AwsError
    NotAuthorizedException when only administrators may, InvalidParameterException when the user has none."""
    mechanisms = (pool.settings.get("AccountRecoverySetting") or {}).get("RecoveryMechanisms") or ()
    names = [m["Name"] for m in sorted(mechanisms, key=lambda m: m["Priority"])]
    if names == ["admin_only"]:
        raise not_authorized("Contact administrator to reset password.")
    for name in [_RECOVERY[n] for n in names if n in _RECOVERY] or ["phone_number", "email"]:
        if user.attributes.get(name) and user.attributes.get(f"{name}_verified") == "true":
            return name
    raise invalid_parameter(
        "Cannot reset password for the user as there is no registered/verified email or phone_number"
    )


def send_code(
    pool: UserPool, mailbox: Mailbox, user: User, attribute: str, purpose: str, now_s: float
) -> dict[str, str]:
    """Issue a code and post it. The CodeDeliveryDetails."""
    post(pool, mailbox, user, attribute, purpose, pool.codes.issue(user.sub, purpose, now_s), now_s)
    return details(attribute, user.attributes[attribute])


def post(
    pool: UserPool, mailbox: Mailbox, user: User, attribute: str, purpose: str, secret: str, now_s: float
) -> None:
    """Post a message to the user's address."""
    address = user.attributes[attribute]
    mailbox.post(Message(now_s, pool.id, user.username, address, _MEDIUM[attribute], purpose, secret))
    sender = (pool.settings.get("EmailConfiguration") or {}).get("EmailSendingAccount")
    pool.meters.sent(_MEDIUM[attribute], through_ses=sender == "DEVELOPER")


def details(attribute: str, address: str) -> dict[str, str]:
    """A CodeDeliveryDetails, with the address masked."""
    return {
        "Destination": _masked(attribute, address),
        "DeliveryMedium": _MEDIUM[attribute],
        "AttributeName": attribute,
    }


def imaginary_details(pool: UserPool, username: str) -> dict[str, str]:
    """What is told of a user that does not exist, where the client hides which do: the same each time."""
    seed, _, _ = pool.imaginary(username)
    if "@" in username:
        return details("email", username)
    if "email" in pool.auto_verified or "phone_number" not in pool.auto_verified:
        return details("email", f"{seed[0]}@{seed[1]}.com")
    return details("phone_number", f"+1555555{int(seed[:4], 16) % 10_000:04d}")


def _masked(attribute: str, address: str) -> str:
    if attribute == "phone_number":
        return "+" + "*" * max(len(address) - 5, 0) + address[-4:]
    name, _, host = address.partition("@")
    return f"{name[:1]}***@{host[:1]}***"
