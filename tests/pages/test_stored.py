"""What the database holds of accounts, and what somebody gains who can write to it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.apps import apps

from databunker.access.actor import operator
from databunker.accounts import rows
from databunker.accounts.holdings import HOLDINGS
from databunker.accounts.models import Account, RecoveryCode, WebSession
from databunker.crypto.errors import IntegrityFailure
from databunker.crypto.holdings import count_outdated, rewrap_some
from databunker.keys import rotate_key

from .conftest import PASSWORD, Visitor, make_account, text_of


def everything_stored() -> bytes:
    found = []
    for model in apps.get_models(include_auto_created=True):
        for row in model._default_manager.values():
            found += [
                bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode() for value in row.values()
            ]
    return b"\0".join(found)


def test_nothing_of_an_account_is_in_clear(admin: Visitor) -> None:
    page = admin.post("/console/accounts/new", name="bob-builder", role="dpo", display_name="Robert Builder")
    (first,) = re.findall(r"(?:\w{5}-){3}\w{5}", text_of(page))
    codes = re.findall(r"\b(?:\w{4}-){2}\w{4}\b", text_of(admin.post("/console/me/recovery-codes")))
    assert len(codes) == 10
    Visitor().post("/console/sign-in", name="a name that nobody has", password="typed in the wrong place")
    stored = everything_stored()
    secrets = [
        *("bob-builder", "Robert Builder", PASSWORD, first, "argon2", "a name that nobody has"),
        *codes,
        admin.client.cookies["__Secure-console"].value,
        "typed in the wrong place",
    ]
    for secret in secrets:
        assert secret.encode() not in stored, secret
    assert admin.secret not in stored
    assert admin.secret.hex().encode() not in stored


@pytest.mark.parametrize("column", ["role", "disabled", "identity", "digest"])
def test_sql_alone_gives_no_account_more_than_it_has(vault: None, column: str) -> None:
    ada, bob = make_account("ada", "admin"), make_account("bob", "support")
    values: dict[str, Any] = {"role": "admin", "disabled": 1, "identity": b"\1" * 16, "digest": b"\2" * 16}
    Account.objects.filter(pk=bob.account).update(**{column: values[column]})
    with pytest.raises(IntegrityFailure):
        rows.by_id(bob.account, tenant=1)
    assert rows.by_id(ada.account, tenant=1).role == "admin"


def test_a_password_can_not_be_moved_to_another_account(vault: None) -> None:
    ada, bob = make_account("ada", "admin"), make_account("bob", "support")
    Account.objects.filter(pk=ada.account).update(private=Account.objects.get(pk=bob.account).private)
    with pytest.raises(IntegrityFailure):
        rows.by_id(ada.account, tenant=1)


def test_numbers_can_not_be_exchanged(vault: None) -> None:
    """Or what one did would be told of another."""
    ada, bob = make_account("ada", "admin"), make_account("bob", "support")
    Account.objects.filter(pk=ada.account).update(id=999)
    with pytest.raises(IntegrityFailure):
        rows.by_id(999, tenant=1)
    assert rows.by_id(bob.account, tenant=1)


def test_a_session_can_not_be_given_to_another_account(admin: Visitor) -> None:
    bob = make_account("bob", "support").sign_in()
    of_admin, of_bob = (WebSession.objects.get(account=who.account) for who in (admin, bob))
    WebSession.objects.filter(pk=of_bob.pk).update(account=admin.account)
    assert "Welcome, bob." in text_of(bob.get("/console/")), "whose it is stands inside"
    WebSession.objects.filter(pk=of_bob.pk).update(data=of_admin.data)
    assert bob.get("/console/")["Location"].startswith("/console/sign-in")


def test_a_recovery_code_is_good_for_its_account_alone(admin: Visitor) -> None:
    codes = re.findall(r"\b(?:\w{4}-){2}\w{4}\b", text_of(admin.post("/console/me/recovery-codes")))
    bob = make_account("bob", "support")
    RecoveryCode.objects.update(account=bob.account)
    bob.post("/console/sign-in", name="bob", password=PASSWORD)
    assert bob.post("/console/sign-in/code", code=codes[0]).status_code == 422


def test_all_of_it_can_be_put_under_a_newer_data_key(admin: Visitor, settings: Any) -> None:
    settings.KEYRING_CACHE_SECONDS = 0
    newest = rotate_key(operator())
    for holding in HOLDINGS:
        assert count_outdated(holding, newest.id) == 1
        assert rewrap_some(holding, after=None, limit=10) is not None
        assert count_outdated(holding, newest.id) == 0
    assert "Welcome, ada." in text_of(admin.get("/console/"))
    assert Visitor(name="ada", account=admin.account, secret=admin.secret, _step=admin._step).sign_in()
