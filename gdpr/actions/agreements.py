"""Agreements to legal bases: accepted, withdrawn, revoked for everyone. Each change is a line of a history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_noop

from audit import trail
from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission, require
from databunker.crypto import store
from databunker.db.statements import atomically, retrying, retrying_if_taken
from databunker.errors import AccessDenied, Conflict, NeedsApproval, NotFound
from databunker.ids import unix_now
from databunker.notify import outbox, webhooks
from vault import lookups, queries
from vault.lookups import ByIdentity, ByToken, Lookup

from ..agreement_states import AgreementStatus, Change, advance
from ..bases import active_basis
from ..binding import end_what_is_over, is_over, settle
from ..consent_storage import revoke_all
from ..consents import PENDING_MODES, Holder, Words, seal_words
from ..events import AGREEMENT_ACCEPTED, AGREEMENT_WITHDRAWN, AGREEMENTS_REVOKED
from ..inputs import brief_name, checked_reason
from ..models import Agreement, AgreementEvent, LegalBasis
from ..terms import Terms, read_terms

__all__ = [
    "TextsChanged",
    "accept_agreement",
    "lock_basis",
    "revoke_agreements",
    "tell_revoked",
    "withdraw_agreement",
]

T = TypeVar("T")

_EVENTS = {Change.ACCEPT: AGREEMENT_ACCEPTED, Change.WITHDRAW: AGREEMENT_WITHDRAWN}


class TextsChanged(Conflict):
    """Nobody agrees to words that were not there to read: they have been changed since."""

    message = gettext_noop("the texts of the legal basis have changed")


def accept_agreement(actor: Actor, *, brief: str, mode: str, identity: str, wish: Mapping[str, Any]) -> None:
    """Record that a person agrees to a legal basis, or does not, as `status` in `wish` says.

    By e-mail or phone the person need not exist yet: who is created with that identity has the agreement. Without
    a token, where ANONYMOUS_AGREEMENTS allows it, one may only accept, only so, and to no effect for somebody who
    exists.

    Raises:
        AccessDenied: the actor may not.
        NeedsApproval: the person may not withdraw alone.
        NotFound: no such legal basis, or nobody has this token or identity.
        BadRequest: `wish` can't be read.
        TextsChanged: `wish` names a version of the texts that is not shown any more.
    """
    _decide(actor, brief, mode, identity, read_terms(wish, now=unix_now()))


def withdraw_agreement(actor: Actor, *, brief: str, mode: str, identity: str, wish: Mapping[str, Any]) -> None:
    """Record that a person does not agree, or no longer. `wish` may say how, and by whom.

    Raises:
        AccessDenied, NeedsApproval, NotFound, BadRequest: see `accept_agreement`.
    """
    _decide(actor, brief, mode, identity, read_terms(wish, now=unix_now(), change=Change.WITHDRAW))


def _decide(actor: Actor, brief: str, mode: str, identity: str, terms: Terms) -> None:
    name = brief_name(brief)
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    if actor.kind is ActorKind.ANYONE:
        retrying_if_taken(lambda: _accept_unknown(actor, name, lookup, terms))
    else:
        retrying_if_taken(lambda: _decide_known(actor, name, lookup, terms))


def _decide_known(actor: Actor, name: str, lookup: Lookup, terms: Terms) -> None:
    with atomically():
        try:
            record = queries.find(actor, lookup, Permission.AGREEMENT_CHANGE, lock=True)
        except NotFound:
            if isinstance(lookup, ByToken) or lookup.field.name not in PENDING_MODES:
                raise
            _decide_pending(actor, name, lookup, terms)
            return
        record.require_active()
        basis = active_basis(actor.tenant, name, shared_lock=True)
        if terms.change is Change.WITHDRAW and actor.kind is ActorKind.PERSON and not basis.usercontrol:
            raise NeedsApproval(gettext_noop("withdrawing this needs approval"), subject=record.row.subject)
        settle(actor, record)
        holder = Holder(actor.tenant, record)
        _write(actor, holder, basis, terms, lookup)
        detail = {**lookup.trace(), "brief": name}
        trail.record(actor, _EVENTS[terms.change], subject=holder.subject, sealer=record.key, detail=detail)


def _decide_pending(actor: Actor, name: str, lookup: ByIdentity, terms: Terms) -> None:
    """For nobody yet."""
    basis = _basis_for_nobody(actor, name)
    _write(actor, Holder.of_nobody(actor.tenant, lookup), basis, terms, lookup)
    trail.record(actor, _EVENTS[terms.change], detail={**lookup.trace_of_nobody(), "brief": name})


def _basis_for_nobody(actor: Actor, name: str) -> LegalBasis:
    """The basis, which stays active until the caller's transaction ends.

    While there are two index keys one writer at a time holds it: two who put a new agreement under another key each
    would not be stopped by the constraint.

    Raises:
        NotFound: there is none.
    """
    if len(store.current_keyring().index_keys) > 1:
        lock_basis(actor, name)
    return active_basis(actor.tenant, name, shared_lock=True)


def _accept_unknown(actor: Actor, name: str, lookup: Lookup, terms: Terms) -> None:
    """The same work and the same event whether or not the person exists; where one does, it is undone."""
    if (
        not settings.ANONYMOUS_AGREEMENTS
        or isinstance(lookup, ByToken)
        or lookup.field.name not in PENDING_MODES
        or terms.change is not Change.ACCEPT
    ):
        raise AccessDenied
    with atomically():
        basis = _basis_for_nobody(actor, name)
        with atomically():
            _accept_once(actor, Holder.of_nobody(actor.tenant, lookup), basis, terms, lookup)
            if queries.holders_of(actor.tenant, [lookup.digest]):
                transaction.set_rollback(True)
        trail.record(actor, AGREEMENT_ACCEPTED, detail={**lookup.trace_of_nobody(), "brief": name})


def _accept_once(actor: Actor, holder: Holder, basis: LegalBasis, terms: Terms, lookup: Lookup) -> None:
    """A stranger doesn't fill a history with what it says already."""
    shown = basis.text_version if terms.text_version is None else terms.text_version
    said = Agreement.objects.filter(**holder.agreements(), basis=basis.id, text_version=shown)
    lasting = Q(ends=None) | Q(ends__gt=unix_now())
    if not said.filter(lasting, status=AgreementStatus.YES).exists():
        _write(actor, holder, basis, terms, lookup)


def _write(actor: Actor, holder: Holder, basis: LegalBasis, terms: Terms, lookup: Lookup) -> None:
    """One more line of the history, and the agreement as that leaves it."""
    if terms.text_version not in (None, basis.text_version):
        raise TextsChanged(subject=holder.subject)
    now = unix_now()
    row = Agreement.objects.filter(**holder.agreements(), basis=basis.id).select_for_update().first()
    if row is not None and is_over(row, now):
        end_what_is_over([row], now)
        row.refresh_from_db()
    if row is not None:
        holder = holder.of(row)
    before = AgreementStatus(row.status) if row else None
    status = advance(before, terms.change)
    if row is None:
        row = Agreement(tenant=holder.tenant, subject=holder.subject, digest=holder.digest, basis=basis.id, created=now)
    row.number = row.said = (row.number or 0) + 1
    row.status, row.text_version, row.changed = status.value, basis.text_version, now
    row.starts, row.ends = terms.starts, terms.ends
    row.save()
    event = AgreementEvent(
        agreement=row.id, number=row.number, tenant=holder.tenant, subject=holder.subject, basis=basis.id,
        status=status.value, text_version=basis.text_version, at=now, starts=terms.starts, ends=terms.ends,
        actor_kind=actor.kind.value, actor_token=actor.token_id, request=actor.request_id,
    )  # fmt: skip
    seal_words(event, _words(terms, lookup), holder)
    AgreementEvent.objects.bulk_create([event])
    if status is not before:
        _notify(holder, basis, status, lookup)


def _notify(holder: Holder, basis: LegalBasis, status: AgreementStatus, lookup: Lookup) -> None:
    """Of a person by token; before there is one by the identity, sealed under a data key until it is delivered."""
    if holder.record is not None:
        mode, identity = "token", str(holder.record.token)
    else:
        words = lookup.trace()
        mode, identity = words["mode"], words["identity"]
    body = webhooks.consent_change(brief=basis.brief, status=status.label, mode=mode, identity=identity)
    outbox.webhook(holder.tenant, body, subject=holder.subject, sealer=holder.record.key if holder.record else None)


def _words(terms: Terms, lookup: Lookup) -> Words:
    mode, who = ("token", "") if isinstance(lookup, ByToken) else (lookup.field.name, lookup.value)
    return Words(mode, who, terms.method, terms.referencecode, terms.lastmodifiedby)


def revoke_agreements(actor: Actor, *, brief: str, reason: str = "") -> int:
    """Revoke an agreement for everyone who has given it, all at once; how many those were.

    One webhook tells of all: NOTIFICATION_URL isn't flooded with one for each person.

    Raises:
        AccessDenied: the actor may not.
        BadRequest: the reason is too long.
        NotFound: no such legal basis.
    """
    require(actor, Permission.AGREEMENT_REVOKE_ALL)
    name, why = brief_name(brief), checked_reason(reason)

    def attempt() -> int:
        with atomically():
            basis = lock_basis(actor, name)
            revoked = revoke_all(actor, basis.id, now=unix_now())
            tell_revoked(basis, revoked)
            detail = {"brief": name, "agreements": revoked, **({"reason": why} if why else {})}
            trail.record(actor, AGREEMENTS_REVOKED, detail=detail)
            return revoked

    return retrying(attempt)


def tell_revoked(basis: LegalBasis, revoked: int) -> None:
    """The webhook of what was revoked for everyone, in the caller's transaction, unless that was nobody."""
    if revoked:
        outbox.webhook(basis.tenant, webhooks.consents_revoked(brief=basis.brief, agreements=revoked))


def lock_basis(actor: Actor, name: str) -> LegalBasis:
    """The basis, deleted ones included, which nobody agrees to until the caller's transaction ends.

    Raises:
        NotFound: there is no such basis.
    """
    basis = LegalBasis.objects.filter(tenant=actor.tenant, brief=name).select_for_update().first()
    if basis is None:
        raise NotFound("legal basis not found")
    return basis
