"""No page goes through all that a vault has, whatever has come together there."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from tests.support.plans import GROWING, asked, long_ways

from .test_permission_matrix import _DOORS, TABLE, again, ask, make_account, of_kind, path_of

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="the other databases have statistics")


# Pages that operators seldom see.
ALL_OF_IT = {
    ("console/messages", "notify_job"),
    ("console/tokens", "access_token"),
    *(("console/keys/<int:key>/retire", table) for table in GROWING),
}


@pytest.mark.parametrize("kind", ["admin", "dpo"])
def test_pages_find_their_rows_by_an_index(vault: None, settings: Any, kind: str) -> None:
    other = make_account("bob", "support")
    visitor = of_kind(kind, settings)
    found: set[tuple[str, str]] = set()
    for row in TABLE:
        if row.route in _DOORS or row.route.startswith("my/") or kind not in row.allowed:
            continue
        if row.route == "console/sign-out" or "session" in row.route or visitor.get("/console/").status_code != 200:
            visitor = again(visitor, kind, settings)
        path = path_of(row, visitor, other)
        with asked() as statements:
            ask(visitor, row, path)
        found |= {(row.route, table) for statement in statements for table in long_ways(statement)}
    assert found - ALL_OF_IT == set()
