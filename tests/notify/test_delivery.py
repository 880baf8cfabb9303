"""Each message is delivered at least once, in its turn, or becomes a dead letter that somebody can see."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from databunker.crypto import store
from databunker.crypto.keyring import Keyring, new_keys
from databunker.ids import new_token, unix_now
from databunker.notify import delivery, jobs, outbox
from databunker.notify.delivery import backoff, deliver_due, lease_seconds
from databunker.notify.errors import Undeliverable
from databunker.notify.kinds import Delivery
from databunker.notify.models import Job, JobState
from tests.api.helpers import subject_of
from tests.conftest import Api
from tests.support.receivers import Receiver, Wire
from vault import storage

START = 2_000_000_000


def test_a_failed_delivery_is_tried_again_later_and_later(
    vault: None, receiver: Receiver, settings: Any, time_machine: Any
) -> None:
    settings.NOTIFICATION_ATTEMPTS = 5
    receiver.statuses = [500, 404, 302, 503]
    now = START
    time_machine.move_to(now, tick=False)
    outbox.webhook(1, {"action": "badlogin"})
    for attempt, error in enumerate(("HTTP 500", "HTTP 404", "HTTP 302", "HTTP 503"), start=1):
        assert deliver_due() == 0
        job = Job.objects.get()
        assert (job.attempts, job.last_error, job.state) == (attempt, error, JobState.DUE)
        longest = 10 * 2 ** (attempt - 1)
        assert longest / 2 <= job.next_attempt - now <= longest
        time_machine.move_to(job.next_attempt - 1, tick=False)
        assert deliver_due() == 0
        assert len(receiver.received) == attempt, "its time had not come"
        now = job.next_attempt
        time_machine.move_to(now, tick=False)
    assert deliver_due() == 1
    assert not Job.objects.exists()


def test_waits_grow_to_six_hours_and_differ() -> None:
    assert max(backoff(1000) for _ in range(50)) <= 6 * 3600
    assert min(backoff(1000) for _ in range(50)) >= 3 * 3600
    assert len({backoff(10) for _ in range(50)}) > 10


def test_after_the_last_attempt_it_is_a_dead_letter(
    vault: None, receiver: Receiver, settings: Any, make_due: Callable[[], None]
) -> None:
    settings.NOTIFICATION_ATTEMPTS = 2
    receiver.statuses = [500] * 5
    outbox.webhook(1, {"action": "badlogin"})
    for _ in range(4):
        assert deliver_due() == 0
        make_due()
    assert len(receiver.received) == 2
    job = Job.objects.get()
    assert (job.state, job.attempts, job.last_error) == (JobState.DEAD, 2, "HTTP 500")


def test_dead_letters_go_after_their_time(vault: None, receiver: Receiver, settings: Any, time_machine: Any) -> None:
    settings.NOTIFICATION_ATTEMPTS = 1
    settings.NOTIFICATION_DEAD_DAYS = 2
    receiver.statuses = [500]
    time_machine.move_to(START, tick=False)
    outbox.webhook(1, {"action": "badlogin"})
    deliver_due()
    time_machine.move_to(START + 2 * 86_400, tick=False)
    deliver_due()
    assert Job.objects.get().state == JobState.DEAD
    time_machine.move_to(START + 2 * 86_400 + 1, tick=False)
    deliver_due()
    assert not Job.objects.exists()


# --- at least once ---------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """What no `except Exception` stops, as the end of a process."""


def test_a_crash_between_sending_and_deleting_delivers_again(
    vault: None, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, time_machine: Any
) -> None:
    time_machine.move_to(START, tick=False)
    outbox.webhook(1, {"action": "badlogin"})

    def killed(_: Job) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "delete", killed)
        with pytest.raises(Killed):
            deliver_due()
    assert len(receiver.received) == 1
    assert Job.objects.get().attempts == 1
    assert deliver_due() == 0, "it is somebody's, as long as the lease holds"
    time_machine.move_to(START + lease_seconds(), tick=False)
    assert deliver_due() == 1
    first, second = receiver.received
    assert first.headers["x-databunker-delivery"] == second.headers["x-databunker-delivery"]
    assert not Job.objects.exists()


def test_what_kills_its_deliverer_each_time_is_dead_in_the_end(
    vault: None, settings: Any, monkeypatch: pytest.MonkeyPatch, make_due: Callable[[], None]
) -> None:
    settings.NOTIFICATION_URL = "https://example.com"
    settings.NOTIFICATION_ATTEMPTS = 3

    def killed(_: Delivery) -> None:
        raise Killed

    monkeypatch.setitem(delivery._handlers, "webhook", killed)
    outbox.webhook(1, {"action": "badlogin"})
    for _ in range(3):
        with pytest.raises(Killed):
            deliver_due()
        make_due()
    assert deliver_due() == 0
    job = Job.objects.get()
    assert (job.state, job.last_error) == (JobState.DEAD, "Interrupted")


def test_whoever_lost_the_lease_changes_nothing_of_the_other_attempt(vault: None, settings: Any) -> None:
    settings.NOTIFICATION_URL = "https://example.com"
    outbox.webhook(1, {"action": "badlogin"})
    (waiting,) = jobs.due("webhook", limit=10)
    slow = jobs.claim(waiting, seconds=0)
    (again,) = jobs.due("webhook", limit=10)
    quick = jobs.claim(again, seconds=60)
    assert slow is not None
    assert quick is not None
    before = Job.objects.values().get()
    jobs.postpone(slow, seconds=1000, error="Slow")
    jobs.bury(slow, error="Slow")
    assert Job.objects.values().get() == before
    # But what a receiver took is delivered, whoever brought it.
    jobs.delete(slow)
    assert not Job.objects.exists()


def test_a_job_is_claimed_once(vault: None, settings: Any) -> None:
    settings.NOTIFICATION_URL = "https://example.com"
    outbox.webhook(1, {"action": "badlogin"})
    (waiting,) = jobs.due("webhook", limit=10)
    assert jobs.claim(waiting, seconds=60) is not None
    assert jobs.claim(waiting, seconds=60) is None
    assert jobs.due("webhook", limit=10) == []


# --- turns -----------------------------------------------------------------------------------------------------------


def test_a_receiver_that_fails_is_left_alone_until_the_next_run(vault: None, receiver: Receiver) -> None:
    receiver.statuses = [500] * 20
    for _ in range(10):
        outbox.webhook(1, {"action": "badlogin"})
    for run in (3, 6, 9):
        assert deliver_due() == 0
        assert len(receiver.received) == run
    assert sorted(Job.objects.values_list("attempts", flat=True)) == [0] + [1] * 9


def test_a_run_is_bounded_by_its_limit(vault: None, receiver: Receiver) -> None:
    for _ in range(5):
        outbox.webhook(1, {"action": "badlogin"})
    assert [deliver_due(2), deliver_due(2), deliver_due(2)] == [2, 2, 1]


def test_one_bad_message_holds_up_no_other(vault: None, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(6):
        outbox.webhook(1, {"action": "badlogin"})
    good = delivery._handlers["webhook"]
    count = iter(range(100))

    def moody(one: Delivery) -> None:
        if next(count) % 2:
            raise RuntimeError("told what it was sent")
        good(one)

    monkeypatch.setitem(delivery._handlers, "webhook", moody)
    assert deliver_due() == 3
    assert set(Job.objects.values_list("last_error", flat=True)) == {"RuntimeError"}


def test_a_silent_receiver_costs_a_run_three_timeouts_and_mail_none(
    vault: None, receiver: Receiver, settings: Any
) -> None:
    settings.NOTIFICATION_TIMEOUT_SECONDS = 1

    def silent(wire: Wire) -> None:
        wire.over.wait(20)

    receiver.answer = silent
    for _ in range(10):
        outbox.webhook(1, {"action": "badlogin"})
    started = time.monotonic()
    assert deliver_due(only=("mail", "sms")) == 0
    assert time.monotonic() - started < 1
    assert deliver_due() == 0
    assert 2.5 < time.monotonic() - started < 6
    assert set(Job.objects.filter(attempts=1).values_list("last_error", flat=True)) == {"TimeoutError"}


def test_what_is_worthless_by_now_is_not_delivered(vault: None, settings: Any, time_machine: Any) -> None:
    settings.SMS_URL = "https://example.com/_PHONE_/_MSG_"
    time_machine.move_to(START, tick=False)
    assert outbox.sms(1, to="+447700900001", text="your code", deadline=START + 60)
    time_machine.move_to(START + 60, tick=False)
    assert deliver_due() == 0
    assert not Job.objects.exists()


def test_nobody_waits_for_a_turn_after_the_deadline(vault: None, settings: Any, receiver: Receiver) -> None:
    settings.SMS_URL = receiver.url("/_PHONE_/_MSG_")
    receiver.statuses = [500]
    outbox.sms(1, to="+447700900001", text="your code", deadline=unix_now() + 3)
    assert deliver_due() == 0
    assert len(receiver.received) == 1
    assert not Job.objects.exists()


def test_a_job_of_another_kind_is_done_by_whoever_registered(vault: None, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[bytes] = []
    monkeypatch.setattr(delivery, "_handlers", dict(delivery._handlers))
    outbox._write(jobs.build(1, kind="errand", payload=b"milk"))
    assert deliver_due() == 0
    delivery.register("errand", lambda one: done.append(one.payload))
    assert "errand" in delivery.kinds()
    assert deliver_due() == 1
    assert done == [b"milk"]


def test_what_can_never_be_delivered_is_dead_at_once(
    vault: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.NOTIFICATION_URL = "https://example.com"

    def refuse(_: Delivery) -> None:
        raise Undeliverable("SMTP 550")

    monkeypatch.setitem(delivery._handlers, "webhook", refuse)
    outbox.webhook(1, {"action": "badlogin"})
    assert deliver_due() == 0
    job = Job.objects.get()
    assert (job.state, job.attempts, job.last_error) == (JobState.DEAD, 1, "SMTP 550")


def test_where_the_url_was_unset_meanwhile_messages_wait(vault: None, receiver: Receiver, settings: Any) -> None:
    outbox.webhook(1, {"action": "badlogin"})
    settings.NOTIFICATION_URL = ""
    assert deliver_due() == 0
    assert Job.objects.get().last_error == "NotConfigured"


def test_an_attempt_shows_nothing_of_its_message() -> None:
    one = Delivery(new_token(), b"ann@example.com")
    assert "ann" not in repr(one)


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_message_about_a_person_is_sealed_under_the_persons_key(api: Api, receiver: Receiver) -> None:
    token = api.create(login="ann")
    job = Job.objects.get()
    record = storage.by_subject(1, subject_of(token))
    assert record is not None
    assert (job.generation, job.key_id, bytes(job.subject or b"")) == (1, 0, subject_of(token))
    payload = record.key.open(bytes(job.payload), jobs.payload_place(1, job.id, "webhook"))
    assert b'"login":"ann"' in payload


def test_forgetting_deletes_what_is_pending_or_dead(api: Api, receiver: Receiver) -> None:
    bob = api.create(login="bob")
    token = api.create(login="ann")
    api.put(f"/v1/user/token/{token}", {"name": "Ann"})
    outbox.webhook(1, {"action": "badlogin"}, subject=subject_of(token))
    first = Job.objects.filter(subject=subject_of(token)).order_by("id").values_list("id", flat=True)[0]
    Job.objects.filter(pk=first).update(state=JobState.DEAD)
    api.delete(f"/v1/user/token/{token}")
    assert deliver_due() == 2
    assert [(body["action"], body["identity"]) for body in receiver.bodies()] == [
        ("profilenew", bob),
        ("forgetme", token),
    ]


def test_what_was_claimed_before_the_person_was_forgotten_is_not_opened_after(api: Api, receiver: Receiver) -> None:
    token = api.create(login="ann")
    (waiting,) = jobs.due("webhook", limit=1)
    job = jobs.claim(waiting, seconds=60)
    assert job is not None
    api.delete(f"/v1/user/token/{token}")
    assert jobs.open_payload(job) is None


def test_a_job_that_outlived_its_person_is_taken_off_the_table(api: Api, receiver: Receiver) -> None:
    """As after a restore that brought the row back."""
    token = api.create(login="ann")
    rows = list(Job.objects.all())
    api.delete(f"/v1/user/token/{token}")
    Job.objects.all().delete()
    Job.objects.bulk_create(rows)
    assert deliver_due() == 0
    assert receiver.received == []
    assert not Job.objects.exists()


def test_messages_wait_through_a_rotation(vault: None, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new data key seals from now on; what waits names the old one, which lives."""
    outbox.webhook(1, {"action": "badlogin"})
    old = store.current_keyring()
    rotated = Keyring([*old._by_id.values(), *new_keys(100)])
    monkeypatch.setattr(store, "current_keyring", lambda: rotated)
    outbox.webhook(1, {"action": "badlogin"})
    assert len(set(Job.objects.values_list("key_id", flat=True))) == 2
    assert deliver_due() == 2


def test_a_message_that_was_changed_by_sql_is_not_sent(vault: None, receiver: Receiver, settings: Any) -> None:
    settings.SMS_URL = receiver.url("/_PHONE_/_MSG_")
    outbox.webhook(1, {"action": "badlogin"})
    Job.objects.update(kind="sms")
    assert deliver_due() == 0
    assert receiver.received == []
    job = Job.objects.get()
    assert (job.state, job.last_error) == (JobState.DEAD, "IntegrityFailure")
