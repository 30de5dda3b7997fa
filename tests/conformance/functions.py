"""Lambda functions of the cases: made from a text, invoked, and watched through a queue they report to."""

from __future__ import annotations

import io
import json
import sys
import time
import zipfile
from dataclasses import dataclass
from typing import Any

from tests.conformance.kit import Cleanup, until
from tests.conformance.targets import Aws
from tests.conformance.verdicts import NotOffered

RUNTIME = f"python3.{sys.version_info.minor}"
"""This Python's: where functions run on this machine, it is there."""
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
REPORTING = """
import json, os
import botocore.session
_sqs = botocore.session.get_session().create_client("sqs", region_name=os.environ["AWS_REGION"])
def report(told):
    _sqs.send_message(QueueUrl=os.environ["REPORTS"], MessageBody=json.dumps(told))
"""
"""Source that defines `report`: it sends what it is told to the queue of `Reports`."""


@dataclass(frozen=True)
class Answer:
    """What Invoke answered. `payload` is parsed."""

    status: int
    payload: Any
    error: str | None
    raw: dict[str, Any]


@dataclass(frozen=True)
class Function:
    """A function of a case's own."""

    client: Any
    name: str
    arn: str

    def invoke(self, event: Any = None, **more: Any) -> Answer:
        asked = {"FunctionName": self.name, "Payload": json.dumps(event).encode(), **more}
        answer = self.client.invoke(**asked)
        content = answer["Payload"].read()
        if b"docker" in content.lower() and not content.startswith(b'"'):
            raise NotOffered(f"functions do not run here: {content.decode(errors='replace')[:60]}")
        payload = json.loads(content) if content else None
        return Answer(answer["StatusCode"], payload, answer.get("FunctionError"), answer)

    def ready(self) -> Function:
        """When it and its last update are done."""

        def done() -> bool:
            told = self.client.get_function_configuration(FunctionName=self.name)
            return bool(
                told.get("State", "Active") == "Active"
                and told.get("LastUpdateStatus", "Successful") == "Successful"
            )

        until(done, f"{self.name} is active", within_s=60)
        return self


def zipped(source: str) -> bytes:
    """A package whose handler is `main.handler`."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo("main.py")
        entry.external_attr = 0o644 << 16
        archive.writestr(entry, source)
    return packed.getvalue()


def role(aws: Aws, cleanup: Cleanup) -> str:
    """The ARN of a role that Lambda may take."""
    iam, name = aws.client("iam"), aws.name("role")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_TRUST))["Role"]["Arn"]
    cleanup.add(iam.delete_role, RoleName=name)
    return str(arn)


def function(aws: Aws, cleanup: Cleanup, source: str, **more: Any) -> Function:
    """A new function, ready."""
    client, name = aws.client("lambda"), aws.name("function")
    asked = {
        "FunctionName": name,
        "Runtime": RUNTIME,
        "Handler": "main.handler",
        "Role": role(aws, cleanup),
        "Code": {"ZipFile": zipped(source)},
        "Timeout": 20,
        **more,
    }
    arn = client.create_function(**asked)["FunctionArn"]
    cleanup.add(client.delete_function, FunctionName=name)
    return Function(client, name, str(arn)).ready()


class Reports:
    """The queue that functions report to, and what came of it so far."""

    def __init__(self, aws: Aws, cleanup: Cleanup) -> None:
        self._sqs = aws.client("sqs")
        self.url = self._sqs.create_queue(QueueName=aws.name("reports"))["QueueUrl"]
        cleanup.add(self._sqs.delete_queue, QueueUrl=self.url)
        self._came: list[Any] = []

    @property
    def environment(self) -> dict[str, Any]:
        """What a reporting function has as its Environment."""
        return {"Variables": {"REPORTS": self.url}}

    def all(self) -> list[Any]:
        """What was reported until now, in the order of the queue."""
        while True:
            asked = {"QueueUrl": self.url, "MaxNumberOfMessages": 10}
            messages = self._sqs.receive_message(**asked).get("Messages", [])
            if not messages:
                return self._came
            for message in messages:
                self._came.append(json.loads(message["Body"]))
                self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])


def messages(aws: Aws, url: str, count: int = 1, *, within_s: float = 25.0) -> list[dict[str, Any]]:
    """`count` messages of a queue, waited for and deleted."""
    sqs = aws.client("sqs")
    found: list[dict[str, Any]] = []
    deadline = time.monotonic() + within_s
    while len(found) < count:
        assert time.monotonic() < deadline, (
            f"{count} messages expected within {within_s:.0f} s, got {len(found)}"
        )
        for message in sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageAttributeNames=["All"]
        ).get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found.append(message)
    return found


def queue(aws: Aws, cleanup: Cleanup, **attributes: str) -> tuple[str, str]:
    """The URL and the ARN of a new queue."""
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=aws.name("queue"), Attributes=attributes)["QueueUrl"]
    cleanup.add(sqs.delete_queue, QueueUrl=url)
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return str(url), str(told["QueueArn"])
