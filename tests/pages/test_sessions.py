"""Sessions of pages: planted by nobody, read by nobody, and over when they are over."""

from __future__ import annotations

from typing import Any

import time_machine

from databunker.accounts.models import WebSession
from databunker.accounts.sessions import Audience
from databunker.pages.middleware import cookie_name
from tests.support.damage import flipped

from .conftest import PASSWORD, Visitor, make_account, text_of

COOKIE = "__Secure-console"


def key_of(visitor: Visitor) -> str:
    return visitor.client.cookies[COOKIE].value


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/console/").status_code == 200


def test_strangers_have_none(visitor: Visitor) -> None:
    for path in ("/", "/console/sign-in", "/console/", "/nothing"):
        visitor.get(path)
    visitor.post("/console/sign-in", name="x", password="y")
    assert WebSession.objects.count() == 0
    assert set(visitor.client.cookies) == {"__Host-csrf"}


def test_the_cookie_travels_by_https_alone_and_no_script_reads_it(admin: Visitor) -> None:
    cookie = admin.client.cookies[COOKIE]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"]) == (
        True,
        True,
        "Lax",
        "/console/",
    )
    assert cookie["max-age"] == "", "gone with the browser"


def test_names_of_cookies_are_plain_without_https(settings: Any) -> None:
    settings.PAGES_HTTPS = False
    assert [cookie_name(audience) for audience in Audience] == ["console", "portal"]


def test_its_key_is_nowhere_in_the_database(admin: Visitor) -> None:
    key = key_of(admin)
    for row in WebSession.objects.values():
        for value in row.values():
            assert key.encode() not in bytes(str(value), "utf-8") + (bytes(value) if isinstance(value, bytes) else b"")


def test_a_key_that_somebody_planted_is_not_taken_over(vault: None) -> None:
    ada = make_account("ada", "admin", factor=False)
    ada.client.cookies[COOKIE] = "planted"
    ada.post("/console/sign-in", name="ada", password=PASSWORD)
    assert key_of(ada) != "planted"


def test_the_key_changes_with_each_step(vault: None) -> None:
    ada = make_account("ada", "admin")
    ada.post("/console/sign-in", name="ada", password=PASSWORD)
    pending = key_of(ada)
    ada.post("/console/sign-in/code", code=ada.code())
    signed_in = key_of(ada)
    with time_machine.travel(time_in(minutes=6), tick=True):
        ada.get("/console/accounts/new")
        answer = ada.post("/console/confirm", password=PASSWORD, code=ada.code(), next="/console/accounts/new")
        assert answer["Location"] == "/console/accounts/new", text_of(answer)
        confirmed = key_of(ada)
        assert len({pending, signed_in, confirmed}) == 3
        for old in (pending, signed_in):
            thief = Visitor()
            thief.client.cookies[COOKIE] = old
            assert not is_in(thief)
    assert WebSession.objects.count() == 1


def time_in(**span: float) -> Any:
    from datetime import UTC, datetime, timedelta

    return datetime.now(UTC) + timedelta(**span)


def test_unused_it_ends_soon(admin: Visitor) -> None:
    with time_machine.travel(time_in(minutes=14)):
        assert is_in(admin)
    with time_machine.travel(time_in(minutes=28)):
        assert is_in(admin), "it was used meanwhile"
    with time_machine.travel(time_in(minutes=44)):
        assert not is_in(admin)
    assert not is_in(admin), "gone is gone"


def test_used_all_day_it_ends_all_the_same(admin: Visitor) -> None:
    for minutes in range(10, 600, 10):
        with time_machine.travel(time_in(minutes=minutes)):
            assert is_in(admin), minutes
    with time_machine.travel(time_in(minutes=601)):
        assert not is_in(admin)


def test_signing_out_ends_it_on_the_server(admin: Visitor) -> None:
    key = key_of(admin)
    assert admin.post("/console/sign-out")["Location"] == "/console/signed-out"
    thief = Visitor()
    thief.client.cookies[COOKIE] = key
    assert not is_in(thief)


def test_one_sees_and_ends_the_own_sessions_and_nobody_elses(admin: Visitor) -> None:
    other = Visitor(name="ada", account=admin.account, secret=admin.secret, _step=admin._step).sign_in()
    bob = make_account("bob", "dpo").sign_in()
    (of_other,) = (
        WebSession.objects.filter(account=admin.account)
        .order_by("-created", "-used")
        .exclude(digest=bytes.fromhex(session_id(admin)))
    )
    (of_bob,) = WebSession.objects.filter(account=bob.account)
    assert admin.post(f"/console/me/sessions/{of_bob.digest.hex()}/end").status_code == 404
    assert admin.post("/console/me/sessions/zz/end").status_code == 404
    assert is_in(bob)
    assert admin.post(f"/console/me/sessions/{of_other.digest.hex()}/end").status_code == 303
    assert not is_in(other)
    assert is_in(admin)


def session_id(visitor: Visitor) -> str:
    from databunker.accounts.sessions import load

    return load(Audience.CONSOLE, key_of(visitor)).id


def test_changing_the_password_ends_all_others(admin: Visitor) -> None:
    other = Visitor(name="ada", account=admin.account, secret=admin.secret, _step=admin._step).sign_in()
    new = "a sentence that nobody knows"
    assert admin.post("/console/me/password", old=PASSWORD, new=new, again=new).status_code == 303
    assert is_in(admin)
    assert not is_in(other)


def test_a_changed_role_and_a_disabled_account_end_sessions_at_once(admin: Visitor) -> None:
    for act, fields in (("role", {"role": "auditor"}), ("disable", {})):
        bob = make_account(f"bob-{act}", "dpo").sign_in()
        assert is_in(bob)
        assert admin.post(f"/console/accounts/{bob.account}/{act}", **fields).status_code == 303
        assert not is_in(bob)


def test_one_of_the_portal_is_no_good_at_the_console(admin: Visitor) -> None:
    stolen = Visitor()
    stolen.client.cookies["__Host-portal"] = key_of(admin)
    assert stolen.get("/my/data").status_code == 302
    stolen.client.cookies[COOKIE] = "x" * 43
    assert not is_in(stolen)


def test_a_row_that_was_tampered_with_lets_nobody_in(admin: Visitor) -> None:
    row = WebSession.objects.get()
    WebSession.objects.filter(pk=row.pk).update(data=flipped(bytes(row.data)))
    assert not is_in(admin)


def test_what_has_ended_is_cleared_away(admin: Visitor) -> None:
    from gdpr import maintenance

    with time_machine.travel(time_in(hours=11)):
        done = {outcome.name: outcome.done for outcome in maintenance.run(maintenance.tasks(), seconds=30)}
    assert done["sessions of pages"] == 1
    assert WebSession.objects.count() == 0


def test_a_page_of_fifty_rows_takes_few_queries(admin: Visitor, django_assert_max_num_queries: Any) -> None:
    for number in range(50):
        make_account(f"n{number}", "support", factor=False)
    with django_assert_max_num_queries(10) as asked:
        page = admin.get("/console/accounts")
    assert text_of(page).count("Support (masked)") == 50
    assert len(asked) <= 5, "session, account, event, list"
