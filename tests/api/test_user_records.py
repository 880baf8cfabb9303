"""A person's record through `/v1/user`: stored and found, by every look-up."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from tests.api.helpers import ANN, MODES, assert_refused, contents, found, path
from tests.conftest import FORM, Api
from vault.models import Record, RecordVersion

# --- create and read -------------------------------------------------------------------------------------------------


def test_a_stored_person_is_found_by_token_and_by_every_identity(api: Api) -> None:
    token = api.create(**ANN)
    assert str(uuid.UUID(token, version=4)) == token
    for mode in ("token", *MODES):
        answer = api.get(path(mode, {"token": token, **ANN}[mode]))
        assert answer.status_code == 200
        assert answer.json() == {"status": "ok", "token": token, "data": ANN}


def test_answers_are_json_that_no_cache_keeps_and_no_browser_guesses(api: Api) -> None:
    token = api.create(**ANN)
    for answer in (api.get(path("token", token)), api.get(path("login", "nobody")), Api().get(path("token", token))):
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Length"] == str(len(answer.content))
        assert "Set-Cookie" not in answer.headers


def test_head_answers_as_get_without_a_body(api: Api) -> None:
    token = api.create(**ANN)
    answer = api.call("HEAD", path("token", token))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


def test_the_mode_may_be_written_in_any_case(api: Api) -> None:
    token = api.create(**ANN)
    for mode, identity in (("TOKEN", token), ("Token", token.upper()), ("LOGIN", "ann"), ("Email", ANN["email"])):
        assert found(api, mode, str(identity)) == token


@pytest.mark.parametrize("mode", MODES)
def test_one_identity_of_any_kind_is_enough(api: Api, mode: str) -> None:
    token = api.create(**{mode: ANN[mode], "note": "x"})
    assert found(api, mode, str(ANN[mode])) == token


@pytest.mark.parametrize(
    "profile",
    [
        {},
        {"name": "Ann"},
        {"login": None, "email": ""},
        {"login": "  ", "email": "\t\n"},
        {"LOGIN": "ann"},
        {"token": "0e4b1b1c-51c0-4c53-92b5-2f1d8f0f7a11"},
        {"contact": {"email": "ann@example.com"}},
    ],
)
def test_a_profile_without_any_identity_is_refused(api: Api, profile: dict[str, Any]) -> None:
    before = contents()
    answer = api.post("/v1/user", profile)
    assert_refused(answer, 400, "failed to create user, all user lookup fields are missing")
    assert contents() == before


def test_identities_are_normalised_alike_when_stored_and_looked_up(api: Api) -> None:
    token = api.create(login="  ann ", email=" Ann.Example@EXAMPLE.com ", phone="07700 900001", custom="\tc-1\n")
    for mode, identity in (
        ("login", "ann"),
        ("login", " ann  "),
        ("email", "ann.example@example.com"),
        ("email", "ANN.EXAMPLE@EXAMPLE.COM"),
        ("email", " ann.example@example.com "),
        ("phone", "+447700900001"),
        ("phone", "07700900001"),
        ("phone", "07700-900-001"),
        ("phone", "+44 (0)7700 900001"),
        ("phone", "00447700900001"),
        ("custom", "c-1"),
    ):
        assert found(api, mode, identity) == token, (mode, identity)
    data = api.get(path("token", token)).json()["data"]
    assert data["email"] == " Ann.Example@EXAMPLE.com ", "the profile keeps the spelling that was sent"
    assert found(api, "login", "ANN") is None, "a login is taken as it is written"
    assert found(api, "custom", "C-1") is None


def test_an_identity_is_found_under_its_own_field_only(api: Api) -> None:
    token = api.create(login="447700900001")
    assert found(api, "login", "447700900001") == token
    for mode in ("custom", "phone", "email"):
        assert found(api, mode, "447700900001") is None


@pytest.mark.parametrize(
    ("country", "written", "national"),
    [
        ("GB", "07700 900001", "+447700900001"),
        ("US", "(202) 555-0143", "+12025550143"),
        ("DE", "030 901820", "+4930901820"),
    ],
)
def test_a_phone_without_country_code_is_of_the_default_country(
    api: Api, settings: Any, country: str, written: str, national: str
) -> None:
    settings.DEFAULT_COUNTRY = country
    token = api.create(phone=written)
    assert found(api, "phone", national) == token
    assert found(api, "phone", written) == token


@pytest.mark.parametrize("phone", ["rubbish", "+", "1", "+4477009000010000000000", "@", "ann@example.com"])
def test_a_phone_that_is_none_is_refused(api: Api, phone: str) -> None:
    before = contents()
    answer = api.post("/v1/user", {"login": "ann", "phone": phone})
    assert_refused(answer, 400, "failed to create user, phone is not a telephone number")
    assert contents() == before
    assert_refused(api.get(path("phone", phone)), 400, "phone is not a telephone number")


def test_lenient_phone_stores_what_is_none_without_making_it_findable(api: Api, settings: Any) -> None:
    settings.LENIENT_PHONE = True
    token = api.create(login="ann", phone="extension four")
    assert api.get(path("token", token)).json()["data"]["phone"] == "extension four"
    assert_refused(api.get(path("phone", "extension four")), 400)
    assert api.create(login="ben", phone="extension four")
    assert_refused(
        api.post("/v1/user", {"phone": "extension four"}),
        400,
        "failed to create user, all user lookup fields are missing",
    )
    assert_refused(api.post("/v1/user", {"login": "cyd", "phone": 447700900001}), 400)


@pytest.mark.parametrize(
    ("sent", "identity"),
    [
        (b"42", "42"),
        (b"-7", "-7"),
        (b"0", "0"),
        (b"9007199254740993", "9007199254740993"),
        (b"123456789012345678901234567890", "123456789012345678901234567890"),
        (b"5.5", "5.5"),
        (b"0.10", "0.10"),
    ],
)
def test_a_number_as_login_is_found_by_its_decimal_string(api: Api, sent: bytes, identity: str) -> None:
    for mode in ("login", "custom"):
        answer = api.post("/v1/user", b'{"%s":%s}' % (mode.encode(), sent))
        assert answer.status_code == 200, answer.content
        assert found(api, mode, identity) == answer.json()["token"]


@pytest.mark.parametrize("field", MODES)
@pytest.mark.parametrize("value", [True, False, [], ["ann"], {}, {"a": "b"}])
def test_identities_are_text(api: Api, field: str, value: Any) -> None:
    answer = api.post("/v1/user", {"login": "spare", **({"custom": "x"} if field == "login" else {}), field: value})
    assert_refused(answer, 400)
    assert field in answer.json()["message"]


@pytest.mark.parametrize("field", ["email", "phone"])
def test_email_and_phone_are_no_numbers(api: Api, field: str) -> None:
    assert_refused(
        api.post("/v1/user", {"login": "x", field: 447700900001}), 400, f"failed to create user, {field} must be text"
    )


@pytest.mark.parametrize(
    "identity",
    [
        "a+b@example.com",
        "a%40b@example.com",
        "100%@example.com",
        "a%2Bb@example.com",
        "a b@example.com",
        "jörg@exämple.de",
        "a/b/c@example.com",
        "/leading@example.com",
        "trailing@example.com/",
        "a?b=c&d@example.com",
        "a#b@example.com",
        "a;b@example.com",
        "a\\b@example.com",
        "%@example.com",
        "..",
        "../../v1/status",
        "'; drop table vault_record; --",
        "😀@example.com",
        "a\nb@example.com",
        "a\r\nb@example.com",
        "a\x00b@example.com",
        "a\u2028b@example.com",
    ],
)
def test_any_text_can_be_an_identity(api: Api, identity: str) -> None:
    """The path is decoded once and nothing else: `+`, `%` and `/` are themselves."""
    for mode in ("email", "login"):
        token = api.create(**{mode: identity})
        assert found(api, mode, identity) == token
        assert api.get(path(mode, identity)).json()["data"] == {mode: identity}


def test_plus_percent_and_space_never_stand_for_each_other(api: Api) -> None:
    spellings = ["ann+x@example.com", "ann x@example.com", "ann%20x@example.com", "ann%2Bx@example.com"]
    tokens = {spelling: api.create(email=spelling) for spelling in spellings}
    for spelling, token in tokens.items():
        assert found(api, "email", spelling) == token
    assert api.get("/v1/user/email/ann+x@example.com").json()["token"] == tokens["ann+x@example.com"]
    assert api.get("/v1/user/email/ann+x%40example.com").json()["token"] == tokens["ann+x@example.com"]


def test_equal_looks_are_equal_identities(api: Api) -> None:
    """Composed and decomposed letters (NFC and NFD) are one spelling."""
    token = api.create(login="Jose\u0301", email="jose\u0301@example.com")
    assert found(api, "login", "Jos\u00e9") == token
    assert found(api, "email", "JOS\u00c9@example.com") == token
    assert_refused(api.post("/v1/user", {"login": "Jos\u00e9"}), 409, "duplicate index: login")


def test_an_identity_has_a_greatest_length(api: Api) -> None:
    longest = "x" * 1024
    token = api.create(login=longest)
    assert found(api, "login", longest) == token
    assert_refused(api.post("/v1/user", {"login": longest + "x"}), 400, "failed to create user, login is too long")
    assert_refused(api.get(path("login", longest + "x")), 400, "login is too long")


# --- what is stored is what was sent ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        b"9007199254740993",
        b"-9007199254740993",
        b"9223372036854775808",
        b"18446744073709551616",
        b"123456789012345678901234567890",
        b"0.10",
        b"1.0",
        b"-0.0",
        b"3.141592653589793238462643383279",
        b"1E400",
        b"1E-400",
        b"1e3",
        b"100000000000000000000.50",
        b'""',
        b'" "',
        b'"\xf0\x9f\x98\x80 \xe4\xbe\x8b \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d"',
        b'"\\u0000\\u001f\\"\\\\"',
        b'"\\ud83d\\ude00"',
        b"null",
        b"[]",
        b"{}",
        b"[[],{},null,true,false]",
        b'{"":{"":""}}',
    ],
)
def test_every_json_value_comes_back_as_it_was_sent(api: Api, value: bytes) -> None:
    from decimal import Decimal
    from json import loads

    token = api.post("/v1/user", b'{"login":"ann","v":' + value + b"}").json()["token"]
    for _ in range(2):
        body = api.get(path("token", token)).content
        read = loads(body, parse_float=Decimal)["data"]["v"]
        sent = loads(value, parse_float=Decimal)
        assert read == sent
        assert type(read) is type(sent) or {type(read), type(sent)} == {int, Decimal}
        # A change of something else goes over the whole profile and must leave this alone.
        assert api.put(path("token", token), {"note": "x"}).status_code == 200


def test_the_digits_of_a_decimal_come_back(api: Api) -> None:
    token = api.post("/v1/user", b'{"login":"ann","price":0.10}').json()["token"]
    assert b'"price":0.10' in api.get(path("token", token)).content


def test_the_order_of_keys_is_kept(api: Api) -> None:
    sent = b'{"z":1,"login":"ann","a":{"y":1,"b":2}}'
    token = api.post("/v1/user", sent).json()["token"]
    assert b'"data":' + sent in api.get(path("token", token)).content


def test_a_form_is_a_profile_of_text(api: Api) -> None:
    fields = [("login", "ann+ben"), ("name", "João & 美香 %"), ("empty", ""), ("twice", "first"), ("twice", "second")]
    answer = api.post("/v1/user", urlencode(fields), content_type=FORM)
    assert answer.status_code == 200
    assert api.get(path("login", "ann+ben")).json()["data"] == {
        "login": "ann+ben",
        "name": "João & 美香 %",
        "empty": "",
        "twice": "first",
    }


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-8",
        'application/json; charset="UTF-8"',
        "Application/JSON",
        "application/json ;charset=utf8",
    ],
)
def test_the_content_type_may_carry_a_charset_and_any_case(api: Api, content_type: str) -> None:
    assert api.post("/v1/user", {"login": "ann"}, content_type=content_type).status_code == 200


# --- identities are unique -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "other_spelling"),
    [("login", " ann "), ("email", "ANN@Example.com"), ("phone", "07700 900001"), ("custom", "customer-42\n")],
)
def test_a_taken_identity_is_refused_in_every_spelling(api: Api, field: str, other_spelling: str) -> None:
    token = api.create(**ANN)
    before = contents()
    answer = api.post("/v1/user", {"custom": "free", field: other_spelling})
    assert_refused(answer, 409, f"duplicate index: {field}")
    assert contents() == before
    assert found(api, field, str(ANN[field])) == token


def test_a_duplicate_names_the_first_field_by_name_where_several_are_taken(api: Api) -> None:
    api.create(**ANN)
    assert_refused(api.post("/v1/user", ANN), 409, "duplicate index: custom")
    assert_refused(api.post("/v1/user", {"phone": ANN["phone"], "login": "ann"}), 409, "duplicate index: login")


def test_a_duplicate_is_refused_when_transactions_really_commit(committed_api: Api) -> None:
    """The short cuts for a database outside a transaction refuse the same and leave nothing half-written."""
    token = committed_api.create(**ANN)
    ben = committed_api.create(login="ben")
    before = contents()
    assert_refused(committed_api.post("/v1/user", {**ANN, "custom": "new"}), 409, "duplicate index: email")
    assert_refused(committed_api.put(path("token", ben), {"email": "ANN@example.com"}), 409, "duplicate email index")
    assert contents() == before
    assert committed_api.put(path("login", "ben"), {"email": "ben@example.com"}).status_code == 200
    assert found(committed_api, "email", "ben@example.com") == ben
    assert committed_api.delete(path("token", token)).status_code == 200
    assert committed_api.create(**ANN) != token


# --- nobody there ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize(
    ("mode", "identity"),
    [
        ("token", "7b0ae7b8-0c0d-4fd1-a2f5-36d1f4a4c3d1"),
        ("login", "nobody"),
        ("email", "nobody@example.com"),
        ("phone", "+447700900999"),
        ("custom", "nobody"),
    ],
)
def test_nobody_is_not_found(api: Api, method: str, mode: str, identity: str) -> None:
    api.create(**ANN)
    before = contents()
    assert_refused(api.call(method, path(mode, identity), {"a": 1}), 404, "record not found")
    assert contents() == before


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("/v1/user/name/ann", "bad mode"),
        ("/v1/user/e-mail/ann", "bad mode"),
        ("/v1/user/%00/ann", "bad mode"),
        ("/v1/user/token/ann", "bad uuid"),
        ("/v1/user/token/7b0ae7b80c0d4fd1a2f536d1f4a4c3d1", "bad uuid"),
        ("/v1/user/token/{7b0ae7b8-0c0d-4fd1-a2f5-36d1f4a4c3d1}", "bad uuid"),
        ("/v1/user/token/7b0ae7b8-0c0d-4fd1-a2f5-36d1f4a4c3dg", "bad uuid"),
        ("/v1/user/token/7b0ae7b8-0c0d-4fd1-a2f5-36d1f4a4c3d1/x", "bad uuid"),
        ("/v1/user/login/%20", "login is empty"),
    ],
)
def test_a_look_up_that_can_not_be_made_is_refused(api: Api, method: str, where: str, message: str) -> None:
    assert_refused(api.call(method, where, {"a": 1}), 400, message)


# --- the id of a request ---------------------------------------------------------------------------------------------


def test_the_callers_request_id_is_echoed_and_others_are_replaced(api: Api) -> None:
    token = api.create(**ANN)
    sent = "5d3b6f6e-94f2-4b8b-9f2c-0c9d1b9c0a55"
    for caller in (api, Api()):
        for where in (path("token", token), path("login", "nobody"), "/v1/status", "/v1/nowhere"):
            assert caller.get(where, HTTP_X_REQUEST_ID=sent).headers["X-Request-ID"] == sent
            assert caller.get(where, HTTP_X_REQUEST_ID=sent.upper()).headers["X-Request-ID"] == sent
            for odd in ("", "x" * 8000, "not-a-uuid", sent + "\x00"):
                given = caller.get(where, HTTP_X_REQUEST_ID=odd).headers["X-Request-ID"]
                assert str(uuid.UUID(given)) == given != sent


def test_a_record_says_when_it_was_created_and_changed(api: Api, time_machine: Any) -> None:
    time_machine.move_to(2_000_000_000, tick=False)
    token = api.create(**ANN)
    time_machine.move_to(2_000_000_100, tick=False)
    api.put(path("token", token), {"note": 1})
    record = Record.objects.get()
    assert (record.created, record.changed) == (2_000_000_000, 2_000_000_100)
    assert RecordVersion.objects.get().replaced == 2_000_000_100


def test_answers_hold_no_more_than_the_record(api: Api) -> None:
    """The body is exactly status, token and data."""
    token = api.create(login="ann")
    assert orjson.loads(api.get(path("token", token)).content) == {
        "status": "ok",
        "token": token,
        "data": {"login": "ann"},
    }
