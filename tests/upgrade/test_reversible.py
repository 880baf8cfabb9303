"""Every migration can be undone, or says why not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.db.migrations.loader import MigrationLoader

from tests.support.databases import scratch_database
from tests.support.vaults import Vault

OURS = ("gdpr", "vault", "accounts", "watch", "erasure", "audit", "notify", "access", "crypto")


def test_every_migration_is_reversible_or_says_why_not() -> None:
    for (app, name), migration in MigrationLoader(None).disk_migrations.items():
        if all(operation.reversible for operation in migration.operations):
            continue
        said = __import__(migration.__module__, fromlist=["x"]).__doc__ or ""
        assert re.search(r"Not reversible: .{20,}", said), f"{app} {name}"


@pytest.mark.slow
def test_all_are_undone_and_done_again(tmp_path: Path) -> None:
    with scratch_database(tmp_path) as database:
        vault = Vault(database, tmp_path)
        assert vault.manage("migrate").code == 0
        made = database.tables()
        assert len(made) > 20
        for app in OURS:
            done = vault.manage("migrate", app, "zero")
            assert done.code == 0, done.err
        assert database.tables() == ["django_migrations"]
        vault.init()
        assert database.tables() == made
        assert vault.manage("verify").code == 0
