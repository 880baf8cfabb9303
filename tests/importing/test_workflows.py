"""Legal bases, processing activities, agreements and requests go on where they were."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest

from gdpr.models import Agreement, LegalBasis, ProcessingActivity, Request

from .conftest import Importer

WHEN = 1_600_000_000


@pytest.fixture
def ann(importer: Importer) -> str:
    return importer.peer.person(login="ann", email="ann@example.com")


def bases(importer: Importer) -> dict[str, dict[str, Any]]:
    return {row["brief"]: row for row in importer.api.get("/v1/lbasis").json()["rows"]}


def agreement(importer: Importer, brief: str, mode: str = "login", identity: str = "ann") -> dict[str, Any]:
    answer = importer.api.get(f"/v1/agreement/{brief}/{mode}/{identity}")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()["data"]
    return found


def test_legal_bases_keep_their_texts_flags_and_times(importer: Importer) -> None:
    importer.peer.basis("news", shortdesc="Létters", fulldesc="x" * 3000, requiredmsg="m", module="signup-page",
                        basistype="contract", usercontrol=False, requiredflag=True, creationtime=WHEN)  # fmt: skip
    importer.peer.basis("old", status="deleted")
    done = importer.run()
    assert done.counts("legalbasis") == {"read": 2, "stored": 2, "here": 0, "expired": 0, "refused": 0, "part": 0}
    found = bases(importer)
    wanted = {
        "shortdesc": "Létters", "fulldesc": "x" * 3000, "requiredmsg": "m", "module": "signup-page",
        "basistype": "contract", "usercontrol": False, "requiredflag": True, "creationtime": WHEN, "status": "active",
    }  # fmt: skip
    assert {name: found["news"][name] for name in wanted} == wanted
    assert found["old"]["status"] == "deleted"


def test_the_texts_of_the_other_vault_replace_untouched_defaults_only(importer: Importer) -> None:
    from databunker.access.actor import operator
    from gdpr.actions import ensure_default_bases

    ensure_default_bases(operator())
    importer.api.post("/v1/lbasis/mine", {"shortdesc": "mine"})
    importer.peer.basis("core-send-email-on-login", shortdesc="theirs")
    importer.peer.basis("mine", shortdesc="theirs")
    assert importer.run().counts("legalbasis")["stored"] == 1
    found = bases(importer)
    assert (found["core-send-email-on-login"]["shortdesc"], found["mine"]["shortdesc"]) == ("theirs", "mine")
    importer.api.post("/v1/lbasis/core-send-email-on-login", {"shortdesc": "changed here"})
    importer.run(report=importer.folder / "second")
    assert bases(importer)["core-send-email-on-login"]["shortdesc"] == "changed here"


def test_legal_bases_that_can_not_be_taken_are_told(importer: Importer) -> None:
    importer.peer.basis("Bad Brief!")
    importer.peer.basis("odd", basistype="because")
    importer.peer.basis("twice")
    importer.peer.basis("twice")
    importer.peer.basis("long", module="m" * 200)
    done = importer.run()
    assert done.counts("legalbasis") == {"read": 5, "stored": 2, "here": 0, "expired": 0, "refused": 3, "part": 1}
    assert sorted(done.reasons("legalbasis")) == [
        "basistype is none that the law knows: taken for consent",
        "brief is no name of a legal basis",
        "module has at most 64 characters",
        "the brief occurs twice: the first row was taken",
    ]


def test_processing_activities_keep_the_bases_that_they_rest_on(importer: Importer) -> None:
    importer.peer.basis("news")
    importer.peer.basis("old", status="deleted")
    importer.peer.insert("processingactivities", activity="letters", title="Létters", script="<b>", fulldesc="all",
                         legalbasis="news,old,gone", applicableto="everyone", creationtime=WHEN)  # fmt: skip
    importer.peer.insert("processingactivities", activity="No Name", title="t")
    importer.peer.insert("processingactivities", activity="bare")
    done = importer.run()
    assert done.counts("processingactivities") == {
        "read": 3, "stored": 2, "here": 0, "expired": 0, "refused": 1, "part": 1,
    }  # fmt: skip
    rows = {row["activity"]: row for row in importer.api.get("/v1/pactivity").json()["rows"]}
    letters = rows["letters"]
    assert (letters["title"], letters["script"], letters["applicableto"]) == ("Létters", "<b>", "everyone")
    assert letters["legalbasis"] == "news"
    assert ProcessingActivity.objects.get(activity="letters").created == WHEN
    assert done.reasons("processingactivities").count("a legal basis that it rests on is not in use") == 2


def test_agreements_keep_what_was_said_when_and_how(importer: Importer, ann: str) -> None:
    importer.peer.basis("news")
    importer.peer.agreement("news", token=ann, mode="email", who="ann@example.com", referencecode="R-7", when=WHEN + 9,
                            creationtime=WHEN, starttime=WHEN + 1, endtime=2_000_000_000, lastmodifiedby="clerk",
                            agreementmethod="paper")  # fmt: skip
    done = importer.run()
    assert done.counts("agreements") == {"read": 1, "stored": 1, "here": 0, "expired": 0, "refused": 0, "part": 0}
    wanted = {
        "status": "yes", "creationtime": WHEN, "when": WHEN + 9, "starttime": WHEN + 1, "endtime": 2_000_000_000,
        "referencecode": "R-7", "lastmodifiedby": "clerk", "agreementmethod": "paper", "mode": "email",
        "who": "ann@example.com", "brief": "news", "token": ann,
    }  # fmt: skip
    found = agreement(importer, "news")
    assert {name: found[name] for name in wanted} == wanted


@pytest.mark.parametrize("status", ["yes", "no", "expired", "revoked"])
def test_agreements_are_what_they_were_and_go_on(importer: Importer, ann: str, status: str) -> None:
    importer.peer.basis("news")
    importer.peer.agreement("news", token=ann, status=status, creationtime=WHEN, when=WHEN + 5)
    importer.run()
    found = agreement(importer, "news")
    assert (found["status"], found["when"], found["mode"], found["who"]) == (status, WHEN + 5, "token", ann)
    assert importer.api.post("/v1/agreement/news/login/ann", {"status": "yes"}).status_code == 200
    assert agreement(importer, "news")["status"] == "yes"


def test_an_agreement_whose_time_was_over_ends(importer: Importer, ann: str) -> None:
    importer.peer.basis("news")
    importer.peer.agreement("news", token=ann, endtime=WHEN + 5)
    importer.run()
    assert agreement(importer, "news")["status"] == "expired"


def test_agreements_of_people_who_are_not_there_yet_wait_for_them(importer: Importer) -> None:
    importer.peer.basis("news")
    importer.peer.agreement("news", mode="email", who="later@example.com", referencecode="R-8")
    importer.peer.agreement("news", mode="phone", who="+442079460958")
    importer.peer.agreement("news", mode="login", who="nobody")
    done = importer.run()
    assert done.counts("agreements") == {"read": 3, "stored": 2, "here": 0, "expired": 0, "refused": 1, "part": 0}
    assert done.reasons("agreements") == ["of nobody, and not by e-mail or phone"]
    token = importer.api.create(email="later@example.com")
    found = agreement(importer, "news", "token", token)
    assert (found["status"], found["referencecode"], found["token"]) == ("yes", "R-8", token)


def test_agreements_that_can_not_be_taken_are_told_and_name_nobody(importer: Importer, ann: str) -> None:
    gone = importer.peer.forgotten()
    importer.peer.basis("news")
    importer.peer.basis("other")
    importer.peer.agreement("news", token=gone)
    importer.peer.agreement("news", token=str(uuid.uuid4()))
    importer.peer.agreement("gone", token=ann)
    importer.peer.agreement("news", token=ann, status="maybe")
    importer.peer.agreement("other", token=ann, mode="email", who="ann@example.com")
    importer.peer.run("UPDATE agreements SET who = %s WHERE brief = 'other'", ("A" * 64,))
    importer.peer.agreement("other", mode="email", who="x@example.com")
    importer.peer.run("UPDATE agreements SET who = %s WHERE token = ''", ("A" * 64,))
    done = importer.run()
    assert done.counts("agreements") == {"read": 6, "stored": 1, "here": 0, "expired": 0, "refused": 5, "part": 1}
    assert sorted(done.reasons("agreements")) == [
        "an encrypted identity does not open",
        "the legal basis is not here",
        "the person is not here",
        "the person was forgotten",
        "the status is none of yes, no, expired and revoked",
        "who: an encrypted identity does not open",
    ]
    assert agreement(importer, "other")["status"] == "yes"
    assert "ann@example.com" not in str(done.report)


def test_agreements_are_forgotten_with_the_person(importer: Importer, ann: str) -> None:
    importer.peer.basis("news")
    importer.peer.agreement("news", token=ann)
    importer.run()
    importer.api.delete("/v1/user/login/ann")
    assert not Agreement.objects.exists()
    importer.run(report=importer.folder / "second")
    assert not Agreement.objects.exists()


def test_run_again_nothing_of_the_workflows_is_stored_twice(importer: Importer, ann: str) -> None:
    importer.peer.basis("news")
    importer.peer.insert("processingactivities", activity="letters", title="t", legalbasis="news")
    importer.peer.agreement("news", token=ann)
    importer.peer.agreement("news", mode="email", who="later@example.com")
    importer.peer.request(ann, "forget-me")
    importer.run()
    done = importer.run(report=importer.folder / "second")
    for table, here in (("legalbasis", 1), ("processingactivities", 1), ("agreements", 2), ("requests", 1)):
        assert (done.counts(table)["stored"], done.counts(table)["here"]) == (0, here), table
    assert LegalBasis.objects.filter(brief="news").count() == ProcessingActivity.objects.count() == 1
    assert Request.objects.count() == 1


def test_open_requests_can_be_decided_under_their_tokens(importer: Importer, ann: str) -> None:
    change = importer.peer.request(ann, "change-profile", change={"email": "new@example.com"}, creationtime=WHEN)
    importer.peer.app_data(ann, "shop", {"n": 1})
    app = importer.peer.request(ann, "change-app-data", app="shop", change={"n": 2}, creationtime=WHEN + 1)
    forget = importer.peer.request(ann, "forget-me", creationtime=WHEN + 2)
    done = importer.run()
    assert done.counts("requests") == {"read": 3, "stored": 3, "here": 0, "expired": 0, "refused": 0, "part": 0}
    rows = importer.api.get("/v1/requests?status=open").json()["rows"]
    assert [(row["rtoken"], row["action"], row["creationtime"]) for row in rows] == [
        (change, "change-profile", WHEN), (app, "change-app-data", WHEN + 1), (forget, "forget-me", WHEN + 2),
    ]  # fmt: skip
    shown = importer.api.get(f"/v1/request/{change}").json()
    assert (shown["original"], shown["change"]) == ({"email": "ann@example.com"}, {"email": "new@example.com"})
    for rtoken in (change, app):
        assert importer.api.post(f"/v1/request/{rtoken}", {"reason": "ok"}).status_code == 200
    assert importer.profile("email", "new@example.com") is not None
    assert importer.api.get("/v1/userapp/login/ann/shop").json()["data"] == {"n": 2}
    assert importer.api.post(f"/v1/request/{forget}", {"reason": "ok"}).status_code == 200
    assert importer.profile("login", "ann") is None


def test_a_request_is_not_approved_over_a_later_change(importer: Importer, ann: str) -> None:
    rtoken = importer.peer.request(ann, "change-profile", change={"email": "new@example.com"})
    importer.run()
    importer.api.put("/v1/user/login/ann", {"email": "other@example.com"})
    assert importer.api.post(f"/v1/request/{rtoken}", {"reason": "ok"}).status_code == 409


def test_decided_requests_are_history(importer: Importer, ann: str) -> None:
    approved = importer.peer.request(
        ann, "change-profile", change={"n": 1}, status="approved", reason="fine", when=WHEN + 7
    )
    canceled = importer.peer.request(ann, "forget-me", status="canceled", reason="user operation")
    importer.run()
    rows = {row["rtoken"]: row for row in importer.api.get("/v1/requests/login/ann").json()["rows"]}
    assert (rows[approved]["status"], rows[approved]["reason"], rows[approved]["when"]) == (
        "approved",
        "fine",
        WHEN + 7,
    )
    assert (rows[canceled]["status"], rows[canceled]["reason"]) == ("canceled", "user operation")
    assert importer.api.post(f"/v1/request/{approved}", {"reason": "x"}).status_code == 409
    # What is decided stands in nobody's way.
    person = importer.api.as_person(ann)
    assert person.delete("/v1/user/login/ann").json()["result"] == "request-created"


def test_that_somebody_asked_to_be_forgotten_and_was_is_still_known(importer: Importer) -> None:
    gone = importer.peer.person(login="gone")
    rtoken = importer.peer.request(
        gone, "forget-me", status="approved", reason="as gone@example.com wished", when=WHEN + 3
    )
    importer.peer.request(gone, "change-profile", change={"secret": "of gone"}, status="canceled")
    importer.peer.update("users", gone, key=None, data=None, loginidx=None)
    done = importer.run()
    assert done.counts("requests")["stored"] == 2
    assert done.report == []
    row = Request.objects.get(action=1)
    assert (row.decided, row.created, row.reasons, row.change, row.sealed_id) == (WHEN + 3, WHEN, None, None, None)
    assert rtoken
    answer = importer.api.get(f"/v1/requests/token/{gone}")
    assert answer.json()["total"] == 2
    assert b"gone@example.com" not in answer.content


def test_requests_that_can_not_be_taken_are_told(importer: Importer, ann: str) -> None:
    peer = importer.peer
    gone, bob = peer.forgotten(), peer.person(login="bob")
    peer.request(gone, "forget-me")
    peer.request(str(uuid.uuid4()), "forget-me")
    peer.request(ann, "plugin-delete")
    peer.request(ann, "forget-me", status="odd")
    peer.request(ann, "change-app-data", app="shop", change={"n": 1})
    peer.request(ann, "change-app-data", app="No App", change={"n": 1})
    peer.request(bob, "change-profile", change=[{"op": "remove", "path": "/nothing"}])
    peer.request(ann, "change-profile", change={"n": 1})
    peer.request(ann, "change-profile", change={"n": 2}, creationtime=WHEN + 1)
    peer.insert("requests", rtoken=str(uuid.uuid4()), token=ann, action="change-profile", status="open", change="x")
    peer.insert("requests", rtoken=str(uuid.uuid4()), token=ann, action="change-profile", status="approved", change="x")
    done = importer.run()
    assert done.counts("requests") == {"read": 11, "stored": 2, "here": 0, "expired": 0, "refused": 9, "part": 1}
    reasons = sorted(done.reasons("requests"))
    assert [reason.partition(":")[0] for reason in reasons] == [
        "another request about the same waits for a decision already",
        "change",
        "the change that it asks for can't be made any more",
        "the change that it asks for can't be made any more",
        "the encrypted data is not base64",
        "the name of the application is not one",
        "the person is not here",
        "the person was forgotten",
        "there is no such action or status here",
        "there is no such action or status here",
    ]


def test_the_clock_of_a_request_runs_since_it_was_made(importer: Importer, ann: str) -> None:
    made = int(time.time()) - 20 * 24 * 3600
    rtoken = importer.peer.request(ann, "forget-me", creationtime=made, when=made)
    importer.run()
    shown = importer.api.get(f"/v1/request/{rtoken}").json()
    assert 0 < shown["duetime"] - time.time() < 20 * 24 * 3600
