from __future__ import annotations

import pytest

from harness.emulator.gateway.guard import Guard
from harness.emulator.gateway.hosts import parse_host

GUARD = Guard(["http://app.example:3000"])


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:4566",
        "localhost",
        "LOCALHOST:4566",
        "[::1]:4566",
        "192.168.1.7:4566",
        "localhost.localstack.cloud:4566",
        "s3.localhost.localstack.cloud",
        "abc.execute-api.localhost.localstack.cloud:4566",
        "abc.execute-api.us-east-1.amazonaws.com",
        "my-bucket.s3.amazonaws.com",
        "my-bucket.s3.dualstack.eu-west-1.amazonaws.com",
        "kinesis.us-east-1.amazonaws.com",
        "monitoring.eu-central-1.amazonaws.com",
        "bucket.localhost:4566",
        "abc.appsync-api.us-east-1.localhost:4566",
        "abc.appsync-realtime-api.us-east-1.amazonaws.com",
    ],
)
def test_names_that_are_ours_pass(host: str) -> None:
    assert GUARD.refusal({"host": host}) is None


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:4566",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil-localhost",
        "localhost.localstack.cloud.evil.example",
        "evillocalhost.localstack.cloud",
        "amazonaws.com.evil.example",
        "s3.amazonaws.com@evil.example",
        "localhost:4566, evil.example",
        "localhost:port",
        "[::1]evil.example",
        "a/b.localhost",
        "127.0.0.1.nip.io",
        "abc.appsync-api.us-east-1.evil.example",
        "abc.appsync-api.us-east-1.amazonaws.com.evil.example",
        "abc.appsync-api.us-east-1",
    ],
)
def test_a_rebound_name_is_refused(host: str) -> None:
    """DNS rebinding: the attacker's name resolves to 127.0.0.1, and the browser sends that name as Host."""
    assert parse_host(host) is None
    assert GUARD.refusal({"host": host}) is not None


HERE = "127.0.0.1:4566"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:3000"},
        {"origin": "http://127.0.0.1:4567"},
        {"origin": f"http://{HERE}.evil.example"},
        {"origin": f"ftp://{HERE}"},
        {"origin": "http://app.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none", "referer": "https://evil.example/page"},
        {"referer": "https://evil.example/page"},
    ],
)
def test_a_page_from_elsewhere_is_refused(headers: dict[str, str]) -> None:
    assert GUARD.refusal({"host": HERE, **headers}) is not None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": f"http://{HERE}"},
        {"origin": "http://app.example:3000"},
        {"origin": "HTTP://App.Example:3000", "sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "cross-site", "referer": "http://app.example:3000/page"},
        {"referer": f"http://{HERE}/b/page.html"},
    ],
)
def test_programs_own_pages_and_allowed_pages_pass(headers: dict[str, str]) -> None:
    assert GUARD.refusal({"host": HERE, **headers}) is None


def test_only_allowed_origins_may_read_and_ask_ahead() -> None:
    ask = {"access-control-request-method": "POST", "access-control-request-headers": "x-amz-target"}
    allowed = GUARD.preflight_headers({"origin": "http://app.example:3000", **ask})
    assert allowed is not None
    assert allowed["access-control-allow-origin"] == "http://app.example:3000"
    assert allowed["access-control-allow-headers"] == "x-amz-target"
    assert GUARD.preflight_headers({"origin": "https://evil.example", **ask}) is None
    assert GUARD.cors_headers("https://evil.example") == {}
    assert GUARD.cors_headers(None) == {}
