"""Retention: start a person's expiration, cancel it, let the holder of its link decide, and carry it out in time."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings

from audit import trail
from databunker import periods
from databunker.access.actor import Actor, operator
from databunker.access.permissions import Permission
from databunker.crypto.errors import IntegrityFailure
from databunker.db.statements import atomically, retrying
from databunker.errors import AccessDenied, BadRequest
from databunker.ids import new_token, parse_token, unix_now
from vault import lookups
from vault.actions import forget_found
from vault.queries import find, record_of
from vault.records import OpenRecord

from ..events import EXPIRATION_CANCELLED, EXPIRATION_STARTED, PERSON_DELETED, PERSON_RETAINED
from ..expirations import STEPS, link_digest, open_link, parse_status, seal_expiration, take, upon
from ..inputs import checked_reason
from ..models import Expiration, ExpirationStatus
from .due import forget_due

__all__ = ["cancel_expiration", "delete_by_link", "expire_people", "retain_by_link", "start_expiration"]

_WISHES = frozenset({"expiration", "status"})


def start_expiration(actor: Actor, *, mode: str, identity: str, wish: dict[str, Any], reason: Any = "") -> UUID:
    """Set when the person is to be forgotten; the token of the link by which its holder decides otherwise.

    `wish` may have `expiration`, at most MAX_USER_RETENTION, and `status`: `wait`, or `retain` for an expiration that
    waits for the holder of the link and never ends by itself. An earlier one is replaced, and its link dead.

    Raises:
        AccessDenied: the actor may not.
        NotFound: no such person, or forgotten.
        BadRequest: a field of `wish` can't be read, or no usable reason.
    """
    text = checked_reason(reason)
    if set(wish) - _WISHES:
        # A mistyped `expiration` would keep the person for much longer than meant.
        raise BadRequest(f"an expiration has only: {', '.join(sorted(_WISHES))}")
    status = parse_status(wish.get("status"))
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    cap = periods.seconds_of(settings.MAX_USER_RETENTION)
    endtime = periods.end_of_period(wish.get("expiration"), now=unix_now(), cap=cap)

    def attempt() -> UUID:
        with atomically():
            record = find(actor, lookup, Permission.RETENTION_MANAGE, lock=True)
            record.require_active()
            link, subject = new_token(), record.row.subject
            Expiration.objects.filter(tenant=actor.tenant, subject=subject).delete()
            seal_expiration(link, holder=record, status=status, endtime=endtime, started_by=actor.token_id).save(
                force_insert=True
            )
            detail = {**lookup.trace(), "endtime": endtime, "expstatus": status.label, **_said(text)}
            trail.record(actor, EXPIRATION_STARTED, subject=subject, sealer=record.key, detail=detail)
            return link

    return retrying(attempt)


def _said(reason: str) -> dict[str, str]:
    return {"message": reason} if reason else {}


def cancel_expiration(actor: Actor, *, mode: str, identity: str, reason: Any = "") -> None:
    """As if none had been started; also where none was.

    Raises:
        AccessDenied: the actor may not.
        NotFound: no such person, or forgotten.
        BadRequest: no usable reason.
    """
    text = checked_reason(reason)
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)

    def attempt() -> None:
        with atomically():
            record = find(actor, lookup, Permission.RETENTION_MANAGE, lock=True)
            record.require_active()
            take(record, "cancel")
            detail = {**lookup.trace(), **_said(text)}
            trail.record(actor, EXPIRATION_CANCELLED, subject=record.row.subject, sealer=record.key, detail=detail)

    retrying(attempt)


def retain_by_link(actor: Actor, *, link: str) -> None:
    """Keep the person for good. The link is used up.

    Raises:
        AccessDenied: no such link, or used, or of an expiration that has ended. All look alike.
    """

    def attempt() -> None:
        with atomically():
            holder, record = _follow(actor, link)
            take(record, "retain")
            trail.record(holder, PERSON_RETAINED, subject=record.row.subject, sealer=record.key)

    retrying(attempt)


def delete_by_link(actor: Actor, *, link: str) -> UUID | None:
    """Forget the person now; the id of the receipt. The link is used up.

    Raises:
        AccessDenied: see `retain_by_link`.
    """

    def attempt() -> UUID | None:
        with atomically():
            holder, record = _follow(actor, link)
            take(record, "delete")
            # Whoever follows the link is most likely the person, whose address must not outlive the record.
            holder = replace(holder, address="")
            receipt = forget_found(holder, record, reason="by the link of the expiration")
            trail.record(holder, PERSON_DELETED, subject=record.row.subject)
            return receipt

    return retrying(attempt)


def _follow(actor: Actor, link: str) -> tuple[Actor, OpenRecord]:
    """Who acts, in the tenant of the link, and the locked record of whom it is about.

    Raises:
        AccessDenied: see `retain_by_link`.
    """
    token = parse_token(link)
    found = Expiration.objects.filter(digest=link_digest(token)) if token else Expiration.objects.none()
    named = found.first()
    if named is None:
        raise AccessDenied
    # The record is locked first, as everywhere; the link may have been used while this waited for it.
    record = record_of(named.tenant, named.subject, lock=True)
    stored = found.first()
    if record is None or record.forgotten or stored is None:
        raise AccessDenied(subject=named.subject)
    open_link(stored, record)  # refuses what was changed in the database
    return replace(actor, tenant=named.tenant), record


# --- when the time is over -------------------------------------------------------------------------------------------


def expire_people(now: int, limit: int) -> int:
    """Forget at most `limit` people whose time was over at `now`, the longest first, each in a transaction of its own.
    How many.

    Several hosts may do so at once: a record that another one holds is left to it. Whose processing is restricted is
    left until the restriction is lifted.

    Raises:
        Tampered: some could not be forgotten, after others were.
    """
    due = Expiration.objects.filter(status=ExpirationStatus.WAIT, endtime__lte=now)
    return forget_due(due.order_by("endtime", "tenant", "subject"), partial(_expire, now=now), limit=limit)


def _expire(tenant: int, subject: bytes, *, now: int) -> bool:
    """Whether the person was forgotten by this, and not by another host or not at all.

    Raises:
        IntegrityFailure, UnknownKey: the end is not as it was set, or the record not as it was written.
    """
    with atomically():
        record = record_of(tenant, subject, lock=True, skip_locked=True)
        stored = upon(record) if record is not None and not record.restricted else None
        if record is None or stored is None or stored.status not in STEPS["expire"].sources or stored.endtime > now:
            return False
        if open_link(stored, record) is None:
            raise IntegrityFailure("an expiration without its link was written past the product")
        take(record, "expire")
        actor = replace(operator(), tenant=tenant)
        forget_found(actor, record, reason="the time of the expiration was over")
        return True
