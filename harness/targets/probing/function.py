"""The one function of the trials: what is in it, how it is made, and what it told."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from harness.targets.probing.bench import Bench, CannotDoIt, Once
from harness.targets.probing.stores import make_queue

RUNTIME: Final = "python3.12"
SAYS: Final = "launchday-probe saw"
CONTEXT: Final = "of-the-authorizer"

_CODE = """
import base64, json, os, sys

try:
    import botocore.session
    SDK = "botocore " + botocore.__version__
except ImportError:
    SDK = ""
try:
    from boto3 import __version__ as BOTO3
except ImportError:
    BOTO3 = ""


def handler(event, context):
    if event.get("fail"):
        raise RuntimeError("launchday-probe fails as asked")
    if "methodArn" in event:
        statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": event["methodArn"]}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        return {"principalId": "probe", "policyDocument": policy, "context": {"probe": "of-the-authorizer"}}
    if "httpMethod" in event:
        said = (event["requestContext"].get("authorizer") or {}).get("probe", "of-the-function")
        return {"statusCode": 200, "headers": {"Content-Type": "text/plain"}, "body": said}
    if "Records" in event:
        tell([mark(record) for record in event["Records"]])
        return {"batchItemFailures": []}
    return {"echo": event.get("echo"), "sdk": SDK, "boto3": BOTO3, "python": sys.version.split()[0]}


def mark(record):
    if "kinesis" in record:
        return base64.b64decode(record["kinesis"]["data"]).decode()
    return record["dynamodb"]["NewImage"]["id"]["S"]


def tell(marks):
    print("launchday-probe saw " + json.dumps(marks))
    if SDK:
        sqs = botocore.session.get_session().create_client("sqs", region_name=os.environ["PROBE_REGION"])
        sqs.send_message(QueueUrl=os.environ["PROBE_QUEUE"], MessageBody=json.dumps(marks))
"""


class ProbeFunction:
    """Made when it is first needed, and run; whoever needs it is told why it cannot be made, or does not run.
    Nobody waits for what a function that does not run would do."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.name = bench.name("function")
        self.arn: Once[str] = Once(self._make)
        self.runs: Once[dict[str, Any]] = Once(self._echoes)
        self._queue: Once[tuple[str, str]] = Once(lambda: make_queue(bench, "told"))
        self._told: set[str] = set()

    def invoke(self, event: dict[str, Any]) -> dict[str, Any]:
        """What it returns. Raises CannotDoIt when it fails."""
        self.arn()
        answer = self._bench.client("lambda").invoke(
            FunctionName=self.name, Payload=json.dumps(event).encode()
        )
        text = answer["Payload"].read().decode(errors="replace")
        if answer.get("FunctionError"):
            raise CannotDoIt(f"a function that should not fail did: {' '.join(text.split())[:160]}")
        try:
            returned = json.loads(text)
        except ValueError:
            returned = None
        if not isinstance(returned, dict):
            raise CannotDoIt(f"a function returned {text[:80]!r}, which it did not")
        return returned

    def _echoes(self) -> dict[str, Any]:
        returned = self.invoke({"echo": self._bench.token})
        if returned.get("echo") != self._bench.token:
            raise CannotDoIt(f"a function that echoes returned {str(returned)[:80]}: it was not run")
        return returned

    def told(self, mark: str) -> bool | None:
        """Whether it has been handed a record with `mark`; None when not, so far. It tells of them by a
        message and in its log, as a target may have the one or the other."""
        self._read_queue()
        if mark in self._told:
            return True
        return True if any(SAYS in line and mark in line for line in self.log()) else None

    def log(self) -> list[str]:
        """What CloudWatch Logs has of it; nothing when it has no log."""
        try:
            answer = self._bench.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{self.name}")
        except (BotoCoreError, ClientError):
            return []
        return [str(event["message"]) for event in answer.get("events", ())]

    def map_to(self, source_arn: str) -> None:
        """Have records of a stream from its beginning handed to it, one mapping a source."""
        self.runs()
        client = self._bench.client("lambda")
        made = client.create_event_source_mapping(
            FunctionName=self.name, EventSourceArn=source_arn, StartingPosition="TRIM_HORIZON", BatchSize=10
        )
        self._bench.afterwards(
            f"the mapping {made['UUID']}", lambda: client.delete_event_source_mapping(UUID=made["UUID"])
        )

    def _read_queue(self) -> None:
        url, _ = self._queue()
        answer = self._bench.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        for message in answer.get("Messages", ()):
            self._told.update(json.loads(message["Body"]))

    def _make(self) -> str:
        bench = self._bench
        client = bench.client("lambda")
        url, _ = self._queue()
        made = client.create_function(
            FunctionName=self.name,
            Runtime=RUNTIME,
            Handler="probe.handler",
            Role=make_role(bench),
            Timeout=10,
            MemorySize=256,
            Code={"ZipFile": _package()},
            Environment={"Variables": {"PROBE_QUEUE": url, "PROBE_REGION": bench.cloud.region}},
        )
        bench.afterwards(
            f"the log of {self.name}",
            lambda: bench.client("logs").delete_log_group(logGroupName=f"/aws/lambda/{self.name}"),
        )
        bench.afterwards(f"the function {self.name}", lambda: client.delete_function(FunctionName=self.name))

        def active() -> str | None:
            now = client.get_function_configuration(FunctionName=self.name)
            state = now.get("State", "Active")
            if state == "Failed":
                why = f": {now['StateReason']}" if now.get("StateReason") else ""
                raise CannotDoIt(f"a function cannot be made ready{why}")
            return str(made["FunctionArn"]) if state == "Active" else None

        return bench.until(active, "a function is not active")


def make_role(bench: Bench, thing: str = "role") -> str:
    """A role that functions and APIs take on; on a target that evaluates policies it lets nothing through
    but logs, messages and the trials' stream."""
    client, name = bench.client("iam"), bench.name(thing)
    trusted = {"Service": ["lambda.amazonaws.com", "apigateway.amazonaws.com", "appsync.amazonaws.com"]}
    trust = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
    role = client.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    bench.afterwards(f"the role {name}", lambda: client.delete_role(RoleName=name))
    allowed = {"Effect": "Allow", "Action": ["logs:*", "sqs:*", "kinesis:*", "dynamodb:*"], "Resource": "*"}
    client.put_role_policy(
        RoleName=name,
        PolicyName="probe",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
    bench.afterwards(
        f"the policy of {name}", lambda: client.delete_role_policy(RoleName=name, PolicyName="probe")
    )
    return str(role["Role"]["Arn"])


def _package() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("probe.py", _CODE)
    return packed.getvalue()
