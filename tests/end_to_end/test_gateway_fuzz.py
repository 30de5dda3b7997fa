"""Spoilt requests to every service and entrance: each is answered, and none as the emulator's own failure.

A request without an answer hangs, and a status of 500 and above is the emulator's failure (of what AWS
answers so, nothing is asked here, except for `501`, what S3 does not do); so is a traceback in a log. The
examples are the same in every run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.end_to_end.deployed import Deployed, deployed, spoken, status_of
from tests.end_to_end.wire import Wire, handshake, prepare, requests

pytestmark = pytest.mark.slow

NOT_IMPLEMENTED = 501

same_every_time = partial(
    settings,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with deployed(tmp_path_factory.mktemp("fuzz")) as place:
        yield place


@pytest.fixture(scope="module")
def wires(place: Deployed) -> list[Wire]:
    return requests(place, prepare(place))


# What a value of a body becomes: other types, limits, and what parsers stumble over.
values = st.sampled_from(
    [
        *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 10**40, 1.5, -0.0, 1e308, float("nan")),
        float("inf"),
        *("", " ", "0", "-1", "a" * 3000, "\x00", "\ud800", "é\u202e😀", "../../etc/passwd"),
        *("%2e%2e%2f", "$util"),
        *('"', "\\", "\\u0000", "]]>", "${q}", "{{", "#set($x = 1)", "<!DOCTYPE x [<!ENTITY y 'z'>]>", "'"),
        *([], {}, [None], [[]], [{}], {"S": "x"}, {"": ""}, {"N": "x"}, {"a": {"b": {"c": []}}}),
        *(["a", 1, None]),
    ]
)  # fmt: skip
pieces = st.sampled_from(
    [
        *(b"", b"\x00", b"\xff\xfe", b"%", b"%00", b"%zz", b"%2F..%2F", b"..", b"//", b"?", b"&"),
        *(b"=", b"#", b";"),
        *(b"\t", b" ", b'"', b"'", b"\\", b"\\u", b"\\ud800", b"{", b"}", b"[", b"]" * 2, b","),
        *(b":", b"$", b"-1"),
        *(b"\xc3\x28", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"9" * 40, b"A" * 9000, b"[" * 2000),
        b"{\"a\":" * 500,
    ]
)  # fmt: skip
framing = st.sampled_from(
    [
        *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b" HTTP/1.1", b" HTTP/9.9", b"HTTP/1.0\r\n"),
        b"\r\n folded: yes",
        *(b"\r\nContent-Length: 5", b"\r\nContent-Length: -1", b"\r\nTransfer-Encoding: chunked"),
        b"\r\n: none",
        *(b"\r\nTransfer-Encoding: chunked, identity", b"\r\nContent-Encoding: gzip", b"\r\nHost: other"),
        *(b"\r\nExpect: 100-continue", b"\r\nUpgrade: websocket\r\nConnection: upgrade"),
        b"\r\nContent-Type: x",
        *(b"FFFFFFFFFFFFFFFF\r\n", b"0\r\n\r\n", b"\x00", b"\xff" * 4, b"X" * 20_000),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        *(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"CONNECT a:1 HTTP/1.1\r\n\r\n"),
    ]
)  # fmt: skip


@st.composite
def changed_values(draw: Any, original: Any) -> Any:
    """A JSON value with one place of it, at any depth, replaced, removed, or doubled under another name."""
    if isinstance(original, dict) and original and draw(st.integers(0, 3)):
        name = draw(st.sampled_from(sorted(original)))
        how = draw(st.integers(0, 5))
        others = {key: value for key, value in original.items() if key != name}
        if how == 0:
            return others
        if how == 1:
            return {
                **others,
                draw(st.sampled_from(["", "x", name.lower(), name + "s", "\x00"])): original[name],
            }
        return {**original, name: draw(changed_values(original[name]))}
    if isinstance(original, list) and original and draw(st.booleans()):
        return [draw(changed_values(original[0])), *original[1:]]
    return draw(values)


def spliced(draw: Any, raw: bytes, new: st.SearchStrategy[bytes]) -> bytes:
    """`raw` with up to three pieces put in, over up to eight bytes each."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(raw)))
        raw = raw[:at] + draw(new) + raw[at + draw(st.integers(0, 8)) :]
    return raw


def text(raw: bytes) -> str:
    """Something that stays in one line of a request."""
    kept = raw.replace(b"\r", b"").replace(b"\n", b"").replace(b" ", b"+")
    return kept.decode("utf-8", "surrogateescape")


def other_body(draw: Any, wire: Wire) -> Wire:
    if wire.json is not None and draw(st.integers(0, 3)):
        return wire.saying(draw(changed_values(wire.json)))
    return replace(wire, body=spliced(draw, wire.body, pieces))


def other_target(draw: Any, wire: Wire) -> Wire:
    return replace(
        wire, target="/" + text(spliced(draw, wire.target[1:].encode("utf-8", "surrogateescape"), pieces))
    )


def other_header(draw: Any, wire: Wire) -> Wire:
    if not wire.headers:
        return wire
    name = draw(st.sampled_from(sorted(wire.headers)))
    if draw(st.integers(0, 3)) == 0:
        return replace(wire, headers={key: value for key, value in wire.headers.items() if key != name})
    return replace(
        wire,
        headers={
            **wire.headers,
            name: text(spliced(draw, wire.headers[name].encode("utf-8", "surrogateescape"), pieces)),
        },
    )


def other_method(draw: Any, wire: Wire) -> Wire:
    methods = ["GET", "PUT", "HEAD", "PATCH", "OPTIONS", "TRACE", "get", "PROPFIND", "M-SEARCH", "!"]
    return replace(wire, method=draw(st.sampled_from(methods)))


CHANGES: list[Callable[[Any, Wire], Wire]] = [
    *(other_body, other_body, other_body, other_target, other_header, other_method)
]  # fmt: skip


def check(place: Deployed, request: bytes, said: bytes, logged: str) -> None:
    status = status_of(said)
    assert status < 500 or status == NOT_IMPLEMENTED, f"{request[:3000]!r}\n{said[:3000]!r}"
    log = place.log()[len(logged) :]
    assert "Traceback" not in log, f"{request[:3000]!r}\n{log}"


def test_any_request_that_is_well_framed_is_answered(place: Deployed, wires: list[Wire]) -> None:
    for wire in wires:
        status = status_of(spoken(place.address, wire.bytes()))
        assert status in (200, 201, 202, 400, 404), (wire.name, status)

    @same_every_time(max_examples=1200)
    @given(st.data())
    def fuzz(data: st.DataObject) -> None:
        wire = data.draw(st.sampled_from(wires))
        for change in data.draw(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=2)):
            wire = change(data.draw, wire)
        request, logged = wire.bytes(), place.log()
        said = spoken(place.address, request)
        assert said.startswith(b"HTTP/1."), f"{request[:3000]!r} was not answered"
        check(place, request, said, logged)

    fuzz()
    assert place.health()["incidents"] == []
    assert "Traceback" not in place.log()


def test_any_bytes_are_answered_or_cut_off(place: Deployed, wires: list[Wire]) -> None:
    opening = handshake(place)
    assert status_of(spoken(place.address, opening.bytes(closes=False), ends=True)) in (0, 101)
    seeds = [*(wire.bytes() for wire in wires), opening.bytes(closes=False)]

    @same_every_time(max_examples=600)
    @given(st.data())
    def fuzz(data: st.DataObject) -> None:
        raw = spliced(data.draw, data.draw(st.sampled_from(seeds)), framing)
        if data.draw(st.booleans()):
            raw += data.draw(st.sampled_from(seeds))  # pipelined
        logged = place.log()
        check(place, raw, spoken(place.address, raw, ends=True), logged)

    fuzz()
    assert place.health()["incidents"] == []
    assert "Traceback" not in place.log()
    for wire in wires:
        assert status_of(spoken(place.address, wire.bytes())) < 500, wire.name
