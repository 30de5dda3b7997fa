"""An account's webhooks: subscriptions of the topic `device_events`, each with a filter on the account.

The table holds what SNS cannot be asked for by account. The filter policy always names the account, whatever
else is asked for, so a webhook gets its own account's events only. Deliveries that SNS gives up go to the
dead-letter queue of the webhooks.

SNS knows a subscription by topic, protocol and endpoint: a URL can be a webhook once, of one account.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from . import public_form, webhook_urls
from .problems import Problem, invalid, not_found

MAX_WEBHOOKS = 100
CONTEXTS = ("moving", "stopped", "offline")
PENDING = "pending"
CONFIRMED = "confirmed"
REMOVED = "removed"
"""No account: where the table keeps what was deleted, so that a dead letter can still be told its URL."""

_ID = re.compile(r"wh_[0-9a-f]{32}")

Item = Mapping[str, Any]


class Webhooks:
    """The webhooks of all accounts, asked for one account at a time."""

    def __init__(
        self,
        *,
        dynamodb: Any,
        sns: Any,
        table: str,
        topic_arn: str,
        dead_letters_arn: str,
        hosts: str,
        clock: Callable[[], float] = time.time,
        resolve: Callable[[str], Iterable[str]] = webhook_urls.resolve,
    ) -> None:
        self._dynamodb = dynamodb
        self._sns = sns
        self._table = table
        self._topic_arn = topic_arn
        self._dead_letters_arn = dead_letters_arn
        self._hosts = hosts
        self._clock = clock
        self._resolve = resolve

    def add(self, account_id: str, asked: Mapping[str, Any]) -> tuple[bool, dict[str, Any]]:
        """(whether it is new, the webhook) for `{"url": ..., "filter": {"context": [...]}?}`.
        Raises Problem 400, 409 or 422."""
        unknown = sorted(set(asked) - {"url", "filter"})
        if unknown:
            raise invalid("unknown_member", f"There is no member '{unknown[0][:40]}'.")
        url = asked.get("url")
        if type(url) is not str:
            raise invalid("invalid_url", "Say the 'url' to call.")
        chosen = _filter(asked.get("filter"))
        webhook_urls.check(url, self._hosts, self._resolve)
        webhook_id = _id_of(account_id, url)
        there = self._find(account_id, webhook_id)
        if there is not None:
            if _filter_of(there) != chosen:
                raise Problem(
                    409, "webhook_exists", "The webhook exists with another filter: delete it first."
                )
            return False, _shown(self._fresh(there))
        if len(self._items(account_id)) >= MAX_WEBHOOKS:
            raise Problem(422, "too_many_webhooks", f"An account may have {MAX_WEBHOOKS} webhooks.")
        item = {
            "account_id": {"S": account_id},
            "webhook_id": {"S": webhook_id},
            "url": {"S": url},
            "subscription_arn": {"S": self._subscribe(account_id, url, chosen)},
            "status": {"S": PENDING},
            "created_at": {"N": str(round(self._clock() * 1000))},
            **({"context": {"S": ",".join(chosen)}} if chosen else {}),
        }
        self._dynamodb.put_item(TableName=self._table, Item=item)
        return True, _shown(self._fresh(item))

    def _subscribe(self, account_id: str, url: str, chosen: tuple[str, ...]) -> str:
        policy: dict[str, list[str]] = {"account_id": [account_id]}
        if chosen:
            policy["contexts"] = list(chosen)
        try:
            answer = self._sns.subscribe(
                TopicArn=self._topic_arn,
                Protocol=urlsplit(url).scheme,
                Endpoint=url,
                Attributes={
                    "FilterPolicy": json.dumps(policy),
                    "RedrivePolicy": json.dumps({"deadLetterTargetArn": self._dead_letters_arn}),
                },
                ReturnSubscriptionArn=True,
            )
        except ClientError as error:
            if _code(error) in ("InvalidParameter", "InvalidParameterException"):
                if "already exists" in str(error):
                    raise Problem(409, "url_in_use", "The URL is a webhook already.") from None
                raise invalid("invalid_url", "The URL cannot be subscribed.") from None
            raise
        arn: str = answer["SubscriptionArn"]
        return arn

    def all(self, account_id: str) -> dict[str, Any]:
        """`{"webhooks": [...]}`, the oldest first."""
        items = sorted(self._items(account_id), key=lambda item: int(item["created_at"]["N"]))
        return {"webhooks": [_shown(self._fresh(item)) for item in items]}

    def remove(self, account_id: str, webhook_id: str) -> None:
        """Take a webhook away. Raises Problem 404, and 409 for one that SNS does not let go yet."""
        item = self._find(account_id, webhook_id) if _ID.fullmatch(webhook_id) else None
        if item is None:
            raise not_found("webhook")
        try:
            self._sns.unsubscribe(SubscriptionArn=item["subscription_arn"]["S"])
        except ClientError as error:
            if _code(error) in ("InvalidParameter", "InvalidParameterException"):
                # Seen on AWS: "Cannot unsubscribe a subscription that is pending confirmation".
                raise Problem(
                    409, "pending_confirmation", "It can be deleted once it is confirmed, or has lapsed."
                ) from None
            if _code(error) not in ("NotFound", "NotFoundException"):
                raise
        gone = {"account_id": {"S": REMOVED}, "webhook_id": item["subscription_arn"]}
        self._dynamodb.put_item(TableName=self._table, Item={**item, **gone})
        key = {"account_id": {"S": account_id}, "webhook_id": {"S": webhook_id}}
        self._dynamodb.delete_item(TableName=self._table, Key=key)

    def _fresh(self, item: Item) -> Item:
        """The item, its status up to date: SNS is asked as long as it is pending."""
        if item["status"]["S"] != PENDING:
            return item
        try:
            answer = self._sns.get_subscription_attributes(SubscriptionArn=item["subscription_arn"]["S"])
        except ClientError as error:
            if _code(error) in ("NotFound", "NotFoundException"):
                return item  # pending for longer than SNS waits
            raise
        if answer["Attributes"].get("PendingConfirmation") != "false":
            return item
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key={"account_id": item["account_id"], "webhook_id": item["webhook_id"]},
                UpdateExpression="SET #status = :status",
                ConditionExpression="attribute_exists(webhook_id)",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":status": {"S": CONFIRMED}},
            )
        except ClientError as error:
            if _code(error) != "ConditionalCheckFailedException":  # deleted meanwhile
                raise
        return {**item, "status": {"S": CONFIRMED}}

    def _find(self, account_id: str, webhook_id: str) -> Item | None:
        key = {"account_id": {"S": account_id}, "webhook_id": {"S": webhook_id}}
        answer = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        found: Item | None = answer.get("Item")
        return found

    def _items(self, account_id: str) -> list[Item]:
        answer = self._dynamodb.query(
            TableName=self._table,
            KeyConditionExpression="account_id = :account_id",
            ExpressionAttributeValues={":account_id": {"S": account_id}},
            ConsistentRead=True,
            Limit=MAX_WEBHOOKS + 1,
        )
        items: list[Item] = answer["Items"]
        return items


def _filter(asked: object) -> tuple[str, ...]:
    """The contexts that a filter names; none for no filter."""
    if asked is None:
        return ()
    if type(asked) is not dict or set(asked) != {"context"}:
        raise invalid("invalid_filter", 'A filter is {"context": [...]}.')
    chosen = asked["context"]
    if type(chosen) is not list or not chosen or not all(each in CONTEXTS for each in chosen):
        raise invalid("invalid_filter", f"'context' lists one or more of {', '.join(CONTEXTS)}.")
    return tuple(each for each in CONTEXTS if each in chosen)


def _filter_of(item: Item) -> tuple[str, ...]:
    return tuple(item["context"]["S"].split(",")) if "context" in item else ()


def _id_of(account_id: str, url: str) -> str:
    return "wh_" + hashlib.sha256(f"{account_id} {url}".encode()).hexdigest()[:32]


def _shown(item: Item) -> dict[str, Any]:
    chosen = _filter_of(item)
    return {
        "webhook_id": item["webhook_id"]["S"],
        "url": item["url"]["S"],
        "status": item["status"]["S"],
        "created_at": public_form.rfc3339(int(item["created_at"]["N"])),
        **({"filter": {"context": list(chosen)}} if chosen else {}),
    }


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
