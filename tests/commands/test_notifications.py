"""`manage.py notifications`: what waits and what nobody took, never what it says."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from databunker.notify import outbox
from databunker.notify.delivery import deliver_due
from databunker.notify.models import Job, JobState
from tests.api.helpers import told_by
from tests.support.receivers import Receiver

IDENTITY = "ann@example.com"


def notifications(*arguments: str) -> str:
    out = io.StringIO()
    call_command("notifications", *arguments, stdout=out, no_color=True)
    return out.getvalue()


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with Receiver() as running:
        settings.NOTIFICATION_URL = running.url()
        settings.NOTIFICATION_SECRET = "x" * 32
        settings.NOTIFICATION_ATTEMPTS = 1
        settings.OUTGOING_ALLOW_PRIVATE = ["127.0.0.1"]
        yield running


@pytest.fixture
def dead(vault: None, receiver: Receiver, time_machine: Any) -> list[str]:
    """The ids of two dead letters."""
    time_machine.move_to(2_000_000_000, tick=False)
    receiver.statuses = [500, 404]
    for _ in range(2):
        outbox.webhook(1, {"action": "badlogin", "mode": "email", "identity": IDENTITY})
    deliver_due()
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.DEAD}
    return [str(job_id) for job_id in Job.objects.order_by("created", "id").values_list("id", flat=True)]


def test_dead_letters_are_listed_with_what_went_wrong(dead: list[str]) -> None:
    text = notifications("list")
    assert sorted(re.findall(r"HTTP \d+$", text, re.MULTILINE)) == ["HTTP 404", "HTTP 500"]
    for job_id, line in zip(dead, text.splitlines(), strict=True):
        assert re.match(rf"{job_id}  webhook badlogin +of 2033-05-18 03:33:20, attempts 1, dead since 2033-05-18", line)
    assert IDENTITY not in text
    assert len(notifications("list", "--limit", "1").splitlines()) == 1
    assert notifications("list", "--waiting") == ""


def test_what_waits_is_listed_apart(vault: None, receiver: Receiver) -> None:
    outbox.webhook(1, {"action": "badlogin", "identity": IDENTITY})
    assert re.search(r"webhook badlogin +of .*, attempts 0, next at ", notifications("list", "--waiting"))
    assert notifications("list") == ""


def test_the_status_counts(dead: list[str], settings: Any) -> None:
    outbox.webhook(1, {"action": "badlogin"})
    assert notifications("status").splitlines() == [
        "webhook  on",
        "mail     off: EMAIL_HOST is unset",
        "sms      off: SMS_URL is unset",
        "       1 webhook due, the oldest of 2033-05-18 03:33:20",
        "       2 webhook dead, the oldest of 2033-05-18 03:33:20",
    ]


def test_a_dead_letter_is_delivered_when_it_is_replayed(dead: list[str], receiver: Receiver) -> None:
    with told_by() as told:
        assert notifications("replay", dead[0]) == "1 to be tried again.\n"
    assert [(event.code, event.who, event.detail) for event in told] == [
        ("notification.replay", "operator", {"messages": 1})
    ]
    assert deliver_due() == 1
    assert receiver.bodies()[-1]["identity"] == IDENTITY
    assert [str(job_id) for job_id in Job.objects.values_list("id", flat=True)] == [dead[1]]


def test_all_of_them_are_replayed_with_all_their_attempts(dead: list[str], receiver: Receiver, settings: Any) -> None:
    settings.NOTIFICATION_ATTEMPTS = 2
    receiver.statuses = [500, 500]
    assert notifications("replay", "--all") == "2 to be tried again.\n"
    deliver_due()
    assert set(Job.objects.values_list("state", "attempts")) == {(JobState.DUE, 1)}


def test_dead_letters_are_dropped(dead: list[str]) -> None:
    with told_by() as told:
        assert notifications("drop", *dead) == "2 dropped.\n"
    assert [(event.code, event.detail) for event in told] == [("notification.drop", {"messages": 2})]
    assert not Job.objects.exists()


def test_what_waits_is_neither_dropped_nor_replayed(vault: None, receiver: Receiver) -> None:
    outbox.webhook(1, {"action": "badlogin"})
    before = Job.objects.values().get()
    for verb in ("drop", "replay"):
        for which in (str(before["id"]), "--all"):
            with told_by() as told, pytest.raises(CommandError, match="no such dead letter"):
                notifications(verb, which)
            assert told == []
    assert Job.objects.values().get() == before


def test_those_of_another_tenant_are_not_to_be_seen(dead: list[str]) -> None:
    Job.objects.update(tenant=2)
    assert notifications("list") == ""
    assert "dead" not in notifications("status")
    with pytest.raises(CommandError, match="no such dead letter"):
        notifications("drop", "--all")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["replay"], "give the ids"),
        (["drop"], "give the ids"),
        (["drop", "--all", "0e4b1b1c-51c0-4c53-92b5-2f1d8f0f7a11"], "give the ids"),
        (["drop", "x"], "an id is a UUID"),
        (["drop", "0e4b1b1c-51c0-4c53-92b5-2f1d8f0f7a11"], "no such dead letter"),
        ([], "verb"),
    ],
)
def test_what_can_not_be_done_is_said(vault: None, arguments: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        notifications(*arguments)
