"""Who may do what: every route and method, called by every kind of caller."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from databunker.access import tokens
from databunker.access.models import AccessToken, TokenKind
from tests.api.helpers import assert_refused, contents, routes, subject_of, told_by
from tests.api.matrix import ADMIN, ADMINS, CALLERS, EMAIL, MATRIX, NOBODIES, OTHER, OWN, ROOT, Row, Scene
from tests.conftest import Api, new_token


def test_every_caller_kind_is_in_the_scene(scene: Scene) -> None:
    assert set(scene.callers) == set(CALLERS)


@pytest.mark.parametrize("row", MATRIX, ids=[f"{row.method} {row.path}" for row in MATRIX])
def test_only_those_who_may_get_in(scene: Scene, row: Row) -> None:
    before = contents()
    for caller in [name for name in CALLERS if name not in row.lets_in]:
        with told_by() as told:
            answer = scene.call(caller, row)
        assert_refused(answer, 403)
        assert contents() == before, f"{caller} was refused and changed something"
        if row.event is None:
            assert told == []
            continue
        assert [(event.code, event.outcome) for event in told] == [(row.event, "denied")], caller
        assert told[0].who == ("anyone" if caller in NOBODIES else _kind(caller)), caller
    for caller in row.lets_in:
        if row.method in ("GET", "PUT"):
            assert scene.call(caller, row).status_code == 200, caller


@pytest.mark.parametrize("caller", [ROOT, pytest.param(ADMIN, marks=pytest.mark.slow)])
@pytest.mark.parametrize("row", MATRIX, ids=[f"{row.method} {row.path}" for row in MATRIX])
def test_whoever_may_gets_in(scene: Scene, row: Row, caller: str) -> None:
    status = scene.call(caller, row).status_code
    assert status == (200 if caller in row.lets_in else 403)


def _kind(caller: str) -> str:
    return "person" if caller in (OWN, OTHER) else caller


def test_a_refusal_looks_the_same_whoever_is_asked_for(scene: Scene) -> None:
    """A person can't tell who else is in the vault, nor by which identity."""
    absent = "7b0ae7b8-0c0d-4fd1-a2f5-36d1f4a4c3d1"
    answers = {
        (answer.status_code, answer.content)
        for caller in (OTHER, *NOBODIES)
        for answer in [
            scene.callers[caller].get(path)
            for path in (
                f"/v1/user/token/{scene.person}",
                f"/v1/user/token/{absent}",
                f"/v1/user/email/{EMAIL}",
                "/v1/user/email/absent@example.com",
                f"/v1/audit/list/{scene.person}",
                f"/v1/audit/list/{absent}",
                f"/v1/audit/get/{scene.event}",
                f"/v1/audit/get/{absent}",
            )
        ]
    }
    assert len(answers) == 1


# --- no route without a row ------------------------------------------------------------------------------------------


def test_every_method_of_every_route_has_a_row() -> None:
    exist = {(route, method) for route, view in routes() for method in view.methods()}
    assert exist == {(row.route, row.method) for row in MATRIX}


def test_every_refusable_method_names_the_event_of_its_refusal() -> None:
    for route, view in routes():
        for method in view.methods():
            named = view.rules[method].event.code if method in view.rules else None
            assert {named} == {row.event for row in MATRIX if (row.route, row.method) == (route, method)}


# --- ways of sending a token -----------------------------------------------------------------------------------------


def test_a_token_is_taken_as_bearer_credentials(scene: Scene) -> None:
    token = scene.callers[ADMIN].token
    path = f"/v1/user/token/{scene.person}"
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert Api().get(path, HTTP_AUTHORIZATION=f"{scheme} {token}").status_code == 200
    for header in (f"Basic {token}", f"{token}", f"Token {token}", "Bearer", "Bearer ", f"Bearer x{token}"):
        assert_refused(Api().get(path, HTTP_AUTHORIZATION=header), 403)


def test_a_token_may_be_written_in_capitals_and_with_space_around(scene: Scene) -> None:
    token = scene.callers[ADMIN].token or ""
    for spelling in (token.upper(), f" {token} "):
        assert Api(spelling).get(f"/v1/user/token/{scene.person}").status_code == 200


def test_a_good_bearer_token_does_not_heal_a_bad_header(scene: Scene) -> None:
    bearer = f"Bearer {scene.callers[ROOT].token}"
    answer = scene.callers["wrong"].get(f"/v1/user/token/{scene.person}", HTTP_AUTHORIZATION=bearer)
    assert_refused(answer, 403, "Access denied")


# --- settings that open or close a door ------------------------------------------------------------------------------


@pytest.mark.parametrize("caller", CALLERS)
def test_anyone_may_create_where_the_setting_allows_it(scene: Scene, settings: Any, caller: str) -> None:
    settings.CREATE_USER_WITHOUT_ACCESS_TOKEN = True
    with told_by() as told:
        answer = scene.callers[caller].post("/v1/user", {"login": "newcomer"})
    if caller in ("none", *ADMINS):
        assert answer.status_code == 200
        assert [(event.code, event.outcome, event.who) for event in told] == [
            ("record.create", "ok", "anyone" if caller == "none" else caller)
        ]
    else:
        # A token that was sent must be good: a caller who thinks to be somebody never acts as nobody.
        assert_refused(answer, 403, "Access denied")


def test_creating_without_a_token_opens_nothing_else(scene: Scene, settings: Any) -> None:
    settings.CREATE_USER_WITHOUT_ACCESS_TOKEN = True
    for row in MATRIX:
        if "none" not in row.lets_in and row.path not in ("/v1/user", "/v1/user/"):
            assert_refused(scene.call("none", row), 403)


@pytest.mark.parametrize(
    ("mode", "with_unlock", "may"),
    [
        ("off", False, False),
        ("off", True, False),
        ("unlock", False, False),
        ("unlock", True, True),
        ("legacy", False, True),
        ("legacy", True, True),
    ],
)
def test_listing_everyone_is_opened_by_list_users(
    scene: Scene, settings: Any, mode: str, with_unlock: bool, may: bool
) -> None:
    settings.LIST_USERS = mode
    for caller in ADMINS:
        unlock = scene.callers[caller].post("/v1/users/unlock").json()["unlockuuid"]
        body = {"unlockuuid": unlock} if with_unlock else None
        answer = scene.callers[caller].post("/v1/users", body)
        assert answer.status_code == (200 if may else 403)
        assert ("rows" in answer.json()) is may
    for caller in (OWN, OTHER, *NOBODIES):
        assert_refused(scene.callers[caller].post("/v1/users"), 403, "Access denied")


@pytest.mark.parametrize(
    ("allowed", "address", "may"),
    [
        (["127.0.0.1"], "127.0.0.1", True),
        (["127.0.0.1"], "10.0.0.1", False),
        ([], "127.0.0.1", False),
        (["10.0.0.1", "::1"], "::1", True),
        (["127.0.0.1"], "", False),
    ],
)
def test_metrics_are_open_to_allowed_addresses(
    scene: Scene, settings: Any, allowed: list[str], address: str, may: bool
) -> None:
    settings.METRICS_ALLOWED_ADDRESSES = allowed
    for caller in CALLERS:
        status = scene.callers[caller].get("/v1/metrics", REMOTE_ADDR=address).status_code
        assert status == (200 if may or caller in ADMINS else 403), caller


def test_a_client_can_not_forge_an_allowed_address(scene: Scene, settings: Any) -> None:
    settings.METRICS_ALLOWED_ADDRESSES = ["127.0.0.1"]
    forged = {"HTTP_X_FORWARDED_FOR": "127.0.0.1", "REMOTE_ADDR": "10.0.0.9"}
    assert_refused(Api().get("/v1/metrics", **forged), 403)
    settings.TRUSTED_PROXIES = 1
    # The proxy appends what it saw; what stands before that is the client's own.
    behind = {"HTTP_X_FORWARDED_FOR": "127.0.0.1, 10.0.0.9", "REMOTE_ADDR": "127.0.0.1"}
    assert_refused(Api().get("/v1/metrics", **behind), 403)
    assert Api().get("/v1/metrics", HTTP_X_FORWARDED_FOR="9.9.9.9, 127.0.0.1").status_code == 200


def _records() -> dict[str, Any]:
    """Everything but the requests."""
    return {table: rows for table, rows in contents().items() if table != "gdpr_request"}


@pytest.mark.parametrize("on", [False, True])
def test_people_change_their_record_at_once_only_by_setting(scene: Scene, settings: Any, on: bool) -> None:
    settings.SELFSERVICE_USER_RECORD_CHANGE = on
    for path in (f"/v1/user/token/{scene.person}", f"/v1/user/email/{EMAIL}"):
        before = _records()
        answer = scene.callers[OWN].put(path, {"note": "mine"} if not on else {"note": path})
        assert answer.status_code == 200
        assert ("rtoken" in answer.json()) is not on
        assert (_records() == before) is not on
        assert_refused(scene.callers[OTHER].put(path, {"note": "theirs"}), 403, "Access denied")
    assert scene.callers[OWN].delete(f"/v1/user/token/{scene.person}").json()["result"] == "request-created"


@pytest.mark.parametrize("on", [False, True])
def test_people_are_forgotten_at_once_only_by_setting(scene: Scene, settings: Any, on: bool) -> None:
    settings.SELFSERVICE_FORGET_ME = on
    path = f"/v1/user/email/{EMAIL}"
    assert_refused(scene.callers[OTHER].delete(path), 403, "Access denied")
    assert scene.callers[OWN].put(path, {"a": 1}).json()["result"] == "request-created"
    assert scene.callers[OWN].delete(path).json()["result"] == ("done" if on else "request-created")
    assert scene.callers[OWN].get(f"/v1/user/token/{scene.person}").status_code == (403 if on else 200)


# --- time ------------------------------------------------------------------------------------------------------------


def test_a_token_expires_while_it_is_in_the_cache(api: Api, settings: Any, time_machine: Any) -> None:
    settings.AUTH_CACHE_SECONDS = 3600
    person = api.create(login="ann")
    time_machine.move_to(2_000_000_000, tick=False)
    caller = Api(new_token(TokenKind.ADMIN, expires=2_000_000_060))
    for now, status in ((2_000_000_000, 200), (2_000_000_059, 200), (2_000_000_060, 403), (2_000_000_061, 403)):
        time_machine.move_to(now, tick=False)
        assert caller.get(f"/v1/user/token/{person}").status_code == status


def test_a_revocation_elsewhere_reaches_this_process_within_the_cache_time(
    api: Api, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AUTH_CACHE_SECONDS = 5
    person = api.create(login="ann")
    caller = Api(new_token(TokenKind.ADMIN))
    assert caller.get(f"/v1/user/token/{person}").status_code == 200
    # As another process would: without this one's cache being told.
    digest = tokens.token_digest(caller.token or "")
    AccessToken.objects.filter(digest=digest).update(revoked=1)
    later = time.monotonic() + settings.AUTH_CACHE_SECONDS
    with monkeypatch.context() as patched:
        patched.setattr(time, "monotonic", lambda: later)
        assert_refused(caller.get(f"/v1/user/token/{person}"), 403, "Access denied")


def test_refusals_of_strangers_are_counted_when_they_come_too_fast(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither they nor people with their own token can fill the trail; applications are always told of."""
    from databunker import refusals

    monkeypatch.setattr(refusals, "_BURST", 0)
    monkeypatch.setattr(refusals, "_buckets", {kind: refusals._Bucket() for kind in refusals._buckets})
    person = api.create(login="ann")
    with told_by() as told:
        assert_refused(Api().get("/v1/user/login/ann"), 403, "Access denied")
        assert_refused(Api("wrong").get("/v1/user/login/ann"), 403, "Access denied")
        assert_refused(api.as_person(person).get("/v1/audit/admin"), 403, "Access denied")
    assert told == []
    text = Api().get("/v1/metrics").content.decode()
    counted = re.search(r"^databunker_refusals_unrecorded_total (\S+)$", text, re.MULTILINE)
    assert counted is not None
    assert float(counted[1]) >= 3
    with told_by() as told:
        assert api.post("/v1/users").status_code == 403
    assert [(event.code, event.outcome, event.subject) for event in told] == [("record.list", "denied", None)]


def test_a_refusal_tells_whom_it_concerned(scene: Scene) -> None:
    with told_by() as told:
        scene.callers[OTHER].get(f"/v1/user/token/{scene.person}")
        scene.callers[OTHER].get(f"/v1/user/email/{EMAIL}")
    assert [event.subject for event in told] == [subject_of(scene.person)] * 2
