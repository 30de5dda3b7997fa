"""API keys: a default mode for the public, with an end.

Keys expire at full hours, at least a day and at most 365 days from when they were made or changed, and are
deleted 60 days after that. docs: AppSync API Reference, ApiKey, CreateApiKey; AppSync endpoints and quotas:
50 keys an API (read 2026-11)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.emulator.services.appsync.control.members import Members
from harness.emulator.services.appsync.control.operations import (
    Body,
    Operation,
    new_id,
    paged,
    without_none,
)
from harness.emulator.services.appsync.errors import not_found
from harness.emulator.services.appsync.state import AllApis, Api
from harness.emulator.services.base import AwsError, CallContext

HOUR_S = 3600
DAY_S = 24 * HOUR_S
DEFAULT_S = 7 * DAY_S
KEPT_S = 60 * DAY_S
MAX_KEYS = 50


def expiry(wanted_s: int | None, now_s: float) -> int:
    """When a key expires, in seconds since the epoch: what was asked for, or in seven days, rounded down to
    the hour. Raises AwsError ApiKeyValidityOutOfBoundsException."""
    moment_s = int(now_s) + DEFAULT_S if wanted_s is None else wanted_s
    rounded_s = moment_s - moment_s % HOUR_S
    earliest_s, latest_s = now_s + DAY_S - HOUR_S, now_s + 365 * DAY_S
    if not earliest_s <= rounded_s <= latest_s:
        raise AwsError(
            "ApiKeyValidityOutOfBoundsException",
            "API key must be valid for a minimum of 1 days and a maximum of 365 days.",
            400,
        )
    return rounded_s


class KeyOperations:
    """Holds no state of its own."""

    def __init__(self, apis: AllApis, clock: Callable[[], float]) -> None:
        self._apis = apis
        self._clock = clock

    def operations(self) -> Mapping[str, Operation]:
        """By the API's names."""
        return {
            "CreateApiKey": self.create,
            "ListApiKeys": self.list,
            "UpdateApiKey": self.update,
            "DeleteApiKey": self.delete,
        }

    def create(self, members: Members, context: CallContext) -> Body:
        """CreateApiKey."""
        api = self._find(members, context)
        if len(api.keys) >= MAX_KEYS:
            raise AwsError(
                "ApiKeyLimitExceededException", f"The limit of {MAX_KEYS} API keys was reached.", 400
            )
        key_id = "da2-" + new_id()
        expires_s = expiry(_wanted(members), self._clock())
        return {"apiKey": self._keep(api, key_id, members.text("description"), expires_s)}

    def list(self, members: Members, context: CallContext) -> Body:
        """ListApiKeys."""
        return paged("apiKeys", list(self._find(members, context).keys.values()), members)

    def update(self, members: Members, context: CallContext) -> Body:
        """UpdateApiKey: what is not given stays."""
        api = self._find(members, context)
        key = self._key(api, members)
        wanted_s = _wanted(members)
        expires_s = int(key["expires"]) if wanted_s is None else expiry(wanted_s, self._clock())
        description = members.text("description")
        if description is None:
            description = key.get("description")
        return {"apiKey": self._keep(api, key["id"], description, expires_s)}

    def delete(self, members: Members, context: CallContext) -> Body:
        """DeleteApiKey."""
        api = self._find(members, context)
        key_id = self._key(api, members)["id"]
        del api.keys[key_id], api.key_expiries_s[key_id]
        return {}

    def _find(self, members: Members, context: CallContext) -> Api:
        """The API, without the keys whose time to be deleted has come."""
        api = self._apis.get(members.required_text("apiId"), context)
        now_s = self._clock()
        for key_id in [key_id for key_id, key in api.keys.items() if key["deletes"] <= now_s]:
            del api.keys[key_id], api.key_expiries_s[key_id]
        return api

    def _key(self, api: Api, members: Members) -> Body:
        key_id = members.required_text("id")
        key = api.keys.get(key_id)
        if key is None:
            raise not_found(f"API key not found: {key_id[:8]}")
        return key

    def _keep(self, api: Api, key_id: str, description: str | None, expires_s: int) -> Body:
        key = without_none(
            {"id": key_id, "description": description, "expires": expires_s, "deletes": expires_s + KEPT_S}
        )
        api.keys[key_id] = key
        api.key_expiries_s[key_id] = expires_s
        return key


def _wanted(members: Members) -> int | None:
    return members.integer("expires", 0, 2**53)
