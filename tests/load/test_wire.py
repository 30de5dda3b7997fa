from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.load.wire import Origin, Wire
from harness.pipeline import HttpRequest


def test_a_request_as_bytes() -> None:
    request = HttpRequest("POST", "http://127.0.0.1:4566/v1/x?a=b", {"A": "b", "C-D": "e"}, b"{}")
    origin, data = Wire().render(request)
    assert origin == Origin("127.0.0.1", 4566, False)
    assert data == (
        b"POST /v1/x?a=b HTTP/1.1\r\nHost: 127.0.0.1:4566\r\nA: b\r\nC-D: e\r\nContent-Length: 2\r\n\r\n{}"
    )


def test_https_without_a_port_or_a_path() -> None:
    origin, data = Wire().render(HttpRequest("GET", "https://api.example.com", {}, b""))
    assert origin == Origin("api.example.com", 443, True)
    assert data.startswith(b"GET / HTTP/1.1\r\nHost: api.example.com\r\nContent-Length: 0\r\n\r\n")


def test_the_same_headers_are_rendered_once_and_others_apart() -> None:
    wire, headers = Wire(), {"A": "1"}
    first = wire.render(HttpRequest("POST", "http://h/x", headers, b"1"))[1]
    assert wire.render(HttpRequest("POST", "http://h/x", headers, b"22"))[1] == first[:-6] + b"2\r\n\r\n22"
    for number in range(20_000):  # more heads than are remembered: short-lived ones must not be confused
        data = wire.render(HttpRequest("POST", "http://h/x", {"A": str(number)}, b""))[1]
        assert f"\r\nA: {number}\r\n".encode() in data


@pytest.mark.parametrize(
    "request_",
    [
        HttpRequest("GET", "ftp://h/x", {}, b""),
        HttpRequest("GET", "/x", {}, b""),
        HttpRequest("GET", "http://h/x", {"A": "b\r\nC: d"}, b""),
    ],
)
def test_what_cannot_be_sent_is_a_clear_error(request_: HttpRequest) -> None:
    with pytest.raises(UsageError):
        Wire().render(request_)
