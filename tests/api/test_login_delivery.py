"""Login codes on their way: by a real mail server and a real gateway for text messages."""

from __future__ import annotations

import logging
import re
import string
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
import time_machine

from databunker.notify.delivery import deliver_due
from databunker.notify.models import Job
from tests.conftest import Api
from tests.support.login import prelogin_path, solved
from tests.support.mail import SENDER, Taker, mailing
from tests.support.receivers import Receiver

EMAIL, PHONE = "ann@example.com", "+447700900001"


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Taker]:
    with mailing(settings) as taker:
        settings.CAPTCHA_PROOF_BITS = 4
        yield taker


@pytest.fixture
def gateway(settings: Any) -> Iterator[Receiver]:
    with Receiver() as running:
        settings.SMS_URL = running.url("/send?to=_PHONE_")
        settings.SMS_METHOD, settings.SMS_FROM, settings.SMS_TOKEN = "POST", "Shop", "gateway-token"
        settings.SMS_BODY = "To=_PHONE_&From=_FROM_&Body=_MSG_&Key=_TOKEN_"
        settings.OUTGOING_ALLOW_PRIVATE = ["127.0.0.0/8"]
        settings.CAPTCHA_PROOF_BITS = 4
        yield running


def ask(mode: str, identity: str) -> None:
    answer = Api().get(prelogin_path(mode, identity, solved(Api())))
    assert answer.json() == {"status": "ok", "result": "done"}


def test_a_code_comes_by_mail(api: Api, mailbox: Taker) -> None:
    ann = api.create(email="Ann@Example.com")
    ask("email", EMAIL)
    ask("email", "nobody@example.com")
    assert deliver_due() == 1
    (mail,) = mailbox.taken
    assert mailbox.recipients == [[EMAIL]]
    assert mail["From"] == SENDER
    assert mail["Subject"] == "Your login code"
    text = mail.get_content()
    (code,) = re.findall(r"\b[0-9]{6}\b", text)
    assert code not in mail["Subject"]
    assert len(text) < 300
    assert Api().get(f"/v1/login/email/{EMAIL}/{code}").json()["token"] == ann


def test_a_code_comes_by_text_message(api: Api, gateway: Receiver) -> None:
    ann = api.create(phone="07700 900001")
    ask("phone", "07700900001")
    ask("phone", "07700900999")
    assert deliver_due() == 1
    (call,) = gateway.received
    said = {name: value for name, (value,) in parse_qs(call.body.decode()).items()}
    assert (said["To"], said["From"], said["Key"]) == (PHONE, "Shop", "gateway-token")
    (code,) = re.findall(r"\b[0-9]{6}\b", said["Body"])
    assert len(said["Body"]) <= 160
    assert Api().get(f"/v1/login/phone/{PHONE}/{code}").json()["token"] == ann


@pytest.mark.parametrize(
    ("language", "line", "told"),
    [
        ("de", "Ihr Anmeldecode", "Anmeldecode"),
        ("fr", "Votre code de connexion", "code de connexion"),
        ("es", "Su código de acceso", "clave de acceso"),
    ],
)
def test_a_code_comes_in_the_language_of_the_mails(
    api: Api, mailbox: Taker, gateway: Receiver, settings: Any, language: str, line: str, told: str
) -> None:
    settings.MAIL_LANGUAGE = language
    ann = api.create(email=EMAIL, phone=PHONE)
    ask("email", EMAIL)
    ask("phone", PHONE)
    assert deliver_due() == 2
    assert mailbox.taken[0]["Subject"] == line
    (mailed,) = re.findall(r"\b[0-9]{6}\b", mailbox.taken[0].get_content())
    (said,) = parse_qs(gateway.received[0].body.decode())["Body"]
    assert told in said
    assert len(said) <= 160
    assert not set(said) - BASIC, "another letter halves what fits into a text message"
    assert Api().get(f"/v1/login/email/{EMAIL}/{mailed}").json()["token"] == ann


# Letters of the basic alphabet of text messages (GSM 03.38) that the languages need.
BASIC = {*string.ascii_letters, *string.digits, *" .,:;!?()-", *"äöüÄÖÜßàèéùìòñÑåÅæÆøØ"}


def test_a_code_that_is_late_is_not_sent(api: Api, mailbox: Taker) -> None:
    api.create(email=EMAIL)
    with time_machine.travel(1_900_000_000, tick=False) as clock:
        ask("email", EMAIL)
        clock.shift(120)
        assert deliver_due() == 0
    assert mailbox.taken == []
    assert not Job.objects.exists()


def test_who_was_forgotten_meanwhile_is_sent_nothing(api: Api, mailbox: Taker) -> None:
    ann = api.create(email=EMAIL)
    ask("email", EMAIL)
    api.delete(f"/v1/user/token/{ann}")
    assert deliver_due() == 0
    assert mailbox.taken == []


def test_no_code_and_no_address_reaches_a_log(
    api: Api, mailbox: Taker, gateway: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.CRITICAL, logger="mail.log")  # the receiving server's own
    api.create(email=EMAIL, phone=PHONE)
    mailbox.refuse_message = "451 later"
    gateway.statuses = [500]
    for mode, identity in (("email", EMAIL), ("phone", PHONE)):
        ask(mode, identity)
    deliver_due()
    mailbox.refuse_message = ""
    Job.objects.update(next_attempt=0)
    assert deliver_due() == 2
    (code,) = re.findall(r"\b[0-9]{6}\b", mailbox.taken[0].get_content())
    (by_sms,) = re.findall(r"\b[0-9]{6}\b", parse_qs(gateway.received[-1].body.decode())["Body"][0])
    Api().get(f"/v1/login/email/{EMAIL}/{code}")
    Api().get(f"/v1/login/email/{EMAIL}/{code}")
    for said in (code, by_sms, EMAIL, PHONE):
        assert said not in caplog.text
