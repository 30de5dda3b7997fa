"""What goes over the wire, to real local endpoints, and what an attempt makes of their answers."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat

from harness.emulator.services import outbound
from harness.emulator.services.base import AwsError, AwsRequest, CallContext
from harness.emulator.services.outbound import DeliveryAddresses, Refused, parse_endpoint
from harness.emulator.services.sns.delivery import senders
from harness.emulator.services.sns.signing import Signer, text_to_sign

from .conftest import ACCOUNT, BASE_URL, DEAD, FUNCTION, QUEUE, START_S, TOPIC, Driver

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Hook:
    """An endpoint: keeps what it got, answers as told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        self.body = b""
        self.headers: dict[str, str] = {}
        self.url = ""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.got.append(({k.lower(): v for k, v in request.headers.items()}, await request.read()))
        return web.Response(status=self.status, body=self.body, headers=self.headers)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.got]


@asynccontextmanager
async def serving(handle: Handler) -> AsyncIterator[str]:
    """An HTTP server on a port of its own; its URL."""
    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


class Rig:
    """A service that really sends, with one endpoint."""

    def __init__(self, sns: Driver, hook: Hook) -> None:
        self.sns = sns
        self.hook = hook

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not true():
                self.sns.service._dispatcher.tick()
                await asyncio.sleep(0.001)

    async def over(self) -> None:
        """Until nothing is pending."""
        await self.until(lambda: self.sns.pending() == 0)

    async def confirmed(self, path: str = "/hook", **attributes: str) -> str:
        seen = len(self.hook.got)
        self.sns.subscribe(self.hook.url + path, **attributes)
        await self.until(lambda: len(self.hook.got) > seen)
        answer = self.sns("ConfirmSubscription", TopicArn=TOPIC, Token=self.hook.bodies[-1]["Token"])
        self.hook.got.clear()
        arn: str = answer["SubscriptionArn"]
        return arn


def with_rig(steps: Callable[[Rig], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        hook = Hook()
        async with serving(hook.handle) as hook.url:
            rig = Rig(Driver(real_sends=True, **options), hook)
            rig.sns.create()
            try:
                await steps(rig)
            finally:
                await rig.sns.service.close()

    asyncio.run(main())


async def certificate(sns: Driver, url: str) -> bytes:
    context = CallContext(account_id=ACCOUNT)
    path = url.removeprefix(BASE_URL)
    answer = await sns.service.handle(AwsRequest("GET", path, "", {}, b"", context))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/x-pem-file")
    return answer.body


async def verify(sns: Driver, message: dict[str, Any]) -> None:
    """Raises InvalidSignature."""
    import base64

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    pem = await certificate(sns, message["SigningCertURL"])
    key = x509.load_pem_x509_certificate(pem).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    digest = hashes.SHA256() if message["SignatureVersion"] == "2" else hashes.SHA1()
    key.verify(
        base64.b64decode(message["Signature"]), text_to_sign(message).encode(), padding.PKCS1v15(), digest
    )


def test_the_message_that_asks_to_confirm() -> None:
    async def steps(rig: Rig) -> None:
        rig.sns.subscribe(rig.hook.url + "/hook?a=%2Fb")
        await rig.until(lambda: bool(rig.hook.got))
        headers, body = rig.hook.got[0]
        message = json.loads(body)
        assert list(message) == [
            *("Type", "MessageId", "Token", "TopicArn", "Message", "SubscribeURL", "Timestamp"),
            *("SignatureVersion", "Signature", "SigningCertURL"),
        ]
        assert message["Message"] == (
            f"You have chosen to subscribe to the topic {TOPIC}.\n"
            "To confirm the subscription, visit the SubscribeURL included in this message."
        )
        assert len(message["Token"]) == 256
        assert headers["x-amz-sns-message-type"] == "SubscriptionConfirmation"
        assert headers["x-amz-sns-message-id"] == message["MessageId"]
        assert headers["x-amz-sns-topic-arn"] == TOPIC
        assert "x-amz-sns-subscription-arn" not in headers
        assert headers["content-type"] == "text/plain; charset=UTF-8"
        assert headers["user-agent"] == "Amazon Simple Notification Service Agent"
        assert "accept" not in headers
        await verify(rig.sns, message)

    with_rig(steps)


def test_a_notification_in_its_envelope() -> None:
    async def steps(rig: Rig) -> None:
        arn = await rig.confirmed()
        attributes = {
            "a": {"DataType": "String", "StringValue": 'é"'},
            "b": {"DataType": "Binary", "BinaryValue": "YQ=="},
        }
        rig.sns.now_s = START_S + 0.25
        message_id = rig.sns.publish("hello\n\u2028", Subject="s", MessageAttributes=attributes)
        await rig.over()
        (headers, body), message = rig.hook.got[0], rig.hook.bodies[0]
        assert headers["x-amz-sns-message-type"] == "Notification"
        assert headers["x-amz-sns-subscription-arn"] == arn
        assert headers["content-length"] == str(len(body))
        assert body.decode().splitlines()[:2] == ["{", '  "Type" : "Notification",']
        signature, url = message.pop("Signature"), message.pop("SigningCertURL")
        assert message == {
            "Type": "Notification",
            "MessageId": message_id,
            "TopicArn": TOPIC,
            "Subject": "s",
            "Message": "hello\n\u2028",
            "Timestamp": "2023-11-14T22:13:20.250Z",
            "SignatureVersion": "1",
            "UnsubscribeURL": f"{BASE_URL}/?Action=Unsubscribe&SubscriptionArn={arn}",
            "MessageAttributes": {
                "a": {"Type": "String", "Value": 'é"'},
                "b": {"Type": "Binary", "Value": "YQ=="},
            },
        }
        await verify(rig.sns, {**message, "Signature": signature, "SigningCertURL": url})

    with_rig(steps)


def test_a_raw_notification_is_the_message_alone_and_signs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps(rig: Rig) -> None:
        policy = '{"requestPolicy": {"headerContentType": "application/json"}}'
        await rig.confirmed(RawMessageDelivery="true", DeliveryPolicy=policy)

        def never(*_: Any) -> Any:
            raise AssertionError("it signed")

        monkeypatch.setattr(Signer, "sign", never)
        rig.sns.publish('{"a": 1}')
        await rig.over()
        headers, body = rig.hook.got[0]
        assert body == b'{"a": 1}'
        assert (headers["x-amz-sns-rawdelivery"], headers["content-type"]) == ("true", "application/json")
        assert headers["x-amz-sns-message-type"] == "Notification"

    with_rig(steps)


def test_one_signature_serves_all_subscriptions(monkeypatch: pytest.MonkeyPatch) -> None:
    signed: list[str] = []
    sign = Signer._sign

    def counted(signer: Signer, text: str, version: str) -> str:
        signed.append(text)
        return sign(signer, text, version)

    monkeypatch.setattr(Signer, "_sign", counted)

    async def steps(rig: Rig) -> None:
        for path in ("/a", "/b", "/c"):
            await rig.confirmed(path)
        rig.sns("SetTopicAttributes", TopicArn=TOPIC, AttributeName="SignatureVersion", AttributeValue="2")
        signed.clear()
        rig.sns.publish()
        await rig.over()
        assert (len(rig.hook.got), len(signed)) == (3, 1)
        for message in rig.hook.bodies:
            assert message["SignatureVersion"] == "2"
            await verify(rig.sns, message)

    with_rig(steps)


def test_the_endpoint_is_told_that_it_was_unsubscribed() -> None:
    async def steps(rig: Rig) -> None:
        arn = await rig.confirmed()
        rig.sns.context.signed = False
        rig.sns("Unsubscribe", SubscriptionArn=arn)
        await rig.until(lambda: bool(rig.hook.got))
        headers, message = rig.hook.got[0][0], rig.hook.bodies[0]
        assert headers["x-amz-sns-message-type"] == message["Type"] == "UnsubscribeConfirmation"
        assert headers["x-amz-sns-subscription-arn"] == arn
        await verify(rig.sns, message)

    with_rig(steps)


@pytest.mark.parametrize(
    ("status", "again"),
    [
        (200, None),
        (204, None),
        (301, False),
        (400, False),
        (404, False),
        (429, True),
        (500, True),
        (503, True),
    ],
)
def test_what_an_answer_means(status: int, again: bool | None) -> None:
    async def steps(rig: Rig) -> None:
        await rig.confirmed(
            DeliveryPolicy='{"healthyRetryPolicy": {"numRetries": 1, "numNoDelayRetries": 1}}'
        )
        rig.hook.status, rig.hook.headers = status, {"Location": rig.hook.url + "/elsewhere"}
        rig.sns.publish()
        await rig.over()
        assert len(rig.hook.got) == (2 if again else 1)
        assert rig.sns.used("http_deliveries") == (1 if again is None else 0)
        assert rig.sns.used("notifications_failed") == (0 if again is None else 1)
        assert rig.sns.used("http_bytes_out") > len(rig.hook.got) * 100

    with_rig(steps)


def test_an_endpoint_that_is_not_there_is_tried_again() -> None:
    async def steps(rig: Rig) -> None:
        await rig.confirmed(DeliveryPolicy='{"healthyRetryPolicy": {"numRetries": 1}}')
        endpoint = next(iter(rig.sns.service._subscriptions))
        rig.sns.service._subscriptions.remove(endpoint)
        endpoint.endpoint = "http://127.0.0.1:1/"
        rig.sns.service._subscriptions.add(endpoint)
        endpoint.confirmed = True
        rig.sns.publish()
        await rig.until(lambda: rig.sns.used("http_attempts") == 2)
        assert rig.sns.pending() == 1
        rig.sns.now_s += 20
        await rig.over()
        assert rig.sns.used("notifications_failed") == 1

    with_rig(steps)


def test_an_endpoint_that_hangs_is_given_its_time_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps(rig: Rig) -> None:
        answer = asyncio.Event()

        async def hang(request: web.BaseRequest) -> web.StreamResponse:
            await answer.wait()
            return web.Response()

        async with serving(hang) as url:
            subscription = await rig.confirmed()
            found = rig.sns.service._subscriptions.find(subscription)
            found.endpoint = url + "/"
            await rig.sns.service._senders.close()
            rig.sns.service._senders._endpoints = None
            monkeypatch.setattr(senders, "HTTP_TIMEOUT_S", 0.05)  # of the client that is opened next
            rig.sns.publish()
            await rig.until(lambda: rig.sns.used("http_timeouts") == 1)
            assert rig.sns.pending() == 1
            answer.set()

    with_rig(steps)


def test_an_endpoint_whose_certificate_nobody_trusts_gets_nothing(tmp_path: Path) -> None:
    async def steps(rig: Rig) -> None:
        signer, got = Signer(), []
        pem = tmp_path / "pem"
        key = signer._ready_key().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        pem.write_bytes(key + await signer.certificate())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            got.append(await reader.read(1))
            writer.close()

        server = await asyncio.start_server(take, "127.0.0.1", 0, ssl=context)
        async with server:
            port = server.sockets[0].getsockname()[1]
            rig.sns.subscribe(f"https://127.0.0.1:{port}/")
            await rig.until(lambda: rig.sns.used("http_attempts") == 1)
            assert got == []
            assert rig.sns.used("http_bytes_out") == 0
        signer.close()

    with_rig(steps)


def test_a_long_answer_is_not_read_to_its_end() -> None:
    async def steps(rig: Rig) -> None:
        await rig.confirmed()
        rig.hook.body = b"x" * 10_000_000
        rig.sns.publish()
        await rig.over()
        assert rig.sns.used("http_deliveries") == 1

    with_rig(steps)


def test_a_name_is_judged_by_the_address_that_is_connected_to() -> None:
    async def steps(rig: Rig) -> None:
        port = int(rig.hook.url.rpartition(":")[2])
        addresses = rig.sns.service._senders._addresses
        answers = [["127.0.0.1"], ["127.0.0.1"], ["169.254.169.254"]]

        async def resolve(host: str, port: int) -> list[str]:
            return answers.pop(0)

        addresses._resolve = resolve
        members = {"TopicArn": TOPIC, "Protocol": "http", "Endpoint": f"http://hook.example:{port}/"}
        given = json.dumps(members).encode()
        await rig.sns.service.call("Subscribe", given, rig.sns.context)
        await rig.until(lambda: bool(rig.hook.got))
        rig.sns("ConfirmSubscription", TopicArn=TOPIC, Token=rig.hook.bodies[0]["Token"])
        # The connection is gone and the cache is stale by the time of the notification.
        session = rig.sns.service._senders._endpoint_session()
        assert session.connector is not None
        await session.connector.close()
        rig.sns.service._senders._endpoints = None
        rig.sns.publish()
        await rig.over()
        assert len(rig.hook.got) == 1
        assert rig.sns.used("notifications_failed") == 1

    with_rig(steps)


def test_a_name_that_nobody_answers_for_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "RESOLVE_TIMEOUT_S", 0.0)

    async def resolve(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        raise AssertionError

    async def steps() -> None:
        reason = await DeliveryAddresses(resolve=resolve).check(parse_endpoint("http://slow.example/"))
        assert "slow.example cannot be resolved: no answer" in str(reason)

    asyncio.run(steps())


def test_names_with_any_address_elsewhere_are_refused() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return {"local": ["127.0.0.1", "::1"], "mixed": ["127.0.0.1", "10.0.0.1"], "none": []}[host]

    async def steps() -> None:
        addresses = DeliveryAddresses(own_ports=(80,), resolve=resolve, allowed_hosts=["MIXED."])
        assert await addresses.addresses("local", 81) == ["127.0.0.1", "::1"]
        assert await addresses.addresses("mixed", 81) == ["127.0.0.1", "10.0.0.1"]
        with pytest.raises(Refused, match="the emulator itself"):
            await addresses.addresses("mixed", 80)
        with pytest.raises(OSError, match="no address"):
            await addresses.addresses("none", 81)
        strict = DeliveryAddresses(resolve=resolve)
        assert "loopback only" in str(await strict.check(parse_endpoint("http://mixed/")))
        assert "cannot be resolved" in str(await strict.check(parse_endpoint("http://none/")))

    asyncio.run(steps())


# Queues and functions


def sent_to(sns: Driver, endpoint: str, message: str = "hello", **attributes: Any) -> list[Any]:
    """What SQS was asked for a message to `endpoint`."""

    async def steps() -> None:
        sns.create()
        sns.subscribe(endpoint, **attributes.pop("subscription", {}))
        sns.publish(message, **attributes)
        for _ in range(2000):
            sns.service._dispatcher.tick()
            await asyncio.sleep(0.001)
            if not sns.pending():
                break
        await sns.service.close()

    asyncio.run(steps())
    return [request for _, _, request in sns.calls.made]


def test_a_queue_gets_the_envelope() -> None:
    sns = Driver(real_sends=True)
    (request,) = sent_to(sns, QUEUE)
    assert request["QueueUrl"] == f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/queue"
    body = json.loads(request["MessageBody"])
    assert (body["Type"], body["Message"]) == ("Notification", "hello")
    assert len(body["Signature"]) == 344
    assert "MessageAttributes" not in request
    assert sns.used("sqs_deliveries") == 1


def test_a_queue_gets_the_raw_message_and_its_attributes() -> None:
    sns = Driver(real_sends=True)
    given = {
        "a": {"DataType": "Number", "StringValue": "1"},
        "b": {"DataType": "Binary", "BinaryValue": "YQ=="},
    }
    (request,) = sent_to(
        sns, QUEUE, subscription={"RawMessageDelivery": "true"}, MessageAttributes=dict(given)
    )
    assert (request["MessageBody"], request["MessageAttributes"]) == ("hello", given)


def test_more_attributes_than_a_queue_takes_are_dead_lettered_too() -> None:
    sns = Driver(real_sends=True)
    given = {f"a{n}": {"DataType": "String", "StringValue": "1"} for n in range(11)}
    redrive = json.dumps({"deadLetterTargetArn": DEAD})
    subscription = {"RawMessageDelivery": "true", "RedrivePolicy": redrive}
    assert sent_to(sns, QUEUE, subscription=subscription, MessageAttributes=given) == []
    assert (sns.used("notifications_failed"), sns.used("notifications_failed_to_redrive")) == (1, 1)


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (AwsError("AWS.SimpleQueueService.NonExistentQueue", "", 400), 1),
        (AwsError("ServiceUnavailable", "", 503), 2),
        (AwsError("RequestThrottled", "", 400), 2),
    ],
)
def test_errors_of_queues(error: AwsError, tries: int) -> None:
    sns = Driver(real_sends=True)
    sns.calls.errors.append(error)
    assert len(sent_to(sns, QUEUE)) == tries
    assert sns.used("notifications_failed") == (1 if tries == 1 else 0)


@pytest.mark.parametrize(("status", "tries"), [(202, 1), (404, 1), (429, 4)])
def test_a_function_is_invoked_asynchronously(status: int, tries: int) -> None:
    got: list[tuple[str, dict[str, str], Any]] = []

    async def invoked(request: web.BaseRequest) -> web.StreamResponse:
        headers = {k.lower(): v for k, v in request.headers.items()}
        got.append((request.raw_path, headers, await request.json()))
        return web.Response(status=status)

    async def steps() -> None:
        async with serving(invoked) as url:
            sns = Driver(real_sends=True, functions_url=url)
            sns.create()
            arn = sns.subscribe(FUNCTION)
            sns.publish("hello", Subject="s")
            async with asyncio.timeout(20):
                while len(got) < tries or (status != 429 and sns.pending()):
                    sns.service._dispatcher.tick()
                    await asyncio.sleep(0.001)
            await sns.service.close()
            path, headers, event = got[0]
            assert path == f"/2015-03-31/functions/{FUNCTION.replace(':', '%3A')}/invocations"
            assert headers["x-amz-invocation-type"] == "Event"
            (record,) = event["Records"]
            assert (record["EventSource"], record["EventSubscriptionArn"]) == ("aws:sns", arn)
            assert (record["Sns"]["Message"], record["Sns"]["Subject"]) == ("hello", "s")
            assert record["Sns"]["SigningCertUrl"].endswith(".pem")
            assert sns.used("lambda_deliveries") == (1 if status == 202 else 0)

    asyncio.run(steps())


def test_a_certificate_that_is_not_ours_is_not_there() -> None:
    async def steps() -> None:
        sns = Driver()
        path = "/SimpleNotificationService-" + "0" * 32 + ".pem"
        context = CallContext(account_id=ACCOUNT)
        answer = await sns.service.handle(AwsRequest("GET", path, "", {}, b"", context))
        assert answer.status == 404
        await sns.service.close()

    asyncio.run(steps())
