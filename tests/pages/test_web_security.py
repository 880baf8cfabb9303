"""What browsers are told, and what nobody can do by way of somebody else's browser: a test for each class."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils.http import urlencode

from databunker.pages.middleware import MOST_OF_A_STRANGER
from databunker.settings.environment import BASE_DIR
from tests.conftest import FORM

from .conftest import PASSWORD, Visitor, make_account, text_of

PAGES = ["/", "/console/sign-in", "/console/", "/nothing", "/console/nothing", "/my/data"]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_every_header(visitor: Visitor, path: str) -> None:
    answer = visitor.get(path)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Cache-Control"] == "no-store"
    assert answer["Strict-Transport-Security"].startswith("max-age=")
    assert answer["X-Request-ID"]


def directives(answer: Any) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in answer["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in parts}


def test_the_policy_allows_files_with_the_pages_nonce_and_nothing_else(visitor: Visitor) -> None:
    first, second = (directives(visitor.get("/console/sign-in")) for _ in range(2))
    assert first["script-src"] != second["script-src"], "a nonce is of one page"
    for policy in (first, second):
        assert policy["default-src"] == "'none'"
        assert policy["script-src"].startswith("'nonce-")
        assert policy["style-src"] == policy["script-src"]
        assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
        assert policy["form-action"] == "'self'"
        assert "unsafe" not in str(policy)
        assert "*" not in str(policy)


def test_a_form_from_elsewhere_does_nothing(admin: Visitor) -> None:
    csrf = admin.client.cookies["__Host-csrf"].value
    for data, headers in (
        ({}, {"HTTP_ORIGIN": "https://localhost"}),
        ({"csrfmiddlewaretoken": "x" * 32}, {"HTTP_ORIGIN": "https://localhost"}),
        ({"csrfmiddlewaretoken": csrf}, {"HTTP_ORIGIN": "https://evil.example"}),
        ({"csrfmiddlewaretoken": csrf}, {"HTTP_ORIGIN": "null"}),
        ({"csrfmiddlewaretoken": csrf}, {}),
    ):
        answer = admin.client.post("/console/sign-out", urlencode(data), content_type=FORM, **headers)
        assert answer.status_code == 403
        assert "This form is too old" in text_of(answer)
    assert admin.get("/console/").status_code == 200


class Unread:
    """A body that nobody may ask for."""

    def read(self, *_: int) -> bytes:
        raise AssertionError("the body was read")

    readline = read


def sent_unread(visitor: Visitor, path: str, size: int, content_type: str = FORM) -> Any:
    """The answer to a form of `size` bytes from a browser that could send it: with the token, from a page of ours."""
    if "__Host-csrf" not in visitor.client.cookies:
        visitor.get("/console/sign-in")
    told = {"wsgi.input": Unread(), "CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(size)}
    return visitor.client.generic("POST", path, HTTP_ORIGIN="https://localhost", **told)


@pytest.mark.parametrize("path", ["/", "/code", "/receipt", "/my/data/edit", "/console/sign-in", "/preferences/theme"])
def test_a_large_form_of_a_stranger_is_not_read(visitor: Visitor, path: str) -> None:
    answer = sent_unread(visitor, path, MOST_OF_A_STRANGER + 1)
    assert answer.status_code == 413
    assert "too large" in text_of(answer)
    with pytest.raises(AssertionError, match="was read"):
        sent_unread(visitor, path, MOST_OF_A_STRANGER)


def test_whoever_has_signed_in_may_send_what_a_record_may_have(admin: Visitor, settings: Any) -> None:
    with pytest.raises(AssertionError, match="was read"):
        sent_unread(admin, "/console/accounts/new", settings.MAX_BODY_BYTES)
    assert sent_unread(admin, "/console/accounts/new", settings.MAX_BODY_BYTES + 1).status_code == 413
    assert sent_unread(admin, "/receipt", settings.MAX_BODY_BYTES).status_code == 413, "a session is of its own pages"


def test_no_page_takes_a_file(visitor: Visitor, admin: Visitor) -> None:
    for who, path in ((visitor, "/receipt"), (admin, "/console/accounts/new")):
        answer = sent_unread(who, path, 100, "multipart/form-data; boundary=x")
        assert answer.status_code == 415
        assert "be read Go back" in text_of(answer)


def test_nor_what_no_browser_sends(visitor: Visitor) -> None:
    for typed in ("100%", "%", "%2", "%zz"):
        assert visitor.post("/console/sign-in", name=typed, password=typed).status_code == 422, typed
        token = visitor.client.cookies["__Host-csrf"].value
        body = f"csrfmiddlewaretoken={token}&password=x&name={typed}"
        answer = visitor.client.generic(
            "POST", "/console/sign-in", body, content_type=FORM, HTTP_ORIGIN="https://localhost"
        )
        assert answer.status_code == 400, typed


def test_nor_a_body_that_comes_without_its_length(visitor: Visitor) -> None:
    visitor.get("/console/sign-in")
    chunked = {"wsgi.input": Unread(), "CONTENT_TYPE": FORM, "HTTP_TRANSFER_ENCODING": "chunked"}
    answer = visitor.client.generic("POST", "/receipt", HTTP_ORIGIN="https://localhost", **chunked)
    assert answer.status_code == 403


def test_where_there_is_no_page_nothing_is_read_either(visitor: Visitor) -> None:
    assert sent_unread(visitor, "/nothing", 1 << 30).status_code == 404


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/console/",
        "//evil.example/console/",
        "/\\evil.example/console/",
        "/console/\\evil.example",
        "javascript:alert(1)",
        "\thttps://evil.example",
        "/my/data",
        "console/",
        "http://localhost/console/",
    ],
)
def test_nobody_is_led_away_after_signing_in(vault: None, elsewhere: str) -> None:
    ada = make_account("ada", "admin", factor=False)
    answer = ada.post("/console/sign-in", name="ada", password=PASSWORD, next=elsewhere)
    assert answer["Location"] == "/console/"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_nor_after_choosing_a_theme(visitor: Visitor, elsewhere: str) -> None:
    answer = visitor.post("/preferences/theme", theme="dark", next=elsewhere)
    assert answer["Location"] == "/"
    assert 'data-theme="dark"' in visitor.get("/").content.decode()
    assert visitor.post("/preferences/theme", theme="nonsense", next="/console/")["Location"] == "/console/"
    assert 'data-theme="dark"' in visitor.get("/").content.decode()


def test_a_page_is_served_under_names_of_ours_only(visitor: Visitor) -> None:
    answer = visitor.get("/console/sign-in", HTTP_HOST="evil.example")
    assert answer.status_code == 400
    assert "evil.example" not in answer.content.decode()


def test_what_is_typed_is_shown_as_text(visitor: Visitor) -> None:
    typed = '"><script>alert(1)</script>'
    page = visitor.post("/console/sign-in", name=typed, password="x").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_secrets_are_not_sent_back(vault: None) -> None:
    page = Visitor().post("/console/sign-in", name="ada", password="a secret that was typed").content.decode()
    assert "a secret that was typed" not in page


def test_files_may_be_kept_for_ever_as_their_address_changes_with_them(visitor: Visitor) -> None:
    import re

    page = visitor.get("/console/sign-in").content.decode()
    (address,) = re.findall(r'href="(/static/vault\.css\?v=[0-9a-f]{8})"', page)
    answer = visitor.get(address)
    assert answer.getvalue() == (BASE_DIR / "static" / "vault.css").read_bytes()
    assert answer["Content-Type"].startswith("text/css")
    assert "max-age=31536000" in answer["Cache-Control"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert visitor.get("/static/../manage.py").status_code == 404


def test_a_failure_tells_nothing_of_what_is_inside(admin: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    from databunker.accounts import queries

    for error, status in ((ValueError("secret of the inside"), 500), (OperationalError("secret of the inside"), 503)):

        def fail(*_: Any, error: Exception = error, **__: Any) -> None:
            raise error

        admin.client.raise_request_exception = False
        monkeypatch.setattr(queries, "list_accounts", fail)
        answer = admin.get("/console/accounts")
        assert answer.status_code == status
        assert "secret of the inside" not in answer.content.decode()
        assert answer["X-Request-ID"] in answer.content.decode()


def test_programs_get_json_where_there_is_no_page(visitor: Visitor) -> None:
    answer = visitor.get("/nothing", HTTP_ACCEPT="*/*")
    assert (answer.status_code, answer.json()["message"]) == (404, "endpoint is missing")
    assert visitor.get("/v1/nothing").json()["status"] == "error", "also where a browser asks"


def test_the_language_of_one_page_is_not_that_of_the_next_call(visitor: Visitor) -> None:
    from django.utils.translation import get_language

    visitor.post("/preferences/language", language="de", next="/")
    assert '<html lang="de"' in visitor.get("/").content.decode()
    assert get_language() == "en"
