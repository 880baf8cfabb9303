"""Nobody reaches another person's page, or changes what is another's, by changing an address or a form's field."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest

from tests.conftest import Api
from tests.support.requests import asked

from .conftest import Visitor, text_of
from .portal import EMAIL, come_in
from .test_permission_matrix import pages

pytestmark = pytest.mark.usefixtures("channels")
SECRET = "0b5e55ed-only-bob-has-this"


@pytest.fixture
def bob(api: Api) -> str:
    return api.create(email="bob@example.com", note=SECRET)


@pytest.fixture
def inside(api: Api, bob: str) -> Visitor:
    """Ann, who tries."""
    api.create(email=EMAIL)
    return come_in()


def things_of(api: Api, bob: str) -> dict[str, str]:
    """One of each that a form or an address can name, all of them Bob's."""
    session = str(uuid.uuid4())
    api.post(f"/v1/session/{session}", {"token": bob, "note": SECRET})
    api.post(f"/v1/userapp/token/{bob}/shop", {"note": SECRET})
    other = come_in("bob@example.com")
    page = other.get("/my/sign-ins").content.decode()
    (handle,) = re.findall(r'name="session" value="(\w+)"', page)
    return {
        "rtoken": asked(api.as_person(bob), "PUT", f"/v1/user/token/{bob}", {"note": SECRET * 2}),
        "share": api.post(f"/v1/sharedrecord/token/{bob}", {"partner": SECRET}).json()["record"],
        "session": handle,
        "sign_in": re.findall(r'name="sign_in" value="(\d+)"', page)[0],
        "token": bob,
        "identity": bob,
        "person": bob,
        "subject": bob,
    }


def state_of(api: Api, bob: str) -> dict[str, Any]:
    """All that is kept of Bob, but for who has looked at it."""
    report: dict[str, Any] = api.get(f"/v1/user/token/{bob}/report").json()["report"]
    return {name: part for name, part in report.items() if name not in ("generated", "accesses", "accesses_total")}


def test_no_page_takes_anybody_elses_for_ones_own(inside: Visitor, api: Api, bob: str) -> None:
    theirs = things_of(api, bob)
    fields = {**theirs, "version": "1", "word": "delete", "ground": "claims", "brief": "", "text": "1", "all": "1"}
    before, tried = state_of(api, bob), 0
    for route, method in pages():
        if not route.startswith("my/") or route in ("my/delete", "my/rights/restrict"):
            continue
        path = f"/{route}".replace("<uuid:rtoken>", theirs["rtoken"]).replace("<str:app>", "shop")
        path = path.replace("<str:brief>", "news").replace("<slug:form>", "json")
        query = "&".join(f"{name}={value}" for name, value in theirs.items())
        answer = inside.get(f"{path}?{query}") if method == "GET" else inside.post(path, "/my/data", **fields)
        assert SECRET not in answer.content.decode(), route
        tried += 1
    assert tried > 20
    assert state_of(api, bob) == before


@pytest.mark.parametrize("path", ["/my/requests/{rtoken}", "/my/requests/" + str(uuid.UUID(int=7))])
def test_a_request_of_another_looks_like_none(inside: Visitor, api: Api, bob: str, path: str) -> None:
    answer = inside.get(path.format(**things_of(api, bob)))
    assert answer.status_code == 403
    assert "This is not for you" in text_of(answer)


def test_what_is_deleted_or_restricted_is_ones_own(inside: Visitor, api: Api, bob: str, settings: Any) -> None:
    settings.SELFSERVICE_FORGET_ME = True
    inside.post("/my/rights/restrict", "/my/rights", ground="claims", token=bob, identity=bob)
    assert api.get(f"/v1/user/token/{bob}").status_code == 200
    inside.post("/my/delete", word="delete", token=bob, identity=bob, mode="token")
    assert api.get(f"/v1/user/token/{bob}").status_code == 200
    assert api.get(f"/v1/user/email/{EMAIL}").status_code == 404
