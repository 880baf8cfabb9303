"""What a token's scope takes away: every route, called with the right scope and with each that is not enough."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from django.urls import resolve

from databunker.access import scopes, tokens
from databunker.access.actor import Actor, ActorKind
from databunker.access.admission import operation_name
from databunker.access.models import AccessToken, TokenKind
from databunker.access.permissions import Permission
from databunker.access.roles import PERMISSIONS_OF, Role
from databunker.errors import BadRequest
from gdpr import queries
from tests.api.helpers import assert_refused, contents, told_by
from tests.api.matrix import ADMIN, EMAIL, MATRIX, OWN, Row, Scene
from tests.conftest import Api
from tests.support.trail import sealed
from vault.actions import issue_token

HERE, ELSEWHERE = "127.0.0.0/8", "203.0.113.0/24"
# Nowhere in the vault but where it is personal.
HIDDEN = "Qx7HiddenValue"
GUARDED = [row for row in MATRIX if row.event is not None]
# To approve a request is also to do what is asked for.
ALSO = {Permission.REQUEST_DECIDE: ["app.change"]}


def permission_of(row: Row) -> Permission:
    path = row.path.format(person="x", event="y", session="z", share="s", link="l", request="r")
    permission: Permission = resolve(path).func.view_class.rules[row.method].permission
    return permission


_numbers = itertools.count()


def narrowed(**wish: Any) -> Api:
    """An application with a token that is narrowed like this."""
    text, scope = f"{next(_numbers):032}{HIDDEN}", scopes.make(**wish)
    assert scope is not None
    tokens.add_token(token=text, kind=TokenKind.ADMIN, scope=scope, label="narrowed")
    return Api(text)


@pytest.fixture
def rich(scene: Scene, settings: Any) -> Scene:
    """The scene with something hidden in everything that is kept about the person."""
    settings.LIST_USERS = "legacy"
    root, person = scene.callers["root"], scene.person
    profile = {"custom": "seen", "note": HIDDEN, "name": {"first": "Ann", "last": HIDDEN}, "list": [{"a": HIDDEN}]}
    assert root.put(f"/v1/user/token/{person}", profile).status_code == 200
    assert root.put(f"/v1/userapp/token/{person}/shop", {"deep": {"note": HIDDEN}, "size": 1}).status_code == 200
    session = {"token": person, "agent": HIDDEN}
    assert root.post(f"/v1/session/{scene.session}", session).status_code == 200
    words = {"referencecode": HIDDEN, "lastmodifiedby": HIDDEN, "agreementmethod": HIDDEN}
    assert root.post(f"/v1/agreement/news/email/{EMAIL}", words).status_code == 200
    assert root.post(f"/v1/sharedrecord/token/{person}", {"partner": HIDDEN}).status_code == 200
    event = root.get(f"/v1/audit/list/{person}?limit=100").json()["rows"]
    changed = next(row["atoken"] for row in event if row["more"] and not row["app"])
    asked = scene.request
    scene.callers[OWN].delete(f"/v1/request/{asked}")
    asked = scene.callers[OWN].put(f"/v1/user/token/{person}", {"note": f"{HIDDEN}2", "custom": "new"}).json()["rtoken"]
    assert root.post(f"/v1/request/{asked}/extend", {"reason": HIDDEN}).status_code == 200
    restriction, objection = (f"/v1/{right}/token/{person}" for right in ("restriction", "objection"))
    assert root.post(restriction, {"ground": "accuracy", "reason": HIDDEN}).status_code == 200
    assert root.delete(restriction, {"reason": HIDDEN}).status_code == 200
    assert root.post(objection, {"reason": HIDDEN}).status_code == root.delete(objection).status_code == 200
    officer = Actor(ActorKind.ACCOUNT, token_id=1, scope=scopes.EVERYTHING)
    queries.reveal_person(officer, token=person, purpose=HIDDEN)
    sealed()
    return scene._replace(event=changed, request=asked)


def call(scene: Scene, api: Api, row: Row, **headers: str) -> Any:
    scene.callers["narrowed"] = Api(api.token)
    path = row.path.format(
        person=scene.person, event=scene.event, session=scene.session, share=scene.share, link=scene.link,
        request=scene.request,
    )  # fmt: skip
    return api.call(row.method, path, row.body, HTTP_ACCEPT=row.accept, **headers)


def assert_kept_out(scene: Scene, api: Api, row: Row, **headers: str) -> None:
    """Refused as everybody is, with an event that names the token."""
    with told_by() as told:
        assert_refused(call(scene, api, row, **headers), 403, "Access denied")
    assert [(event.code, event.outcome, event.who) for event in told] == [(row.event, "denied", ADMIN)]


@contextmanager
def undone(row: Row) -> Iterator[None]:
    """What is done for one row of the table is taken back, so that all of them share one scene."""
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    except AssertionError as error:
        raise AssertionError(f"{row.method} {row.path}: {error}") from error
    tokens.forget_cached()


def test_only_a_token_with_all_that_it_takes_gets_in(scene: Scene, settings: Any) -> None:
    settings.LIST_USERS = "legacy"
    elsewhere, purposeful = narrowed(addresses=[ELSEWHERE]), narrowed(purposes=["support"])
    for row in GUARDED:
        permission = permission_of(row)
        with undone(row):
            others = narrowed(allow=[other for other in Permission if other is not permission])
            other_route = narrowed(routes=["GET /v1/pactivity" if "pactivity" not in row.path else "GET /v1/lbasis"])
            before = contents()
            for api in (others, other_route, elsewhere, purposeful):
                assert_kept_out(scene, api, row)
            assert_kept_out(scene, purposeful, row, HTTP_X_BUNKER_PURPOSE="marketing")
            assert contents() == before
            enough = narrowed(
                allow=[permission, *ALSO.get(permission, [])],
                addresses=[HERE, "::1"],
                purposes=["support", "billing"],
                routes=[operation_name(row.method, row.route)],
            )
            assert call(scene, enough, row, HTTP_X_BUNKER_PURPOSE="Support").status_code == 200


def test_a_masked_token_reads_nothing_in_full_and_changes_nothing(rich: Scene) -> None:
    masked = narrowed(masked=True)
    for row in GUARDED:
        with undone(row):
            if permission_of(row) in scopes.READ_MASKED:
                answer = call(rich, masked, row)
                assert answer.status_code == 200
                assert_nothing_hidden_in(answer)
            else:
                before = contents()
                assert_kept_out(rich, masked, row)
                assert contents() == before


# What a token that is limited to fields may not do at all with a person who has others, too.
LIMITED = ["custom", "name.first"]
REFUSED_LIMITED = {
    "record.create", "record.change", "app.read", "app.store", "app.change", "app.delete", "session.store",
    "session.delete", "share.create", "request.approve",
}  # fmt: skip


def test_a_limited_token_sees_and_touches_no_other_field(rich: Scene) -> None:
    limited = narrowed(fields=LIMITED)
    for row in GUARDED:
        with undone(row):
            before = contents()
            answer = call(rich, limited, row)
            assert_nothing_hidden_in(answer)
            if row.event in REFUSED_LIMITED:
                assert answer.status_code == 403
                assert contents() == before
            elif row.event == "record.load":
                assert answer.json()["created"] == 0
            else:
                assert answer.status_code == (409 if row.event == "request.extend" else 200), answer.content


def assert_nothing_hidden_in(answer: Any) -> None:
    content = answer.streamed if answer.streaming else answer.content
    for value in (HIDDEN, EMAIL):
        assert value.encode() not in content


# --- what is seen, exactly -------------------------------------------------------------------------------------------


def test_a_limited_token_sees_its_fields_and_finds_the_others_absent(rich: Scene) -> None:
    api = narrowed(fields=["custom", "name.first", "list.a", "app:shop.size", "session:token", "absent.too"])
    path = f"/v1/user/token/{rich.person}"
    seen = {"custom": "seen", "name": {"first": "Ann"}, "list": [{"a": HIDDEN}]}
    assert api.get(path).json()["data"] == seen
    assert api.get(f"/v1/user/email/{EMAIL}").json()["data"] == seen, "whoever knows the address may look it up"
    assert api.get(f"/v1/userapp/token/{rich.person}/shop").json()["data"] == {"size": 1}
    assert api.get(f"/v1/session/{rich.session}").json()["data"] == {"token": rich.person}
    (listed,) = [row for row in api.post("/v1/users").json()["rows"] if row["token"] == rich.person]
    assert listed["private"] == seen
    event = api.get(f"/v1/audit/get/{rich.event}").json()["event"]
    assert (event["before"], event["after"]) == ({}, seen)
    report = api.get(f"{path}/report").json()["report"]
    assert (report["profile"], [app["data"] for app in report["apps"]]) == (seen, [{"size": 1}])
    assert "not named" not in narrowed(fields=["custom"]).get(f"{path}/report").json()["report"]["apps"]


def test_who_may_not_read_people_reads_the_trail_masked(rich: Scene, settings: Any) -> None:
    auditor = narrowed(allow=["auditor"])
    for path in (f"list/{rich.person}?limit=100", "admin?limit=100", f"get/{rich.event}"):
        assert_nothing_hidden_in(auditor.get(f"/v1/audit/{path}"))
    event = auditor.get(f"/v1/audit/get/{rich.event}").json()["event"]
    changed = {"custom": "***", "note": "***", "name": {"first": "***", "last": "***"}, "list": [{"a": "***"}]}
    assert (event["record"], event["before"], event["after"]) == (rich.person, {}, changed)

    settings.LIST_USERS = "off"
    event = auditor.get(f"/v1/audit/get/{rich.event}").json()["event"]
    assert (event["record"], event["identity"], "before" in event, "after" in event) == ("", "", False, False)
    assert auditor.get(f"/v1/audit/proof/{rich.event}").status_code == 200


def test_who_may_not_read_an_applications_data_sees_it_masked_in_the_trail(rich: Scene) -> None:
    root = rich.callers["root"]
    rows = root.get(f"/v1/audit/list/{rich.person}?limit=100").json()["rows"]
    changed = next(row["atoken"] for row in rows if row["app"] and row["more"])
    for allow, note in (["audit.read", "record.read"], "***"), (["audit.read", "record.read", "app.read"], HIDDEN):
        event = narrowed(allow=allow).get(f"/v1/audit/get/{changed}").json()["event"]
        assert event["after"]["deep"]["note"] == note


def test_an_application_that_may_not_list_people_reads_events_of_those_it_knows(rich: Scene, settings: Any) -> None:
    settings.LIST_USERS = "off"
    app = rich.callers[ADMIN]
    listed = app.get("/v1/audit/admin?limit=100").json()["rows"]
    assert {row["record"] for row in listed} == {""}
    of_person = {row["atoken"] for row in app.get(f"/v1/audit/list/{rich.person}?limit=100").json()["rows"]}
    assert rich.event in of_person
    assert not of_person & {row["atoken"] for row in listed}
    assert any(row["atoken"] for row in listed), "of what concerns nobody"
    assert app.get(f"/v1/audit/get/{rich.event}").json()["event"]["after"]["note"] == HIDDEN


def test_a_masked_token_sees_what_there_is_and_not_what_it_is(rich: Scene) -> None:
    rich.callers["root"].put(f"/v1/user/token/{rich.person}", {"phone": "+447700900123", "age": 42, "vip": True})
    data = narrowed(masked=True).get(f"/v1/user/token/{rich.person}").json()["data"]
    assert data["email"] == "m***@e***.com"
    assert data["phone"] == "***23"
    assert (data["age"], data["vip"], data["name"]) == ("***", "***", {"first": "***", "last": "***"})


def test_fields_and_masking_hold_together(rich: Scene) -> None:
    api = narrowed(fields=["email"], masked=True)
    assert api.get(f"/v1/user/token/{rich.person}").json()["data"] == {"email": "m***@e***.com"}


# --- what is changed, exactly ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"note": "x"},
        {"name": {"last": "x"}},
        {"name": None},
        {"name": "x"},
        {"custom": "x", "note": None},
        [{"op": "replace", "path": "/note", "value": "x"}],
        [{"op": "copy", "from": "/note", "path": "/custom"}],
        [{"op": "move", "from": "/name/last", "path": "/name/first"}],
        [{"op": "test", "path": "/note", "value": HIDDEN}],
        [{"op": "test", "path": "/note", "value": "guess"}],
        [{"op": "test", "path": "/name", "value": {}}],
        [{"op": "replace", "path": "", "value": {"login": "x"}}],
        [{"op": "remove", "path": "/absent"}],
        [{"op": "add", "path": "/list/0", "value": {"a": 1}}],
    ],
)
def test_a_limited_token_changes_and_tests_no_other_field(rich: Scene, change: Any) -> None:
    limited, before = narrowed(fields=LIMITED), contents()
    answer = limited.put(f"/v1/user/token/{rich.person}", change)
    assert_refused(answer, 403, "the access token may not change these fields")
    assert contents() == before


@pytest.mark.parametrize(
    "change",
    [
        {"custom": "x"},
        {"name": {"first": "Anna"}},
        {"name": {"first": None}, "custom": None},
        [{"op": "replace", "path": "/custom", "value": "x"}, {"op": "test", "path": "/name/first", "value": "Ann"}],
        [{"op": "copy", "from": "/name/first", "path": "/custom"}],
    ],
)
def test_a_limited_token_changes_its_own_fields(rich: Scene, change: Any) -> None:
    assert narrowed(fields=LIMITED).put(f"/v1/user/token/{rich.person}", change).status_code == 200
    data = rich.callers["root"].get(f"/v1/user/token/{rich.person}").json()["data"]
    assert (data["note"], data["name"]["last"], data["email"]) == (HIDDEN, HIDDEN, EMAIL)


def test_a_limited_token_stores_people_and_shares_within_its_fields(rich: Scene) -> None:
    api = narrowed(fields=["login", "custom", "app:shop"])
    token = api.create(login="new", custom="7")
    assert_refused(api.post("/v1/user", {"login": "other", "note": "x"}), 403)
    bulk = api.post("/v1/users/bulk", {"records": [{"login": "a"}, {"login": "b", "note": "x"}]}).json()
    assert [sorted(row) for row in bulk["rows"]] == [["token"], ["error", "index"]]
    share = f"/v1/sharedrecord/token/{rich.person}"
    for wish in ({}, {"fields": "note"}, {"fields": "custom,note"}, {"app": "crm"}, {"session": rich.session}):
        assert_refused(api.post(share, wish), 403)
    for wish in ({"fields": "custom,token"}, {"app": "shop"}):
        assert api.post(share, wish).status_code == 200
    assert api.get(share).json()["total"] == 2, "of a share that holds more it would have the id"
    assert api.post(f"/v1/userapp/token/{token}/shop", {"any": 1}).status_code == 200
    assert api.delete(f"/v1/userapp/token/{token}/shop").status_code == 200
    assert_refused(api.post(f"/v1/userapp/token/{token}/crm", {"any": 1}), 403)


def test_who_may_only_read_an_expiration_does_not_get_its_link(rich: Scene) -> None:
    path = f"/v1/exp/status/token/{rich.person}"
    assert narrowed(allow=["retention.read"]).get(path).json()["exptoken"] == ""
    assert narrowed(allow=["retention.read", "retention.manage"]).get(path).json()["exptoken"] == rich.link


# --- purposes --------------------------------------------------------------------------------------------------------


def test_a_purpose_stands_in_the_trail(rich: Scene) -> None:
    api = narrowed(purposes=["support", "billing"])
    path = f"/v1/user/token/{rich.person}"
    assert api.get(path, HTTP_X_BUNKER_PURPOSE=" Billing ").status_code == 200
    row = rich.callers["root"].get(f"/v1/audit/list/{rich.person}").json()["rows"][1]
    assert (row["title"], row["purpose"]) == ("read the record", "billing")
    assert rich.callers[ADMIN].get(path, HTTP_X_BUNKER_PURPOSE="research").status_code == 200
    assert rich.callers["root"].get(f"/v1/audit/list/{rich.person}").json()["rows"][1]["purpose"] == "research"
    assert rich.callers["root"].get(f"{path}/report").json()["report"]["accesses"][1]["what"]


@pytest.mark.parametrize("purpose", ["two words", "-x", "x" * 64, "é", "a/b"])
def test_a_purpose_is_one_word(rich: Scene, purpose: str) -> None:
    answer = rich.callers[ADMIN].get(f"/v1/user/token/{rich.person}", HTTP_X_BUNKER_PURPOSE=purpose)
    assert_refused(answer, 400)


# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "address", "status"),
    [
        ("10.1.0.0/16", "10.1.255.9", 200),
        ("10.1.0.0/16", "10.2.0.1", 403),
        ("10.1.2.3", "::ffff:10.1.2.3", 200),
        ("2001:db8::/32", "2001:db8::7", 200),
        ("2001:db8::/32", "10.1.2.3", 403),
        ("0.0.0.0/0", "", 403),
        ("0.0.0.0/0", "unix:", 403),
    ],
)
def test_a_token_is_good_for_its_addresses(rich: Scene, network: str, address: str, status: int) -> None:
    answer = narrowed(addresses=[network]).get(f"/v1/user/token/{rich.person}", REMOTE_ADDR=address)
    assert answer.status_code == status


def test_behind_proxies_the_client_counts(rich: Scene, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    api, path = narrowed(addresses=["10.1.0.0/16"]), f"/v1/user/token/{rich.person}"
    assert api.get(path, HTTP_X_FORWARDED_FOR="9.9.9.9, 10.1.0.7").status_code == 200
    assert api.get(path, HTTP_X_FORWARDED_FOR="10.1.0.7, 9.9.9.9").status_code == 403


# --- how a scope is made ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wish",
    [
        {"allow": ["record.peek"]},
        {"allow": ["everything"]},
        {"routes": ["GET /v1/secret"]},
        {"routes": ["GET v1/user/{mode}/{identity}"]},
        {"routes": ["GET /v1/status"]},
        {"fields": [""]},
        {"fields": ["name..first"]},
        {"fields": ["other:x"]},
        {"fields": ["app:"]},
        {"fields": ["app:9x"]},
        {"fields": ["x" * 300]},
        {"addresses": ["10.1.0.0/33"]},
        {"addresses": ["example.com"]},
        {"purposes": ["two words"]},
        {"limit": "many"},
        {"limit": "0/60s"},
        {"masked": True, "allow": ["writer"]},
        {"masked": True, "allow": ["share.manage"]},
        {"allow": ["record.read"], "fields": [f"f{number}" for number in range(101)]},
    ],
)
def test_what_a_scope_can_not_mean_is_refused(vault: None, wish: Any) -> None:
    with pytest.raises(BadRequest):
        scopes.make(**wish)


def test_a_scope_reads_back_as_it_was_made(vault: None) -> None:
    wish: Any = {
        "allow": ["reader", "audit.read"],
        "routes": ["GET /v1/user/{mode}/{identity}", "/v1/audit/list/{token}"],
        "fields": ["name.first", "email", "app:shop.size", "session:*"],
        "addresses": ["10.1.2.3/16", "2001:db8::1"],
        "purposes": ["Support"],
        "masked": True,
        "limit": "100/60s",
    }
    scope = scopes.make(**wish)
    assert scope is not None
    assert scopes.from_text(scope.text) == scope
    assert scope.permissions == PERMISSIONS_OF[Role.READER] | {Permission.AUDIT_READ}
    assert scopes.make() is None


def test_every_role_has_permissions_and_a_name_of_its_own() -> None:
    assert set(PERMISSIONS_OF) == set(Role)
    assert all(PERMISSIONS_OF.values())
    assert not {role.value for role in Role} & {permission.value for permission in Permission}


def test_a_permission_of_a_later_release_grants_nothing() -> None:
    assert scopes.from_text('{"allow":["record.teleport"]}').permissions == frozenset()


def test_a_narrowed_token_issues_none(root_actor: Any, vault: None) -> None:
    from dataclasses import replace

    from databunker.errors import AccessDenied

    scope = scopes.make(fields=["email"])
    with pytest.raises(AccessDenied):
        issue_token(replace(root_actor, scope=scope), kind=TokenKind.ADMIN)
    with pytest.raises(BadRequest):
        issue_token(root_actor, kind=TokenKind.ROOT, scope=scope)


def test_a_scope_that_was_widened_by_sql_opens_nothing(rich: Scene) -> None:
    api = narrowed(allow=["metrics.read"])
    for text in ("", scopes.Scope(frozenset()).text, '{"allow":["admin"]}'):
        AccessToken.objects.filter(digest=tokens.token_digest(api.token or "")).update(scope=text)
        tokens.forget_cached()
        assert_refused(api.get(f"/v1/user/token/{rich.person}"), 403)
