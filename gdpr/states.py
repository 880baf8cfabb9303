"""What can become of a request: the one table of its states and what leads from one to another."""

from __future__ import annotations

import enum

from django.utils.translation import gettext_noop

from databunker.errors import Conflict

__all__ = ["DECIDED", "TRANSITIONS", "UNDECIDED", "State", "Step", "advance", "states_of"]


class State(enum.IntEnum):
    """Numbers stand in the database: never change or reuse one."""

    OPEN = 1
    AWAITING_IDENTITY = 2
    APPROVED = 3
    CANCELED = 4
    REFUSED = 5

    @property
    def label(self) -> str:
        return self.name.lower().replace("_", "-")

    @property
    def status(self) -> str:
        """The peer's word, which knows three states."""
        return _STATUS[self]


_STATUS = {
    State.OPEN: "open",
    State.AWAITING_IDENTITY: "open",
    State.APPROVED: "approved",
    State.CANCELED: "canceled",
    State.REFUSED: "canceled",
}


class Step(enum.StrEnum):
    """What may be done with a request."""

    APPROVE = "approve"
    REFUSE = "refuse"  # by whoever decides, with reasons: Art. 12(4)
    CANCEL = "cancel"  # by the person
    EXTEND = "extend"
    ASK_IDENTITY = "ask for proof of identity"
    VERIFY_IDENTITY = "mark the identity as proved"
    FULFIL = "fulfil"  # what was asked for was done without the request
    LAPSE = "lapse"  # the person was forgotten


TRANSITIONS: dict[tuple[State, Step], State] = {
    (State.OPEN, Step.APPROVE): State.APPROVED,
    (State.OPEN, Step.REFUSE): State.REFUSED,
    (State.OPEN, Step.CANCEL): State.CANCELED,
    (State.OPEN, Step.EXTEND): State.OPEN,
    (State.OPEN, Step.ASK_IDENTITY): State.AWAITING_IDENTITY,
    (State.OPEN, Step.FULFIL): State.APPROVED,
    (State.OPEN, Step.LAPSE): State.CANCELED,
    # Whoever doubts who is asking does not grant what is asked for.
    (State.AWAITING_IDENTITY, Step.VERIFY_IDENTITY): State.OPEN,
    (State.AWAITING_IDENTITY, Step.REFUSE): State.REFUSED,
    (State.AWAITING_IDENTITY, Step.CANCEL): State.CANCELED,
    (State.AWAITING_IDENTITY, Step.EXTEND): State.AWAITING_IDENTITY,
    (State.AWAITING_IDENTITY, Step.FULFIL): State.APPROVED,
    (State.AWAITING_IDENTITY, Step.LAPSE): State.CANCELED,
}
DECIDED = frozenset({State.APPROVED, State.CANCELED, State.REFUSED})
UNDECIDED = frozenset(State) - DECIDED


def advance(state: State, step: Step) -> State:
    """The state that `step` leads to.

    Raises:
        Conflict: not from this state; the message names it.
    """
    try:
        return TRANSITIONS[state, step]
    except KeyError:
        raise Conflict(gettext_noop("wrong status: %(status)s"), places={"status": state.label}) from None


def states_of(status: str) -> frozenset[State]:
    """The states that a caller may mean by a word: the peer's status, or one of ours. Empty: no such word."""
    return frozenset(state for state in State if status in (state.status, state.label))
