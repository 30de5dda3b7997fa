"""The ways into the pipeline: what a device sends, and what an answer says of each event.

Making a request is on the generator's hot path: one JSON, one list look-up, no formatting of headers.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from deploy.accounts import account_id, publishable_key
from harness.errors import UsageError
from harness.pipeline import Acceptance, Event, HttpRequest

ACCEPTED_STATUSES = (200, 202)
_ACCEPTED: Acceptance = "accepted"
_FAILED: Acceptance = "failed"
_THROTTLE = "ProvisionedThroughputExceeded"


class Keys:
    """The headers of each account's apps, made once an account."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._headers: dict[int, Mapping[str, str]] = {}

    def headers(self, account: int) -> Mapping[str, str]:
        """The headers of account number `account`."""
        headers = self._headers.get(account)
        if headers is None:
            key = publishable_key(self._seed, account_id(account))
            headers = self._headers[account] = {
                "Authorization": f"Bearer {key}",
                "Content-Type": "application/json",
            }
        return headers


@dataclass(slots=True)
class OneEvent:
    """`POST` of one event; the body is the event."""

    route: str
    kinds: frozenset[str]
    url: str
    keys: Keys
    hops: Sequence[str] = ("apigateway:rest", "kinesis:PutRecord")
    max_events: int = 1

    def request(self, events: Sequence[Event]) -> HttpRequest:
        """The request that carries the one event."""
        event = events[0]
        body = orjson.dumps({"event_id": event.event_id, "device_id": event.device_id, **event.fields})
        return HttpRequest("POST", self.url, self.keys.headers(event.account), body)

    def acceptance(self, status: int, body: bytes, events: int) -> Sequence[Acceptance]:  # noqa: ARG002
        """What the status says."""
        return (_acceptance_of(status),)


@dataclass(slots=True)
class EventBatch:
    """`POST` of up to `max_events` events of one device: `{"device_id": ..., "events": [...]}`."""

    route: str
    kinds: frozenset[str]
    url: str
    keys: Keys
    max_events: int
    hops: Sequence[str] = ("apigateway:rest", "kinesis:PutRecords")

    def request(self, events: Sequence[Event]) -> HttpRequest:
        """The request that carries all of `events`."""
        first = events[0]
        body = orjson.dumps(
            {
                "device_id": first.device_id,
                "events": [{"event_id": event.event_id, **event.fields} for event in events],
            }
        )
        return HttpRequest("POST", self.url, self.keys.headers(first.account), body)

    def acceptance(self, status: int, body: bytes, events: int) -> Sequence[Acceptance]:
        """What the body says of each event: an answer of 202 can carry refusals. Where a body does not say
        it of every event, all have failed."""
        if status not in ACCEPTED_STATUSES:
            return [_acceptance_of(status)] * events
        answer = _object(body)
        if answer.get("refused") == 0:
            return [_ACCEPTED] * events
        each = answer.get("events")
        if not isinstance(each, list) or len(each) != events:
            return [_FAILED] * events
        return [_acceptance_of_record(code) for code in each]


@dataclass(slots=True)
class RawRecord:
    """`PutRecord` straight into the stream, signed by AWS's rules: how bytes that are no event get there."""

    route: str
    kinds: frozenset[str]
    url: str
    stream_name: str
    sign: Callable[[str, Mapping[str, str], bytes], Mapping[str, str]]
    hops: Sequence[str] = ("kinesis:PutRecord",)
    max_events: int = 1

    def request(self, events: Sequence[Event]) -> HttpRequest:
        """The request that carries bytes that no consumer can parse, with the event's id among them."""
        event = events[0]
        data = b'\x00 not an envelope {"event_id":"' + event.event_id.encode() + b'"'
        body = orjson.dumps(
            {
                "StreamName": self.stream_name,
                "PartitionKey": event.device_id,
                "Data": b64encode(data).decode(),
            }
        )
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "Kinesis_20131202.PutRecord",
        }
        return HttpRequest("POST", self.url, self.sign(self.url, headers, body), body)

    def acceptance(self, status: int, body: bytes, events: int) -> Sequence[Acceptance]:  # noqa: ARG002
        """What Kinesis says: a throttled call is a 400 of its own kind."""
        if status == 400 and _THROTTLE in str(_object(body).get("__type")):
            return ("throttled",)
        return (_acceptance_of(status),)


def signer(
    region: str, service: str, credentials: Mapping[str, str] | None
) -> Callable[[str, Mapping[str, str], bytes], Mapping[str, str]]:
    """Signs requests as AWS asks for (Signature Version 4), with `credentials` or the machine's own."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    from botocore.session import get_session

    own = (
        Credentials(
            credentials["access_key_id"], credentials["secret_access_key"], credentials.get("session_token")
        )
        if credentials
        else get_session().get_credentials()
    )
    if own is None:
        raise UsageError("There are no AWS credentials to sign requests with.", "Set AWS_PROFILE.")
    auth = SigV4Auth(own, service, region)

    def sign(url: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
        request = AWSRequest("POST", url, headers=dict(headers), data=body)
        auth.add_auth(request)
        return dict(request.headers.items())

    return sign


def _acceptance_of(status: int) -> Acceptance:
    if status in ACCEPTED_STATUSES:
        return "accepted"
    return "throttled" if status == 429 else "failed"


def _acceptance_of_record(code: object) -> Acceptance:
    if code == "accepted":
        return "accepted"
    return "throttled" if _THROTTLE in str(code) else "failed"


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
