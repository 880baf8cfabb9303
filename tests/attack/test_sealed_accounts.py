"""What is sealed about those who work here opens nowhere but in its own row: accounts, sessions of pages, canaries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Model

from databunker.accounts import rows
from databunker.accounts.models import Account, WebSession
from databunker.accounts.sessions import Audience, Session, load
from databunker.crypto.errors import CryptoError, IntegrityFailure
from databunker.watch import canaries
from databunker.watch.models import Canary
from tests.pages.conftest import make_account
from tests.support.damage import flipped

Read = Callable[[Any], Any]


def session_with(note: str) -> WebSession:
    session = Session(Audience.CONSOLE)
    session.begin(seconds=3600, note=note)
    return WebSession.objects.get(digest=bytes.fromhex(session.id))


def read_session(row: WebSession) -> Any:
    found = Session(Audience.CONSOLE)
    found.open(row, "")
    return found["note"]


@pytest.fixture
def sealed(vault: None) -> dict[str, tuple[Any, Any, str, Read]]:
    """Two rows of each table, the column, and what opens it."""
    accounts = [Account.objects.get(pk=make_account(name, "admin").account) for name in ("ada", "bea")]
    sessions = [session_with("one"), session_with("two")]
    marked = [canaries._seal(bytes(16), tenant=tenant) for tenant in (1, 2)]
    return {
        "account": (*accounts, "private", lambda row: rows.opened(row).private),
        "account_session": (*sessions, "data", read_session),
        # Of one tenant they are all alike: what tells them apart is inside.
        "watch_canary": (*marked, "sealed", lambda row: canaries._subjects([row])),
    }


TABLES: dict[str, type[Model]] = {"account": Account, "account_session": WebSession, "watch_canary": Canary}


@pytest.mark.parametrize("table", TABLES)
def test_it_opens_nowhere_else_and_not_changed(sealed: dict[str, tuple[Any, Any, str, Read]], table: str) -> None:
    mine, other, column, read = sealed[table]
    value, others = bytes(getattr(mine, column)), bytes(getattr(other, column))
    assert read(mine)
    assert read(other)
    wrong = [others, value[:-1], value[:29], b"", value + b"\x00"]
    wrong += [flipped(value, at) for at in (0, 1, 4, 5, 28, 29, 40, len(value) - 1)]
    for changed in wrong:
        setattr(mine, column, changed)
        with pytest.raises((IntegrityFailure, CryptoError)):
            read(mine)


def test_a_session_of_the_console_is_none_of_the_portal(vault: None) -> None:
    """Whoever has the one has nothing by putting its key into the other's cookie."""
    session = Session(Audience.CONSOLE)
    session.begin(seconds=3600, note="one")
    assert session.key is not None
    assert load(Audience.CONSOLE, session.key).exists
    assert not load(Audience.PORTAL, session.key).exists
