"""The other trail is kept as history that says what it is, and outlives no person."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from audit.models import Event
from databunker.access.models import DEFAULT_TENANT
from vault import references
from vault.events import EVENT_ADOPTED

from .conftest import Importer

WHEN = 1_600_000_000


@pytest.fixture
def ann(importer: Importer) -> str:
    return importer.peer.person(login="ann", email="ann@example.com")


def adopted(importer: Importer, token: str | None = None) -> list[dict[str, Any]]:
    """The events that came from there, oldest first: those of one person, or all."""
    path = f"/v1/audit/list/{token}" if token else "/v1/audit/admin"
    rows = importer.api.get(f"{path}?limit=100").json()["rows"]
    ours = {str(pk) for pk in Event.objects.filter(type=EVENT_ADOPTED.number).values_list("pk", flat=True)}
    return [row for row in reversed(rows) if row["atoken"] in ours]


def test_events_keep_their_time_title_and_outcome(importer: Importer, ann: str) -> None:
    importer.peer.event(
        who="ann@example.com", record=ann, mode="email", when=WHEN + 1, title="get user by email", msg="m"
    )
    importer.peer.event(who=ann, record=ann, when=WHEN, title="create user", status="error", app="shop")
    done = importer.run()
    assert done.counts("audit") == {"read": 2, "stored": 2, "here": 0, "expired": 0, "refused": 0, "part": 0}
    first, second = adopted(importer, ann)
    assert (first["when"], first["title"], first["status"], first["app"]) == (WHEN, "create user", "error", "shop")
    assert (first["mode"], first["identity"], first["record"]) == ("token", "", ann)
    assert (second["when"], second["mode"], second["identity"]) == (WHEN + 1, "email", "ann@example.com")
    assert second["msg"] == "m"
    assert not first["more"]


def test_before_and_after_can_be_read(importer: Importer, ann: str) -> None:
    before, after = {"login": "ann"}, {"login": "ann", "n": 9007199254740993}
    peer = importer.peer
    peer.event(
        who=ann, record=ann, title="change profile", debug='said "so"',
        before=peer.sealed_for(ann, before), after=peer.sealed_for(ann, after),
    )  # fmt: skip
    importer.run()
    (event,) = adopted(importer, ann)
    assert event["more"]
    found = importer.api.get(f"/v1/audit/get/{event['atoken']}").json()["event"]
    assert (found["before"], found["after"], found["debug"]) == (before, after, 'said "so"')


def test_our_own_event_is_of_now_and_says_where_it_is_from(importer: Importer, ann: str) -> None:
    importer.peer.event(who=ann, record=ann)
    importer.run()
    event = Event.objects.get(type=EVENT_ADOPTED.number)
    assert event.at // 1_000_000 > 1_700_000_000
    assert event.subject == references.subject_of(uuid.UUID(ann), tenant=DEFAULT_TENANT)


def test_early_releases_kept_identities_in_clear(importer: Importer, ann: str) -> None:
    importer.peer.insert("audit", atoken=str(uuid.uuid4()), who="ann@example.com", record=ann, mode="email", when=WHEN,
                         title="get user by email", status="ok")  # fmt: skip
    done = importer.run()
    assert done.report == []
    (event,) = adopted(importer, ann)
    assert event["identity"] == "ann@example.com"


def test_of_the_forgotten_nothing_personal_is_kept(importer: Importer, ann: str) -> None:
    """Databunker keeps the e-mail of who was forgotten readable in its trail; it ends here."""
    gone = importer.peer.person(login="gone")
    sealed = importer.peer.sealed_for(gone, {"login": "gone"})
    importer.peer.event(who="gone@example.com", record=gone, mode="email", title="get user by email", msg="of gone",
                        debug="gone@example.com", before=sealed, after=sealed)  # fmt: skip
    importer.peer.update("users", gone, key=None, data=None, loginidx=None)
    done = importer.run()
    assert done.report == []
    (event,) = adopted(importer, gone)
    assert (event["title"], event["when"], event["status"]) == ("get user by email", WHEN, "ok")
    answers = importer.api.get("/v1/audit/admin?limit=100").content
    answers += importer.api.get(f"/v1/audit/get/{event['atoken']}").content
    assert b"gone@example.com" not in answers
    assert b"of gone" not in answers


def test_events_die_with_the_person_as_our_own_do(importer: Importer, ann: str) -> None:
    importer.peer.event(who="ann@example.com", record=ann, mode="email")
    importer.run()
    importer.api.delete("/v1/user/login/ann")
    (event,) = adopted(importer)
    assert event["identity"] == ""
    assert Event.objects.filter(type=EVENT_ADOPTED.number).count() == 1


def test_events_of_nobody_confirm_a_value_and_tell_none(importer: Importer) -> None:
    importer.peer.event(who="who@example.com", record="who@example.com", mode="email", msg="not found", status="error")
    importer.peer.event(who=str(uuid.uuid4()), record=str(uuid.uuid4()), mode="session")
    done = importer.run()
    assert done.report == []
    events = adopted(importer)
    assert [event["record"] for event in events] == ["", ""]
    assert b"who@example.com" not in importer.api.get("/v1/audit/admin").content
    assert {event["status"] for event in events} == {"error", "ok"}


def test_a_title_from_a_callers_path_is_personal(importer: Importer, ann: str) -> None:
    """`/v1/user/ann@example.com/…`: Databunker writes the wrong mode into the title."""
    importer.peer.event(who="x", record="x", mode="bob@example.com", title="get user by bob@example.com")
    importer.peer.event(who="x", record=ann, mode="bob@example.com", title="get user by bob@example.com")
    importer.run()
    assert sorted(event["title"] for event in adopted(importer)) == [
        "get user by bob@example.com", "imported from Databunker",
    ]  # fmt: skip


def test_what_can_not_be_read_of_an_event_is_told_and_the_rest_kept(importer: Importer, ann: str) -> None:
    peer = importer.peer
    good = peer.sealed_for(ann, {"n": 1})
    atoken = peer.event(who=ann, record=ann, title="change", before="broken!", after=good)
    foreign = peer.sealed_identity("ann@example.com")[:-8] + "AAAAAAA="
    peer.insert("audit", atoken=str(uuid.uuid4()), who=foreign, record=foreign, mode="email", when=WHEN + 1, title="t",
                status="ok")  # fmt: skip
    peer.insert("audit", title="bare")
    done = importer.run()
    assert done.counts("audit") == {"read": 3, "stored": 3, "here": 0, "expired": 0, "refused": 0, "part": 2}
    assert sorted(done.reasons("audit")) == [
        "before: the encrypted data is not base64",
        "record: an encrypted identity does not open",
        "who: an encrypted identity does not open",
    ]
    (line,) = (line for line in done.report if line["reason"].startswith("before"))
    assert line["reference"] == {"when": str(WHEN), "atoken": atoken}
    assert "bare" in {event["title"] for event in adopted(importer)}


def test_times_that_are_none_are_those_of_the_import(importer: Importer) -> None:
    importer.peer.event(who="x", mode="login", when=0)
    importer.run()
    (event,) = adopted(importer)
    assert event["when"] > 1_700_000_000
