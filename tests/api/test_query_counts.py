"""How many statements the hot paths send, as reviewed baselines: a change of a number is a change of speed.

BEGIN, COMMIT and savepoints count: each is a round trip. The caller's token and the keyring are in the cache, as
they are between two requests in production.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.conftest import Api

PEOPLE = [
    {"login": f"p{number}", "email": f"p{number}@example.com", "phone": f"+447700800{number:03}"}
    for number in range(100)
]

BASELINES: dict[str, dict[str, int]] = {
    "get by token": {"postgresql": 1, "mysql": 2, "sqlite": 2},
    "get by e-mail": {"postgresql": 2, "mysql": 2, "sqlite": 2},
    "create": {"postgresql": 1, "mysql": 5, "sqlite": 5},
    "update by token": {"postgresql": 2, "mysql": 6, "sqlite": 6},
    "update of an identity": {"postgresql": 7, "mysql": 9, "sqlite": 9},
    # One DELETE, or a look, for each table that holds something of a person; four for the erasure journal, and a receipt.
    "delete by token": {"postgresql": 24, "mysql": 24, "sqlite": 24},
    "list ten people": {"postgresql": 4, "mysql": 4, "sqlite": 4},
    "list the events of a person": {"postgresql": 4, "mysql": 4, "sqlite": 4},
    "bulk of 100": {"postgresql": 5, "mysql": 5, "sqlite": 5},
    "refusal of a stranger": {"postgresql": 1, "mysql": 1, "sqlite": 1},
    "status": {"postgresql": 1, "mysql": 1, "sqlite": 1},
}

CALLS: dict[str, Callable[[Api, str], Any]] = {
    "get by token": lambda api, token: api.get(f"/v1/user/token/{token}"),
    "get by e-mail": lambda api, token: api.get("/v1/user/email/ann@example.com"),
    "create": lambda api, token: api.post(
        "/v1/user", {"login": "new", "email": "n@example.com", "phone": "07700900123"}
    ),
    "update by token": lambda api, token: api.put(f"/v1/user/token/{token}", {"note": "x"}),
    "update of an identity": lambda api, token: api.put(f"/v1/user/token/{token}", {"login": "anna"}),
    "delete by token": lambda api, token: api.delete(f"/v1/user/token/{token}"),
    "list ten people": lambda api, token: api.post("/v1/users"),
    "list the events of a person": lambda api, token: api.get(f"/v1/audit/list/{token}"),
    "bulk of 100": lambda api, token: api.post("/v1/users/bulk", {"records": PEOPLE}),
    "refusal of a stranger": lambda api, token: Api().get(f"/v1/user/token/{token}"),
    "status": lambda api, token: api.get("/v1/status"),
}


def test_every_call_has_a_baseline() -> None:
    assert set(CALLS) == set(BASELINES)


@pytest.mark.parametrize("name", CALLS)
def test_a_call_sends_no_more_statements_than_reviewed(committed_api: Api, settings: Any, name: str) -> None:
    settings.LIST_USERS = "legacy"
    # The first forgetting ever begins the journal of erasures.
    committed_api.delete(f"/v1/user/token/{committed_api.create(login='gone')}")
    token = committed_api.create(login="ann", email="ann@example.com", phone="07700 900001")
    with CaptureQueriesContext(connection) as captured:
        answer = CALLS[name](committed_api, token)
    assert answer.status_code == (403 if name == "refusal of a stranger" else 200), answer.content
    statements = [query["sql"][:160] for query in captured.captured_queries]
    assert len(statements) == BASELINES[name][connection.vendor], "\n".join(statements)
