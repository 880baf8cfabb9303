"""What is refused, how it says so, and that it tells nothing else."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from databunker.access.models import TokenKind
from tests.api.helpers import assert_refused, contents, told_by, unreachable_database
from tests.conftest import FORM, JSON, Api, new_token

# Stands in everything that is sent here, and must stand in nothing that is answered.
MARKER = "Zx9marker"

# What would show that an answer was not written by us.
GIVEAWAYS = (
    MARKER,
    "Traceback",
    "Exception",
    "Error",
    "SELECT",
    "INSERT",
    "vault_",
    "audit_",
    ".py",
    "/usr",
    "django",
    "<html",
)


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


def silent(content: bytes) -> None:
    """Nothing of the input, nothing of the inside."""
    text = content.decode()
    assert [giveaway for giveaway in GIVEAWAYS if giveaway in text] == []


@pytest.mark.parametrize(
    ("body", "content_type", "status", "message"), [row[1:] for row in BODIES], ids=[row[0] for row in BODIES]
)
def test_a_bad_body_is_refused(api: Api, body: bytes, content_type: str, status: int, message: str | None) -> None:
    before = contents()
    with told_by() as told:
        answer = api.post("/v1/user", body, content_type=content_type)
    assert_refused(answer, status, message)
    silent(answer.content)
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
    silent(answer.content)


@pytest.mark.parametrize("length", ["-1", "1.5", "x", "0x10", "+5", "1 2"])
def test_a_length_that_is_no_number_is_refused(api: Api, length: str) -> None:
    answer = _send(api, "POST", "/v1/user", Unread(), CONTENT_LENGTH=length)
    assert answer.status_code in (400, 413)
    silent(answer.content)


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


# --- routes and methods ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "where",
    [
        f"/{MARKER}",
        "/v1",
        "/v1/",
        "/v1/user/email",
        "/v1/user/email/",
        "/v1/users/",
        f"/v1/users/{MARKER}",
        "/v1/audit",
        "/v1/audit/list/",
        f"/v1/audit/get/{MARKER}/x",
        "/v2/UserCreate",
        "/V1/user",
        f"//v1/user/login/{MARKER}",
        "/v1/metrics/",
        f"/v1/%ff/{MARKER}",
        f"/{MARKER}%00",
        f"/v1/user%0a/{MARKER}",
    ],
)
def test_an_unknown_route_is_missing(api: Api, where: str) -> None:
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
        answer = api.call(method, where)
        assert_refused(answer, 404, "endpoint is missing")
        silent(answer.content)


@pytest.mark.parametrize(
    ("where", "allowed"),
    [
        ("/v1/user", "POST"),
        ("/v1/user/login/ann", "DELETE, GET, PUT"),
        ("/v1/users", "POST"),
        ("/v1/users/unlock", "POST"),
        ("/v1/users/bulk", "POST"),
        ("/v1/audit/admin", "GET"),
        ("/v1/audit/list/x", "GET"),
        ("/v1/audit/get/x", "GET"),
        ("/v1/status", "GET"),
        ("/v1/metrics", "GET"),
    ],
)
def test_a_wrong_method_is_refused_and_the_right_ones_named(api: Api, where: str, allowed: str) -> None:
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND", "get2"):
        if method in allowed.split(", "):
            continue
        answer = api.call(method, where, {"a": MARKER})
        assert_refused(answer, 405, "method not allowed")
        assert answer.headers["Allow"] == allowed
        silent(answer.content)


@pytest.mark.parametrize("where", ["/v1/user/login/ann", "/v1/users", "/v1/status"])
def test_options_answer_without_a_token_and_hold_nothing(stranger: Api, settings: Any, where: str) -> None:
    answer = stranger.call("OPTIONS", where)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "OPTIONS" in answer.headers["Allow"]
    assert_refused(stranger.call("OPTIONS", where, HTTP_ORIGIN="https://elsewhere.example"), 403)
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example"]
    allowed = stranger.call("OPTIONS", where, HTTP_ORIGIN="https://shop.example")
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "X-Bunker-Token" in allowed.headers["Access-Control-Allow-Headers"]
    for origin in ("https://elsewhere.example", "null", "https://shop.example.evil.example", "http://shop.example"):
        refused = stranger.call("OPTIONS", where, HTTP_ORIGIN=origin)
        assert_refused(refused, 403)
        assert "Access-Control-Allow-Origin" not in refused.headers


def test_pages_of_other_origins_can_read_nothing_by_default(api: Api, settings: Any) -> None:
    api.create(login="ann")
    for origins in ([], ["https://shop.example"]):
        settings.CORS_ALLOWED_ORIGINS = origins
        answer = api.get("/v1/user/login/ann", HTTP_ORIGIN="https://elsewhere.example")
        assert "Access-Control-Allow-Origin" not in answer.headers
    answer = api.get("/v1/user/login/ann", HTTP_ORIGIN="https://shop.example")
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert answer.headers["Vary"] == "Origin"


# --- path, query and headers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "identity",
    [
        "%ff",
        "%ed%a0%80",
        "%c0%af",
        "%80abc",
        f"{MARKER}%fe",
        "%",
        "%zz",
        "%2",
        "%00",
        "%0a%0d",
        "x" * 1025,
        "%F0%9F%98",
    ],
)
@pytest.mark.parametrize("mode", ["login", "email", "phone", "custom", "token"])
def test_a_path_that_is_no_text_finds_nobody(api: Api, mode: str, identity: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = api.call(method, f"/v1/user/{mode}/{identity}", {"a": 1})
        assert answer.status_code in (400, 404), answer.content
        assert_refused(answer, answer.status_code)
        silent(answer.content)


@pytest.mark.parametrize("route", ["/v1/audit/admin", "/v1/users"])
@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("offset=-1", "offset must be a whole number"),
        ("limit=-1", "limit must be a whole number"),
        ("offset=x", "offset must be a whole number"),
        (f"limit={MARKER}", "limit must be a whole number"),
        ("offset=1.5", "offset must be a whole number"),
        ("offset=1e3", "offset must be a whole number"),
        ("offset=%D9%A1", "offset must be a whole number"),
        ("offset=%ff", "offset must be a whole number"),
        ("offset=%00", "offset must be a whole number"),
        ("limit=" + "9" * 16, "limit must be a whole number"),
        ("offset=" + "9" * 5000, "offset must be a whole number"),
        ("offset=999999999999999", "offset is too large"),
        ("offset=2147483649", "offset is too large"),
    ],
)
def test_bad_paging_is_refused(api: Api, settings: Any, route: str, query: str, message: str) -> None:
    settings.LIST_USERS = "legacy"
    answer = api.call("POST" if route == "/v1/users" else "GET", f"{route}?{query}")
    assert_refused(answer, 400, message)


@pytest.mark.parametrize(
    "query", ["", "offset=&limit=", "limit=999999999999999", "limit=0", "offset=2147483648", "a=%ff", "?", "&&"]
)
def test_odd_but_harmless_paging_is_taken(api: Api, query: str) -> None:
    assert api.get(f"/v1/audit/admin?{query}").status_code == 200


@pytest.mark.parametrize("route", ["/v1/audit/admin", "/v1/users", "/v1/user/login/ann", "/v1/status"])
def test_a_query_of_very_many_parameters_breaks_nothing(api: Api, settings: Any, route: str) -> None:
    settings.LIST_USERS = "legacy"
    api.create(login="ann")
    answer = api.call("POST" if route == "/v1/users" else "GET", f"{route}?" + "&".join(["a=1"] * 2000))
    assert answer.status_code in (200, 400), answer.content


@pytest.mark.parametrize(
    "token",
    [
        "x" * 257,
        "x" * 100_000,
        "\x00",
        "é",
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
        MARKER,
        "'--",
        " ",
    ],
)
def test_a_token_of_any_form_is_simply_refused(vault: None, token: str) -> None:
    for caller, headers in ((Api(token), {}), (Api(), {"HTTP_AUTHORIZATION": f"Bearer {token}"})):
        answer = caller.get("/v1/user/login/ann", **headers)
        assert_refused(answer, 403, "Access denied")
        silent(answer.content)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset*=bogus''utf-8",
        "application/json; charset*=utf-8''%ff",
        ";",
        "application/json;;;",
        "x" * 9000,
        "é/é",
    ],
)
def test_an_odd_content_type_breaks_nothing(api: Api, content_type: str) -> None:
    answer = api.post("/v1/user", {"login": MARKER}, content_type=content_type)
    assert answer.status_code in (200, 400, 415), answer.content
    silent(answer.content.replace(b'"status":"ok"', b""))


# --- the peer's codes ------------------------------------------------------------------------------------------------


LEGACY: list[tuple[str, str, Any, dict[str, str], int, int]] = [
    # method, path, body, options, our code, the peer's code
    ("GET", "/v1/user/login/ann", None, {}, 200, 200),
    ("GET", "/v1/user/login/nobody", None, {}, 404, 405),
    ("GET", "/v1/user/name/ann", None, {}, 400, 405),
    ("GET", "/v1/user/token/x", None, {}, 400, 405),
    ("GET", "/v1/nowhere", None, {}, 404, 405),
    ("PATCH", "/v1/user/login/ann", None, {}, 405, 405),
    ("POST", "/v1/user", {"login": "ann"}, {}, 409, 405),
    ("POST", "/v1/user", {"a": "b"}, {}, 400, 405),
    ("POST", "/v1/user", b"", {}, 400, 405),
    ("POST", "/v1/user", b"x", {"content_type": "text/plain"}, 415, 405),
    ("POST", "/v1/user", b"{" + b" " * 1_048_576, {}, 413, 405),
    ("POST", "/v1/users", None, {}, 403, 403),
    ("GET", "/v1/audit/get/7b0ae7b8-0c0d-4fd1-a2f5-36d1f4a4c3d1", None, {}, 404, 405),
    ("GET", "/v1/audit/admin?offset=x", None, {}, 400, 405),
    ("GET", "/v1/status", None, {}, 200, 200),
]


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(("method", "where", "body", "options", "ours", "peers"), LEGACY)
def test_the_peers_codes_come_back_by_setting(
    api: Api,
    settings: Any,
    legacy: bool,
    method: str,
    where: str,
    body: Any,
    options: dict[str, str],
    ours: int,
    peers: int,
) -> None:
    api.create(login="ann")
    settings.V1_LEGACY_STATUS = legacy
    assert api.call(method, where, body, **options).status_code == (peers if legacy else ours)


def test_with_the_peers_codes_a_bad_token_stays_403_and_a_broken_database_503(api: Api, settings: Any) -> None:
    settings.V1_LEGACY_STATUS = True
    assert_refused(Api("wrong").get("/v1/user/login/ann"), 403, "Access denied")
    with unreachable_database():
        assert_refused(api.get("/v1/user/login/ann"), 503, "service unavailable")


# --- faults of our own -----------------------------------------------------------------------------------------------


def test_a_fault_of_ours_tells_the_caller_nothing_and_the_log_its_place(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from vault import queries

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"SELECT * FROM vault_record WHERE email = {MARKER}")

    monkeypatch.setattr(queries, "read_record", fail)
    answer = api.get(f"/v1/user/login/{MARKER}")
    assert_refused(answer, 500, "internal error")
    silent(answer.content)
    (line,) = caplog.records
    route = get_resolver().resolve("/v1/user/login/ann").route
    assert (line.error, line.route, line.method) == ("RuntimeError", route, "GET")  # type: ignore[attr-defined]
    assert line.request_id == answer.headers["X-Request-ID"]  # type: ignore[attr-defined]
    assert MARKER not in line.getMessage()


def test_a_database_that_is_gone_is_an_answer_of_503_everywhere(api: Api) -> None:
    token = api.create(login="ann")
    stranger = Api("0e4b1b1c-51c0-4c53-92b5-2f1d8f0f7a11")
    uncached = Api(new_token(TokenKind.ADMIN))
    with unreachable_database():
        for caller in (api, uncached):
            for method, where, body in (
                ("POST", "/v1/user", {"login": MARKER}),
                ("GET", f"/v1/user/token/{token}", None),
                ("GET", f"/v1/user/login/{MARKER}", None),
                ("PUT", f"/v1/user/token/{token}", {"a": MARKER}),
                ("DELETE", f"/v1/user/token/{token}", None),
                ("POST", "/v1/users/bulk", {"records": [{"login": MARKER}]}),
                ("POST", "/v1/users/unlock", None),
                ("GET", f"/v1/audit/list/{token}", None),
                ("GET", "/v1/audit/admin", None),
                ("GET", f"/v1/audit/get/{token}", None),
                # What would be refused anyway can't be told of, so it isn't answered either.
                ("POST", "/v1/user", b"not JSON"),
                ("POST", "/v1/users", None),
            ):
                answer = caller.call(method, where, body)
                assert_refused(answer, 503, "service unavailable")
                silent(answer.content)
        assert_refused(stranger.get(f"/v1/user/token/{token}"), 503, "service unavailable")
    assert api.get(f"/v1/user/token/{token}").json()["data"] == {"login": "ann"}
