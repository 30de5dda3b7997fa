"""SigV4 against botocore's own signer: what it signs is accepted, and nothing that differs from it is."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from harness.emulator.services.appsync.auth import sigv4
from harness.emulator.services.appsync.auth.sigv4 import SignedRequest
from harness.emulator.services.appsync.contract import RequestRefused
from harness.emulator.services.credentials import AccessKeys

NOW_S = datetime(2026, 4, 1, 12, 0, tzinfo=UTC).timestamp()
KEYS = AccessKeys("the emulator's secret")
BODY = json.dumps({"query": "{ a }"}).encode()


def signed(
    *,
    url: str = "https://abc.appsync-api.us-east-1.localhost:4566/graphql",
    body: bytes = BODY,
    access_key: str = "test",
    secret_key: str = "test",
    token: str | None = None,
    region: str = "us-east-1",
    service: str = "appsync",
    at_s: float = NOW_S,
    headers: dict[str, str] | None = None,
) -> dict[str, str]:
    """The headers that botocore sends with such a request, names in lower case."""
    request = AWSRequest("POST", url, headers=headers or {"content-type": "application/json"}, data=body)
    at = datetime.fromtimestamp(at_s, UTC).replace(tzinfo=None)
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=at):
        SigV4Auth(Credentials(access_key, secret_key, token), service, region).add_auth(request)
    sent = {name.lower(): value for name, value in request.headers.items()}
    return {"host": url.split("/")[2], **sent}


def verify(headers: dict[str, str], **changes: Any) -> str:
    request = SignedRequest(
        changes.pop("method", "POST"),
        changes.pop("paths", ("/graphql/abc", "/graphql")),
        changes.pop("query", ""),
        headers,
        changes.pop("body", BODY),
    )
    settings = {"keys": KEYS, "region": "us-east-1", "service": "appsync", "now_s": NOW_S, **changes}
    return asyncio.run(sigv4.verify(request, **settings)).arn


def refusal(headers: dict[str, str], **changes: Any) -> tuple[str, int]:
    with pytest.raises(RequestRefused) as caught:
        verify(headers, **changes)
    return caught.value.error_type, caught.value.status


def test_what_botocore_signs_is_accepted() -> None:
    assert verify(signed()) == "arn:aws:iam::000000000000:root"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"accept": "application/json, text/javascript", "content-encoding": "amz-1.0"},
        {"x-spaces": "  a   b  c "},
        {"content-type": "application/json; charset=UTF-8", "x-empty": ""},
    ],
)
def test_whatever_headers_are_signed(headers: dict[str, str]) -> None:
    assert verify(signed(headers=headers)) == "arn:aws:iam::000000000000:root"


def test_a_signature_counts_for_each_path_that_may_have_been_meant_and_no_other() -> None:
    at_shared_host = signed(url="https://localhost:4566/graphql/abc")
    assert verify(at_shared_host)
    assert refusal(at_shared_host, paths=("/graphql/other", "/graphql")) == ("InvalidSignatureException", 403)


def test_a_query_is_part_of_what_is_signed() -> None:
    with_query = signed(url="https://localhost:4566/graphql/abc?b=2&a=1%20x")
    assert verify(with_query, query="b=2&a=1%20x")
    assert refusal(with_query, query="b=2")[0] == "InvalidSignatureException"


@pytest.mark.parametrize(
    "change",
    [
        {"body": BODY + b" "},
        {"method": "GET"},
        {"paths": ("/graphql/abc/connect", "/graphql/connect")},
        {"query": "a=1"},
        {"now_s": NOW_S + 301},
        {"now_s": NOW_S - 301},
        {"region": "eu-west-1"},
        {"service": "execute-api"},
    ],
)
def test_a_replay_for_anything_else_is_refused(change: dict[str, Any]) -> None:
    assert refusal(signed(), **change) == ("InvalidSignatureException", 403)


@pytest.mark.parametrize("skew_s", [-300, -299, 0, 299, 300])
def test_clocks_may_differ_by_five_minutes(skew_s: int) -> None:
    assert verify(signed(), now_s=NOW_S + skew_s)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("host", "other.appsync-api.us-east-1.localhost:4566"),
        ("content-type", "text/plain"),
        ("x-amz-date", "20260401T120001Z"),
    ],
)
def test_a_signed_header_cannot_be_changed(name: str, value: str) -> None:
    assert refusal({**signed(), name: value}) == ("InvalidSignatureException", 403)


def test_an_unknown_key_and_a_wrong_secret_are_told_apart() -> None:
    assert refusal(signed(access_key="AKIAIOSFODNN7EXAMPLE")) == ("UnrecognizedClientException", 403)
    assert refusal(signed(secret_key="wrong")) == ("InvalidSignatureException", 403)


def test_an_issued_key_is_recognized_with_its_token_only() -> None:
    role = "arn:aws:sts::000000000000:assumed-role/fanout-role/fanout"
    issued, other = KEYS.issue(role), KEYS.issue(role)
    good = {"access_key": issued.access_key, "secret_key": issued.secret_key}
    assert verify(signed(**good, token=issued.session_token)) == role
    assert refusal(signed(**good, token=other.session_token))[0] == "InvalidSignatureException"
    assert refusal(signed(**good))[0] == "UnrecognizedClientException"
    assert refusal(signed(**good, token="not base64!"))[0] == "UnrecognizedClientException"
    raised = other.session_token.replace(
        other.session_token.partition(".")[0], "YXJuOmF3czppYW06OjE6cm9vdA=="
    )
    assert refusal(signed(**good, token=raised))[0] == "InvalidSignatureException"


def test_another_emulators_keys_are_unknown_here() -> None:
    elsewhere = AccessKeys("another secret").issue("arn:aws:sts::000000000000:assumed-role/r/f")
    headers = signed(
        access_key=elsewhere.access_key, secret_key=elsewhere.secret_key, token=elsewhere.session_token
    )
    assert refusal(headers)[0] == "InvalidSignatureException"
    assert refusal(headers, keys=AccessKeys(""))[0] == "UnrecognizedClientException"


def test_a_token_that_is_not_signed_does_not_count() -> None:
    issued = KEYS.issue("arn:aws:sts::000000000000:assumed-role/r/f")
    headers = signed(access_key=issued.access_key, secret_key=issued.secret_key)
    headers["x-amz-security-token"] = issued.session_token
    assert refusal(headers) == ("InvalidSignatureException", 403)


@pytest.mark.parametrize(
    "authorization",
    [
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=test/20260401/us-east-1/appsync/aws4_request",
        "AWS4-HMAC-SHA256 Credential=test, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=test/20260401/us-east-1/appsync/aws5, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=0",
    ],
)
def test_a_header_that_lacks_a_part_is_incomplete(authorization: str) -> None:
    headers = {**signed(), "authorization": authorization}
    assert refusal(headers) == ("IncompleteSignatureException", 403)


@pytest.mark.parametrize(
    "date", ["", "2026-04-01", "20260401T250000Z", "２0260401T120000Z", "20260401T120000"]
)
def test_a_date_that_is_none_is_refused(date: str) -> None:
    assert refusal({**signed(), "x-amz-date": date})[0] == "IncompleteSignatureException"


def test_host_and_date_must_be_signed() -> None:
    headers = signed()
    headers["authorization"] = headers["authorization"].replace("host;", "")
    assert refusal(headers) == ("InvalidSignatureException", 403)


@pytest.mark.parametrize("signature", ["0" * 64, "é" * 64, "0", "A" * 100_000])
def test_a_signature_that_is_none_is_refused(signature: str) -> None:
    headers = signed()
    head = headers["authorization"].rpartition("=")[0]
    assert refusal({**headers, "authorization": f"{head}={signature}"})[0] == "InvalidSignatureException"
