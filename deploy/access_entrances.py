"""What customers' back ends ask of the access entrance: calls, which carry no event."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from deploy.accounts import account_id, secret_key
from deploy.standup import access_api
from harness.pipeline import Acceptance, Event, HttpRequest

LIST_DEVICES = "list_devices"
GET_DEVICE = "get_device"
GET_HISTORY = "get_history"
LIST_WEBHOOKS = "list_webhooks"

PAGE = 20
HISTORY_S = 300.0
"""How far back a call for a device's history asks."""


class SecretKeys:
    """The headers of each account's back end, made once an account."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._headers: dict[int, Mapping[str, str]] = {}

    def headers(self, account: int) -> Mapping[str, str]:
        """The headers of account number `account`."""
        headers = self._headers.get(account)
        if headers is None:
            headers = self._headers[account] = {"Authorization": basic(self._seed, account_id(account))}
        return headers


def basic(seed: str, account: str) -> str:
    """The Authorization header of an account's back end."""
    return f"Basic {b64encode(f'{account}:{secret_key(seed, account)}'.encode()).decode()}"


@dataclass(slots=True)
class Call:
    """`GET` of what `url_of` makes of a call. A device that is not known yet is an answer, too: `answers`
    are the statuses of one that was served."""

    route: str
    kinds: frozenset[str]
    url_of: Callable[[Event], str]
    keys: SecretKeys
    hops: Sequence[str]
    answers: tuple[int, ...] = (200,)
    max_events: int = 1

    def request(self, events: Sequence[Event]) -> HttpRequest:
        """The request of the one call."""
        event = events[0]
        return HttpRequest("GET", self.url_of(event), self.keys.headers(event.account), b"")

    def acceptance(self, status: int, body: bytes, events: int) -> Sequence[Acceptance]:  # noqa: ARG002
        """What the status says."""
        if status in self.answers:
            return ("accepted",)
        return ("throttled",) if status == 429 else ("failed",)


def calls(base: str, seed: str) -> list[Call]:
    """Every call of the access entrance at `base`."""
    keys = SecretKeys(seed)
    devices, webhooks = f"{base}{access_api.DEVICES}", f"{base}{access_api.WEBHOOKS}"
    through = ("apigateway:rest", "lambda:Invoke")

    def history(event: Event) -> str:
        start, end = quote(_rfc3339(event.at_s - HISTORY_S)), quote(_rfc3339(event.at_s))
        return f"{devices}/{event.device_id}/history?from={start}&to={end}"

    return [
        Call(
            f"GET {access_api.DEVICES}", frozenset({LIST_DEVICES}), lambda _: f"{devices}?limit={PAGE}",
            keys, (*through, "dynamodb:Query", "dynamodb:BatchGetItem"),
        ),
        Call(
            f"GET {access_api.DEVICE}", frozenset({GET_DEVICE}), lambda event: f"{devices}/{event.device_id}",
            keys, (*through, "dynamodb:GetItem"), (200, 404),
        ),
        Call(
            f"GET {access_api.HISTORY}", frozenset({GET_HISTORY}), history,
            keys, (*through, "s3:ListObjectsV2", "s3:GetObject"),
        ),
        Call(
            f"GET {access_api.WEBHOOKS}", frozenset({LIST_WEBHOOKS}), lambda _: webhooks,
            keys, (*through, "dynamodb:Query"),
        ),
    ]  # fmt: skip


def _rfc3339(at_s: float) -> str:
    moment = datetime.fromtimestamp(at_s, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
