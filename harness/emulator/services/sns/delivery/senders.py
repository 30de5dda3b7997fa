"""One attempt at a delivery: over HTTP to an endpoint, to a queue, or to a function.

docs: SNS Developer Guide, Message delivery retries: 5xx and 429 are tried again, any other error is not; an
attempt has 15 seconds (read 2026)
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from harness.emulator.services.base import AwsCalls, AwsError, CallContext
from harness.emulator.services.outbound import (
    CheckedResolver,
    DeliveryAddresses,
    Refused,
    parse_endpoint,
)
from harness.emulator.services.sns import envelopes
from harness.emulator.services.sns.delivery.deliveries import Delivery, Outcome
from harness.emulator.services.sns.delivery_policies import DEFAULT_CONTENT_TYPE
from harness.emulator.services.sns.links import Links
from harness.emulator.services.sns.messages import Message
from harness.emulator.services.sns.signing import Signer, text_to_sign
from harness.emulator.services.sns.subscription_attributes import QUEUE_ARN

HTTP_TIMEOUT_S: Final = 15.0
CALL_TIMEOUT_S: Final = 30.0
MAX_ANSWER_BYTES: Final = 65_536
"""Of an endpoint's answer, which is read to keep the connection and otherwise not looked at."""
MAX_QUEUE_ATTRIBUTES: Final = 10
"""docs: Raw message delivery: a message with more attributes cannot go to a queue raw"""
_FUNCTION_ARN = re.compile(r"arn:aws[a-z-]*:lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):function:.+")
_THROTTLES = frozenset({"RequestThrottled", "ThrottlingException", "TooManyRequestsException", "OverLimit"})


class Senders:
    """Makes attempts. `functions_url` is where Lambda's API answers."""

    def __init__(
        self,
        *,
        calls: AwsCalls,
        functions_url: str,
        signer: Signer,
        links: Links,
        addresses: DeliveryAddresses,
    ) -> None:
        self._calls = calls
        self._functions_url = functions_url
        self._signer = signer
        self._links = links
        self._addresses = addresses
        self._endpoints: aiohttp.ClientSession | None = None
        self._functions: aiohttp.ClientSession | None = None

    async def send(self, delivery: Delivery) -> Outcome:
        """One attempt."""
        if delivery.kind == "dead_letter":
            return await self._to_queue(delivery, delivery.dead_letter_arn)
        if delivery.to_http:
            return await self._to_endpoint(delivery)
        if delivery.subscription.protocol == "sqs":
            return await self._to_queue(delivery, delivery.subscription.endpoint)
        return await self._to_function(delivery)

    async def close(self) -> None:
        """End the connections."""
        for session in (self._endpoints, self._functions):
            if session is not None:
                await session.close()

    async def _to_endpoint(self, delivery: Delivery) -> Outcome:
        subscription, message = delivery.subscription, delivery.message
        content_type = DEFAULT_CONTENT_TYPE
        if message is None:
            fields = dict(delivery.fields or {})
            version = subscription.topic.attributes.get("SignatureVersion") or "1"
            signature = await self._signer.sign(text_to_sign(fields), version)
            certificate = self._links.certificate
            body = envelopes.written(
                {
                    **fields,
                    "SignatureVersion": version,
                    "Signature": signature,
                    "SigningCertURL": certificate,
                }
            ).encode()
            headers = envelopes.http_headers(fields["Type"], fields["MessageId"], subscription, content_type)
        else:
            body = await self._text(delivery)
            headers = envelopes.http_headers(
                "Notification",
                message.message_id,
                subscription,
                delivery.policy.content_type,
                raw=subscription.raw,
            )
        return await self._post(subscription.endpoint, headers, body)

    async def _post(self, endpoint: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        parsed = parse_endpoint(endpoint)
        if parsed.address is not None:
            reason = self._addresses.refusal(parsed.host, parsed.address, parsed.port)
            if reason is not None:
                return Outcome("refused", reason)
        try:
            async with self._endpoint_session().post(
                parsed.url, headers=headers, data=body, allow_redirects=False
            ) as answer:
                await _read_some(answer)
                status = answer.status
        except TimeoutError:
            return Outcome("retry", "no answer in time", timed_out=True, bytes_out=len(body))
        except (aiohttp.ClientError, OSError) as error:
            cause = getattr(error, "os_error", error)
            if isinstance(cause, Refused):
                return Outcome("refused", str(cause))
            return Outcome("retry", type(error).__name__)
        if 200 <= status < 300:
            return Outcome("delivered", bytes_out=len(body))
        again = status >= 500 or status == 429
        return Outcome("retry" if again else "refused", f"it answered {status}", bytes_out=len(body))

    async def _to_queue(self, delivery: Delivery, arn: str) -> Outcome:
        message, queue = delivery.message, QUEUE_ARN.fullmatch(arn)
        assert message is not None
        assert queue is not None
        request: dict[str, object] = {
            # AWS's form of it; to ask for the URL would be a request on the queue's bill.
            "QueueUrl": f"https://sqs.{queue['region']}.amazonaws.com/{queue['account']}/{queue['name']}",
            "MessageBody": (await self._text(delivery)).decode(),
        }
        if delivery.subscription.raw and message.attributes:
            if len(message.attributes) > MAX_QUEUE_ATTRIBUTES:
                return Outcome("refused", "a queue takes no more than ten attributes")
            request["MessageAttributes"] = {
                name: {"DataType": kind, _value_member(kind): value}
                for name, (kind, value) in message.attributes.items()
            }
        context = CallContext(region=queue["region"], account_id=queue["account"])
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                await self._calls.call("sqs", "SendMessage", orjson.dumps(request), context)
        except TimeoutError:
            return Outcome("retry", "SQS did not answer", timed_out=True)
        except AwsError as error:
            again = error.status >= 500 or error.status == 429 or error.code in _THROTTLES
            return Outcome("retry" if again else "refused", error.code)
        return Outcome("delivered")

    async def _to_function(self, delivery: Delivery) -> Outcome:
        message, subscription = delivery.message, delivery.subscription
        function = _FUNCTION_ARN.fullmatch(subscription.endpoint)
        assert message is not None
        assert function is not None
        event = envelopes.lambda_event(
            message, subscription, await self._signature(message, "lambda"), self._links
        )
        path = f"/2015-03-31/functions/{quote(subscription.endpoint, safe='')}/invocations"
        scope = f"Credential=sns/20260101/{function['region']}/lambda/aws4_request"
        headers = {
            "authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
            "content-type": "application/json",
            "x-amz-invocation-type": "Event",
        }
        try:
            async with self._function_session().post(
                URL(self._functions_url + path, encoded=True), headers=headers, data=event
            ) as answer:
                await _read_some(answer)
                status = answer.status
        except TimeoutError:
            return Outcome("retry", "Lambda did not answer", timed_out=True)
        except (aiohttp.ClientError, OSError) as error:
            return Outcome("retry", type(error).__name__)
        if status == 202:
            return Outcome("delivered")
        return Outcome("retry" if status >= 500 or status == 429 else "refused", f"Lambda answered {status}")

    async def _text(self, delivery: Delivery) -> bytes:
        """What an endpoint or a queue gets of a message."""
        message, subscription = delivery.message, delivery.subscription
        assert message is not None
        body = message.body_for(subscription.protocol)
        if subscription.raw:
            return body.encode()
        envelope = message.envelopes.get(body)
        if envelope is None:
            signature = await self._signature(message, subscription.protocol)
            envelope = envelopes.notification(message, subscription.protocol, signature, self._links)
            message.envelopes[body] = envelope
        return envelope[0] + subscription.arn.encode() + envelope[1]

    async def _signature(self, message: Message, protocol: str) -> str:
        """The signature of a message in the form for a protocol, computed once."""
        body = message.body_for(protocol)
        found = message.signatures.get(body)
        if found is None:
            text = text_to_sign(envelopes.signed_fields(message, protocol))
            found = asyncio.ensure_future(self._signer.sign(text, message.signature_version))
            message.signatures[body] = found
        return await asyncio.shield(found)

    def _endpoint_session(self) -> aiohttp.ClientSession:
        """The client for endpoints: their names are resolved by the rules, no proxy, no cookies."""
        if self._endpoints is None:
            self._endpoints = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0, keepalive_timeout=30.0, resolver=CheckedResolver(self._addresses)
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=HTTP_TIMEOUT_S),
                skip_auto_headers=("Accept",),
            )
        return self._endpoints

    def _function_session(self) -> aiohttp.ClientSession:
        if self._functions is None:
            self._functions = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=CALL_TIMEOUT_S)
            )
        return self._functions


async def _read_some(answer: aiohttp.ClientResponse) -> None:
    """Read an answer to its end, so that its connection can be used again; a long one is cut off."""
    left = MAX_ANSWER_BYTES
    while chunk := await answer.content.readany():
        left -= len(chunk)
        if left < 0:
            answer.close()
            return


def _value_member(kind: str) -> str:
    return "BinaryValue" if kind.startswith("Binary") else "StringValue"
