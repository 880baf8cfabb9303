"""A vault in which something stands in every column that is sealed under a data key."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from databunker.access.actor import operator
from databunker.accounts import rows, sessions
from databunker.accounts.actions import create_account
from databunker.crypto import envelope
from databunker.crypto.models import WrappedKey
from databunker.ids import unix_now
from databunker.keys import holdings
from databunker.notify import jobs, outbox
from databunker.notify.models import Job
from gdpr import actions as workflows
from gdpr.importing import progress
from tests.conftest import Api

EMAIL = "nobody-yet@example.com"
SOURCE = bytes(range(16))


@dataclass
class Everything:
    """People and what belongs to nobody; `check` reads all of it, in whatever keys it stands."""

    api: Api
    people: dict[str, str] = field(default_factory=dict)
    session: str = field(default_factory=lambda: str(uuid.uuid4()))
    page: sessions.Session = field(init=False)

    def fill(self, people: int) -> None:
        for number in range(people):
            name = f"person{number}"
            self.people[name] = self.api.create(login=name, secret=f"of {name}")
        self.api.post(f"/v1/session/{self.session}", {"secret": "of nobody"})
        workflows.save_legal_basis(operator(), brief="news", wish={"shortdesc": "Letters"})
        workflows.accept_agreement(
            operator(), brief="news", mode="email", identity=EMAIL, wish={"referencecode": "by paper"}
        )
        progress.begin(1, SOURCE)
        outbox.webhook(1, {"action": "badlogin", "mode": "email", "identity": EMAIL})
        create_account(operator(), name="dpo", role="dpo", display_name="Officer")
        self.page = sessions.Session(sessions.Audience.CONSOLE)
        self.page.begin(seconds=3600, word="of the page")

    def check(self) -> None:
        for name, token in self.people.items():
            answer = self.api.get(f"/v1/user/login/{name}")
            assert answer.status_code == 200, answer.content
            assert (answer.json()["token"], answer.json()["data"]["secret"]) == (token, f"of {name}")
        assert self.api.get(f"/v1/session/{self.session}").json()["data"]["secret"] == "of nobody"
        found = self.api.get(f"/v1/agreement/news/email/{EMAIL}")
        assert found.json()["data"]["referencecode"] == "by paper", found.content
        assert progress.find(1, SOURCE) is not None
        of_nobody = Job.objects.filter(generation=0, subject=None)
        assert {EMAIL.encode() in (jobs.open_payload(job) or b"") for job in of_nobody} == {True}
        account = rows.by_name("dpo", tenant=1)
        assert account is not None
        assert account.private.display_name == "Officer"
        assert sessions.load(sessions.Audience.CONSOLE, self.page.key)["word"] == "of the page"
        assert self.api.get("/v1/audit/admin?limit=100").status_code == 200


def filled(api: Api, settings: Any) -> Everything:
    made = Everything(api)
    settings.NOTIFICATION_URL = "https://hooks.example.com/"
    made.fill(3)
    # What tells of people is sealed under their keys.
    Job.objects.exclude(generation=0).delete()
    return made


@pytest.fixture
def everything(api: Api, settings: Any) -> Everything:
    return filled(api, settings)


@pytest.fixture
def committed_everything(committed_api: Api, settings: Any) -> Everything:
    """Really committed, so that other connections see it."""
    return filled(committed_api, settings)


@pytest.fixture
def later(time_machine: Any) -> Callable[[int], None]:
    """Let so many seconds pass."""

    def shift(seconds: int) -> None:
        time_machine.shift(seconds)

    time_machine.move_to(unix_now(), tick=False)
    return shift


def data_keys_in_use() -> dict[str, set[int]]:
    """For each column that is sealed under data keys, which of them."""
    found = {}
    for holding in holdings.under(holdings.Purpose.DATA):
        for column in holding.columns:
            values = holding.rows().values_list(column, flat=True)
            found[f"{holding.model._meta.db_table}.{column}"] = {envelope.key_id_of(bytes(one)) for one in values}
    return found


def backdate(key_id: int, seconds: int) -> None:
    """As if the key had been made so long ago."""
    WrappedKey.objects.filter(pk=key_id).update(created=unix_now() - seconds)
