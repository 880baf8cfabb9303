"""`manage.py demo_data`: a company with a past, made once, and never in a vault that is for something else."""

from __future__ import annotations

import io
import re
import time
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.models import Max, Min

from audit.models import Event, Leaf
from databunker.access.actor import operator
from databunker.access.models import AccessToken
from databunker.access.roles import Role
from databunker.accounts.actions import create_account
from databunker.ids import clock_at, unix_micros, unix_now
from databunker.management.demo import ACCOUNTS, PASSWORD
from databunker.management.demo.dice import Dice
from databunker.management.demo.people import profiles
from databunker.management.demo.story import happenings
from databunker.settings.environment import BASE_DIR
from databunker.watch.incidents import list_incidents
from gdpr.models import Agreement, AgreementEvent, Expiration, ProcessingActivity, RequestAction
from gdpr.queries import list_requests
from tests.conftest import Api
from tests.pages.conftest import Visitor, text_of
from vault.models import Record, Session, SharedRecord
from vault.queries import list_tokens

DAY = 86_400


def demo_data() -> str:
    out = io.StringIO()
    call_command("demo_data", stdout=out, no_color=True)
    return out.getvalue()


@pytest.fixture
def demo(vault: None, settings: Any) -> str:
    settings.DATABUNKER_DEMO = True
    return demo_data()


def test_it_is_made_once(demo: str) -> None:
    assert all(
        re.search(rf"^{name} +{role.value} +{PASSWORD}$", demo, re.MULTILINE) for name, (role, _) in ACCOUNTS.items()
    )
    people, events = Record.objects.count(), Event.objects.count()
    assert people == 40
    assert "It is there already." in demo_data()
    assert Record.objects.count() == people
    assert Event.objects.count() - events < 5


def test_requests_are_late_near_paused_and_decided(demo: str) -> None:
    now = unix_now()
    found = list_requests(operator(), status="open", offset=0, limit=100).requests
    dues = [request.clock.due(frozenset()) for request in found]
    assert dues.count(None) == 1, "one waits for a proof of identity"
    known = [due for due in dues if due is not None]
    assert sum(due < now for due in known) == 2
    assert sum(now <= due < now + 5 * DAY for due in known) >= 2
    assert sum(due > now + 14 * DAY for due in known) >= 3
    assert len({request.stored.action for request in found}) == len(RequestAction)


def test_everything_that_the_pages_show_is_there_and_lies_in_the_past(demo: str) -> None:
    now = unix_now()
    at = Event.objects.aggregate(first=Min("at"), last=Max("at"))
    assert at["first"] // 1_000_000 < now - 300 * DAY
    assert at["last"] // 1_000_000 <= now
    assert Leaf.objects.count() >= Event.objects.count() - 5, "the trail is sealed"
    months = {stored // (30 * DAY) for stored in AgreementEvent.objects.values_list("at", flat=True)}
    assert len(months) > 6
    assert Agreement.objects.count() > 60
    assert ProcessingActivity.objects.count() == 4
    assert Expiration.objects.filter(endtime__range=(now, now + 30 * DAY)).count() >= 4
    assert SharedRecord.objects.filter(expires__gt=now).count() == 3
    assert Session.objects.filter(expires__gt=now).exists()
    assert {incident.open for incident in list_incidents(operator(), offset=0, limit=9)[1]} == {True, False}
    used = {token.label: token.last_used for token in list_tokens(operator())}
    assert all(used[label] for label in ("shop", "helpdesk"))


def test_its_accounts_get_in_and_find_work(demo: str, settings: Any) -> None:
    settings.CONSOLE_SECOND_FACTOR = "optional"
    officer = Visitor()
    assert officer.post("/console/sign-in", name="dora", password=PASSWORD).status_code == 303
    page = text_of(officer.get("/console/requests"))
    assert "overdue" in page
    assert "awaits proof of identity" in page


def test_the_curl_lines_of_the_documents_meet_whom_they_name_and_nobody_else(demo: str, api: Api) -> None:
    for login in ("ann", "joao", "mika", "test"):
        assert api.get(f"/v1/user/login/{login}").status_code == 200
    customers = [api.get(f"/v1/user/login/customer{number:02}").status_code for number in range(1, 37)]
    assert customers.count(200) == 34, "one was forgotten, and of one processing is restricted"
    for name in ("README.md", "docs/quickstart.md"):
        for body in re.findall(
            r"-d '(\{[^']*\"email\"[^']*\})' http://127.0.0.1:3000/v1/user\b", (BASE_DIR / name).read_text()
        ):
            assert api.post("/v1/user", body).status_code == 200


def test_it_is_the_same_each_time() -> None:
    """Counted back from now; only tokens and ids are others."""
    first, second = happenings(2_000_000_000), happenings(2_000_000_000 + DAY)
    assert len(first) > 250
    assert [one.at + DAY for one in first] == [one.at for one in second]
    assert profiles(Dice("x")) == profiles(Dice("x")) != profiles(Dice("y"))


def test_a_vault_that_is_no_demonstration_is_left_alone(vault: None, settings: Any) -> None:
    settings.DATABUNKER_DEMO = False
    with pytest.raises(CommandError, match="DATABUNKER_DEMO is not set"):
        demo_data()
    assert not Record.objects.exists()
    assert not AccessToken.objects.filter(label="shop").exists()


def test_a_vault_with_people_is_left_alone(api: Api, settings: Any) -> None:
    settings.DATABUNKER_DEMO = True
    api.create(login="somebody")
    with pytest.raises(CommandError, match="somebody in the vault already"):
        demo_data()
    assert Record.objects.count() == 1


def test_half_a_demonstration_is_told_of(vault: None, settings: Any) -> None:
    settings.DATABUNKER_DEMO = True
    create_account(operator(), name="dora", role=Role.DPO)
    with pytest.raises(CommandError, match="half a demonstration"):
        demo_data()


def test_the_clock_goes_back_and_comes_again_whatever_happens(vault: None) -> None:
    def act() -> None:
        with clock_at(1_000_000_000):
            assert 0 <= unix_now() - 1_000_000_000 < 5
            assert 0 <= unix_micros() - 1_000_000_000_000_000 < 5_000_000
            with clock_at(2_000_000_000):
                assert 0 <= unix_now() - 2_000_000_000 < 5
            assert 0 <= unix_now() - 1_000_000_000 < 5
            raise RuntimeError

    with pytest.raises(RuntimeError):
        act()
    assert abs(unix_now() - time.time()) < 5
