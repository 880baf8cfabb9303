"""Every page of the portal takes few queries, however much there is of the person."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.conftest import Api
from tests.support.requests import asked

from .conftest import Visitor
from .portal import EMAIL, come_in
from .test_permission_matrix import pages

pytestmark = pytest.mark.usefixtures("channels")
MOST, ROWS = 10, 55


@pytest.fixture
def request_of_ann(api: Api, settings: Any) -> str:
    """Somebody of whom there is a lot; the token of a request."""
    settings.REQUESTS_PER_DAY = 0
    ann = api.create(email=EMAIL, fields={f"f{number}": number for number in range(ROWS)})
    for number in range(ROWS):
        api.post(f"/v1/lbasis/basis-{number}", {"basistype": "consent", "module": "cookie-popup"})
        api.post(f"/v1/agreement/basis-{number}/token/{ann}", {})
        api.post(f"/v1/userapp/token/{ann}/app{number}", {"n": number})
        api.post(f"/v1/session/{uuid.uuid4()}", {"token": ann, "n": number})
        api.post(f"/v1/sharedrecord/token/{ann}", {"partner": f"partner {number}"})
    person = api.as_person(ann)
    for number in range(ROWS):
        rtoken = asked(person, "PUT", f"/v1/userapp/token/{ann}/app{number}", {"n": -1})
    return rtoken


def test_each_page_takes_at_most_ten(request_of_ann: str) -> None:
    inside: Visitor = come_in()
    inside.get("/my/data")
    counted = {}
    for route, method in pages():
        if method != "GET" or not route.startswith("my/") or "report" in route:
            continue
        path = f"/{route}".replace("<uuid:rtoken>", request_of_ann)
        path = path.replace("<str:app>", "app1").replace("<str:brief>", "basis-1")
        with CaptureQueriesContext(connection) as queries:
            assert inside.get(path).status_code == 200, path
        counted[route] = len(queries)
    assert len(counted) > 10
    assert {route: count for route, count in counted.items() if count > MOST} == {}
