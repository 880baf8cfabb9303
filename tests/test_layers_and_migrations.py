"""The shape of the code itself: no migration is missing, and imports run in one direction."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.apps import apps
from django.core import checks
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from importlinter.application.use_cases import lint_imports
from importlinter.configuration import configure

from databunker.settings.environment import BASE_DIR

OURS = ("access", "audit", "crypto", "erasure", "gdpr", "notify", "vault")


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    out = io.StringIO()
    call_command("makemigrations", check=True, dry_run=True, stdout=out, stderr=out)
    assert "No changes detected" in out.getvalue()


@pytest.mark.django_db
def test_every_migration_is_applied() -> None:
    executor = MigrationExecutor(connection)
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []


def test_the_system_checks_find_nothing() -> None:
    assert checks.run_checks() == []


def test_every_table_knows_its_tenant() -> None:
    """But for the tenants themselves, and what is the whole vault's: the keyring, the end of its erasure journal, the
    marks of the sealer, and how the scheduler's tasks went.
    """
    without = {
        model._meta.db_table
        for label in OURS
        for model in apps.get_app_config(label).get_models()
        if "tenant" not in {field.name for field in model._meta.get_fields()}
    }
    whole = {"access_tenant", "audit_sealer", "crypto_key", "crypto_recovery_copy", "erasure_journal", "gdpr_task_run"}
    assert without == whole


def test_imports_run_in_the_directions_set_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BASE_DIR)
    configure()
    assert lint_imports(config_filename=str(BASE_DIR / "pyproject.toml"), cache_dir=None)


def test_every_package_of_ours_is_under_the_contracts() -> None:
    packages = {path.parent.name for path in Path(BASE_DIR).glob("*/__init__.py")} - {"tests"}
    import tomllib

    declared = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    assert packages == set(declared)
