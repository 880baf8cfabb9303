"""Restriction of processing (GDPR Art. 18) and objection (Art. 21): exercised by the person or for the person.

`restrict_processing` and `lift_restriction`, `object_to_processing` and `withdraw_objection`; what stands is read by
`gdpr.queries.read_rights`. What a restriction means for applications is said in `vault.restriction`. An objection
stops nothing by itself: it stands beside the person for whoever processes on that legal basis, who is told by webhook.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_noop

from audit import trail
from audit.events import EventType
from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission
from databunker.db.statements import atomically, retrying
from databunker.errors import AccessDenied, BadRequest, Conflict, NotFound
from databunker.notify import outbox, webhooks
from vault import lookups
from vault.actions import mark_restricted
from vault.queries import find
from vault.records import OpenRecord

from ..bases import MAY_BE_OBJECTED_TO, active_basis
from ..events import OBJECTION_MADE, OBJECTION_WITHDRAWN, PROCESSING_RESTRICTED, RESTRICTION_LIFTED
from ..inputs import brief_name, checked_reason
from ..models import LegalBasis, RightKind
from ..rights import exercise, parse_ground, rights_of, take_back

__all__ = [
    "MAY_BE_OBJECTED_TO",
    "lift_restriction",
    "object_to_processing",
    "restrict_processing",
    "withdraw_objection",
]


def restrict_processing(actor: Actor, *, mode: str, identity: str, ground: object, reason: Any = "") -> None:
    """From now on the person's data is kept and not processed. `ground` is one of `gdpr.rights.Ground`.

    Raises:
        AccessDenied: the actor may not.
        NotFound: no such person, or forgotten.
        BadRequest: no such ground, or no usable reason.
        Conflict: it is restricted already.
    """
    chosen, text = parse_ground(ground), checked_reason(reason)

    def act(record: OpenRecord) -> dict[str, Any]:
        if record.restricted:
            raise Conflict(gettext_noop("processing is restricted already"), subject=record.row.subject)
        exercise(actor, record, RightKind.RESTRICTION, reason=text, ground=chosen)
        mark_restricted(record, restricted=True)
        _tell(record, webhooks.restriction(record.token, restricted=True))
        return {"ground": chosen, "message": text}

    _with_locked(actor, mode, identity, PROCESSING_RESTRICTED, act)


def lift_restriction(actor: Actor, *, mode: str, identity: str, reason: Any = "") -> None:
    """The data may be processed again, as if it always might. The person must hear of it before (Art. 18(3)).

    Raises:
        AccessDenied: the actor may not; a person lifts no restriction that somebody else has set.
        NotFound: no such person, or forgotten.
        BadRequest: no usable reason.
    """
    text = checked_reason(reason)

    def act(record: OpenRecord) -> dict[str, Any]:
        found = next((right for right in rights_of(record) if right.kind is RightKind.RESTRICTION), None)
        if found is None:
            return {"unchanged": True}
        if actor.kind is ActorKind.PERSON and found.terms.by is not ActorKind.PERSON:
            raise AccessDenied(
                gettext_noop("only those who decide about it may lift this restriction"), subject=record.row.subject
            )
        take_back(record, RightKind.RESTRICTION)
        mark_restricted(record, restricted=False)
        _tell(record, webhooks.restriction(record.token, restricted=False))
        return {"message": text}

    _with_locked(actor, mode, identity, RESTRICTION_LIFTED, act)


def object_to_processing(actor: Actor, *, mode: str, identity: str, brief: str = "", reason: Any = "") -> None:
    """The person objects to what is done on this legal basis; without `brief` to all that may be objected to.

    Raises:
        AccessDenied: the actor may not.
        NotFound: no such person, forgotten, or no such legal basis.
        BadRequest: the legal basis is none that people object to, or no usable reason.
        Conflict: the person objects to it already.
    """
    text = checked_reason(reason)

    def act(record: OpenRecord) -> dict[str, Any]:
        basis = _objectionable(actor, brief) if brief else None
        number = basis.id if basis else 0
        if any(right.kind is RightKind.OBJECTION and right.basis == number for right in rights_of(record)):
            raise Conflict(gettext_noop("there is this objection already"), subject=record.row.subject)
        exercise(actor, record, RightKind.OBJECTION, reason=text, basis=number)
        _tell(record, webhooks.objection(record.token, brief=basis.brief if basis else "", objects=True))
        return {"brief": basis.brief if basis else "", "message": text}

    _with_locked(actor, mode, identity, OBJECTION_MADE, act)


def withdraw_objection(actor: Actor, *, mode: str, identity: str, brief: str = "", reason: Any = "") -> None:
    """The person doesn't object to it any more, or never did.

    Raises:
        AccessDenied: the actor may not.
        NotFound: no such person, forgotten, or no such legal basis.
        BadRequest: `brief` is no name, or no usable reason.
    """
    text = checked_reason(reason)

    def act(record: OpenRecord) -> dict[str, Any]:
        basis = _named(actor, brief) if brief else None
        if not take_back(record, RightKind.OBJECTION, basis=basis.id if basis else 0):
            return {"unchanged": True}
        _tell(record, webhooks.objection(record.token, brief=basis.brief if basis else "", objects=False))
        return {"brief": basis.brief if basis else "", "message": text}

    _with_locked(actor, mode, identity, OBJECTION_WITHDRAWN, act)


def _objectionable(actor: Actor, brief: str) -> LegalBasis:
    """The basis, which stays as it is until the caller's transaction ends."""
    basis = active_basis(actor.tenant, brief_name(brief), shared_lock=True)
    if basis.basistype not in MAY_BE_OBJECTED_TO:
        kinds = " or ".join(sorted(MAY_BE_OBJECTED_TO))
        raise BadRequest(
            gettext_noop("people object to what rests on %(kinds)s; a consent is withdrawn instead"),
            places={"kinds": kinds},
        )
    return basis


def _named(actor: Actor, brief: str) -> LegalBasis:
    """Also one that was deleted since: what was objected to can be taken back."""
    found = LegalBasis.objects.filter(tenant=actor.tenant, brief=brief_name(brief)).first()
    if found is None:
        raise NotFound("legal basis not found")
    return found


def _tell(record: OpenRecord, body: dict[str, Any]) -> None:
    outbox.webhook(record.row.tenant, body, subject=record.row.subject, sealer=record.key)


def _with_locked(
    actor: Actor, mode: str, identity: str, event: EventType, act: Callable[[OpenRecord], dict[str, Any]]
) -> None:
    """Run `act` and write its event, with the detail that it gives, while nobody else changes or forgets the person."""
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)

    def attempt() -> None:
        with atomically():
            record = find(actor, lookup, Permission.RIGHTS_CHANGE, lock=True)
            record.require_active()
            detail = {name: value for name, value in act(record).items() if value}
            trail.record(
                actor, event, subject=record.row.subject, sealer=record.key, detail={**lookup.trace(), **detail}
            )

    retrying(attempt)
