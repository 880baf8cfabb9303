"""No call goes through all that a vault has, whatever has come together there."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from tests.support.plans import asked, long_ways

from .matrix import MATRIX, Row, Scene

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="the other databases have statistics")

# The names of all applications are asked for.
ALL_OF_IT = {"GET /v1/userapps": {"vault_app_record"}}


@pytest.mark.parametrize("row", MATRIX, ids=[f"{row.method} {row.path}" for row in MATRIX])
def test_calls_find_their_rows_by_an_index(scene: Scene, settings: Any, row: Row) -> None:
    settings.LIST_USERS = "legacy"
    with asked() as statements:
        assert scene.call(next(iter(row.lets_in), "root"), row).status_code == 200
    found = {table for statement in statements for table in long_ways(statement)}
    assert found == ALL_OF_IT.get(f"{row.method} {row.path}", set())
