"""What several tests make on a LocalStack: functions, and the schema of a table."""

from __future__ import annotations

import base64
import io
import json
import textwrap
import zipfile
from typing import Any

from tests.localstack.conftest import RunningLocalStack

ROLE = "arn:aws:iam::000000000000:role/any"
KEY = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
"""create_table's settings of a table whose items have an `id`."""


def zipped(source: str, name: str = "app.py") -> bytes:
    """A function's package."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, textwrap.dedent(source))
    return buffer.getvalue()


class Functions:
    """Lambda as a user has it. Names are those of this instance: nobody else has them."""

    def __init__(self, running: RunningLocalStack) -> None:
        self.running = running
        self.client = running.client("lambda")
        self._ending = running.unique("")

    def name(self, short: str) -> str:
        return short + self._ending

    def create(self, short: str, source: str, **members: Any) -> str:
        name = self.name(short)
        given = {"Runtime": "python3.13", "Role": ROLE, "Handler": "app.handler", "Timeout": 20, **members}
        created = self.client.create_function(FunctionName=name, Code={"ZipFile": zipped(source)}, **given)
        self.client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        return str(created["FunctionArn"])

    def invoke(self, short: str, event: Any = None, **members: Any) -> tuple[Any, str | None, str]:
        answer = self.client.invoke(
            FunctionName=self.name(short), Payload=json.dumps(event or {}), LogType="Tail", **members
        )
        tail = base64.b64decode(answer.get("LogResult", "")).decode()
        return json.loads(answer["Payload"].read() or "null"), answer.get("FunctionError"), tail

    def lines(self, short: str) -> list[str]:
        """All log events of the function."""
        logs = self.running.client("logs")
        try:
            pages = logs.get_paginator("filter_log_events").paginate(
                logGroupName=f"/aws/lambda/{self.name(short)}"
            )
            return [event["message"] for page in pages for event in page["events"]]
        except logs.exceptions.ResourceNotFoundException:
            return []


def records(localstack: RunningLocalStack, stream: str) -> list[dict[str, Any]]:
    """All of a stream's records, in the order of their sequence numbers."""
    streams = localstack.client("dynamodbstreams")
    found: list[dict[str, Any]] = []
    for shard in streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found += streams.get_records(ShardIterator=iterator)["Records"]
    return sorted(found, key=lambda record: int(record["dynamodb"]["SequenceNumber"]))
