"""SNS in the embedded AWS as a whole: through boto3, to real local endpoints, queues and functions."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sns_message_validator import SNSMessageValidator
from sns_message_validator.exceptions import SignatureVerificationFailureException

from harness.aws.limits.profiles import ESTABLISHED
from harness.emulator.launch import EmbeddedAws
from harness.targets.local import local_cloud

pytestmark = pytest.mark.slow

ACCOUNT = "000000000000"


class Hook:
    """An endpoint in a thread; confirms its subscription as a customer's would, by visiting the link."""

    def __init__(self, status: int = 200, delay_s: float = 0.0) -> None:
        self.got: list[dict[str, Any]] = []
        self.status = status
        self.delay_s = delay_s
        self.released = threading.Event()
        self.url = ""

    def take(self, body: bytes) -> int:
        message = json.loads(body)
        if message["Type"] == "SubscriptionConfirmation":
            with urllib.request.urlopen(message["SubscribeURL"], timeout=10) as answer:
                assert answer.status == 200
            self.got.append(message)
            return 200
        self.released.wait(self.delay_s)
        self.got.append(message)
        return self.status

    def notifications(self) -> list[dict[str, Any]]:
        return [message for message in self.got if message["Type"] == "Notification"]


@contextmanager
def serving(hook: Hook) -> Iterator[Hook]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status = hook.take(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hook.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield hook
    finally:
        hook.released.set()
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    folder = tmp_path_factory.mktemp("embedded")
    with EmbeddedAws(port=0, data_dir=folder, limits=ESTABLISHED) as running:
        yield running


def client(aws: EmbeddedAws, service: str) -> Any:
    return local_cloud(aws.endpoints).client(service, retries={"max_attempts": 1})


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, f"not within 30 s: {what}"
        time.sleep(0.02)


def subscribed(aws: EmbeddedAws, topic: str, hook: Hook, **attributes: str) -> str:
    """A subscription of `hook`, confirmed."""
    sns = client(aws, "sns")
    answer = sns.subscribe(
        TopicArn=topic,
        Protocol="http",
        Endpoint=hook.url,
        Attributes=attributes,
        ReturnSubscriptionArn=True,
    )
    arn: str = answer["SubscriptionArn"]
    confirmed = {"SubscriptionArn": arn}
    until(
        lambda: sns.get_subscription_attributes(**confirmed)["Attributes"]["PendingConfirmation"] == "false",
        "the endpoint confirms",
    )
    return arn


def observed(aws: EmbeddedAws, kind: str) -> dict[tuple[str, str, str], float]:
    with urllib.request.urlopen(aws.endpoints[""] + "/_launchday/observation", timeout=20) as answer:
        rows = json.load(answer)[kind]
    return {(service, resource, name): value for service, resource, name, value in rows}


def test_a_published_validator_accepts_our_messages_and_refuses_a_tampered_one(aws: EmbeddedAws) -> None:
    """aws-sns-message-validator from PyPI, unchanged but for its knob: which certificates it trusts."""
    sns = client(aws, "sns")
    topic = sns.create_topic(Name="validated")["TopicArn"]
    trusted = aws.endpoints[""].replace(".", r"\.") + r"/SimpleNotificationService-[0-9a-f]{32}\.pem$"
    validator = SNSMessageValidator(cert_url_regex="^" + trusted)
    with serving(Hook()) as hook:
        subscribed(aws, topic, hook)
        for subject in ({}, {"Subject": "a subject"}):
            sns.publish(TopicArn=topic, Message="héllo\n\u2028 {}", **subject)
        until(lambda: len(hook.notifications()) == 2, "both arrive")
        urllib.request.urlopen(hook.notifications()[0]["UnsubscribeURL"]).read()
        until(lambda: hook.got[-1]["Type"] == "UnsubscribeConfirmation", "it is told")
        assert len(hook.got) == 4
        for message in hook.got:
            validator.validate_message(message)
            signed = {"Message", "MessageId", "Subject", "Timestamp", "Token", "TopicArn", "SubscribeURL"}
            for name in signed & set(message):
                with pytest.raises(SignatureVerificationFailureException):
                    validator.validate_message({**message, name: message[name] + "x"})


def test_endpoints_side_by_side(aws: EmbeddedAws) -> None:
    """A healthy one, a slow one, one that fails and one that hangs: none waits for another."""
    sns, sqs = client(aws, "sns"), client(aws, "sqs")
    topic = sns.create_topic(Name="side-by-side")["TopicArn"]
    queue = sqs.create_queue(QueueName="webhooks-dead")["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:webhooks-dead"})
    retries = {"minDelayTarget": 1, "maxDelayTarget": 1, "numRetries": 2, "numNoDelayRetries": 1}
    policy = json.dumps({"healthyRetryPolicy": retries})
    with (
        serving(Hook()) as healthy,
        serving(Hook(delay_s=0.3)) as slow,
        serving(Hook(status=503)) as failing,
        serving(Hook(delay_s=60)) as hanging,
    ):
        for hook in (healthy, slow, failing, hanging):
            subscribed(aws, topic, hook, RedrivePolicy=redrive, DeliveryPolicy=policy)
        for number in range(30):
            sns.publish(TopicArn=topic, Message=str(number))
        until(lambda: len(healthy.notifications()) == 30, "the healthy one has all")
        until(lambda: len(slow.notifications()) == 30, "the slow one has all")
        until(lambda: len(failing.notifications()) == 90, "the failing one was tried three times each")
        assert hanging.notifications() == []
        dead: list[str] = []

        def all_dead() -> bool:
            got = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
            dead.extend(json.loads(row["Body"])["Message"] for row in got)
            return len(dead) == 30

        until(all_dead, "the failing one's are dead-lettered")
        assert sorted(dead, key=int) == [str(number) for number in range(30)]
        assert observed(aws, "gauges")["sns", "side-by-side", "pending_deliveries"] == 30
        usage = observed(aws, "usage")
        assert usage["sns", "side-by-side", "notifications_redriven"] == 30
        assert usage["sns", "side-by-side", "http_deliveries"] == 60
        sns.delete_topic(TopicArn=topic)


def test_queues_and_functions_get_messages(aws: EmbeddedAws) -> None:
    sns, sqs, functions = client(aws, "sns"), client(aws, "sqs"), client(aws, "lambda")
    topic = sns.create_topic(Name="to-services")["TopicArn"]
    raw, made = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("raw", "made"))
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr(
            "app.py",
            "import json, boto3, os\n"
            "def handler(event, context):\n"
            "    body = json.dumps(event['Records'][0]['Sns'])\n"
            "    boto3.client('sqs').send_message(QueueUrl=os.environ['QUEUE'], MessageBody=body)\n",
        )
    function = functions.create_function(
        FunctionName="on-message",
        Runtime="python3.12",
        Handler="app.handler",
        Role=f"arn:aws:iam::{ACCOUNT}:role/r",
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": {"QUEUE": made}},
        Timeout=30,
    )["FunctionArn"]
    functions.get_waiter("function_active_v2").wait(FunctionName="on-message")
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:raw",
        Attributes={"RawMessageDelivery": "true"},
    )
    attributes = {"a": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
    message_id = sns.publish(TopicArn=topic, Message="hello", MessageAttributes=attributes)["MessageId"]
    got = sqs.receive_message(QueueUrl=raw, WaitTimeSeconds=20, MessageAttributeNames=["All"])["Messages"][0]
    assert (got["Body"], got["MessageAttributes"]["a"]["BinaryValue"]) == ("hello", b"\x00\xff")
    event = json.loads(sqs.receive_message(QueueUrl=made, WaitTimeSeconds=20)["Messages"][0]["Body"])
    assert (event["MessageId"], event["Subject"], event["Message"]) == (message_id, None, "hello")


def test_nothing_is_delivered_to_the_emulator_or_beyond_this_machine(aws: EmbeddedAws) -> None:
    sns = client(aws, "sns")
    topic = sns.create_topic(Name="guarded")["TopicArn"]
    forbidden = ["http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", *aws.endpoints.values()]
    for endpoint in forbidden:
        with pytest.raises(ClientError, match="InvalidParameter"):
            sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint)
    assert (
        "Subscriptions" not in sns.list_subscriptions_by_topic(TopicArn=topic)
        or not (sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"])
    )


def test_a_host_that_the_user_lets_in_may_be_subscribed(tmp_path: Path) -> None:
    with EmbeddedAws(
        port=0, data_dir=tmp_path, limits=ESTABLISHED, allow_deliveries=["192.0.2.1"]
    ) as running:
        sns = client(running, "sns")
        topic = sns.create_topic(Name="let-in")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="https", Endpoint="https://192.0.2.1/hook")
        with pytest.raises(ClientError, match="--allow-delivery"):
            sns.subscribe(TopicArn=topic, Protocol="https", Endpoint="https://192.0.2.2/hook")


def test_only_the_links_work_without_a_signature(aws: EmbeddedAws) -> None:
    topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:guarded"
    url = f"{aws.endpoints['']}/?Action=ConfirmSubscription&TopicArn={topic}&Token=x"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url, timeout=10)
    assert caught.value.code in (400, 404)
    url = f"{aws.endpoints['sns']}/?Action=DeleteTopic&TopicArn={topic}"
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(url, timeout=10)


def aws_cli(aws: EmbeddedAws, *arguments: str) -> Any:
    """What the AWS CLI prints, as JSON."""
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": aws.endpoints[""],
    }
    command = [sys.executable, "-m", "awscli", "sns", *arguments, "--output", "json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_aws_cli_speaks_to_it(aws: EmbeddedAws) -> None:
    topic = aws_cli(aws, "create-topic", "--name", "by-cli", "--tags", "Key=a,Value=b")["TopicArn"]
    entries = json.dumps([{"Id": "1", "Message": "m"}, {"Id": "2", "Message": "m", "Subject": "x" * 101}])
    answer = aws_cli(aws, "publish-batch", "--topic-arn", topic, "--publish-batch-request-entries", entries)
    assert [row["Id"] for row in answer["Successful"]] == ["1"]
    assert [row["Code"] for row in answer["Failed"]] == ["InvalidParameter"]
    listed = aws_cli(aws, "list-tags-for-resource", "--resource-arn", topic)
    assert listed == {"Tags": [{"Key": "a", "Value": "b"}]}


def test_moto_does_not_answer_for_topics_of_ours(aws: EmbeddedAws) -> None:
    s3 = client(aws, "s3")
    topic = client(aws, "sns").create_topic(Name="from-s3")["TopicArn"]
    s3.create_bucket(Bucket="notifies")
    events = ["s3:ObjectCreated:*"]
    configuration = {"TopicConfigurations": [{"TopicArn": topic, "Events": events}]}
    with pytest.raises(ClientError, match="sns"):
        s3.put_bucket_notification_configuration(Bucket="notifies", NotificationConfiguration=configuration)
    queues = {"QueueConfigurations": [{"QueueArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:q", "Events": events}]}
    client(aws, "sqs").create_queue(QueueName="q")
    s3.put_bucket_notification_configuration(Bucket="notifies", NotificationConfiguration=queues)
    cloudwatch = client(aws, "cloudwatch")
    alarm = {
        "AlarmName": "deep",
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 1,
        "Period": 60,
        "Statistic": "Sum",
        "Threshold": 1,
        "AlarmActions": [topic],
    }
    cloudwatch.put_metric_alarm(**alarm)
    assert cloudwatch.describe_alarms()["MetricAlarms"][0]["AlarmActions"] == [topic]
