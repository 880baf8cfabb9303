"""Whatever is sent to a page, by whoever is in: a page, in bounded time, and never a fault of ours."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import FORM, Api
from tests.support.walks import ODD

from .conftest import Visitor, make_account
from .forms import FORMS, filled
from .portal import come_in
from .test_no_audit_no_answer import person_with_everything
from .test_permission_matrix import TABLE, Row, path_of

SECONDS = 5  # a hundred times what is usual: a loaded machine is no failure, a hang is
_NAMES = sorted({name for fields in FORMS.values() for name in fields})
_QUERY = ("page", "size", "offset", "limit", "next", "q", "id", "before", "after", "since", "until", "who", "number", "status",
          "kind", "due", "assigned", "show", "app", "brief", "person", "subject", "request", "sort", "state", "text")  # fmt: skip
_TEXT = st.sampled_from([piece for piece in ODD if isinstance(piece, str)]) | st.text(max_size=20)


class Sent(NamedTuple):
    """`part` is what of the path is any text."""

    row: Row
    part: str
    query: list[tuple[str, str]]
    fields: list[tuple[str, str]]
    body: bytes | None
    type: str


def anything(rows: list[Row]) -> st.SearchStrategy[Sent]:
    return st.one_of([_to(row) for row in rows])


def _to(row: Row) -> st.SearchStrategy[Sent]:
    """Mostly the form as the page has it, with some of its fields changed, twice there, or missing."""
    own = sorted(FORMS.get(row.route, {}))
    name = st.sampled_from([*own * 3, *_NAMES]) | _TEXT
    fields = st.lists(st.tuples(name, _TEXT), max_size=4)
    query = st.lists(st.tuples(st.sampled_from(_QUERY), _TEXT), max_size=2)
    body = st.none() | st.none() | st.none() | st.binary(max_size=60)
    kind = st.sampled_from([FORM, FORM, "multipart/form-data; boundary=x", "application/json", ""])
    part = st.sampled_from(["shop", "news"]) | _TEXT.map(lambda text: quote(text, safe=""))
    return st.builds(Sent, st.just(row), part, query, fields, body, kind)


@contextmanager
def undone() -> Iterator[None]:
    """Nothing that is done in the block stays: whoever was in is in afterwards."""
    with transaction.atomic():
        transaction.get_connection().atomic_blocks[-1]._from_testcase = True
        yield
        transaction.set_rollback(True)


def check(rows: list[Row], visitor: Visitor, other: Visitor, examples: int) -> None:
    cookies = dict(visitor.client.cookies)
    paths = {row[:2]: path_of(row, visitor, other) for row in rows}

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(anything(rows))
    def one(call: Sent) -> None:
        client = Client(HTTP_HOST="localhost", HTTP_ACCEPT="text/html", raise_request_exception=False)
        client.cookies.update(cookies)
        path = paths[call.row[:2]].replace("/shop", f"/{call.part}").replace("/news", f"/{call.part}")
        with undone():
            began = time.monotonic()
            answer = sent(client, call, path)
            assert time.monotonic() - began < SECONDS, call
        assert answer.status_code < 500, (call, answer.status_code)

    one()


def sent(client: Client, call: Sent, path: str) -> Any:
    query = urlencode(call.query)
    if call.row.method == "GET":
        return drained(client.get(f"{path}?{query}"))
    form = [*filled(call.row.route, path).items(), *call.fields]
    body = urlencode(form).encode() if call.body is None else call.body
    kind = FORM if call.body is None else call.type
    return drained(client.generic("POST", f"{path}?{query}", body, content_type=kind))


def drained(answer: Any) -> Any:
    if answer.streaming:
        answer.getvalue()
    return answer


CONSOLE = [row for row in TABLE if row.route.startswith("console/")]
PORTAL = [row for row in TABLE if not row.route.startswith("console/")]


@pytest.fixture(autouse=True)
def _open(channels: None, settings: Any) -> None:
    """What is off or throttled by default would not be reached."""
    settings.LIST_USERS = "legacy"
    settings.CONSOLE_BREAK_GLASS = True
    settings.CONSOLE_TRIES_PER_ACCOUNT = settings.CONSOLE_TRIES_PER_ADDRESS = "100000/1h"
    for name in ("CODES_PER_PERSON", "CODES_PER_ADDRESS", "TRIES_PER_PERSON", "TRIES_PER_ADDRESS"):
        setattr(settings, f"LOGIN_{name}", "100000/1h")


@pytest.fixture
def ann(api: Api) -> str:
    return person_with_everything(api)


@pytest.fixture
def bob(ann: str) -> Visitor:
    return make_account("bob", "support")


@pytest.mark.parametrize("part", range(4))
def test_whatever_is_sent_to_the_console(bob: Visitor, part: int) -> None:
    check(CONSOLE[part::4], make_account("ada", "admin").sign_in(), bob, 60)


def test_whatever_is_sent_to_the_portal(bob: Visitor) -> None:
    check(PORTAL, come_in(), bob, 80)


def test_whatever_a_stranger_sends(bob: Visitor) -> None:
    check(TABLE, Visitor(), bob, 60)


@pytest.mark.slow
@pytest.mark.parametrize("row", TABLE, ids=[f"{row.method} {row.route}" for row in TABLE])
def test_whatever_is_sent_to_one_page(bob: Visitor, row: Row) -> None:
    visitor = make_account("ada", "admin").sign_in() if row in CONSOLE else come_in()
    check([row], visitor, bob, 25)
