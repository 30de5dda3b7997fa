"""Those who are told what happens: webhooks and live subscribers, as an account's own people set them up;
what is in a delivery; and the deliveries that were given up."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from deploy.access_entrances import basic
from deploy.accounts import account_id
from deploy.dead_letter_queues import messages
from deploy.sign_in import Tokens
from deploy.standup import access_api
from harness.errors import TargetError
from harness.pipeline import Channel, LiveSubscription, LostDelivery, Told, Watcher

_TIMEOUT_S = 30.0
_LOCATION = (
    "account_id device_id event_id lat lon accuracy speed bearing altitude activity battery context "
    "recorded_at received_at"
)
_OF_A_DEVICE = (
    "subscription OnLocation($account_id: ID!, $device_id: ID!) "
    f"{{ onLocation(account_id: $account_id, device_id: $device_id) {{ {_LOCATION} }} }}"
)
_OF_AN_ACCOUNT = (
    "subscription OnAccountActivity($account_id: ID!) "
    f"{{ onAccountActivity(account_id: $account_id) {{ {_LOCATION} }} }}"
)


def add_webhook(outputs: Mapping[str, Any], account: int, url: str) -> None:
    """`POST /v1/webhooks` as the back end of `account`. Raises TargetError."""
    _ask(outputs, account, "POST", access_api.WEBHOOKS, {"url": url})


def remove_webhooks(outputs: Mapping[str, Any], account: int) -> None:
    """Delete every webhook of `account` that can be deleted: one that nobody ever confirmed lapses by itself.
    Raises TargetError."""
    for webhook in _ask(outputs, account, "GET", access_api.WEBHOOKS)["webhooks"]:
        _ask(
            outputs,
            account,
            "DELETE",
            f"{access_api.WEBHOOKS}/{webhook['webhook_id']}",
            let_be=("pending_confirmation", "not_found"),
        )


def subscription(outputs: Mapping[str, Any], tokens: Tokens, watcher: Watcher) -> LiveSubscription:
    """What opens the subscription of an account's user to a device, or to all of the account's.
    Raises TargetError."""
    live, account = outputs["live"], account_id(watcher.account)
    variables = {"account_id": account}
    if watcher.device_id is not None:
        variables["device_id"] = watcher.device_id
    return LiveSubscription(
        live["realtime_url"],
        {"host": urlsplit(live["graphql_url"]).netloc, "Authorization": tokens.of(watcher.account)},
        _OF_AN_ACCOUNT if watcher.device_id is None else _OF_A_DEVICE,
        variables,
    )


def told(channel: Channel, payload: Any) -> Sequence[Told]:
    """The events in a webhook's message, or in the `data` of a subscription's. Raises ValueError."""
    try:
        if channel == "webhook":
            events = orjson.loads(payload)["events"]
        else:
            [event] = payload.values()
            events = [event]
        return [Told(event["event_id"], _epoch_s(event["received_at"])) for event in events]
    except (KeyError, TypeError, AttributeError, ValueError) as why:
        raise ValueError(f"not a delivery of ours: {why}") from None


def lost_deliveries(
    clients: Callable[[str], Any], outputs: Mapping[str, Any], run_id: str
) -> Iterator[LostDelivery]:
    """Of the queue where SNS puts what an endpoint did not take."""
    urls = _urls(clients("dynamodb"), outputs["webhooks"]["table"])
    for _at_s, letter in messages(clients("sqs"), outputs["webhooks"]["dead_letters_url"]):
        url = urls.get(_subscription_arn(letter), "")
        try:
            lost = told("webhook", letter.get("Message", ""))
        except ValueError:
            continue  # somebody else's message to the topic
        for event in lost:
            if event.event_id.startswith(f"{run_id}-"):
                yield LostDelivery(event.event_id, url)


def _urls(dynamodb: Any, table: str) -> dict[str, str]:
    """By subscription ARN, those that were removed too."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=table)
    items = (item for page in pages for item in page["Items"])
    return {item["subscription_arn"]["S"]: item["url"]["S"] for item in items}


def _subscription_arn(letter: Mapping[str, Any]) -> str:
    """A notification names its subscription in the link that ends it."""
    query = parse_qs(urlsplit(letter.get("UnsubscribeURL", "")).query)
    return str(query.get("SubscriptionArn", [""])[0])


def _epoch_s(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _ask(
    outputs: Mapping[str, Any],
    account: int,
    method: str,
    path: str,
    body: object = None,
    let_be: Sequence[str] = (),
) -> Any:
    """A request of the account's back end; what the JSON says. `let_be` are the codes of problems that do not
    matter. Raises TargetError."""
    request = urllib.request.Request(
        outputs["access"]["url"] + path,
        None if body is None else orjson.dumps(body),
        {
            "Authorization": basic(outputs["accounts"]["seed"], account_id(account)),
            "Content-Type": "application/json",
        },
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            raw = answer.read()
    except urllib.error.HTTPError as refusal:
        raw = refusal.read()
        if _code(raw) in let_be:
            return None
        raise TargetError(f"{method} {path}: {refusal.code} {raw[:300].decode(errors='replace')}") from None
    except OSError as why:
        raise TargetError(f"{method} {path}: {why}") from why
    return json.loads(raw) if raw else None


def _code(raw: bytes) -> str | None:
    try:
        code: str = json.loads(raw)["error"]["code"]
    except (ValueError, KeyError, TypeError):
        return None
    return code
