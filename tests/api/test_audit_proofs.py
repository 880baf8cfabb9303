"""Heads, proofs and the public key through the door, checked as an outsider checks them."""

from __future__ import annotations

import uuid

import pytest

from audit import verifier
from audit.merkle import verify_consistency
from audit.models import Event, Leaf
from audit.verifier import Keys
from tests.api.helpers import assert_refused, told_by
from tests.conftest import Api
from tests.support.trail import sealed


@pytest.fixture
def ann(api: Api) -> str:
    token = api.create(login="ann")
    api.get(f"/v1/user/token/{token}")
    return token


def events_of(api: Api, person: str) -> list[str]:
    return [row["atoken"] for row in api.get(f"/v1/audit/list/{person}?limit=100").json()["rows"]]


def test_every_event_of_a_person_is_proved_with_the_public_key(api: Api, ann: str) -> None:
    listed = events_of(api, ann)
    sealed()
    keys = Keys([Api().get("/v1/audit/key").json()["key"]])
    for event in listed:
        document = api.get(f"/v1/audit/proof/{event}").json()["proof"]
        head = verifier.verify_proof(document, keys)
        assert document["event"]["id"] == event
        assert head.origin == api.get("/v1/audit/head").json()["origin"]


def test_a_person_has_the_own_events_proved_and_no_others(api: Api, ann: str) -> None:
    ben = api.create(login="ben")
    event, other = events_of(api, ann)[-1], events_of(api, ben)[-1]
    sealed()
    caller = api.as_person(ann)
    assert caller.get(f"/v1/audit/proof/{event}").status_code == 200
    assert_refused(caller.get(f"/v1/audit/proof/{other}"), 403)
    assert_refused(caller.get(f"/v1/audit/proof/{uuid.uuid4()}"), 403)


def test_a_proof_leaves_an_event(api: Api, ann: str) -> None:
    event = events_of(api, ann)[-1]
    sealed()
    with told_by() as told:
        api.get(f"/v1/audit/proof/{event}")
        api.get("/v1/audit/head")
        Api().get("/v1/audit/key")
    assert [one.code for one in told] == ["audit.proof", "audit.head"]


def test_what_is_not_sealed_yet_has_to_wait(api: Api, ann: str) -> None:
    sealed()
    event = events_of(api, ann)[0]
    sealed()
    api.get(f"/v1/user/token/{ann}")
    newest = events_of(api, ann)[0]
    assert api.get(f"/v1/audit/proof/{event}").status_code == 200
    assert_refused(api.get(f"/v1/audit/proof/{newest}"), 409, "the event is not sealed yet: try again in a few seconds")


def test_what_is_no_event_is_said(api: Api) -> None:
    api.create(login="ann")
    sealed()
    assert_refused(api.get(f"/v1/audit/proof/{uuid.uuid4()}"), 404, "event not found")
    assert_refused(api.get("/v1/audit/proof/x"), 400, "bad uuid")


def test_before_anything_is_sealed_there_is_no_head_and_no_key(api: Api) -> None:
    for path in ("/v1/audit/head", "/v1/audit/key"):
        assert_refused(api.get(path), 404, "nothing was sealed yet")


def test_a_head_that_was_kept_is_shown_to_be_the_beginning(api: Api, ann: str) -> None:
    sealed()
    old = api.get("/v1/audit/head").json()
    api.create(login="ben")
    sealed()
    new = api.get(f"/v1/audit/head?old={old['size']}").json()
    keys = Keys([new["key"] for new in [api.get("/v1/audit/key").json()]])
    for answer in (old, new):
        head = verifier.open_checkpoint(answer["head"], keys)
        assert (head.size, head.root.hex(), head.at) == (answer["size"], answer["root"], answer["when"])
    assert new["size"] > old["size"]
    verify_consistency(
        old=old["size"],
        old_root=bytes.fromhex(old["root"]),
        size=new["size"],
        root=bytes.fromhex(new["root"]),
        path=[bytes.fromhex(step) for step in new["consistency"]],
    )
    assert api.get("/v1/audit/head").json()["consistency"] == []
    assert_refused(api.get("/v1/audit/head?old=10000"), 400)
    assert_refused(api.get("/v1/audit/head?old=x"), 400)


def test_a_tree_that_was_changed_proves_nothing(api: Api, ann: str) -> None:
    event = events_of(api, ann)[-1]
    sealed()
    Leaf.objects.exclude(event=event).update(row_hash=bytes(32))
    assert_refused(api.get(f"/v1/audit/proof/{event}"), 500, "internal error")


def test_forgetting_somebody_leaves_the_trail_whole_and_the_person_unreadable(api: Api) -> None:
    from audit import verification
    from audit.verification import Options

    token = api.create(login="ann", email="ann@example.com")
    api.get("/v1/user/email/ann@example.com")
    listed = events_of(api, token)
    sealed()
    before = {event: api.get(f"/v1/audit/proof/{event}").json()["proof"]["event"] for event in listed}
    assert api.delete(f"/v1/user/token/{token}").status_code == 200
    sealed()
    assert verification.verify(Options()).found.problems == []
    keys = Keys([api.get("/v1/audit/key").json()["key"]])
    for event in listed:
        document = api.get(f"/v1/audit/proof/{event}").json()["proof"]
        assert document["event"] == before[event]
        verifier.verify_proof(document, keys)
        shown = api.get(f"/v1/audit/get/{event}").json()["event"]
        assert (shown["identity"], shown["mode"]) in {("", ""), ("", "token")}
    assert Event.objects.filter(type=103).count() == 1
