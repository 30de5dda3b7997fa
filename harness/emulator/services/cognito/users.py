"""A pool's users, and how they are found: by name, by a sign-in alias, by `sub`.

A user is a row of slots, 1 KB with its verifier, so that a hundred thousand fit beside everything else.
docs: Cognito Developer Guide, Customizing sign-in attributes (read 2026)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from harness.emulator.services.cognito.errors import alias_exists, no_such_user
from harness.emulator.services.cognito.srp import KeptPassword

UNCONFIRMED: Final = "UNCONFIRMED"
_MAX_SHARED_VALUES = 4_096
CONFIRMED: Final = "CONFIRMED"
FORCE_CHANGE_PASSWORD: Final = "FORCE_CHANGE_PASSWORD"
RESET_REQUIRED: Final = "RESET_REQUIRED"


_layouts: dict[tuple[str, ...], tuple[str, ...]] = {}
"""Which attributes a user has, in one copy for all users that have the same."""


class User:
    """One user. Times are seconds since the epoch; `attributes` are all but `sub`.

    `ordinal` counts the pool's users as they came. `active_month` is the last month (year * 12 + month) in
    which the user was counted as active. Tokens of sessions before `signed_out_before` are void."""

    __slots__ = (
        "_names",
        "_values",
        "active_month",
        "created_s",
        "enabled",
        "groups",
        "modified_s",
        "ordinal",
        "password",
        "password_until_s",
        "signed_out_before",
        "status",
        "sub",
        "username",
    )

    def __init__(
        self, ordinal: int, username: str, sub: str, attributes: dict[str, str], status: str, now_s: float
    ) -> None:
        self.ordinal = ordinal
        self.username = username
        self.sub = sub
        self.attributes = attributes
        self.status = status
        self.enabled = True
        self.created_s = self.modified_s = now_s
        self.groups: tuple[str, ...] = ()
        self.password: KeptPassword | None = None
        self.password_until_s: float | None = None
        self.active_month = 0
        self.signed_out_before = 0

    @property
    def attributes(self) -> dict[str, str]:
        """A copy of them: they are changed by setting them anew."""
        return dict(zip(self._names, self._values, strict=True))

    @attributes.setter
    def attributes(self, attributes: Mapping[str, str]) -> None:
        names = tuple(attributes)
        self._names = _layouts.setdefault(names, names)
        self._values = tuple(attributes.values())

    def all_attributes(self) -> dict[str, str]:
        """With `sub`, which comes first."""
        return {"sub": self.sub, **self.attributes}


class Users:
    """The users of one pool. `sign_in_names` are its UsernameAttributes, by which users sign in from the
    start; `aliases` its AliasAttributes, by which they do once they have confirmed them."""

    def __init__(self, *, case_sensitive: bool, sign_in_names: Iterable[str], aliases: Iterable[str]) -> None:
        self._case_sensitive = case_sensitive
        self.sign_in_names = tuple(sign_in_names)
        self.aliases = tuple(aliases)
        self._by_name: dict[str, User] = {}
        self._by_sub: dict[str, User] = {}
        self._by_alias: dict[str, dict[str, User]] = {
            name: {} for name in (*self.sign_in_names, *self.aliases)
        }
        self._shared_values: dict[str, str] = {"true": "true", "false": "false"}
        self._next_ordinal = 1

    def __len__(self) -> int:
        return len(self._by_name)

    def __iter__(self) -> Iterator[User]:
        return iter(self._by_name.values())

    def next_ordinal(self) -> int:
        """The number of a new user."""
        self._next_ordinal += 1
        return self._next_ordinal - 1

    def named(self, username: str) -> User | None:
        """The user with that username, whatever aliases there are, or None."""
        return self._by_name.get(self._folded(username))

    def find(self, name: str) -> User | None:
        """Who goes by `name`, or None."""
        folded = self._folded(name)
        found = self._by_name.get(folded)
        if found is None:
            for attribute, index in self._by_alias.items():
                found = index.get(folded if attribute != "phone_number" else name)
                if found is not None:
                    return found
            found = self._by_sub.get(name)
        return found

    def get(self, name: str) -> User:
        """Who goes by `name`. Raises AwsError UserNotFoundException."""
        found = self.find(name)
        if found is None:
            raise no_such_user()
        return found

    def by_sub(self, sub: str) -> User | None:
        """The user with that `sub`, or None."""
        found = self._by_sub.get(sub)
        if found is None:  # of users that are named by it there is no second index
            found = self._by_name.get(sub)
            if found is not None and found.sub != sub:
                return None
        return found

    def add(self, user: User, *, take_aliases: bool = False) -> None:
        """Take a new user in. Raises AwsError AliasExistsException when another has its alias, unless
        `take_aliases` has it move."""
        self._claim(user, self._eligible(user.attributes, user.status), take_aliases=take_aliases)
        user.attributes = self._thrifty(user.attributes)
        self._by_name[self._folded(user.username)] = user
        if user.username != user.sub:
            self._by_sub[user.sub] = user

    def remove(self, user: User) -> None:
        """Let a user go."""
        for attribute, value in self._eligible(user.attributes, user.status).items():
            if self._by_alias[attribute].get(value) is user:
                del self._by_alias[attribute][value]
        del self._by_name[self._folded(user.username)]
        self._by_sub.pop(user.sub, None)

    def change(
        self,
        user: User,
        now_s: float,
        *,
        attributes: Mapping[str, str | None] | None = None,
        status: str | None = None,
        take_aliases: bool = False,
    ) -> None:
        """Set attributes (None removes one) and status. Raises AwsError AliasExistsException, with nothing
        changed, when another user has an alias that would become this one's."""
        after = dict(user.attributes)
        for name, value in (attributes or {}).items():
            if value is None:
                after.pop(name, None)
            else:
                after[name] = value
        before = self._eligible(user.attributes, user.status)
        eligible = self._eligible(after, status or user.status)
        self._claim(user, eligible, take_aliases=take_aliases)
        for attribute, value in before.items():
            if eligible.get(attribute) != value and self._by_alias[attribute].get(value) is user:
                del self._by_alias[attribute][value]
        user.attributes = self._thrifty(after)
        user.status = status or user.status
        user.modified_s = now_s

    def _thrifty(self, attributes: Mapping[str, str]) -> dict[str, str]:
        """The same, with one string for a value that many users have, as an account's id: as far as a few
        thousand values go. Addresses are nobody else's."""
        shared = self._shared_values
        thrifty = {}
        for name, value in attributes.items():
            if name in ("email", "phone_number"):
                thrifty[name] = value
            elif value in shared or len(shared) >= _MAX_SHARED_VALUES:
                thrifty[name] = shared.get(value, value)
            else:
                thrifty[name] = shared[value] = value
        return thrifty

    def _claim(self, user: User, eligible: Mapping[str, str], *, take_aliases: bool) -> None:
        for attribute, value in eligible.items():
            holder = self._by_alias[attribute].get(value)
            if holder is not None and holder is not user and not take_aliases:
                raise alias_exists(attribute)
        for attribute, value in eligible.items():
            self._by_alias[attribute][value] = user

    def _eligible(self, attributes: Mapping[str, str], status: str) -> dict[str, str]:
        """The aliases that a user with these goes by."""
        found = {name: attributes[name] for name in self.sign_in_names if attributes.get(name)}
        if status != UNCONFIRMED:
            for name in self.aliases:
                proven = name == "preferred_username" or attributes.get(f"{name}_verified") == "true"
                if attributes.get(name) and proven:
                    found[name] = attributes[name]
        return {
            name: value if name == "phone_number" else self._folded(value) for name, value in found.items()
        }

    def _folded(self, name: str) -> str:
        if self._case_sensitive:
            return name
        folded = name.casefold()
        return name if folded == name else folded  # one string, not two alike
