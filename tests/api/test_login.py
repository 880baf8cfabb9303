"""Login of a person, through the door."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest

from databunker.access.models import AccessToken, LoginCode, TokenKind
from tests.api.helpers import ANN, assert_refused, subject_of, told_by
from tests.conftest import FORM, Api
from tests.support.login import NOW, ask, code_for, code_in, come, other_than, sent, solved

EMAIL, PHONE = ANN["email"], ANN["phone"]
DONE = {"status": "ok", "result": "done"}


pytestmark = pytest.mark.usefixtures("login_set_up")


@pytest.fixture
def ann(api: Api) -> str:
    return api.create(**ANN)


# --- the way in ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "identity"),
    [("email", EMAIL), ("EMAIL", " Ann@EXAMPLE.com"), ("phone", PHONE), ("phone", "07700 900001")],
)
def test_a_person_comes_in_by_a_code(api: Api, ann: str, mode: str, identity: str) -> None:
    assert ask(mode, identity).json() == DONE
    (message,) = sent("mail") + sent("sms")
    assert message["to"] == (EMAIL if mode.lower() == "email" else PHONE)
    answer = come(code_in(message), mode, identity)
    assert answer.status_code == 200
    assert set(answer.json()) == {"status", "xtoken", "token"}
    assert answer.json()["token"] == ann
    person = Api(answer.json()["xtoken"])
    assert person.get(f"/v1/user/token/{ann}").json()["data"] == ANN


def test_a_person_reaches_only_the_own_data(api: Api, ann: str) -> None:
    ben = api.create(login="ben")
    person = Api(come(code_for()).json()["xtoken"])
    assert person.get(f"/v1/user/email/{EMAIL}").status_code == 200
    for path in (f"/v1/user/token/{ben}", "/v1/user/login/ben", "/v1/audit/admin", "/v1/userapps"):
        assert_refused(person.get(path), 403, "Access denied")


def test_the_forms_keep_codes_out_of_urls(ann: str) -> None:
    captcha = solved(Api())
    asked = {"mode": "email", "identity": EMAIL, "code": captcha.code, "captcha": captcha.answer}
    assert Api().post("/v1/prelogin", asked).json() == DONE
    form = f"mode=email&identity={quote(EMAIL)}&code={code_in(sent('mail')[-1])}"
    answer = Api().post("/v1/login", form, content_type=FORM)
    assert answer.json()["token"] == ann


@pytest.mark.parametrize("body", [{"mode": 1}, {"mode": "email", "identity": []}, {"code": 123456}])
def test_what_is_no_text_is_refused(vault: None, body: Any) -> None:
    for path in ("/v1/prelogin", "/v1/login"):
        assert Api().post(path, body).status_code == 400


def test_the_peers_clients_put_the_captcha_last(ann: str) -> None:
    captcha = solved(Api())
    assert Api().get(f"/v1/prelogin/email/{EMAIL}/{captcha.answer}/{captcha.code}").json() == DONE


def test_codes_have_six_digits_and_differ(ann: str) -> None:
    codes = [code_for() for _ in range(12)]
    assert all(re.fullmatch("[0-9]{6}", code) for code in codes)
    assert len(set(codes)) > 10


def test_an_access_token_lasts_ten_minutes(ann: str, clock: Any) -> None:
    person = Api(come(code_for()).json()["xtoken"])
    clock.shift(599)
    assert person.get(f"/v1/user/token/{ann}").status_code == 200
    clock.shift(1)
    assert_refused(person.get(f"/v1/user/token/{ann}"), 403, "Access denied")


def test_how_long_an_access_token_lasts_can_be_set(ann: str, clock: Any, settings: Any) -> None:
    settings.LOGIN_TOKEN_LIFE = "2h"
    come(code_for())
    assert AccessToken.objects.get(kind=TokenKind.PERSON).expires == NOW + 7200


# --- what a code is not good for -------------------------------------------------------------------------------------


def test_a_code_is_good_once(ann: str) -> None:
    code = code_for()
    assert come(code).status_code == 200
    assert_refused(come(code), 403, "Access denied")
    assert not LoginCode.objects.exists()


def test_after_five_tries_the_right_code_is_refused_too(ann: str) -> None:
    code = code_for()
    for _ in range(5):
        assert_refused(come(other_than(code)), 403, "Access denied")
    assert_refused(come(code), 403, "Access denied")
    assert come(code_for()).status_code == 200


def test_the_fifth_try_still_counts(ann: str) -> None:
    code = code_for()
    for _ in range(4):
        come(other_than(code))
    assert come(code).status_code == 200


def test_a_newer_code_replaces_an_older(ann: str) -> None:
    older = code_for()
    newer = code_for()
    assert older == newer or come(older).status_code == 403
    assert come(newer).status_code == 200


def test_a_code_ends(ann: str, clock: Any, settings: Any) -> None:
    settings.LOGIN_CODE_SECONDS = 60
    code = code_for()
    clock.shift(59)
    assert come(code).status_code == 200
    code = code_for()
    clock.shift(60)
    assert_refused(come(code), 403, "Access denied")


def test_a_code_is_good_for_the_identity_it_was_sent_to(api: Api, ann: str) -> None:
    api.create(email="ben@example.com", phone="07700 900002")
    code = code_for()
    for mode, identity in (("phone", PHONE), ("email", "ben@example.com"), ("phone", "07700 900002")):
        ask(mode, identity)
        assert_refused(come(code, mode, identity), 403, "Access denied")
    assert come(code).status_code == 200


def test_a_code_does_not_follow_an_identity_to_another_person(api: Api, ann: str) -> None:
    code = code_for()
    api.put(f"/v1/user/token/{ann}", {"email": "ann@new.example.com"})
    assert_refused(come(code), 403)
    code = code_for(identity="ann@new.example.com")
    api.put(f"/v1/user/token/{ann}", {"email": None})
    api.create(email="ann@new.example.com")
    assert_refused(come(code, identity="ann@new.example.com"), 403)


@pytest.mark.parametrize("change", [{"expires": NOW * 2}, {"subject": b"s" * 16}, {"mac": b"m" * 32}])
def test_sql_alone_changes_no_code(ann: str, clock: Any, change: dict[str, Any]) -> None:
    code = code_for()
    LoginCode.objects.update(**change)
    assert_refused(come(code), 403)


@pytest.mark.parametrize(
    "code", ["0", "", "12345", "1234567", "١٢٣٤٥٦", "\ud800".encode("utf-8", "surrogatepass"), "x" * 3000]
)
def test_what_is_no_code_is_refused_like_a_wrong_one(ann: str, code: Any) -> None:
    code_for()
    assert_refused(come(quote(code)), 403, "Access denied")


def test_nobody_comes_in_without_having_asked(ann: str) -> None:
    for code in ("000000", "123456", "4444"):
        assert_refused(come(code), 403, "Access denied")


@pytest.mark.parametrize("mode", ["token", "login", "custom", "nonsense"])
def test_only_mail_and_phone_are_ways_in(ann: str, mode: str) -> None:
    identity = ann if mode == "token" else "ann"
    assert_refused(ask(mode, identity), 400, "bad mode")
    assert_refused(come("123456", mode, identity), 400, "bad mode")


def test_what_is_no_telephone_number_is_said_to_be_none(vault: None) -> None:
    assert_refused(ask("phone", "rubbish"), 400, "phone is not a telephone number")
    assert_refused(come("123456", "phone", "rubbish"), 400, "phone is not a telephone number")


# --- people who are forgotten ----------------------------------------------------------------------------------------


def test_a_forgotten_person_does_not_come_in(api: Api, ann: str) -> None:
    code, xtoken = code_for(), come(code_for("phone", PHONE), "phone", PHONE).json()["xtoken"]
    assert api.delete(f"/v1/user/token/{ann}").status_code == 200
    assert not LoginCode.objects.filter(subject=subject_of(ann)).exists()
    assert_refused(come(code), 403, "Access denied")
    assert_refused(Api(xtoken).get(f"/v1/user/token/{ann}"), 403, "Access denied")
    assert ask().json() == DONE
    assert sent("mail") == []


def test_preserved_identities_let_nobody_in(api: Api, settings: Any, tmp_path: Any) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text('{"type":"object","properties":{"email":{"type":"string","preserve":true}}}')
    settings.USER_SCHEMA_FILE = str(schema)
    ann = api.create(**ANN)
    code = code_for()
    api.delete(f"/v1/user/token/{ann}")
    assert api.get(f"/v1/user/email/{EMAIL}").status_code == 200
    assert_refused(come(code), 403, "Access denied")
    assert ask().json() == DONE
    assert sent("mail") == []


# --- the demonstration's test identities -----------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "identity"), [("email", "test@securitybunker.io"), ("phone", "4444")])
def test_test_identities_come_in_by_4444_in_demo_mode_only(api: Api, settings: Any, mode: str, identity: str) -> None:
    token = api.create(**{mode: identity})
    assert ask(mode, identity).json() == DONE
    assert_refused(come("4444", mode, identity), 403, "Access denied")
    settings.DATABUNKER_DEMO = True
    settings.EMAIL_HOST = settings.SMS_URL = ""
    waiting = len(sent("mail") + sent("sms"))
    assert_refused(come("4444", mode, identity), 403, "Access denied")
    assert ask(mode, identity).json() == DONE
    assert len(sent("mail") + sent("sms")) == waiting
    assert come("4444", mode, identity).json()["token"] == token
    assert_refused(come("4444", mode, identity), 403, "Access denied")


def test_nobody_else_comes_in_by_4444_in_demo_mode(ann: str, settings: Any) -> None:
    settings.DATABUNKER_DEMO = True
    code_for()
    assert_refused(come("4444"), 403, "Access denied")


# --- messages --------------------------------------------------------------------------------------------------------


def test_a_message_is_worthless_when_its_code_is(ann: str, clock: Any) -> None:
    from databunker.notify.models import Job

    ask()
    ask("phone", PHONE)
    assert list(Job.objects.values_list("deadline", flat=True)) == [NOW + 120] * 2


@pytest.mark.parametrize("mode", ["email", "phone"])
def test_who_can_send_nothing_says_so_whoever_exists(ann: str, settings: Any, mode: str) -> None:
    settings.EMAIL_HOST = settings.SMS_URL = ""
    for identity in (EMAIL, "nobody@example.com") if mode == "email" else (PHONE, "07700 900999"):
        assert_refused(ask(mode, identity), 409, f"login by {mode} is not set up")


@pytest.mark.parametrize(
    "email", ["ann", "ann@example.com, ben@example.com", "ann@example.com\nBcc: ben@example.com", "@"]
)
def test_nothing_is_sent_to_what_is_no_address(api: Api, email: str) -> None:
    api.create(email=email)
    assert ask(identity=email).json() == DONE
    assert sent("mail") == []


def test_a_wrong_code_is_told_to_the_application(ann: str, settings: Any) -> None:
    settings.NOTIFICATION_URL = "http://127.0.0.1:1/"
    code = code_for()
    come(code)
    assert sent("webhook") == []
    come(code)
    come(code, identity="nobody@example.com")
    assert sent("webhook") == [
        {"action": "badlogin", "mode": "email", "identity": EMAIL},
        {"action": "badlogin", "mode": "email", "identity": "nobody@example.com"},
    ]


# --- events ----------------------------------------------------------------------------------------------------------


def test_each_step_is_told(ann: str, settings: Any) -> None:
    with told_by() as told:
        code = code_for()
        ask(identity="nobody@example.com")
        come(other_than(code))
        come(code)
        come(code, identity="nobody@example.com")
    assert [(event.code, event.outcome, event.who, event.subject == subject_of(ann)) for event in told] == [
        ("login.prelogin", "ok", "anyone", True),
        ("login.prelogin", "not_found", "anyone", False),
        ("login.bad", "denied", "anyone", True),
        ("login.ok", "ok", "person", True),
        ("login.bad", "denied", "anyone", False),
    ]
    assert told[0].detail == {"mode": "email", "identity": EMAIL, "sent": True}
    assert "nobody" not in str(told[1].detail)
    assert EMAIL not in str(told[2].detail)
    assert all(code not in str(event.detail) for event in told)


def test_what_a_person_does_is_told_with_the_token_of_the_login(ann: str) -> None:
    with told_by() as told:
        person = Api(come(code_for()).json()["xtoken"])
        person.get(f"/v1/user/token/{ann}")
    from audit.models import Event

    numbers = Event.objects.filter(request__in=[event.request for event in told]).order_by("id")
    assert len({event.actor_token for event in numbers[1:]}) == 1
