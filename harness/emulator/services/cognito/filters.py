"""The Filter of ListUsers: `given_name = "Jon"`, `email ^= "jon"`.

docs: API reference, ListUsers; Developer Guide, Searching for users (read 2026)
"""

from __future__ import annotations

import re
from collections.abc import Callable

from harness.emulator.services.cognito.errors import invalid_parameter
from harness.emulator.services.cognito.users import User

_FILTER = re.compile(r'\s*([\w:.]+)\s*(\^=|=)\s*"((?:[^"\\]|\\.)*)"\s*')
_SEARCHABLE = frozenset(
    {
        *("username", "email", "phone_number", "name", "given_name", "family_name", "preferred_username"),
        *("cognito:user_status", "status", "sub"),
    }
)
UserTest = Callable[[User], bool]


def user_filter(text: str) -> UserTest:
    """What `text` asks of a user; an empty one asks nothing. Raises AwsError InvalidParameterException."""
    if not text.strip():
        return lambda _user: True
    found = _FILTER.fullmatch(text)
    if found is None:
        raise invalid_parameter("Error while parsing filter: " + text[:128])
    name, comparison, quoted = found.groups()
    wanted = re.sub(r"\\(.)", r"\1", quoted)
    if name not in _SEARCHABLE:
        raise invalid_parameter(f"Invalid search attribute: {name}")
    read = _reader(name)
    if name == "cognito:user_status":
        wanted = wanted.upper()
    if comparison == "=":
        return lambda user: read(user) == wanted
    return lambda user: (read(user) or "").startswith(wanted) and read(user) is not None


def _reader(name: str) -> Callable[[User], str | None]:
    if name == "username":
        return lambda user: user.username
    if name == "sub":
        return lambda user: user.sub
    if name == "status":
        return lambda user: "Enabled" if user.enabled else "Disabled"
    if name == "cognito:user_status":
        return lambda user: user.status
    return lambda user: user.attributes.get(name)
