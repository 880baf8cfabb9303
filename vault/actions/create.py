"""A person's record goes in, a token comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, OperationalError
from django.utils.translation import gettext_noop

from audit import trail
from audit.trail import EventRow
from databunker import jsontext
from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission, require
from databunker.db.statements import Insert, is_lost_race, write_together
from databunker.errors import BadRequest, Conflict, Unavailable
from databunker.notify import outbox, webhooks

from .. import schema, storage, visible
from ..events import RECORD_CREATED
from ..identities import IdentityRow
from ..records import SealedRecord, seal_new

__all__ = ["create_record", "creation_event", "inserts_for", "refuse_if_taken", "seal_checked"]

_ATTEMPTS = 10


def create_record(actor: Actor, *, profile: dict[str, Any]) -> UUID:
    """Store `profile` as a new person; the person's token.

    Raises:
        AccessDenied: the actor may not create people, or not with these fields.
        BadRequest: the profile has no identity, an unusable one, or does not fit the record schema.
        Conflict: somebody has one of the identities already; the message names the field.
    """
    if not (settings.CREATE_USER_WITHOUT_ACCESS_TOKEN and actor.kind is ActorKind.ANYONE):
        require(actor, Permission.RECORD_CREATE)
    visible.require_fields(actor, profile)
    record = seal_checked(profile, tenant=actor.tenant)
    told = outbox.webhook_insert(actor.tenant, webhooks.profile_new(record.token, profile), sealer=record.key)
    for _ in range(_ATTEMPTS):
        inserts = inserts_for(actor.tenant, [record], [creation_event(actor, record)])
        try:
            write_together(inserts if told is None else [*inserts, told])
        except IntegrityError:
            refuse_if_taken(actor.tenant, record.identities, gettext_noop("duplicate index: %(field)s"))
            # Whoever had the identity let go of it in between: try again.
        except OperationalError as error:
            if not is_lost_race(error):
                raise
        else:
            return record.token
    raise Unavailable


def seal_checked(profile: dict[str, Any], *, tenant: int) -> SealedRecord:
    """
    Raises:
        BadRequest: see `create_record`.
    """
    schema.check(profile)
    content = jsontext.dumps(profile)
    if len(content) > settings.MAX_BODY_BYTES:
        raise BadRequest(gettext_noop("the record is too large"))
    try:
        return seal_new(profile, content, tenant=tenant)
    except BadRequest as error:
        raise BadRequest(f"failed to create user, {error.message}") from None


def creation_event(actor: Actor, record: SealedRecord) -> EventRow:
    return trail.build(actor, RECORD_CREATED, subject=record.row.subject, sealer=record.key, detail={"version": 1})


def inserts_for(tenant: int, records: Sequence[SealedRecord], events: Sequence[EventRow]) -> list[Insert]:
    """The blind index first: where an identity is taken, the database refuses before anything else is written."""
    holders = [(record.row.subject, entry) for record in records for entry in record.identities]
    return [
        # In one order for all writers, so that two of them can't wait for each other.
        storage.identity_insert(tenant, sorted(holders, key=lambda holder: holder[1].digest)),
        storage.record_insert([record.row for record in records]),
        trail.insert(*events),
    ]


def refuse_if_taken(tenant: int, entries: Sequence[IdentityRow], message: str) -> None:
    """`message` has the place `field` for the name of the field: the peer words it in two ways.

    Raises:
        Conflict: one of the identities is somebody's.
    """
    taken = storage.taken(tenant, [entry.digest for entry in entries])
    for entry in sorted(entries, key=lambda entry: entry.field):
        if entry.digest in taken:
            raise Conflict(message, places={"field": entry.field}, subject=taken[entry.digest])
