"""Every table and column says what it holds and how it leaves; and what it says is so."""

from __future__ import annotations

import io

import pytest
from django.apps import apps
from django.core.management import call_command

from databunker.inventory import TABLES, Held, Leaves, columns_of
from databunker.settings.environment import BASE_DIR
from tests.attack.conftest import Person
from tests.conftest import Api

MODELS = {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}


def test_every_table_is_in_the_inventory() -> None:
    assert set(MODELS) == set(TABLES) - {"django_migrations"}


@pytest.mark.parametrize("table", MODELS)
def test_every_column_says_what_it_holds(table: str) -> None:
    """A column of text in clear has to be named: no personal data gets into the database because nobody looked."""
    unsaid = [column for column, held in columns_of(table).items() if held is None]
    assert unsaid == [], "say it in databunker/inventory.py"
    assert set(TABLES[table].words) <= set(columns_of(table))


def test_what_is_about_nobody_names_nobody() -> None:
    for table in MODELS:
        if TABLES[table].leaves is Leaves.NOBODYS:
            assert "subject" not in columns_of(table), table


def test_the_page_is_made_from_the_table() -> None:
    out = io.StringIO()
    call_command("show_data", stdout=out, no_color=True)
    page = (BASE_DIR / "docs" / "data.md").read_text(encoding="utf-8")
    assert page == out.getvalue(), "run `make docs-data`"


def test_rows_leave_as_the_inventory_says(api: Api) -> None:
    """Somebody with a row in every table that is about people is forgotten."""
    ann = Person("ann")
    api.as_person(ann.token)
    tables = {
        table: model
        for table, model in MODELS.items()
        if "subject" in columns_of(table) and table != "access_login_code"
    }

    def rows() -> dict[str, int]:
        return {table: model._default_manager.filter(subject=ann.subject).count() for table, model in tables.items()}

    before = rows()
    assert {table for table, count in before.items() if not count} <= {"notify_job", "erasure_entry", "erasure_receipt"}
    assert api.delete(f"/v1/user/token/{ann.token}").status_code == 200
    for table, count in rows().items():
        leaves = TABLES[table].leaves
        if leaves is Leaves.DELETED:
            assert count == 0, table
        elif leaves is Leaves.EMPTIED:
            assert count == 1, table
        elif leaves is Leaves.KEPT:
            assert count == before[table] + 1, table
        elif leaves is Leaves.STRIPPED:
            sealed = [column for column, held in columns_of(table).items() if held is Held.SEALED]
            assert count == before[table], table
            assert not tables[table]._default_manager.filter(subject=ann.subject).exclude(**dict.fromkeys(sealed)), (
                table
            )
        else:
            assert leaves is Leaves.SHREDDED
            assert count >= before[table], table
    assert Held.SEALED in columns_of("audit_event").values()
