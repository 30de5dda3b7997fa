from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.answer import Answer, AnswerParser, UnreadableAnswer

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
WHOLE = {
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}": Answer(200, b"{}"),
    b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n": Answer(204, b""),
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n": Answer(200, b""),
    b"HTTP/1.1 429 Too Many\r\nretry-after: 3\r\ncontent-length:4\r\n\r\nslow": Answer(429, b"slow", "3"),
    b"HTTP/1.1 500 Oops\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx": Answer(500, b"x", None, False),
    b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx": Answer(200, b"x", None, False),
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx": Answer(201, b"x"),
    CHUNKED + b"4\r\nabcd\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n": Answer(200, b"abcd0123456789"),
    CHUNKED + b"1\r\nx\r\n0\r\nExpires: now\r\n\r\n": Answer(200, b"x"),
}


@given(st.sampled_from(sorted(WHOLE)), st.lists(st.integers(min_value=0, max_value=120), max_size=12))
def test_an_answer_is_the_same_however_it_comes_in_pieces(raw: bytes, cuts: list[int]) -> None:
    parser = AnswerParser()
    places = sorted({min(cut, len(raw)) for cut in cuts} | {0, len(raw)})
    answers = [parser.feed(raw[start:end]) for start, end in itertools.pairwise(places)]
    assert answers[-1] == WHOLE[raw]
    assert answers[:-1] == [None] * (len(answers) - 1)


@given(st.lists(st.sampled_from(sorted(WHOLE)), min_size=2, max_size=4))
def test_one_parser_reads_answer_after_answer(raws: list[bytes]) -> None:
    parser = AnswerParser()
    assert [parser.feed(raw) for raw in raws] == [WHOLE[raw] for raw in raws]


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    parser = AnswerParser()
    assert parser.feed(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhal") is None
    assert parser.feed(b"lo") is None
    assert parser.end() == Answer(200, b"hallo", None, reusable=False)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
    ],
)
def test_an_answer_that_breaks_off_is_none(raw: bytes) -> None:
    parser = AnswerParser()
    assert parser.feed(raw) is None
    assert parser.end() is None


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx and more",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 70_000,
    ],
)
def test_what_is_no_answer_is_refused(raw: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        AnswerParser().feed(raw)
