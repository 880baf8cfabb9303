"""Requests under every order of steps: whatever is tried, each is in a state that it may be in, and done at most once."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from databunker.access.actor import Actor, ActorKind
from databunker.errors import Conflict
from gdpr import actions, queries
from gdpr.clock import months_later
from gdpr.models import Request
from gdpr.requests import request_digest
from gdpr.states import State
from vault import actions as vault
from vault.queries import read_record
from vault.references import subject_of

START = 1_795_521_600  # 24 November 2026
DAY = 86_400
SHOP = "shop"
ROOT = Actor(ActorKind.ROOT, token_id=1)
VALUES = st.integers(1, 3)


@dataclass
class Known:
    """What the machine itself believes of a request, by rules written down once more and in other words."""

    kind: str
    value: Any
    original: Any
    received: int
    state: str = "open"
    extended: bool = False
    asked: int | None = None
    verified: int | None = None

    @property
    def undecided(self) -> bool:
        return self.state in ("open", "awaiting-identity")

    def last_second(self, months: int) -> int:
        """The end of the period of so many months, by the number of days since 1970."""
        day = date.fromordinal(date(1970, 1, 1).toordinal() + self.received // DAY)
        pause = 0 if self.verified is None or self.asked is None else (self.verified - self.asked) // DAY
        due = months_later(day, months).toordinal() + pause
        while date.fromordinal(due).weekday() >= 5:
            due += 1
        return (due - date(1970, 1, 1).toordinal() + 1) * DAY - 1


class Requests(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.travel = time_machine.travel(START, tick=False)
        self.clock = self.travel.start()
        self.now = START
        self.known: dict[str, Known] = {}
        self.data: dict[str, Any] = {"change-profile": 0, "change-app-data": None}
        self.forgotten = False

    def teardown(self) -> None:
        self.travel.stop()

    @initialize()
    def somebody(self) -> None:
        self.token = str(vault.create_record(ROOT, profile={"login": uuid.uuid4().hex, "n": 0}))
        self.subject = subject_of(uuid.UUID(self.token), tenant=1)
        self.who: dict[str, Any] = {"mode": "token", "identity": self.token}
        self.person = Actor(ActorKind.PERSON, token_id=2, subject=self.subject)

    # --- asking

    def ask(self, kind: str, value: Any, outcome: Any) -> None:
        waiting = [(token, known) for token, known in self.known.items() if known.kind == kind and known.undecided]
        try:
            result = outcome()
        except Conflict as refused:
            ((token, known),) = waiting
            assert known.value != value
            assert refused.shown == {"rtoken": token}
            return
        if isinstance(result, actions.Done):
            assert kind == "change-profile"
            assert self.data[kind] == value, "only what changes nothing is done at once"
            return
        if waiting:
            ((token, known),) = waiting
            assert (str(result.token), result.existed, known.value) == (token, True, value)
            return
        assert not result.existed
        self.known[str(result.token)] = Known(kind, value, self.data.get(kind), self.now)

    @precondition(lambda self: not self.forgotten)
    @rule(value=VALUES)
    def ask_to_change_the_profile(self, value: int) -> None:
        self.ask("change-profile", value, lambda: actions.change_profile(self.person, **self.who, change={"n": value}))

    @precondition(lambda self: not self.forgotten)
    @rule(value=VALUES)
    def ask_to_store_app_data(self, value: int) -> None:
        data = {"n": value}
        self.ask("change-app-data", data, lambda: actions.store_app_data(self.person, **self.who, app=SHOP, data=data))

    @precondition(lambda self: not self.forgotten)
    @rule()
    def ask_to_be_forgotten(self) -> None:
        self.ask("forget-me", None, lambda: actions.forget_me(self.person, **self.who))

    # --- what happens beside the requests

    @precondition(lambda self: not self.forgotten)
    @rule(value=VALUES)
    def change_the_profile(self, value: int) -> None:
        vault.change_record(ROOT, **self.who, change={"n": value, "other": value})
        self.data["change-profile"] = value

    @precondition(lambda self: not self.forgotten)
    @rule(value=VALUES)
    def store_app_data(self, value: int) -> None:
        vault.store_app_data(ROOT, **self.who, app=SHOP, data={"n": value})
        self.data["change-app-data"] = {"n": value}

    @rule(days=st.integers(0, 40), seconds=st.integers(0, DAY))
    def wait(self, days: int, seconds: int) -> None:
        self.now += days * DAY + seconds
        self.clock.move_to(self.now)

    @precondition(lambda self: len(self.known) > 3)
    @rule()
    def forget_without_asking(self) -> None:
        vault.forget_person(ROOT, **self.who)
        self.forget()

    def forget(self) -> None:
        self.forgotten = True
        for known in self.known.values():
            if known.undecided:
                known.state = "approved" if known.kind == "forget-me" else "canceled"

    # --- steps

    def step(self, data: st.DataObject, allowed: Any, act: Any) -> tuple[str, Known] | None:
        """A request on which the step was taken; None where it was refused, as it had to be."""
        token = data.draw(st.sampled_from(list(self.known)))
        known = self.known[token]
        may = allowed(known)
        try:
            act(token)
        except Conflict:
            assert not may
            return None
        assert may
        return token, known

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def approve(self, data: st.DataObject) -> None:
        def fresh(known: Known) -> bool:
            return known.state == "open" and (known.kind == "forget-me" or known.original == self.data[known.kind])

        taken = self.step(data, fresh, lambda token: actions.approve_request(ROOT, rtoken=token, reason="fine"))
        if taken is not None:
            known = taken[1]
            known.state = "approved"
            if known.kind == "forget-me":
                self.forget()
            else:
                self.data[known.kind] = known.value

    @precondition(lambda self: self.known)
    @rule(data=st.data(), own=st.booleans())
    def cancel(self, data: st.DataObject, own: bool) -> None:
        actor = self.person if own else ROOT
        taken = self.step(
            data, lambda known: known.undecided, lambda token: actions.cancel_request(actor, rtoken=token)
        )
        if taken is not None:
            taken[1].state = "canceled" if own else "refused"

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def extend(self, data: st.DataObject) -> None:
        def allowed(known: Known) -> bool:
            running = known.state == "awaiting-identity" or self.now <= known.last_second(1)
            return known.undecided and not known.extended and running

        taken = self.step(data, allowed, lambda token: actions.extend_request(ROOT, rtoken=token, reason="many"))
        if taken is not None:
            taken[1].extended = True

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def ask_for_proof(self, data: st.DataObject) -> None:
        def allowed(known: Known) -> bool:
            due = known.last_second(3 if known.extended else 1)
            return known.state == "open" and known.asked is None and self.now <= due

        taken = self.step(data, allowed, lambda token: actions.ask_for_identity(ROOT, rtoken=token, reason="odd"))
        if taken is not None:
            taken[1].state, taken[1].asked = "awaiting-identity", self.now

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def verify(self, data: st.DataObject) -> None:
        taken = self.step(
            data,
            lambda known: known.state == "awaiting-identity",
            lambda token: actions.verify_identity(ROOT, rtoken=token),
        )
        if taken is not None:
            taken[1].state, taken[1].verified = "open", self.now

    # --- what always holds

    @invariant()
    def every_request_is_where_it_should_be(self) -> None:
        rows = {row.digest: row for row in Request.objects.filter(subject=self.subject)}
        assert len(rows) == len(self.known)
        for token, known in self.known.items():
            row = rows[request_digest(uuid.UUID(token), tenant=1)]
            assert State(row.state).label == known.state
            assert (row.slot is not None) == known.undecided
            assert (row.decided is not None) == (row.decided_kind is not None) == (not known.undecided)
            assert (row.created, row.asked, row.verified) == (known.received, known.asked, known.verified)
            assert (row.extended is not None) == known.extended
            assert (row.terms is None) == self.forgotten
        kinds = [known.kind for known in self.known.values() if known.undecided]
        assert len(kinds) == len(set(kinds)), "one of a kind"

    @invariant()
    def the_person_is_as_was_decided(self) -> None:
        record = read_record(ROOT, **self.who)
        assert record.forgotten == self.forgotten
        if not self.forgotten:
            assert record.profile()["n"] == self.data["change-profile"]

    @invariant()
    def every_request_can_be_read(self) -> None:
        for token, known in self.known.items():
            view = queries.read_request(ROOT, rtoken=token)
            assert view.request.state.label == known.state
            assert view.wish.change == (None if self.forgotten or known.kind == "forget-me" else _sent(known))


def _sent(known: Known) -> Any:
    return known.value if known.kind == "change-app-data" else {"n": known.value}


@pytest.mark.parametrize("examples", [10, pytest.param(60, marks=pytest.mark.slow)])
def test_no_order_of_steps_leads_astray(vault: None, examples: int) -> None:
    checks = settings(
        max_examples=examples,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    run_state_machine_as_test(Requests, settings=checks)
