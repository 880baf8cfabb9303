"""What is refused whatever its body, how it says so, and that it tells nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import get_resolver

from databunker.access.models import TokenKind
from tests.api.helpers import MARKER, assert_refused, assert_silent, unreachable_database
from tests.conftest import Api, new_token

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
        assert_silent(answer.content)


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
        assert_silent(answer.content)


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
        assert_silent(answer.content)


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
        assert_silent(answer.content)


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
    assert_silent(answer.content.replace(b'"status":"ok"', b""))


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
    assert_silent(answer.content)
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
                assert_silent(answer.content)
        assert_refused(stranger.get(f"/v1/user/token/{token}"), 503, "service unavailable")
    assert api.get(f"/v1/user/token/{token}").json()["data"] == {"login": "ann"}
