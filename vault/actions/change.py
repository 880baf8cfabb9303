"""Change a person's profile: exactly what was asked for, or nothing."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, OperationalError

from audit import trail
from databunker import jsontext
from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission
from databunker.crypto import store
from databunker.db.statements import atomically, execute, is_lost_race, write_if
from databunker.errors import BadRequest, NeedsApproval, Unavailable
from databunker.ids import unix_now

from .. import identities, lookups, patch, schema, storage
from ..events import RECORD_CHANGED
from ..identities import IdentityRow
from ..lookups import Lookup
from ..queries import find
from ..records import OpenRecord, RecordRow, profile_place
from .create import refuse_if_taken

__all__ = ["change_record"]

_UNLOCKED_ATTEMPTS = 3
_ATTEMPTS = 10


class _LostRace(Exception):
    """Somebody else changed the record since it was read; rolls the transaction back."""


def change_record(actor: Actor, *, mode: str, identity: str, change: Any) -> UUID:
    """Apply `change`: an object is a merge patch (RFC 7396), an array a JSON Patch (RFC 6902). The person's token.

    Of two changes at once each is applied to the outcome of the other: the replacement is conditional on the
    version that was read, and after a few lost races the record is locked first.

    Raises:
        AccessDenied: the actor may not change it.
        NeedsApproval: the person may not change it alone.
        NotFound: nobody has this token or identity, or the person was forgotten.
        BadRequest: the patch is malformed, or the result does not fit the record schema or loses all identities.
        Conflict: a new identity is somebody else's, or a `test` of the JSON Patch does not hold.
    """
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    for attempt in range(_ATTEMPTS):
        lock = attempt >= _UNLOCKED_ATTEMPTS
        scope: AbstractContextManager[None] = atomically() if lock else nullcontext()
        try:
            with scope:
                return _change(actor, lookup, change, lock=lock)
        except _LostRace:
            continue
        except OperationalError as error:
            if not is_lost_race(error):
                raise
    raise Unavailable


def _change(actor: Actor, lookup: Lookup, change: Any, *, lock: bool) -> UUID:
    record = find(actor, lookup, Permission.RECORD_CHANGE, lock=lock)
    record.require_active()
    before = record.profile()
    after = patch.apply(before, change, max_bytes=settings.MAX_BODY_BYTES)
    _check(actor, record, before, after)
    sealed = jsontext.dumps(after)
    if sealed == record.profile_json:
        _record_unchanged(actor, lookup, record)
        return record.token
    old = record.row
    keyring = store.current_keyring()
    entries = identities.rows_for(after, tenant=old.tenant, subject=old.subject, keyring=keyring)
    version = old.version + 1
    new = old._replace(
        version=version,
        profile=record.key.seal(sealed, profile_place(old.tenant, old.subject, version)),
        digests=b"".join(entry.digest for entry in entries),
        changed=unix_now(),
    )
    _write(actor, lookup, record, new, entries)
    return record.token


def _check(actor: Actor, record: OpenRecord, before: dict[str, Any], after: dict[str, Any]) -> None:
    """What the record schema and the rules for the person's own changes say."""
    rules = schema.configured()
    if rules is not None:
        rules.validate(after)
        locked = rules.changed("locked", before, after)
        if locked:
            raise BadRequest(f"locked fields can't be changed: {', '.join(locked)}", subject=record.row.subject)
    if actor.kind is ActorKind.PERSON and (
        not settings.SELFSERVICE_USER_RECORD_CHANGE or (rules is not None and rules.changed("admin", before, after))
    ):
        raise NeedsApproval(subject=record.row.subject)


def _record_unchanged(actor: Actor, lookup: Lookup, record: OpenRecord) -> None:
    """The profile was read and a change was asked for, which turned out to be none: no new version."""
    detail = {**lookup.trace(), "version": record.row.version, "unchanged": True}
    trail.record(actor, RECORD_CHANGED, subject=record.row.subject, sealer=record.key, detail=detail)


def _write(actor: Actor, lookup: Lookup, record: OpenRecord, new: RecordRow, entries: list[IdentityRow]) -> None:
    old = record.row
    event = trail.build(
        actor, RECORD_CHANGED, subject=old.subject, sealer=record.key, detail={**lookup.trace(), "version": new.version}
    )
    inserts = [storage.version_insert(old, replaced=new.changed), trail.insert(event)]
    if new.digests == old.digests:
        if not write_if(storage.replace(old, new), inserts):
            raise _LostRace
        return
    had = old.digest_set
    added = [entry for entry in entries if entry.digest not in had]
    try:
        with atomically():
            if not write_if(storage.replace(old, new), inserts):
                raise _LostRace
            storage.delete_identities(old.tenant, old.subject, had - {entry.digest for entry in entries})
            if added:
                execute(*storage.identity_insert(old.tenant, [(old.subject, entry) for entry in added]).statement())
    except IntegrityError:
        refuse_if_taken(old.tenant, added, "duplicate {} index")
        raise _LostRace from None
