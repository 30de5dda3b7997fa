"""What the environment says: where the companion is, and which parts of it to use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

URL_VARIABLE = "LAUNCHDAY_COMPANION_URL"
PARTS_VARIABLE = "LAUNCHDAY_PARTS"
SERVICES: Mapping[str, tuple[str, ...]] = {
    "dynamodb": ("dynamodb", "dynamodbstreams"),
    "cognito": ("cognito-idp",),
    "appsync": ("appsync",),
}
"""The AWS services of each part that is made of some."""
PARTS = ("lambda", *SERVICES, "authorizers")


class SettingsError(Exception):
    """A variable has a value that it cannot have. The message says which, in a sentence."""


class Settings(NamedTuple):
    """The companion's URL, without a slash at its end, and the parts that are turned on."""

    companion_url: str
    parts: frozenset[str]

    def services(self) -> list[str]:
        """The AWS services that are turned on."""
        return [service for part, services in SERVICES.items() if part in self.parts for service in services]


def read_settings(environment: Mapping[str, str]) -> Settings | None:
    """The settings, or None where there is no companion. Raises SettingsError."""
    url = environment.get(URL_VARIABLE, "").strip().rstrip("/")
    if not url:
        return None
    try:
        parsed = urlsplit(url)
        usable = parsed.scheme == "http" and bool(parsed.hostname) and parsed.port != 0 and not parsed.path
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(f"{URL_VARIABLE} is '{url}', which is no address like http://127.0.0.1:4570.")
    named = [name.strip().lower() for name in environment.get(PARTS_VARIABLE, "").split(",") if name.strip()]
    unknown = [name for name in named if name not in PARTS]
    if unknown:
        raise SettingsError(f"{PARTS_VARIABLE} names {', '.join(unknown)}; the parts are {', '.join(PARTS)}.")
    return Settings(url, frozenset(named or PARTS))


def usable_settings(environment: Mapping[str, str]) -> Settings | None:
    """The settings, or None where nothing is turned on; hooks.py says why."""
    try:
        return read_settings(environment)
    except SettingsError:
        return None
