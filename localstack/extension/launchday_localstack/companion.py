"""The companion process, as LocalStack reaches it: over kept connections, many threads at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import urllib3

ACCOUNT_HEADER = "x-launchday-account"
REGION_HEADER = "x-launchday-region"
ISSUED_KEYS_PATH = "/_launchday/issued-keys"
"""At LocalStack: where the companion asks who holds a key."""
HEALTH_PATH = "/_launchday/health"
MAX_IDLE_CONNECTIONS = 1_000
"""As many as LocalStack has threads that answer requests."""
CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 70.0
"""Longer than anything that is asked of it takes: a GraphQL request has 30 s on AWS."""
_OF_ONE_CONNECTION = frozenset(
    {
        "connection",
        "content-length",
        "date",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "server",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that say something of a connection or of a body as it was sent on it (RFC 9110, 7.6.1), `host`, and
those that LocalStack's server adds itself. Lower case."""
_OF_BROWSERS = frozenset({"origin", "referer"})
"""By these the companion refuses pages of elsewhere. LocalStack has looked at them already, by its own rules,
and answers what a page may read."""
_CREDENTIAL = "AWS4-HMAC-SHA256 Credential=test/20260101/{region}/{service}/aws4_request"


class CompanionUnreachable(Exception):
    """The companion gave no answer. The message says why, in a sentence."""


class Answer(NamedTuple):
    """An HTTP answer; `headers` without those of one connection, in order, names as they came."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Companion:
    """The companion at `url` (`http://127.0.0.1:4570`). Usable by any number of threads."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._pool = urllib3.connection_from_url(url, maxsize=MAX_IDLE_CONNECTIONS, block=False)

    def send(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> Answer:
        """The answer to a request, bodies as they are on the wire. Nothing is sent twice. `target` is a raw
        path and query. Raises CompanionUnreachable."""
        try:
            answer = self._pool.request(
                method,
                target,
                body=body,
                headers=headers,
                retries=False,
                redirect=False,
                decode_content=False,
                timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=timeout_s),
            )
        except urllib3.exceptions.HTTPError as error:
            raise CompanionUnreachable(
                f"Launchday's companion at {self.url} does not answer: {error}."
            ) from error
        return Answer(answer.status, list(passed_on(answer.headers.items())), answer.data)

    def look(self) -> None:
        """See that it is there. Raises CompanionUnreachable."""
        self.send("GET", HEALTH_PATH, {}, timeout_s=CONNECT_TIMEOUT_S)

    def close(self) -> None:
        """End the idle connections."""
        self._pool.close()


def passed_on(headers: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """The headers that are of the message itself."""
    return ((name, value) for name, value in headers if name.lower() not in _OF_ONE_CONNECTION)


def request_headers(headers: Iterable[tuple[str, str]], host: str) -> dict[str, str]:
    """The headers of a request as it is handed on. A signature covers the Host that the client sent; without
    one the companion need not know by which name LocalStack is reached."""
    kept = _handed_on(headers)
    if kept.get("authorization", "").startswith("AWS4-HMAC-SHA256"):
        kept["host"] = host
    return kept


def call_headers(
    headers: Iterable[tuple[str, str]], *, service: str, account_id: str, region: str
) -> dict[str, str]:
    """The headers of an AWS request as it is handed on: what LocalStack made of its signature, which nobody
    verifies, stands in the signature's place and says the service to the companion's routing."""
    scope = "dynamodb" if service == "dynamodbstreams" else service
    return {
        **_handed_on(headers),
        "authorization": _CREDENTIAL.format(region=region, service=scope),
        ACCOUNT_HEADER: account_id,
        REGION_HEADER: region,
    }


def _handed_on(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Those of the message itself that tell nothing of a browser's page, by their names in lower case."""
    return {
        name: value
        for name, value in ((given.lower(), value) for given, value in passed_on(headers))
        if name not in _OF_BROWSERS and not name.startswith("sec-fetch-")
    }


def as_localstack_has_it(operation: str, answer: Answer) -> Answer:
    """An error as LocalStack's own services rely on its being answered, when they call each other.

    Its CloudFormation sets the time to live of a table twice. To the second call AWS, and we with it, answer
    that it is enabled already (API Reference, UpdateTimeToLive); LocalStack's DynamoDB takes it."""
    if operation == "UpdateTimeToLive" and b"TimeToLive is already enabled" in answer.body:
        return Answer(200, [("content-type", "application/x-amz-json-1.0")], b"{}")
    return answer
