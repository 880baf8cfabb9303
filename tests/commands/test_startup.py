"""What stops a process before it serves anybody, and what it says."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from databunker import startup
from databunker.access.models import AccessToken, TokenKind
from databunker.crypto import store
from databunker.crypto.models import WrappedKey
from tests.api.helpers import unreachable_database
from tests.conftest import new_token

OTHER_KEY = "94a1f0b7c3d2e5f6a7b8c9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4"


@pytest.fixture
def ready(committed_vault: None) -> None:
    new_token(TokenKind.ROOT)


def problem() -> str:
    store.forget_cached()  # as a new process
    with pytest.raises(startup.NotReady) as found:
        startup.verify()
    return str(found.value)


def test_a_vault_that_is_ready_starts(ready: None) -> None:
    startup.verify()


def test_no_connection_is_left_open_for_a_fork(ready: None) -> None:
    startup.verify()
    assert connection.connection is None


def test_a_database_that_is_not_there_stops_the_start(ready: None) -> None:
    with unreachable_database():
        message = problem()
    assert message.startswith("the database can't be reached or read (OperationalError)")
    assert "DATABASE_URL" in message


def test_a_missing_migration_stops_the_start(ready: None) -> None:
    app, name = max(MigrationExecutor(connection).loader.graph.leaf_nodes())
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied(app, name)
    try:
        assert problem() == "1 database migrations are missing: run `manage.py init`"
    finally:
        recorder.record_applied(app, name)
    startup.verify()


def test_a_missing_keyring_stops_the_start(transactional_db: None) -> None:
    assert problem() == "this vault has no keyring yet: run `manage.py init`"


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (OTHER_KEY, "the master key is not the one that this vault's keyring was made with"),
        ("", "no master key: set DATABUNKER_MASTERKEY"),
        ("short", "the master key must be 32 bytes"),
    ],
)
def test_a_wrong_or_missing_master_key_stops_the_start(ready: None, settings: Any, key: str, says: str) -> None:
    settings.DATABUNKER_MASTERKEY = key
    message = problem()
    assert message.startswith(says)
    assert "DATABUNKER_MASTERKEY" in message or key == "short"
    assert OTHER_KEY not in message


def test_a_changed_keyring_stops_the_start(ready: None) -> None:
    WrappedKey.objects.filter(purpose="audit").delete()
    assert problem() == "the keyring holds no key for: audit"


def test_a_vault_that_nobody_could_call_does_not_start(committed_vault: None) -> None:
    assert problem() == "this vault has no root token: run `manage.py init`"
    new_token(TokenKind.ROOT)
    AccessToken.objects.update(revoked=1)
    assert problem() == "this vault has no root token: run `manage.py init`"


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("DEFAULT_COUNTRY", "XX", "DEFAULT_COUNTRY"),
        ("IDENTITY_FIELDS", ["Bad Name"], "IDENTITY_FIELDS"),
        ("USER_SCHEMA_FILE", "/nonexistent/schema.json", "USER_SCHEMA_FILE can't be read"),
    ],
)
def test_an_unusable_setting_stops_the_start(ready: None, settings: Any, setting: str, value: Any, says: str) -> None:
    setattr(settings, setting, value)
    assert says in problem()
