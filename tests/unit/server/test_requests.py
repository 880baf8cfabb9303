"""How much of a request has arrived, and where one ends that nobody reads."""

from __future__ import annotations

import io

import pytest
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser
from hypothesis import given
from hypothesis import strategies as st

from databunker.server.refusal import REFUSAL, is_simple, refusal
from databunker.server.requests import STREAMED, WHOLE, missing

HEAD = b"POST /v1/user HTTP/1.1\r\nHost: x\r\n"
NEXT = b"GET /status HTTP/1.1\r\nHost: x\r\n\r\n"


def with_length(body: bytes) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(parts: list[bytes], trailer: bytes = b"") -> bytes:
    chunks = b"".join(b"%x;a=b\r\n%s\r\n" % (len(part), part) for part in parts if part)
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n" + trailer + b"\r\n"


bodies = st.one_of(
    st.binary(max_size=300).map(with_length),
    st.lists(st.binary(max_size=80), max_size=5).map(chunked),
    st.lists(st.binary(max_size=80), max_size=2).map(lambda parts: chunked(parts, b"X: y\r\n")),
)


@given(bodies, st.integers(0, 2000))
def test_a_request_is_whole_when_its_last_byte_is_there_and_no_sooner(request: bytes, cut: int) -> None:
    assert missing(request) == 0
    assert missing(request + NEXT) == 0
    part = request[: cut % len(request)]
    rest = missing(part)
    assert 0 < rest <= len(request) - len(part), "to wait for more than what comes would be to wait for ever"


def test_what_is_too_long_or_expects_an_answer_first_is_read_as_it_comes() -> None:
    assert missing(HEAD + b"Content-Length: %d\r\n\r\n" % WHOLE) == STREAMED
    assert missing(HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n") == STREAMED
    assert missing(HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % WHOLE) == STREAMED


@pytest.mark.parametrize("chunks", [b"x\r\n", b"-5\r\nabc", b"\r\n", b"1" * 40, b"5 5\r\nabc"])
def test_malformed_chunks_are_left_to_the_parser(chunks: bytes) -> None:
    assert missing(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks) == 0


@given(st.binary(max_size=300))
def test_what_is_refused_unread_ends_where_the_parser_says_that_it_ends(body: bytes) -> None:
    """Or the rest of it would be taken for another request."""
    request = with_length(body)
    answer, length = refusal(request + NEXT)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert length == len(request)
    parser = RequestParser(Config(), io.BytesIO(request + NEXT), ("127.0.0.1", 1))
    first = next(parser)
    assert first.body.read() == body
    assert next(parser).uri == "/status"


lines = st.sampled_from(
    [
        b"Host: x",
        b"X-Expected: Content-Length: 3",
        b"Content-Length: 3",
        b"content-length:3",
        b"Content-Length : 3",
        b" Content-Length: 3",
        b"\tContent-Length: 3",
        b"Transfer-Encoding: chunked",
        b"Expect: 100-continue",
        b"X: y\nContent-Length: 3",
    ]
)


@given(
    st.sampled_from([b"GET", b"DELETE", b"HEAD"]),
    st.lists(lines, max_size=4, unique=True),
    st.sampled_from([b"", NEXT]),
)
def test_what_is_simple_is_refused_as_all_others_are(method: bytes, found: list[bytes], behind: bytes) -> None:
    head = b"\r\n".join([method + b" /v1/user/login/a HTTP/1.1", *found])
    request = head + b"\r\n\r\n" + behind
    harmless = {b"Host: x", b"X-Expected: Content-Length: 3"}
    assert bool(is_simple(request)) == (method != b"HEAD" and not behind and harmless.issuperset(found))
    if is_simple(request):
        parser = RequestParser(Config(), io.BytesIO(request + NEXT), ("127.0.0.1", 1))
        assert next(parser).body.read() == b""
        assert next(parser).uri == "/status"
        if b"X-Expected: Content-Length: 3" not in found:
            assert refusal(request) == (REFUSAL, len(request))


@pytest.mark.parametrize(
    "request_text",
    [
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nContent-Length : 5\r\n\r\nabcde",
        b"POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\nabcde",
        b"POST / HTTP/1.1\r\nX: y\nContent-Length: 5\r\n\r\nabcde",
        b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\nGET /status HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"",
        b"\x16\x03\x01",
    ],
)
def test_where_its_end_is_not_plain_the_connection_is_closed(request_text: bytes) -> None:
    answer, length = refusal(request_text)
    assert length == 0
    assert b"\r\nConnection: close\r\n" in answer


def test_a_head_request_is_refused_without_a_body() -> None:
    answer, length = refusal(b"HEAD /v1/user/login/a HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert length
