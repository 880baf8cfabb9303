"""`manage.py account`, `createsuperuser` and `init --admin`: accounts from the command line."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit.models import Event
from databunker.access.actor import ActorKind, operator
from databunker.accounts import actions, events, queries
from databunker.accounts.models import Account
from databunker.errors import AccessDenied
from databunker.management.setup import first_account


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def signs_in(name: str, password: str) -> bool:
    from databunker.access.actor import Actor

    try:
        actions.check_password(Actor(ActorKind.ANYONE), name=name, password=password)
    except AccessDenied:
        return False
    return True


def password_in(text: str) -> str:
    (found,) = re.findall(r"^ {4}(\S+)$", text, re.MULTILINE)
    return str(found)


def test_an_account_is_made_with_a_first_password_that_is_shown_once(vault: None) -> None:
    password = password_in(run("account", "create", "Ada", "--role", "dpo", "--display-name", "Ada Example"))
    assert signs_in("ada", password)
    assert not signs_in("ada", password + "x")
    (account,) = queries.list_accounts(operator())
    assert (account.name, account.display_name, account.role) == ("ada", "Ada Example", "dpo")
    assert Event.objects.filter(type=events.ACCOUNT_CREATED.number, actor_kind=ActorKind.OPERATOR).count() == 1


def test_the_password_may_come_from_standard_input(vault: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a sentence that is long enough\n"))
    shown = run("createsuperuser", "ada", "--password-stdin")
    assert "sentence" not in shown
    assert "not shown again" not in shown
    assert signs_in("ada", "a sentence that is long enough")
    assert Account.objects.get().role == "admin"


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("a b", "a sentence that is long enough", "no spaces"),
        ("", "a sentence that is long enough", "empty"),
        ("ada", "short", "at least 12 characters"),
        ("x" * 101, "a sentence that is long enough", "at most 100"),
    ],
)
def test_what_will_not_do_is_refused_with_its_reason(
    vault: None, monkeypatch: pytest.MonkeyPatch, name: str, given: str, said: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{given}\n"))
    with pytest.raises(CommandError, match=said):
        run("account", "create", name, "--role", "dpo", "--password-stdin")
    assert not Account.objects.exists()


def test_a_name_is_given_once(vault: None) -> None:
    run("account", "create", "ada", "--role", "dpo")
    with pytest.raises(CommandError, match="this name already"):
        run("account", "create", "ADA", "--role", "admin")
    assert Account.objects.count() == 1


def test_accounts_are_looked_after(vault: None) -> None:
    old = password_in(run("account", "create", "ada", "--role", "dpo"))
    run("account", "create", "root", "--role", "admin")
    run("account", "disable", "ada")
    assert not signs_in("ada", old)
    assert "disabled" in run("account", "list").splitlines()[0]
    run("account", "enable", "ada")
    assert signs_in("ada", old)
    new = password_in(run("account", "reset-password", "ada"))
    assert signs_in("ada", new)
    assert not signs_in("ada", old)
    assert "no second factor" in run("account", "reset-factor", "ada")
    with pytest.raises(CommandError, match="not found"):
        run("account", "disable", "nobody")
    with pytest.raises(CommandError, match="last account"):
        run("account", "disable", "root")


def test_init_makes_the_first_account_and_no_second_one(vault: None) -> None:
    password = first_account("ada")
    assert password
    assert signs_in("ada", password)
    assert first_account("eve") is None
    assert [account.role for account in Account.objects.all()] == ["admin"]


def test_the_cost_of_a_password_is_that_of_the_product() -> None:
    """Tests use a quick hasher; the product's is Argon2id at what the library recommends."""
    import databunker.settings as product

    assert product.PASSWORD_HASHERS == ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    from django.contrib.auth.hashers import Argon2PasswordHasher

    encoded: Any = Argon2PasswordHasher().encode("x", "saltsaltsalt")
    assert encoded.startswith("argon2$argon2id$v=19$m=")
