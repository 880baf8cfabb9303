"""Mail, taken by a real SMTP server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from databunker.notify import outbox
from databunker.notify.delivery import deliver_due
from databunker.notify.models import Job, JobState
from tests.api.helpers import subject_of
from tests.conftest import Api
from tests.support.mail import SENDER, Taker, mail_server, mailing
from vault import storage


@pytest.fixture
def taker(settings: Any) -> Iterator[Taker]:
    with mailing(settings) as running:
        settings.NOTIFICATION_TIMEOUT_SECONDS = 2
        yield running


def test_a_mail_is_sent(vault: None, taker: Taker) -> None:
    assert outbox.mail(1, to="ann@example.com", subject_line="Your côde", text="It is 1234.\n.\nBye ü")
    assert taker.taken == []
    assert deliver_due() == 1
    (message,) = taker.taken
    assert taker.recipients == [["ann@example.com"]]
    assert message["From"] == SENDER
    assert (message["To"], message["Subject"]) == ("ann@example.com", "Your côde")
    assert message["Message-ID"].endswith("@shop.example.com>")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().replace("\r\n", "\n").rstrip("\n") == "It is 1234.\n.\nBye ü"
    assert not Job.objects.exists()


def test_a_server_that_fails_gets_it_again_under_the_same_id(vault: None, taker: Taker) -> None:
    taker.refuse_message = "451 later"
    outbox.mail(1, to="ann@example.com", subject_line="x", text="y")
    assert deliver_due() == 0
    job = Job.objects.get()
    assert (job.state, job.last_error) == (JobState.DUE, "SMTPDataError")
    taker.refuse_message = ""
    Job.objects.update(next_attempt=0)
    assert deliver_due() == 1
    assert taker.taken[0]["Message-ID"] == f"<{job.id}@shop.example.com>"


@pytest.mark.parametrize(
    ("attribute", "reply", "error"),
    [("refuse_recipient", "550 nobody here", "SMTP 550"), ("refuse_message", "554 no", "SMTP 554")],
)
def test_a_mail_that_nobody_will_ever_take_is_dead_at_once(
    vault: None, taker: Taker, attribute: str, reply: str, error: str
) -> None:
    setattr(taker, attribute, reply)
    outbox.mail(1, to="ann@example.com", subject_line="x", text="y")
    assert deliver_due() == 0
    job = Job.objects.get()
    assert (job.state, job.last_error, job.attempts) == (JobState.DEAD, error, 1)


def test_a_recipient_who_is_refused_for_now_waits(vault: None, taker: Taker) -> None:
    taker.refuse_recipient = "450 mailbox busy"
    outbox.mail(1, to="ann@example.com", subject_line="x", text="y")
    assert deliver_due() == 0
    assert Job.objects.get().last_error == "SMTPRecipientsRefused"


@pytest.mark.parametrize(
    ("to", "subject_line"),
    [
        ("ann@example.com\r\nBcc: eve@example.com", "x"),
        ("ann@example.com, eve@example.com", "x"),
        ("ann@example.com", "x\r\nBcc: eve@example.com"),
        ("", "x"),
    ],
)
def test_nothing_a_person_wrote_adds_a_recipient(vault: None, taker: Taker, to: str, subject_line: str) -> None:
    outbox.mail(1, to=to, subject_line=subject_line, text="y")
    deliver_due()
    assert all("eve@example.com" not in recipients for recipients in taker.recipients)
    assert all(message["Bcc"] is None for message in taker.taken)
    if to:
        assert Job.objects.get().state == JobState.DEAD


def test_a_mail_about_a_person_dies_with_the_person(api: Api, taker: Taker) -> None:
    token = api.create(login="ann")
    record = storage.by_subject(1, subject_of(token))
    assert record is not None
    outbox.mail(1, to="ann@example.com", subject_line="x", text="y", sealer=record.key)
    assert Job.objects.get().generation == 1
    api.delete(f"/v1/user/token/{token}")
    assert deliver_due() == 0
    assert taker.taken == []
    assert not Job.objects.exists()


def test_a_server_that_is_away_is_waited_for(vault: None, settings: Any, taker: Taker) -> None:
    settings.EMAIL_PORT = 1
    outbox.mail(1, to="ann@example.com", subject_line="x", text="y")
    assert deliver_due() == 0
    assert Job.objects.get().last_error == "ConnectionRefusedError"


def test_tls_that_is_asked_for_is_not_done_without(vault: None, settings: Any, taker: Taker) -> None:
    """The server has none: nothing is sent in clear instead."""
    settings.EMAIL_TLS = "starttls"
    outbox.mail(1, to="ann@example.com", subject_line="x", text="y")
    assert deliver_due() == 0
    assert taker.taken == []
    assert Job.objects.get().last_error == "SMTPNotSupportedError"


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_name_and_password(vault: None, settings: Any) -> None:
    with mail_server(auth_required=True, auth_require_tls=False) as (taker, port):
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TLS = "127.0.0.1", port, "none"
        settings.EMAIL_FROM, settings.EMAIL_HOST_USER = "a@example.com", "user"
        settings.EMAIL_HOST_PASSWORD = "wrong"
        outbox.mail(1, to="ann@example.com", subject_line="x", text="y")
        assert deliver_due() == 0
        assert Job.objects.get().last_error == "SMTPAuthenticationError"
        settings.EMAIL_HOST_PASSWORD = "right"
        Job.objects.update(next_attempt=0)
        assert deliver_due() == 1
        assert set(taker.users) == {"user"}


def test_without_a_server_nothing_is_written(vault: None) -> None:
    assert outbox.mail(1, to="ann@example.com", subject_line="x", text="y") is False
    assert not Job.objects.exists()
