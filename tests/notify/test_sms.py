"""Text messages go to whatever gateway the settings describe, and nothing that a person wrote leaves its place."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from databunker.notify import outbox
from databunker.notify.delivery import deliver_due
from databunker.notify.models import Job
from databunker.notify.sms import header
from tests.support.receivers import Received, Receiver

PHONE = "+447700900001"
TEXT = 'Your code: 1234 & "more" _TOKEN_ <ü>\n_PHONE_'


def sent(receiver: Receiver, settings: Any, **given: str) -> Received:
    """What the gateway got."""
    settings.SMS_FROM, settings.SMS_TOKEN = "Shop & Co", "k€y/secret"
    for name, value in given.items():
        setattr(settings, f"SMS_{name}", value)
    assert outbox.sms(1, to=PHONE, text=TEXT)
    assert deliver_due() == 1
    return receiver.received[-1]


def test_by_get_all_stands_in_the_url(vault: None, receiver: Receiver, settings: Any) -> None:
    url = receiver.url("/send/_PHONE_?from=_FROM_&key=_TOKEN_&text=_MSG_")
    got = sent(receiver, settings, URL=url, METHOD="GET", BODY="ignored _MSG_")
    assert got.method == "GET"
    assert got.path == (
        "/send/%2B447700900001?from=Shop%20%26%20Co&key=k%E2%82%ACy%2Fsecret"
        "&text=Your%20code%3A%201234%20%26%20%22more%22%20_TOKEN_%20%3C%C3%BC%3E%0A_PHONE_"
    )
    assert got.body == b""


def test_a_form(vault: None, receiver: Receiver, settings: Any) -> None:
    from urllib.parse import parse_qs

    got = sent(receiver, settings, URL=receiver.url(), BODY="To=_PHONE_&From=_FROM_&Key=_TOKEN_&Body=_MSG_")
    assert got.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(got.body.decode()) == {
        "To": [PHONE],
        "From": ["Shop & Co"],
        "Key": ["k€y/secret"],
        "Body": [TEXT],
    }


def test_json(vault: None, receiver: Receiver, settings: Any) -> None:
    body = '{"to":["_PHONE_"],"text":"from _FROM_: _MSG_"}'
    got = sent(receiver, settings, URL=receiver.url(), BODY=body, CONTENT_TYPE="application/json; charset=utf-8")
    assert orjson.loads(got.body) == {"to": [PHONE], "text": f"from Shop & Co: {TEXT}"}


def test_xml(vault: None, receiver: Receiver, settings: Any) -> None:
    got = sent(receiver, settings, URL=receiver.url(), BODY="<m to='_PHONE_'>_MSG_</m>", CONTENT_TYPE="text/xml")
    assert "Your code: 1234 &amp; &quot;more&quot; _TOKEN_ &lt;ü&gt;" in got.body.decode()


def test_any_other_body_has_the_values_as_they_are(vault: None, receiver: Receiver, settings: Any) -> None:
    got = sent(receiver, settings, URL=receiver.url(), BODY="_PHONE_ _MSG_", CONTENT_TYPE="text/plain")
    assert got.body.decode() == f"{PHONE} {TEXT}"


def test_the_gateway_is_told_who_calls(vault: None, receiver: Receiver, settings: Any) -> None:
    got = sent(
        receiver,
        settings,
        URL=receiver.url(),
        BODY="_PHONE_ _MSG_",
        BASIC_AUTH="user:pass:word",
        CUSTOM_HEADER="X-Api-Key: abc def",
    )
    assert got.headers["authorization"] == "Basic dXNlcjpwYXNzOndvcmQ="
    assert got.headers["x-api-key"] == "abc def"


def test_a_gateway_that_fails_gets_the_message_again(vault: None, receiver: Receiver, settings: Any) -> None:
    settings.SMS_URL = receiver.url("/_PHONE_/_MSG_")
    receiver.statuses = [500]
    outbox.sms(1, to=PHONE, text="x")
    assert deliver_due() == 0
    Job.objects.update(next_attempt=0)
    assert deliver_due() == 1
    assert len(receiver.received) == 2


def test_a_gateway_at_a_private_address_is_refused(vault: None, receiver: Receiver, settings: Any) -> None:
    settings.SMS_URL = receiver.url("/_PHONE_/_MSG_")
    settings.OUTGOING_ALLOW_PRIVATE = []
    outbox.sms(1, to=PHONE, text="x")
    assert deliver_due() == 0
    assert Job.objects.get().last_error == "AddressRefused"
    assert receiver.received == []


def test_without_a_gateway_nothing_is_written(vault: None) -> None:
    assert outbox.sms(1, to=PHONE, text="x") is False
    assert not Job.objects.exists()


@pytest.mark.parametrize("text", ["", "X", "X:", ": y", "X Y: z", "X: y\r\nZ: w", "X: \n", "X: ü"])
def test_what_is_no_header_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="SMS_CUSTOM_HEADER"):
        header(text)
