"""The table of states."""

from __future__ import annotations

import itertools

import pytest

from databunker.errors import Conflict
from gdpr.states import DECIDED, TRANSITIONS, UNDECIDED, State, Step, advance, states_of


def test_a_decision_is_final() -> None:
    for state, step in itertools.product(DECIDED, Step):
        with pytest.raises(Conflict) as refused:
            advance(state, step)
        assert refused.value.message == f"wrong status: {state.label}"


def test_only_an_open_request_is_approved() -> None:
    """Whose identity is in doubt gets nothing; that forgetting fulfils a request is no approval of ours."""
    assert {state for state, step in TRANSITIONS if step is Step.APPROVE} == {State.OPEN}


def test_every_undecided_request_can_be_ended_in_every_way() -> None:
    for state in UNDECIDED:
        ends = {advance(state, step) for step in Step if (state, step) in TRANSITIONS}
        assert ends >= DECIDED - {State.APPROVED}
        assert advance(state, Step.FULFIL) is State.APPROVED
        assert advance(state, Step.LAPSE) is State.CANCELED
        assert advance(state, Step.REFUSE) is State.REFUSED
        assert advance(state, Step.CANCEL) is State.CANCELED


def test_every_state_is_reached_and_every_step_leads_somewhere() -> None:
    assert {State.OPEN, *TRANSITIONS.values()} == set(State)
    assert {step for _, step in TRANSITIONS} == set(Step)


def test_the_peers_words_name_groups_of_states() -> None:
    assert states_of("open") == {State.OPEN, State.AWAITING_IDENTITY} == UNDECIDED
    assert states_of("canceled") == {State.CANCELED, State.REFUSED}
    assert states_of("approved") == {State.APPROVED}
    assert states_of("refused") == {State.REFUSED}
    assert states_of("awaiting-identity") == {State.AWAITING_IDENTITY}
    assert states_of("OPEN") == states_of("") == states_of("nonsense") == frozenset()
