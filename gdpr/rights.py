"""A right in hand: how it is sealed under the person's record key, opened again, stored and taken back."""

from __future__ import annotations

import enum
from typing import NamedTuple

import orjson
from django.db import models

from databunker.access.actor import Actor, ActorKind
from databunker.crypto.encoding import pack
from databunker.crypto.envelope import Place
from databunker.crypto.errors import IntegrityFailure
from databunker.errors import BadRequest
from databunker.ids import unix_now
from vault.records import OpenRecord

from .models import ExercisedRight, RightKind

__all__ = [
    "Ground",
    "OpenRight",
    "Terms",
    "exercise",
    "forget_rights",
    "open_right",
    "parse_ground",
    "rights_of",
    "take_back",
]


class Ground(enum.StrEnum):
    """Why processing is to be restricted: GDPR Art. 18(1), a to d. Stored: never rename one."""

    ACCURACY = "accuracy"  # the person says that the data is wrong, and that is being verified
    UNLAWFUL = "unlawful"  # the processing is unlawful, and the person doesn't want the data erased
    CLAIMS = "claims"  # the person needs the data for legal claims, and nobody else needs it
    OBJECTION = "objection"  # the person has objected, and whose grounds weigh more is being verified


def parse_ground(text: object) -> Ground:
    """
    Raises:
        BadRequest: no ground of Art. 18.
    """
    try:
        return Ground(str(text))
    except ValueError:
        raise BadRequest(f"ground must be one of: {', '.join(Ground)}") from None


class Terms(NamedTuple):
    """Who exercised a right, and why. `by` is the kind of caller, `token` the row of its access token or account."""

    by: ActorKind
    token: int | None
    reason: str = ""
    ground: str = ""


class OpenRight(NamedTuple):
    """A right that stands. Times are in Unix seconds; `due` is None but for an erasure; `basis` 0: no certain one."""

    kind: RightKind
    basis: int
    since: int
    due: int | None
    terms: Terms

    @property
    def who(self) -> str:
        """As the trail shows it."""
        kind = self.terms.by.label
        return kind if self.terms.token is None else f"{kind} {self.terms.token}"


def exercise(
    actor: Actor,
    record: OpenRecord,
    kind: RightKind,
    *,
    reason: str = "",
    ground: str = "",
    basis: int = 0,
    due: int | None = None,
) -> OpenRight:
    """Store a right in the caller's transaction, which holds `record` locked; the one that stands already, if any."""
    found = _rows(record).filter(kind=kind, basis=basis).first()
    if found is not None:
        return open_right(found, record)
    row = ExercisedRight(
        tenant=record.row.tenant, subject=record.row.subject, kind=kind, basis=basis, since=unix_now(), due=due
    )
    terms = Terms(actor.kind, actor.token_id, reason, ground)
    row.terms = record.key.seal(orjson.dumps(list(terms)), _place(row))
    row.save(force_insert=True)
    return OpenRight(kind, basis, row.since, due, terms)


def take_back(record: OpenRecord, kind: RightKind, *, basis: int = 0) -> bool:
    """In the caller's transaction, which holds `record` locked; whether there was one."""
    return _rows(record).filter(kind=kind, basis=basis).delete()[0] > 0


def rights_of(record: OpenRecord) -> list[OpenRight]:
    """Those that stand, the oldest first. Writes no event: the caller says what it is for.

    Raises:
        IntegrityFailure: a right, or that there is a restriction, was changed in the database.
    """
    found = [open_right(row, record) for row in _rows(record).order_by("since", "kind", "basis")]
    if record.restricted != any(right.kind is RightKind.RESTRICTION for right in found):
        raise IntegrityFailure("whether a record is restricted was changed in the database")
    return found


def open_right(row: ExercisedRight, record: OpenRecord) -> OpenRight:
    """
    Raises:
        IntegrityFailure: moved, or changed in the database.
    """
    by, token, reason, ground = orjson.loads(record.key.open(bytes(row.terms), _place(row)))
    return OpenRight(RightKind(row.kind), row.basis, row.since, row.due, Terms(ActorKind(by), token, reason, ground))


def forget_rights(actor: Actor, record: OpenRecord) -> None:  # noqa: ARG001 - the signature of `vault.hooks`
    """Who is forgotten has none any more."""
    _rows(record).delete()


def _rows(record: OpenRecord) -> models.QuerySet[ExercisedRight]:
    return ExercisedRight.objects.filter(tenant=record.row.tenant, subject=record.row.subject)


def _place(row: ExercisedRight) -> Place:
    numbers = (row.kind, row.basis, row.since, row.due)
    return Place(
        row.tenant, b"right", b"terms", pack([bytes(row.subject), *(str(number).encode() for number in numbers)])
    )
