"""What an agreement can be, and what makes it so, as one table."""

from __future__ import annotations

import enum

from django.db import models
from django.utils.translation import gettext_noop

from databunker.errors import Conflict

__all__ = ["AgreementStatus", "Change", "advance", "outcome", "sources"]


class AgreementStatus(models.IntegerChoices):
    """Numbers stand in the database: never change or reuse one."""

    YES = 1, "yes"
    NO = 2, "no"
    EXPIRED = 3, "expired"
    REVOKED = 4, "revoked"


class Change(enum.Enum):
    ACCEPT = "accept"
    WITHDRAW = "withdraw"
    REVOKE = "revoke"
    EXPIRE = "expire"


_ANY = frozenset({None, *AgreementStatus})
_GIVEN = frozenset({AgreementStatus.YES})

# A word of the person, or of an application that speaks for the person, is taken whatever was before: "no" without
# a "yes" before it is a refusal. Only what was given can be revoked or expire. None: there was nothing.
TRANSITIONS: dict[Change, tuple[frozenset[AgreementStatus | None], AgreementStatus]] = {
    Change.ACCEPT: (_ANY, AgreementStatus.YES),
    Change.WITHDRAW: (_ANY, AgreementStatus.NO),
    Change.REVOKE: (_GIVEN, AgreementStatus.REVOKED),
    Change.EXPIRE: (_GIVEN, AgreementStatus.EXPIRED),
}


def outcome(change: Change) -> AgreementStatus:
    """What `change` makes of an agreement."""
    return TRANSITIONS[change][1]


def sources(change: Change) -> frozenset[AgreementStatus | None]:
    """What `change` may be done to."""
    return TRANSITIONS[change][0]


def advance(current: AgreementStatus | None, change: Change) -> AgreementStatus:
    """What `change` makes of an agreement that is `current`.

    Raises:
        Conflict: it can't be done to such a one.
    """
    if current not in sources(change):
        raise Conflict(gettext_noop("the agreement can't %(change)s"), places={"change": change.value})
    return outcome(change)
