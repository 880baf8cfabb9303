"""No page goes through all that a vault has, whatever has come together there."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection

from tests.conftest import Api
from tests.support.login import code_in, sent
from tests.support.plans import GROWING, asked, long_ways
from tests.support.requests import asked as requested

from . import portal
from .conftest import Visitor
from .test_permission_matrix import _DOORS, TABLE, again, ask, make_account, of_kind, pages, path_of

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


@pytest.mark.usefixtures("channels")
def test_the_portal_finds_its_rows_by_an_index(api: Api, settings: Any) -> None:
    settings.LOGIN_CODES_PER_PERSON = settings.LOGIN_TRIES_PER_PERSON = "99/1h"
    ann, session = api.create(email=portal.EMAIL, n=1), str(uuid.uuid4())
    assert api.post("/v1/lbasis/news", {"basistype": "consent"}).status_code == 200
    assert api.post(f"/v1/agreement/news/token/{ann}", {}).status_code == 200
    assert api.post(f"/v1/userapp/token/{ann}/shop", {"n": 1}).status_code == 200
    assert api.post(f"/v1/session/{session}", {"token": ann}).status_code == 200
    assert api.post(f"/v1/sharedrecord/token/{ann}", {"partner": "shop"}).status_code == 200
    rtoken = requested(api.as_person(ann), "PUT", f"/v1/userapp/token/{ann}/shop", {"n": 2})
    found: set[tuple[str, str]] = set()
    for route, method in pages():
        if not route.startswith("my/"):
            continue
        path = "/" + route.replace("<uuid:rtoken>", rtoken).replace("<slug:form>", "json")
        path = path.replace("<str:app>", "shop").replace("<str:brief>", "news")
        visitor = Visitor()
        with asked() as at_the_door:
            portal.ask(visitor)
        code = code_in(sent("mail")[-1])
        with asked() as statements:
            portal.come(visitor, code=code)
            answer = visitor.get(path) if method == "GET" else visitor.post(path)
        assert answer.status_code < 500, path
        assert method == "POST" or answer.status_code == 200, path
        found |= {(route, table) for statement in [*at_the_door, *statements] for table in long_ways(statement)}
    assert found == set()
