"""Backups in the hands of tests: taken, cut into their frames, and put back."""

from __future__ import annotations

import io
import itertools
from typing import Any

from django.apps import apps
from django.db import connection

from databunker.access import tokens
from databunker.access.actor import operator
from databunker.backup import Restored, create_backup, restore_backup
from databunker.backup.format import LENGTH, PREFIX
from databunker.backup.tables import tables
from databunker.crypto import store
from databunker.crypto.secret_stream import STREAM_HEADER_BYTES
from vault.actions import waive_journal

__all__ = ["cut", "emptied", "everything", "restored", "taken"]


def taken() -> bytes:
    """A backup of the vault as it is now."""
    backup = create_backup(operator())
    try:
        return b"".join(backup)
    finally:
        backup.close()


def emptied() -> None:
    """The database as `manage.py migrate` has made it, and a process that knows nothing of what was there."""
    with connection.cursor() as cursor, connection.constraint_checks_disabled():
        for table in tables():
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table.name)}")
    store.forget_cached()
    tokens.forget_cached()


def restored(backup: bytes, *, serves: bool = True, **options: Any) -> Restored:
    """With `serves` it is said that there is no erasure journal."""
    try:
        result = restore_backup(operator(), io.BytesIO(backup), **options)
        if serves:
            waive_journal(operator(), reason="a test")
        return result
    finally:
        tokens.forget_cached()


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    return {
        model._meta.db_table: sorted((_plain(row) for row in _rows(model)), key=repr)
        for model in apps.get_models(include_auto_created=True)
    }


def _rows(model: Any) -> Any:
    columns = [field.attname for field in model._meta.concrete_fields if field.column]
    return model._default_manager.values_list(*columns)


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)


def cut(backup: bytes) -> tuple[bytes, list[bytes]]:
    """What stands before the frames, and the frames, each with its length."""
    at = PREFIX.size + PREFIX.unpack_from(backup)[2] + STREAM_HEADER_BYTES
    ends = [at]
    while ends[-1] < len(backup):
        (length,) = LENGTH.unpack_from(backup, ends[-1])
        ends.append(ends[-1] + LENGTH.size + length)
    return backup[:at], [backup[start:end] for start, end in itertools.pairwise(ends)]
