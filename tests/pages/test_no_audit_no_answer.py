"""No audit, no answer, at the pages: while no event can be written, none shows or changes what an event would tell of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from databunker.access.models import TokenKind
from databunker.accounts.models import WebSession
from tests.api.helpers import contents
from tests.api.test_no_audit_no_answer import refusing_trigger
from tests.conftest import Api, new_token

from .conftest import PASSWORD, Visitor, make_account
from .forms import filled
from .portal import EMAIL, ask, come, come_in
from .test_permission_matrix import TABLE, Row, path_of

pytestmark = pytest.mark.usefixtures("channels")

# What tells of no person and changes nothing, and so leaves no event: forms before they are sent, lists of what the
# operator has set up, what somebody sees of the own session, and what is refused at a form, as a key that is in use.
QUIET = {
    "GET console/",
    "GET console/signed-out",
    "GET console/confirm",
    "GET console/me",
    "GET console/me/password",
    "GET console/me/second-factor",
    "POST console/me/second-factor",
    "GET console/me/recovery-codes",
    "GET console/requests/together",
    "GET console/people",
    "GET console/people/<uuid:person>/edit",
    "GET console/people/<uuid:person>/report",
    "GET console/bases/new",
    "GET console/activities/new",
    "GET console/accounts/new",
    "POST console/accounts/<int:account>/enable",
    "GET console/tokens/new",
    "GET console/keys",
    "GET console/keys/rotate",
    "GET console/keys/<int:key>/retire",
    "POST console/keys/<int:key>/retire",
    "GET console/jobs",
}


@pytest.fixture
def ann(committed_api: Api) -> str:
    return person_with_everything(committed_api)


def person_with_everything(api: Api) -> str:
    """Somebody whom every page of the portal has something to show of."""
    ann = api.create(login="ann", email=EMAIL)
    api.post(f"/v1/userapp/token/{ann}/shop", {"size": 1})
    api.post("/v1/lbasis/news", {"shortdesc": "Letters", "usercontrol": True})
    api.post("/v1/lbasis/offers", {"shortdesc": "Offers"})
    api.post("/v1/pactivity/letters", {"legalbasis": "news"})
    api.post(f"/v1/agreement/news/token/{ann}", {})
    return ann


def whatever_stays() -> dict[str, Any]:
    """All but what is counted also of calls that fail, and when a session was last used."""
    counted = ("access_throttle", "access_used_captcha", "access_login_code", "account_session")
    return {table: rows for table, rows in contents().items() if table not in counted}


def silent(visitor: Visitor) -> Visitor:
    """Sees an answer where the server fails, as a browser does."""
    visitor.client.raise_request_exception = False
    return visitor


def sent(visitor: Visitor, row: Row, path: str) -> Any:
    return visitor.get(path) if row.method == "GET" else visitor.post(path, **filled(row.route, path))


def those_with_rows(visitor: Visitor, other: Visitor, rows: list[Row]) -> Iterator[tuple[Row, str]]:
    yield from [(row, path_of(row, visitor, other)) for row in rows]


def test_no_page_of_the_console_answers(ann: str) -> None:
    other, ada = make_account("bob", "support"), silent(make_account("ada", "admin").sign_in())
    rows = [row for row in TABLE if "admin" in row.allowed and row.route.startswith("console/")]
    assert_unanswered(ada, list(those_with_rows(ada, other, rows)))


def test_no_page_of_the_portal_answers(ann: str, committed_api: Api) -> None:
    inside = silent(come_in())
    asked = committed_api.as_person(ann).delete(f"/v1/user/token/{ann}").json()["rtoken"]
    rows = [row for row in TABLE if row.route.startswith("my/") or row.route == "sign-out"]
    paths = [path.replace("<uuid:rtoken>", asked) for path in (row.route for row in rows)]
    named = {"<str:app>": "shop", "<str:brief>": "news", "<slug:form>": "json"}
    for part, value in named.items():
        paths = [path.replace(part, value) for path in paths]
    assert_unanswered(inside, [(row, f"/{path}") for row, path in zip(rows, paths, strict=True)])


def assert_unanswered(visitor: Visitor, calls: list[tuple[Row, str]]) -> None:
    before = whatever_stays()
    answered = {}
    with refusing_trigger():
        for row, path in calls:
            answer = sent(visitor, row, path)
            assert whatever_stays() == before, row
            if answer.status_code != 503:
                answered[f"{row.method} {row.route}"] = answer.status_code
    assert set(answered) == {f"{row.method} {row.route}" for row, _ in calls} & QUIET


def test_a_refusal_that_no_event_tells_of_is_not_answered_either(ann: str) -> None:
    """Nobody can find out unseen what they may not."""
    other, sue = make_account("bob", "support"), silent(make_account("sue", "support").sign_in())
    rows = [row for row in TABLE if row.allowed and "support" not in row.allowed]
    calls = list(those_with_rows(sue, other, rows))
    assert len(calls) > 50
    before = whatever_stays()
    with refusing_trigger():
        for row, path in calls:
            assert sent(sue, row, path).status_code == 503, row
            assert whatever_stays() == before, row


def test_no_door_opens(ann: str, settings: Any) -> None:
    """Neither to those who may come in nor, as its refusal leaves an event, to those who may not."""
    settings.CONSOLE_BREAK_GLASS = True
    settings.CAPTCHA_PROOF_BITS = 4
    root, ada = new_token(TokenKind.ROOT), silent(make_account("ada", "admin"))
    stranger = silent(Visitor())
    assert ask(stranger).status_code == 200
    ada.post("/console/sign-in", name="ada", password=PASSWORD)
    before = whatever_stays()
    sessions = WebSession.objects.count()
    with refusing_trigger():
        for answer in (
            ada.post("/console/sign-in/code", code=ada.code()),
            ada.post("/console/sign-in/code", code="000000"),
            stranger.post("/console/sign-in", name="ada", password="wrong"),
            stranger.post("/console/sign-in", name="nobody", password="wrong"),
            stranger.post("/console/sign-in/root", token=root),
            stranger.post("/console/sign-in/root", token="wrong"),
            come(stranger),
            come(stranger, code="000000"),
        ):
            assert answer.status_code == 503
            assert whatever_stays() == before
        assert WebSession.objects.count() == sessions
    assert come(stranger)["Location"] == "/my/data", "and the code is not used up"
