"""What waits to be delivered is as safe as what is stored: sealed, bound to its place, and gone with its person."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from databunker.access.models import DEFAULT_TENANT
from databunker.crypto import store
from databunker.crypto.errors import CryptoError, IntegrityFailure
from databunker.notify import jobs, outbox
from databunker.notify.models import Job
from tests.conftest import Api
from tests.support.damage import flipped
from vault import storage

from .conftest import OTHER_TENANT, Person


@pytest.fixture
def people(vault: None, settings: Any) -> tuple[Person, Person, Person]:
    """Each with webhooks of a creation, two changes and an objection, a mail and an SMS; one is of another tenant."""
    settings.NOTIFICATION_URL = "https://hooks.example.com/"
    settings.EMAIL_HOST = "mail.example.com"
    settings.SMS_URL = "https://sms.example.com/"
    everybody = Person("ann"), Person("bob"), Person("cat", tenant=OTHER_TENANT)
    for person in everybody:
        record = storage.by_subject(person.tenant, person.subject)
        assert record is not None
        outbox.mail(person.tenant, to=f"{person.name}@example.com", subject_line="secret", text="x", sealer=record.key)
        outbox.sms(person.tenant, to="+447700900001", text="secret", subject=person.subject)
    return everybody


def opens(job: Job) -> bool:
    try:
        return jobs.open_payload(job) is not None
    except CryptoError:
        return False


def of(person: Person) -> list[Job]:
    return list(Job.objects.filter(subject=person.subject).order_by("id"))


def test_no_payload_opens_in_the_place_of_another(people: tuple[Person, ...]) -> None:
    everything = list(Job.objects.all())
    assert len(everything) == 24
    assert all(opens(job) for job in everything)
    opened = []
    for target in of(people[0]):
        for source in everything:
            if source.pk != target.pk:
                target.payload, target.generation = source.payload, source.generation
                opened += [(target.kind, source.kind)] if opens(target) else []
    assert opened == []


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "errand"},
        {"id": uuid.uuid4()},
        {"tenant": OTHER_TENANT},
        {"generation": 0},
        {"generation": 2},
        {"subject": None},
    ],
)
def test_a_row_that_was_changed_by_sql_does_not_open(people: tuple[Person, ...], change: dict[str, Any]) -> None:
    job = of(people[0])[0]
    assert (job.kind, job.generation) == ("webhook", 1)
    for name, value in change.items():
        setattr(job, name, value)
    assert not opens(job)


def test_a_message_about_one_person_is_not_one_about_another(people: tuple[Person, ...]) -> None:
    job = of(people[0])[0]
    job.subject = people[1].subject
    with pytest.raises(IntegrityFailure):
        jobs.open_payload(job)


def test_no_bit_can_be_changed(people: tuple[Person, ...]) -> None:
    for job in (of(people[0])[0], Job.objects.filter(generation=0)[0]):
        value = bytes(job.payload)
        for at in (*range(30), *range(30, len(value), 7), len(value) - 1):
            job.payload = flipped(value, at)
            assert not opens(job), at
        for other in (b"", value[:-1], value[:29], value + b"\x00"):
            job.payload = other
            assert not opens(job)


def test_a_copy_from_before_opens_nothing_after_the_person_was_forgotten(people: tuple[Person, ...], root: Api) -> None:
    """What is sealed under the record key; with the live keys in hand."""
    ann, bob, _ = people
    copy = [job for job in of(ann) if job.generation]
    assert {job.kind for job in copy} == {"webhook", "mail"}
    assert root.delete(f"/v1/user/token/{ann.token}").status_code == 200
    record = storage.by_subject(DEFAULT_TENANT, ann.subject)
    assert record is not None
    for job in copy:
        assert not opens(job)
        for key in (record.key, store.current_keyring()):
            with pytest.raises(CryptoError):
                key.open(bytes(job.payload), jobs.payload_place(job.tenant, job.id, job.kind))
    (told,) = of(ann)
    assert (told.kind, told.topic) == ("webhook", "forgetme")
    assert all(opens(job) for job in of(bob))
    assert len(of(bob)) == 8


def test_nothing_in_the_table_tells_of_the_person(people: tuple[Person, ...]) -> None:
    text = repr(list(Job.objects.values()))
    for word in ("ann", "example.com", "secret", "447700900001", *(person.token for person in people)):
        assert word not in text
