"""The access function over moto's tables, archive and topic, and the events that API Gateway hands it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from typing import Any

from deploy.services.access.handlers.access_api import AccessApi
from deploy.services.access.handlers.devices import Devices
from deploy.services.access.handlers.history import History
from deploy.services.access.handlers.webhooks import Webhooks
from deploy.services.processing.handlers.archiver import Archiver
from deploy.services.processing.handlers.processor import Processor
from deploy.services.processing.handlers.rules import Thresholds
from deploy.standup.engine import Journal, Known
from deploy.standup.tables import Index, Table
from harness.pipeline import Cloud
from tests.deploy.stream import NOW_MS, batch

MINE = "acct_000001"
THEIRS = "acct_000002"
PUBLIC = "93.184.216.34"


class World:
    """The function, and the processor and archiver that fill what it reads."""

    def __init__(self, hosts: str = "public", resolved: Mapping[str, list[str]] | None = None) -> None:
        self.clients = clients = Cloud("us-east-1", access_key_id="test", secret_access_key="test").clients()
        index = Index("by_account", "list_key", "device_id")
        for table in (
            Table(clients, "devices", "devices", "device_key", index=index),
            Table(clients, "webhooks", "webhooks", "account_id", "webhook_id"),
        ):
            table.stand_up(Known(), Journal())
        clients("s3").create_bucket(Bucket="archive")
        self.topic = clients("sns").create_topic(Name="device_events")["TopicArn"]
        self.queue = clients("sqs").create_queue(QueueName="queue")["QueueUrl"]
        self.handovers: list[dict[str, Any]] = []
        self._names = resolved or {"hooks.example.com": [PUBLIC]}
        self.processor = Processor(
            client=lambda service: self if service == "lambda" else clients(service),
            devices_table="devices",
            archive_bucket="archive",
            archiver="archiver",
            dead_letter_queue_url=self.queue,
            thresholds=Thresholds(),
            clock=lambda: NOW_MS / 1000,
        )
        self.webhooks = Webhooks(
            dynamodb=clients("dynamodb"),
            sns=clients("sns"),
            table="webhooks",
            topic_arn=self.topic,
            dead_letters_arn="arn:aws:sqs:us-east-1:123456789012:webhooks",
            hosts=hosts,
            clock=lambda: NOW_MS / 1000,
            resolve=self._resolve,
        )
        self.api = AccessApi(
            Devices(clients("dynamodb"), "devices"), History(clients("s3"), "archive"), self.webhooks
        )

    def _resolve(self, name: str) -> list[str]:
        if name not in self._names:
            raise OSError(name)
        return self._names[name]

    def invoke(self, **given: Any) -> dict[str, Any]:
        self.handovers.append(json.loads(given["Payload"]))
        return {}

    def receive(self, *envelopes: dict[str, Any], first: int = 1) -> None:
        """Process and archive."""
        assert self.processor.process(batch(*envelopes, first=first)) == []
        archiver = Archiver(s3=self.clients("s3"), bucket="archive", clock=lambda: NOW_MS / 1000)
        for handover in self.handovers:
            archiver.archive(handover)
        self.handovers.clear()

    def archive(self, key: str, *rows: dict[str, Any]) -> None:
        """Put an object of the archive as it is."""
        body = gzip.compress(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
        self.clients("s3").put_object(Bucket="archive", Key=key, Body=body)

    def ask(
        self,
        method: str,
        resource: str,
        *,
        account: str = MINE,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str | list[str]] | None = None,
        body: object = None,
    ) -> tuple[int, Any]:
        """(status, what the JSON says) of a request."""
        multi = {name: [value] if isinstance(value, str) else value for name, value in (query or {}).items()}
        text = body if isinstance(body, str | None) else json.dumps(body)
        answer = self.api.answer(
            {
                "httpMethod": method,
                "resource": resource,
                "pathParameters": dict(path or {}) or None,
                "multiValueQueryStringParameters": multi or None,
                "body": text,
                "isBase64Encoded": False,
                "requestContext": {"authorizer": {"account_id": account}},
            }
        )
        return answer["statusCode"], json.loads(answer["body"]) if answer["body"] else None


def code(answer: tuple[int, Any]) -> tuple[int, str]:
    """The status and the error's code of an answer."""
    return answer[0], answer[1]["error"]["code"]
