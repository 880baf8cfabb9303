"""Application data, sessions and shared records stay where applications look for them."""

from __future__ import annotations

import base64
import time
import uuid

import pytest
from django.core.management.base import CommandError

from vault.models import AppRecord, Session, SharedRecord

from .conftest import Importer


@pytest.fixture
def ann(importer: Importer) -> str:
    return importer.peer.person(login="ann", email="ann@example.com")


def test_application_data_in_one_table(importer: Importer, ann: str) -> None:
    importer.peer.app_data(ann, "shop", {"basket": ["läs", 9007199254740993]}, when=1_600_000_000)
    importer.peer.app_data(ann, "mail", {"on": True})
    done = importer.run()
    assert done.counts("userapps") == {"read": 2, "stored": 2, "here": 0, "expired": 0, "refused": 0, "part": 0}
    answer = importer.api.get("/v1/userapp/login/ann/shop").json()
    assert answer == {"status": "ok", "token": ann, "data": {"basket": ["läs", 9007199254740993]}}
    assert importer.api.get("/v1/userapp/login/ann").json()["apps"] == ["mail", "shop"]
    assert AppRecord.objects.get(app="shop").created == 1_600_000_000
    assert AppRecord.objects.get(app="mail").created > 1_700_000_000


def test_application_data_in_a_table_for_each(importer: Importer, ann: str) -> None:
    bob = importer.peer.person(login="bob")
    importer.peer.own_app_table("shop", {ann: {"n": 1}, bob: {"n": 2}})
    importer.peer.own_app_table("my_app2", {ann: {"n": 3}})
    done = importer.run(batch=1)
    assert done.counts("app_shop")["stored"] == 2
    assert done.counts("app_my_app2")["stored"] == 1
    found = {
        (who, app): importer.api.get(f"/v1/userapp/login/{who}/{app}").json().get("data")
        for who in ("ann", "bob") for app in ("shop", "my_app2")
    }  # fmt: skip
    assert found == {
        ("ann", "shop"): {"n": 1}, ("bob", "shop"): {"n": 2}, ("ann", "my_app2"): {"n": 3}, ("bob", "my_app2"): None,
    }  # fmt: skip


def test_application_data_goes_on_being_changed_and_forgotten(importer: Importer, ann: str) -> None:
    importer.peer.app_data(ann, "shop", {"n": 1})
    importer.run()
    assert importer.api.put("/v1/userapp/login/ann/shop", {"m": 2}).status_code == 200
    assert importer.api.get("/v1/userapp/login/ann/shop").json()["data"] == {"n": 1, "m": 2}
    events = importer.api.get(f"/v1/audit/list/{ann}").json()["rows"]
    (stored,) = (event for event in events if event["title"] == "stored an application's data")
    assert importer.api.get(f"/v1/audit/get/{stored['atoken']}").json()["event"]["after"] == {"n": 1}
    importer.api.delete("/v1/user/login/ann")
    assert not AppRecord.objects.exists()


def test_application_data_that_can_not_be_taken_is_told(importer: Importer, ann: str) -> None:
    gone, stranger = importer.peer.forgotten(), str(uuid.uuid4())
    peer = importer.peer
    peer.app_data(ann, "shop", [1])
    peer.app_data(ann, "Bad Name", {"n": 1})
    peer.app_data(gone, "shop", {"n": 1})
    peer.insert("userapps", token=stranger, appname="shop", data=peer.sealed_for(ann, {"n": 1}))
    peer.insert("userapps", token=ann, appname="mail", data="broken!")
    done = importer.run()
    assert done.counts("userapps") == {"read": 5, "stored": 0, "here": 0, "expired": 0, "refused": 5, "part": 0}
    assert sorted(done.reasons("userapps")) == [
        "nobody in the table of users has this token",
        "the encrypted data is not base64",
        "the name of the application is not one",
        "the record's key is missing",
        "what was encrypted is no JSON object",
    ]
    references = [line["reference"] for line in done.report if line["reason"] == "the encrypted data is not base64"]
    assert references == [{"token": ann, "app": "mail"}]


def test_data_of_somebody_who_could_not_be_read_is_told(importer: Importer, ann: str) -> None:
    bob = importer.peer.person(content=b"no JSON")
    importer.peer.app_data(bob, "shop", {"n": 1})
    importer.peer.session({"n": 1}, token=bob)
    done = importer.run()
    assert done.reasons("userapps") == done.reasons("sessions") == ["the person is not here"]
    assert [line["taken"] for line in done.report] == [False] * 3


def test_sessions_keep_their_ids_and_ends(importer: Importer, ann: str) -> None:
    of_ann = importer.peer.session({"login": "ann", "n": 1}, token=ann, seconds=600, when=1_600_000_000)
    of_nobody = importer.peer.session({"x": "ü"})
    done = importer.run()
    assert done.counts("sessions") == {"read": 2, "stored": 2, "here": 0, "expired": 0, "refused": 0, "part": 0}
    answer = importer.api.get(f"/v1/session/{of_ann}").json()
    assert answer == {"status": "ok", "session": of_ann, "when": 1_600_000_000, "data": {"login": "ann", "n": 1}}
    assert importer.api.get(f"/v1/session/{of_nobody}").json()["data"] == {"x": "ü"}
    (row,) = importer.api.get("/v1/sessions/login/ann").json()["rows"]
    assert row["session"] == of_ann
    assert abs(Session.objects.get(subject__isnull=False).expires - time.time() - 600) < 120
    importer.api.delete("/v1/user/login/ann")
    assert importer.api.get(f"/v1/session/{of_ann}").status_code == 404


def test_sessions_that_are_over_are_counted_and_left(importer: Importer, ann: str) -> None:
    importer.peer.session({"n": 1}, token=ann, seconds=-1)
    importer.peer.session({"n": 2}, token=ann, seconds=-int(time.time()))
    done = importer.run()
    assert done.counts("sessions") == {"read": 2, "stored": 0, "here": 0, "expired": 2, "refused": 0, "part": 0}
    assert done.report == []


@pytest.mark.parametrize("batch", [1, 10])
def test_of_one_session_in_two_rows_the_newest_is_taken(importer: Importer, batch: int) -> None:
    session = importer.peer.session({"n": "old"}, when=1_600_000_000)
    importer.peer.session({"n": "new"}, when=1_600_000_001, session=session)
    done = importer.run(batch=batch)
    assert importer.api.get(f"/v1/session/{session}").json()["data"] == {"n": "new"}
    assert done.reasons("sessions") == ["the id of the session occurs twice: the newest was taken"]


def test_sessions_that_can_not_be_taken_are_told_without_their_ids(importer: Importer, ann: str) -> None:
    peer = importer.peer
    gone = peer.forgotten()
    ids = [
        peer.session({"n": 1}, token=gone), peer.session({"n": 1}, token=str(uuid.uuid4())),
        peer.session({"n": 1}, token="nobody at all"), peer.session({"n": 1}, session="no uuid"),
    ]  # fmt: skip
    broken = peer.session({"n": 1}, token=ann)
    peer.update("sessions", ann, key=base64.b64encode(bytes(8)).decode())
    done = importer.run()
    assert sorted(done.reasons("sessions")) == [
        "session is no UUID",
        "the encrypted data does not open: changed, cut off, or under another key",
        "the person is not here",
        "the person was forgotten",
        "token is no UUID",
    ]
    assert not Session.objects.exists()
    told = str(done.report)
    assert all(session not in told for session in [*ids, broken])
    assert "nobody at all" not in told


def test_links_that_partners_hold_go_on_working(importer: Importer, ann: str) -> None:
    importer.peer.app_data(ann, "shop", {"a": 1, "b": 2})
    session = importer.peer.session({"s": 1}, token=ann)
    whole = importer.peer.share(ann)
    of_app = importer.peer.share(ann, app="shop", fields="a", partner="partner")
    of_session = importer.peer.share(ann, session=session)
    over = importer.peer.share(ann, seconds=-1)
    done = importer.run()
    assert done.counts("sharedrecords") == {"read": 4, "stored": 3, "here": 0, "expired": 1, "refused": 0, "part": 0}
    stranger = type(importer.api)()
    assert stranger.get(f"/v1/get/{whole}").json()["data"] == {"login": "ann", "email": "ann@example.com"}
    assert stranger.get(f"/v1/get/{of_app}").json()["data"] == {"a": 1}
    assert stranger.get(f"/v1/get/{of_session}").json()["data"] == {"s": 1}
    assert stranger.get(f"/v1/get/{over}").status_code == 403


def test_a_share_gives_no_more_of_others_than_it_did(importer: Importer, ann: str) -> None:
    """Databunker shares somebody else's session too; the link is taken over, and answers nothing."""
    bob = importer.peer.person(login="bob")
    session = importer.peer.session({"s": 1}, token=bob)
    share = importer.peer.share(ann, session=session)
    importer.run()
    assert type(importer.api)().get(f"/v1/get/{share}").status_code == 403


def test_shares_that_can_not_be_taken_are_told(importer: Importer, ann: str) -> None:
    gone = importer.peer.forgotten()
    importer.peer.share(gone)
    importer.peer.share(str(uuid.uuid4()))
    importer.peer.share(ann, session="no uuid")
    importer.peer.share(ann, app="No App")
    importer.peer.share(ann, fields="a,,b")
    done = importer.run()
    assert done.counts("sharedrecords")["refused"] == 5
    assert len(done.reasons("sharedrecords")) == 5
    assert not SharedRecord.objects.exists()


def test_what_is_not_databunker_is_refused(importer: Importer) -> None:
    importer.peer.run("DROP TABLE xtokens")
    with pytest.raises(CommandError, match="there is no Databunker in this database"):
        importer.run()


def test_tables_that_are_not_taken_over_are_named(importer: Importer, ann: str) -> None:
    importer.peer.create_table("consent", {"brief": "text"})
    importer.peer.insert("consent", brief="x")
    done = importer.run()
    assert "Not taken over: consent, 1 rows" in done.out
    assert "Not taken over: xtokens, 1 rows (access tokens" in done.out
