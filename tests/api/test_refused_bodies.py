"""Which bodies are refused, by content and by size, how that is said, and that it tells nothing else."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.test import Client

from tests.api.helpers import MARKER, assert_refused, assert_silent, contents, told_by
from tests.conftest import FORM, JSON, Api


def deep(levels: int) -> bytes:
    """A profile whose innermost object is so many levels down."""
    return b'{"login":"' + MARKER.encode() + b'","a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


M = MARKER.encode()

# (what, body, content type, status, message or None)
BODIES: list[tuple[str, bytes, str, int, str | None]] = [
    ("empty, as JSON", b"", JSON, 400, "empty request body"),
    ("empty, as form", b"", FORM, 400, "empty request body"),
    ("empty, of no type", b"", "", 400, "empty request body"),
    ("blank, as JSON", b" \r\n", JSON, 400, "empty request body"),
    ("no type", b'{"login":"%s"}' % M, "", 415, None),
    ("plain text", b'{"login":"%s"}' % M, "text/plain", 415, None),
    ("a patch type", b'{"login":"%s"}' % M, "application/merge-patch+json", 415, None),
    ("multipart", b"--x\r\n%s\r\n--x--" % M, "multipart/form-data; boundary=x", 415, None),
    ("XML", b"<login>%s</login>" % M, "application/xml", 415, None),
    ("an odd type", b'{"login":"%s"}' % M, "application/json/" + MARKER, 415, None),
    ("Latin-1", b'{"login":"%s"}' % M, "application/json; charset=latin-1", 415, "the body must be in UTF-8"),
    (
        "an unknown charset",
        b'{"login":"%s"}' % M,
        "application/json; charset=" + MARKER,
        415,
        "the body must be in UTF-8",
    ),
    ("JSON as form", b'{"login":"%s"}' % M, FORM, 400, "the body is JSON but Content-Type says that it is a form"),
    ("an array as form", b' [{"op":"%s"}]' % M, FORM, 400, "the body is JSON but Content-Type says that it is a form"),
    ("form as JSON", b"login=" + M, JSON, 400, None),
    ("cut off", b'{"login":"%s"' % M, JSON, 400, None),
    ("two values", b'{"login":"%s"}{}' % M, JSON, 400, None),
    ("trailing comma", b'{"login":"%s",}' % M, JSON, 400, None),
    ("single quotes", b"{'login':'%s'}" % M, JSON, 400, None),
    ("a comment", b'{"login":"%s"} // x' % M, JSON, 400, None),
    ("byte order mark", b'\xef\xbb\xbf{"login":"%s"}' % M, JSON, 400, None),
    ("UTF-16", f'{{"login":"{MARKER}"}}'.encode("utf-16"), JSON, 400, None),
    ("invalid UTF-8", b'{"login":"%s\xff"}' % M, JSON, 400, None),
    ("overlong UTF-8", b'{"login":"%s\xc0\xaf"}' % M, JSON, 400, None),
    ("surrogate in UTF-8", b'{"login":"%s\xed\xa0\x80"}' % M, JSON, 400, None),
    ("lone high surrogate", b'{"login":"%s\\ud800"}' % M, JSON, 400, None),
    ("lone low surrogate", b'{"login":"%s\\udc00"}' % M, JSON, 400, None),
    ("surrogates reversed", b'{"login":"%s\\udc00\\ud800"}' % M, JSON, 400, None),
    ("surrogate as key", b'{"login":"%s","\\ud800":1}' % M, JSON, 400, None),
    ("a raw control character", b'{"login":"%s\x01"}' % M, JSON, 400, None),
    ("a bad escape", b'{"login":"%s\\x41"}' % M, JSON, 400, None),
    ("duplicate key", b'{"login":"%s","login":"b"}' % M, JSON, 400, "JSON has a duplicate key"),
    ("duplicate key, equal values", b'{"login":"%s","login":"%s"}' % (M, M), JSON, 400, "JSON has a duplicate key"),
    ("duplicate key, escaped", b'{"login":"%s","l\\u006fgin":"b"}' % M, JSON, 400, "JSON has a duplicate key"),
    ("duplicate key, below", b'{"login":"%s","a":[{"b":1,"b":2}]}' % M, JSON, 400, "JSON has a duplicate key"),
    ("NaN", b'{"login":"%s","n":NaN}' % M, JSON, 400, None),
    ("Infinity", b'{"login":"%s","n":Infinity}' % M, JSON, 400, None),
    ("minus Infinity", b'{"login":"%s","n":-Infinity}' % M, JSON, 400, None),
    ("hexadecimal", b'{"login":"%s","n":0x10}' % M, JSON, 400, None),
    ("leading zero", b'{"login":"%s","n":010}' % M, JSON, 400, None),
    ("leading plus", b'{"login":"%s","n":+1}' % M, JSON, 400, None),
    ("bare point", b'{"login":"%s","n":1.}' % M, JSON, 400, None),
    ("too many digits", b'{"login":"%s","n":%s}' % (M, b"9" * 1001), JSON, 400, None),
    ("too many decimals", b'{"login":"%s","n":0.%s}' % (M, b"9" * 1001), JSON, 400, None),
    ("exponent out of range", b'{"login":"%s","n":1E-99999}' % M, JSON, 400, None),
    ("exponent far out of range", b'{"login":"%s","n":1E999999999999}' % M, JSON, 400, None),
    ("65 levels", deep(65), JSON, 400, "JSON is nested deeper than 64"),
    ("66 levels", deep(66), JSON, 400, "JSON is nested deeper than 64"),
    ("1,000 levels", deep(1000), JSON, 400, None),
    ("100,000 levels", deep(100_000), JSON, 400, None),
    ("open brackets only", b"[" * 100_000, JSON, 400, None),
    ("no object: array", b'["%s"]' % M, JSON, 400, "the request body must be an object"),
    ("no object: text", b'"%s"' % M, JSON, 400, "the request body must be an object"),
    ("no object: number", b"42", JSON, 400, "the request body must be an object"),
    ("no object: null", b"null", JSON, 400, "the request body must be an object"),
    ("no object: true", b"true", JSON, 400, "the request body must be an object"),
    ("form not in UTF-8", b"login=%s%%ff" % M, FORM, 400, "the form is not URL-encoded UTF-8"),
    ("form with raw bytes", b"login=%s\xff" % M, FORM, 400, "the form is not URL-encoded UTF-8"),
    ("form with raw UTF-8", "login=%sé".encode() % M, FORM, 400, "the form is not URL-encoded UTF-8"),
    ("form with a surrogate", b"login=%s%%ed%%a0%%80" % M, FORM, 400, "the form is not URL-encoded UTF-8"),
    ("form name not in UTF-8", b"%%ff=%s" % M, FORM, 400, "the form is not URL-encoded UTF-8"),
    ("too many form fields", b"login=%s" % M + b"&a=1" * 1000, FORM, 400, "the form has more than 1000 fields"),
    ("empty form fields", b"&" * 1000, FORM, 400, None),
    ("no identity", b'{"name":"%s"}' % M, JSON, 400, "failed to create user, all user lookup fields are missing"),
    ("bad phone", b'{"phone":"%s"}' % M, JSON, 400, "failed to create user, phone is not a telephone number"),
]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "message"), [row[1:] for row in BODIES], ids=[row[0] for row in BODIES]
)
def test_a_bad_body_is_refused(api: Api, body: bytes, content_type: str, status: int, message: str | None) -> None:
    before = contents()
    with told_by() as told:
        answer = api.post("/v1/user", body, content_type=content_type)
    assert_refused(answer, status, message)
    assert_silent(answer.content)
    assert contents() == before
    assert [(event.code, event.outcome) for event in told] == [("record.create", "invalid")]
    assert MARKER not in str(told[0].detail)


@pytest.mark.parametrize("body", [deep(64), b"login=%zz&a=%", b"login=x" + b"&a=1" * 999])
def test_what_is_just_within_the_limits_is_taken(api: Api, body: bytes) -> None:
    answer = api.post("/v1/user", body, content_type=JSON if body.startswith(b"{") else FORM)
    assert answer.status_code == 200, answer.content


# --- size ------------------------------------------------------------------------------------------------------------


class Unread(io.BytesIO):
    """A body that must not be read."""

    def read(self, *_: Any) -> bytes:
        raise AssertionError("the body was read")

    readline = read


def _send(api: Api, method: str, where: str, stream: Any, **meta: Any) -> Any:
    """A request whose body the test makes itself."""
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": where,
        "CONTENT_TYPE": JSON,
        "HTTP_X_BUNKER_TOKEN": api.token,
        "wsgi.input": stream,
        **meta,
    }
    return Client().request(**environ)


@pytest.mark.parametrize(
    ("method", "where", "setting"),
    [
        ("POST", "/v1/user", "MAX_BODY_BYTES"),
        ("PUT", "/v1/user/login/ann", "MAX_BODY_BYTES"),
        ("POST", "/v1/users/bulk", "MAX_BULK_BODY_BYTES"),
    ],
)
@pytest.mark.parametrize("announced", [2049, 10**12, "9" * 400])
def test_a_body_over_the_limit_is_refused_before_it_is_read(
    api: Api, settings: Any, method: str, where: str, setting: str, announced: int | str
) -> None:
    setattr(settings, setting, 2048)
    api.create(login="ann")
    answer = _send(api, method, where, Unread(), CONTENT_LENGTH=str(announced))
    assert_refused(answer, 413, "the request body is larger than 2048 bytes")


def test_a_length_of_absurdly_many_digits_is_refused(api: Api) -> None:
    """More digits than Python turns into a number."""
    answer = _send(api, "POST", "/v1/user", Unread(), CONTENT_LENGTH="9" * 5000)
    assert answer.status_code in (400, 413)
    assert_silent(answer.content)


@pytest.mark.parametrize("length", ["-1", "1.5", "x", "0x10", "+5", "1 2"])
def test_a_length_that_is_no_number_is_refused(api: Api, length: str) -> None:
    answer = _send(api, "POST", "/v1/user", Unread(), CONTENT_LENGTH=length)
    assert answer.status_code in (400, 413)
    assert_silent(answer.content)


def test_a_body_of_exactly_the_limit_is_taken(api: Api, settings: Any) -> None:
    settings.MAX_BODY_BYTES = 2048
    frame = len(b'{"login":"ann","pad":""}')
    exact = b'{"login":"ann","pad":"%s"}' % (b"x" * (2048 - frame))
    assert api.post("/v1/user", exact).status_code == 200
    assert_refused(api.post("/v1/user", exact + b" "), 413, "the request body is larger than 2048 bytes")


def test_a_body_of_unannounced_length_is_read_up_to_the_limit(api: Api, settings: Any) -> None:
    settings.MAX_BODY_BYTES = 2048
    taken = io.BytesIO(b'{"login":"ann"}')
    assert _send(api, "POST", "/v1/user", taken, HTTP_TRANSFER_ENCODING="chunked").status_code == 200
    endless = io.BytesIO(b'{"login":"' + b"x" * 1_000_000)
    answer = _send(api, "POST", "/v1/user", endless, HTTP_TRANSFER_ENCODING="Chunked")
    assert_refused(answer, 413, "the request body is larger than 2048 bytes")
    assert endless.tell() <= 2049, "no more was read than tells that it is too much"


def test_a_refused_caller_is_refused_before_the_body_is_read(api: Api) -> None:
    nobody = Api("0e4b1b1c-51c0-4c53-92b5-2f1d8f0f7a11")
    for where in ("/v1/user", "/v1/users", "/v1/users/bulk"):
        assert_refused(_send(nobody, "POST", where, Unread(), CONTENT_LENGTH="100"), 403, "Access denied")


def test_a_body_that_breaks_off_is_refused(api: Api) -> None:
    class Broken(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise OSError("connection reset by peer")

    answer = _send(api, "POST", "/v1/user", Broken(), CONTENT_LENGTH="100")
    assert_refused(answer, 400, "the request body could not be read")
