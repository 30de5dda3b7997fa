"""The function behind the access entrance: a request of an account's own back end in, JSON out.

Whose request it is, the authorizer has said (`requestContext.authorizer.account_id`); nothing in path, query
or body names an account, so no request can ask for another's. What it may not hold is refused, never
passed over.
"""

from __future__ import annotations

import json
import os
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from . import aws
from .devices import MAX_PAGE, Devices
from .history import History, read_range
from .problems import Problem, answer, invalid, not_found, unavailable
from .webhooks import Webhooks

MAX_BODY_BYTES = 8192
DEFAULT_PAGE = 50

# What needs no escaping in a path. A device with another id is found in the list of devices.
_DEVICE_ID = re.compile(r"[A-Za-z0-9._~:@+-]{1,128}")

Event = Mapping[str, Any]
Answer = dict[str, Any]


class AccessApi:
    """One execution environment's API."""

    def __init__(self, devices: Devices, history: History, webhooks: Webhooks) -> None:
        self._devices = devices
        self._history = history
        self._webhooks = webhooks
        self._routes: Mapping[tuple[str, str], Callable[[str, Event], Answer]] = {
            ("GET", "/v1/devices"): self._list_devices,
            ("GET", "/v1/devices/{device_id}"): self._get_device,
            ("GET", "/v1/devices/{device_id}/history"): self._get_history,
            ("GET", "/v1/webhooks"): self._list_webhooks,
            ("POST", "/v1/webhooks"): self._add_webhook,
            ("DELETE", "/v1/webhooks/{webhook_id}"): self._remove_webhook,
        }

    def answer(self, event: Event) -> Answer:
        """Answer the event of a Lambda proxy integration."""
        try:
            account_id = event["requestContext"]["authorizer"]["account_id"]
            route = self._routes.get((event["httpMethod"], event["resource"]))
            if route is None:
                raise not_found("route")
            return route(account_id, event)
        except Problem as problem:
            return problem.answer()
        except (ClientError, BotoCoreError) as why:
            print(f"{event['httpMethod']} {event['resource']}: {type(why).__name__}: {why}")
            return unavailable().answer()

    def _list_devices(self, account_id: str, event: Event) -> Answer:
        asked = _parameters(event, "limit", "cursor")
        limit = _whole("limit", asked.get("limit", str(DEFAULT_PAGE)), MAX_PAGE)
        return answer(200, self._devices.page(account_id, limit, asked.get("cursor")))

    def _get_device(self, account_id: str, event: Event) -> Answer:
        _parameters(event)
        return answer(200, self._devices.get(account_id, _device_id(event)))

    def _get_history(self, account_id: str, event: Event) -> Answer:
        asked = _parameters(event, "from", "to")
        device_id, span = _device_id(event), read_range(asked.get("from"), asked.get("to"))
        return answer(200, self._history.read(account_id, device_id, span))

    def _list_webhooks(self, account_id: str, event: Event) -> Answer:
        _parameters(event)
        return answer(200, self._webhooks.all(account_id))

    def _add_webhook(self, account_id: str, event: Event) -> Answer:
        _parameters(event)
        is_new, webhook = self._webhooks.add(account_id, _body(event))
        return answer(201 if is_new else 200, webhook)

    def _remove_webhook(self, account_id: str, event: Event) -> Answer:
        _parameters(event)
        self._webhooks.remove(account_id, event["pathParameters"]["webhook_id"])
        return answer(204, None)


def _parameters(event: Event, *known: str) -> Mapping[str, str]:
    """The query's parameters, each said once. Raises Problem 400 for others."""
    given: Mapping[str, list[str]] = event.get("multiValueQueryStringParameters") or {}
    for name, values in given.items():
        if name not in known:
            raise invalid("unknown_parameter", f"There is no parameter '{name[:40]}'.")
        if len(values) != 1:
            raise invalid("repeated_parameter", f"The parameter '{name}' is given {len(values)} times.")
    return {name: values[0] for name, values in given.items()}


def _whole(name: str, text: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= most):
        raise invalid(f"invalid_{name}", f"'{name}' is a whole number from 1 to {most}.")
    return int(text)


def _device_id(event: Event) -> str:
    device_id: str = event["pathParameters"]["device_id"]
    if _DEVICE_ID.fullmatch(device_id) is None:
        raise invalid("invalid_device_id", "A device id in a path is 1 to 128 of A-Z a-z 0-9 . _ ~ : @ + -.")
    return device_id


def _body(event: Event) -> Mapping[str, Any]:
    text: str = event.get("body") or ""
    try:
        raw = b64decode(text) if event.get("isBase64Encoded") else text.encode()
        if len(raw) > MAX_BODY_BYTES:
            raise Problem(413, "body_too_large", f"A body is at most {MAX_BODY_BYTES:,} bytes.")
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise invalid("invalid_body", "The body is not JSON.") from None
    if type(body) is not dict:
        raise invalid("invalid_body", "The body is not a JSON object.")
    return body


@cache
def _api() -> AccessApi:
    dynamodb = aws.client("dynamodb")
    return AccessApi(
        Devices(dynamodb, aws.setting("DEVICES_TABLE")),
        History(aws.client("s3"), aws.setting("ARCHIVE_BUCKET")),
        Webhooks(
            dynamodb=dynamodb,
            sns=aws.client("sns"),
            table=aws.setting("WEBHOOKS_TABLE"),
            topic_arn=aws.setting("DEVICE_EVENTS_TOPIC"),
            dead_letters_arn=aws.setting("WEBHOOKS_DEAD_LETTERS_ARN"),
            hosts=aws.setting("WEBHOOK_HOSTS"),
        ),
    )


def handler(event: dict[str, Any], _context: object) -> Answer:
    """Lambda's entry: a proxy integration's event in, its answer out."""
    return _api().answer(event)


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:  # the clients are made while the environment starts
    _api()
    aws.settle()
