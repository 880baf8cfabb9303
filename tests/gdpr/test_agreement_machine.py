"""Agreements under any order of events: the history always tells the state, and no state is illegal.

A model in a few dictionaries says what must be; after each step the database is compared with it.
"""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from databunker.access.actor import Actor, ActorKind
from databunker.errors import NotFound
from gdpr import actions, queries
from gdpr.agreement_states import TRANSITIONS, AgreementStatus, Change
from gdpr.models import Agreement, AgreementEvent
from vault import actions as vault_actions

NOW = 1_900_000_000
PEOPLE = ("ann", "ben")
BRIEFS = ("news", "terms")
ACTOR = Actor(ActorKind.ADMIN, token_id=7)

people, briefs = st.sampled_from(PEOPLE), st.sampled_from(BRIEFS)


def email_of(name: str) -> str:
    return f"{name}@example.com"


class Agreements(RuleBasedStateMachine):
    """People who come and go by the e-mail of their name; what is said of them goes by that e-mail all the time."""

    @initialize()
    def begin(self) -> None:
        self.clock = time_machine.travel(NOW, tick=False)
        self.now = self.clock.start()
        self.tokens: dict[str, str] = {}
        # By name and brief: the last status and its end, and how many lines of history there must be.
        self.said: dict[tuple[str, str], tuple[str, int | None]] = {}
        self.lines: dict[tuple[str, str], int] = {}
        for brief in BRIEFS:
            actions.save_legal_basis(ACTOR, brief=brief, wish={})

    def teardown(self) -> None:
        if hasattr(self, "clock"):
            self.clock.stop()

    def _end(self, name: str, *of: str) -> None:
        """What is over of the person's ends when it is touched."""
        for brief in of or BRIEFS:
            status, ends = self.said.get((name, brief), ("", None))
            if status == "yes" and ends is not None and ends <= time():
                self._say(name, brief, "expired", ends)

    def _touch(self, name: str, brief: str) -> None:
        """Who speaks for a person settles all of that person's; for an unknown identity, what is spoken of."""
        self._end(name, *(() if name in self.tokens else (brief,)))

    def _say(self, name: str, brief: str, status: str, ends: int | None) -> None:
        key = (name, brief)
        self.said[key] = (status, ends)
        self.lines[key] = self.lines.get(key, 0) + 1

    def _who(self, name: str, by_token: bool) -> dict[str, str]:
        if by_token and name in self.tokens:
            return {"mode": "token", "identity": self.tokens[name]}
        return {"mode": "email", "identity": email_of(name)}

    @rule(name=people, brief=briefs, by_token=st.booleans(), seconds=st.sampled_from([None, 5, 20]))
    def accept(self, name: str, brief: str, by_token: bool, seconds: int | None) -> None:
        self._touch(name, brief)
        wish: dict[str, Any] = {} if seconds is None else {"expiration": f"{seconds}s"}
        actions.accept_agreement(ACTOR, brief=brief, **self._who(name, by_token), wish=wish)
        self._say(name, brief, "yes", None if seconds is None else time() + seconds)

    @rule(name=people, brief=briefs, by_token=st.booleans())
    def withdraw(self, name: str, brief: str, by_token: bool) -> None:
        self._touch(name, brief)
        actions.withdraw_agreement(ACTOR, brief=brief, **self._who(name, by_token), wish={})
        self._say(name, brief, "no", None)

    @rule(brief=briefs)
    def revoke_all(self, brief: str) -> None:
        # What is over but was not looked at since is revoked, not expired: nobody has seen it expire.
        given = [key for key, (status, _) in self.said.items() if key[1] == brief and status == "yes"]
        assert actions.revoke_agreements(ACTOR, brief=brief) == len(given)
        for key in given:
            self._say(*key, "revoked", self.said[key][1])

    @rule(seconds=st.integers(1, 15))
    def wait(self, seconds: int) -> None:
        self.now.shift(seconds)  # type: ignore[attr-defined]

    @rule(limit=st.sampled_from([1, 100]))
    def expire(self, limit: int) -> None:
        over = [
            key for key, (status, ends) in self.said.items() if status == "yes" and ends is not None and ends <= time()
        ]
        assert actions.expire_agreements(time(), limit) == min(limit, len(over))
        actions.expire_agreements(time(), 100)
        for name in PEOPLE:
            self._end(name)

    @rule(name=people)
    def come(self, name: str) -> None:
        if name not in self.tokens:
            self.tokens[name] = str(vault_actions.create_record(ACTOR, profile={"email": email_of(name)}))

    @rule(name=people)
    def rename_and_back(self, name: str) -> None:
        """What was pending is bound under the old address."""
        if name in self.tokens:
            for address in (f"{name}.other@example.com", email_of(name)):
                vault_actions.change_record(ACTOR, mode="token", identity=self.tokens[name], change={"email": address})

    @rule()
    def bind(self) -> None:
        actions.bind_pending(100)
        assert not Agreement.objects.filter(digest__isnull=False).exists() or set(self.tokens) != set(PEOPLE)

    @rule(name=people)
    def forget(self, name: str) -> None:
        if name in self.tokens:
            vault_actions.forget_person(ACTOR, mode="token", identity=self.tokens.pop(name))
            for brief in BRIEFS:
                self.said.pop((name, brief), None)
                self.lines.pop((name, brief), None)

    @rule(name=people, by_token=st.booleans())
    def look(self, name: str, by_token: bool) -> None:
        self._end(name)
        try:
            found = queries.list_agreements(ACTOR, **self._who(name, by_token))
        except NotFound:
            found = []
        assert {view.brief: view.status for view in found} == {
            brief: status for (who, brief), (status, _) in self.said.items() if who == name
        }
        assert all(view.token == self.tokens.get(name, "") for view in found)

    @rule(name=people, brief=briefs)
    def look_at_the_history(self, name: str, brief: str) -> None:
        self._end(name)
        try:
            lines = queries.read_history(ACTOR, brief=brief, **self._who(name, by_token=False)).lines
        except NotFound:
            lines = []
        assert len(lines) == self.lines.get((name, brief), 0)
        assert (name, brief) not in self.said or lines[-1].status == self.said[name, brief][0]

    @invariant()
    def the_history_tells_the_state_and_every_step_is_allowed(self) -> None:
        rows = list(Agreement.objects.all())
        assert AgreementEvent.objects.count() == sum(self.lines.values())
        assert len(rows) == len(self.said)
        for row in rows:
            events = list(AgreementEvent.objects.filter(agreement=row.id).order_by("number"))
            assert [event.number for event in events] == list(range(1, row.number + 1))
            assert {(event.subject, event.basis, event.tenant) for event in events} == {
                (row.subject, row.basis, row.tenant)
            }
            last = events[-1]
            assert (last.status, last.at, last.ends) == (row.status, row.changed, row.ends)
            assert [event.at for event in events] == sorted(event.at for event in events)
            before: AgreementStatus | None = None
            for event in events:
                after = AgreementStatus(event.status)
                assert any(before in sources and after is made for sources, made in TRANSITIONS.values())
                assert (event.words is None) == (after in (AgreementStatus.EXPIRED, AgreementStatus.REVOKED))
                before = after


def time() -> int:
    from databunker.ids import unix_now

    return unix_now()


@pytest.mark.parametrize("examples", [10, pytest.param(60, marks=pytest.mark.slow)])
def test_the_history_always_tells_the_state(vault: None, examples: int) -> None:
    class Isolated(Agreements):
        """Each example begins with an empty vault."""

        def __init__(self) -> None:
            super().__init__()
            self.transaction = transaction.atomic()
            self.transaction.__enter__()

        def teardown(self) -> None:
            super().teardown()
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    run_state_machine_as_test(
        Isolated,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        ),
    )


@pytest.mark.parametrize("change", Change)
def test_every_change_has_its_row_in_the_table(change: Change) -> None:
    assert change in TRANSITIONS


def test_only_what_was_given_is_revoked_or_expires() -> None:
    from databunker.errors import Conflict
    from gdpr.agreement_states import advance

    for change in (Change.REVOKE, Change.EXPIRE):
        for status in (None, AgreementStatus.NO, AgreementStatus.EXPIRED, AgreementStatus.REVOKED):
            with pytest.raises(Conflict):
                advance(status, change)
    for status in (None, *AgreementStatus):
        assert advance(status, Change.ACCEPT) is AgreementStatus.YES
        assert advance(status, Change.WITHDRAW) is AgreementStatus.NO
