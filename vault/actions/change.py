"""Change a person's profile: exactly what was asked for, or nothing."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.conf import settings
from django.db import IntegrityError, OperationalError
from django.utils.translation import gettext_noop

from audit import trail
from databunker import jsontext
from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission
from databunker.crypto import store
from databunker.db.statements import Insert, atomically, database, execute, is_lost_race, write_if
from databunker.errors import BadRequest, NeedsApproval, Unavailable
from databunker.ids import unix_now
from databunker.notify import outbox, webhooks

from .. import hooks, identities, lookups, patch, schema, storage, visible
from ..events import RECORD_CHANGED
from ..identities import IdentityRow
from ..lookups import Lookup
from ..queries import find
from ..records import OpenRecord, RecordRow, profile_place
from .create import refuse_if_taken

__all__ = ["Preview", "change_record", "preview_change"]

_UNLOCKED_ATTEMPTS = 3
_ATTEMPTS = 10


class _LostRace(Exception):
    """Somebody else changed the record since it was read; rolls the transaction back."""


def change_record(actor: Actor, *, mode: str, identity: str, change: Any, version: int | None = None) -> UUID:
    """Apply `change`: an object is a merge patch (RFC 7396), an array a JSON Patch (RFC 6902). The person's token.

    Of two changes at once each is applied to the outcome of the other: the replacement is conditional on the
    version that was read, and after a few lost races the record is locked first. With `version` it is applied to that
    version of the record or not at all: to what somebody has looked at.

    Raises:
        AccessDenied: the actor may not change it, or not these fields.
        NeedsApproval: the person may not change it alone.
        NotFound: nobody has this token or identity, or the person was forgotten.
        BadRequest: the patch is malformed, or the result does not fit the record schema or loses all identities.
        Conflict: a new identity is somebody else's, a `test` of the JSON Patch does not hold, or the record has another
            version.
    """
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    for attempt in range(_ATTEMPTS):
        lock = attempt >= _UNLOCKED_ATTEMPTS
        scope: AbstractContextManager[None] = atomically() if lock else nullcontext()
        try:
            with scope:
                return _change(actor, lookup, change, version=version, lock=lock)
        except _LostRace:
            continue
        except OperationalError as error:
            if database().in_atomic_block or not is_lost_race(error):
                raise  # in the caller's transaction, which the database has undone: the caller must begin again
    raise Unavailable


class Preview(NamedTuple):
    """What a change makes of a profile: the document before and after, the latter as JSON too, and its blind index.

    Where it changes nothing, the blind index is left out. `index_epoch` is that of the keyring which made it.
    """

    before: dict[str, Any]
    after: dict[str, Any]
    content: bytes
    entries: list[IdentityRow]
    index_epoch: int


def preview_change(record: OpenRecord, change: Any) -> Preview:
    """What `change` would make of the profile, checked like the change itself and written nowhere.

    Whether an identity is somebody else's is not looked at: that is told to whoever really gets to change it.

    Raises:
        BadRequest, Conflict: see `change_record`.
    """
    before = record.profile()
    after = patch.apply(before, change, max_bytes=settings.MAX_BODY_BYTES)
    rules = schema.configured()
    if rules is not None:
        rules.validate(after)
        locked = rules.changed("locked", before, after)
        if locked:
            raise BadRequest(
                gettext_noop("locked fields can't be changed: %(fields)s"),
                places={"fields": ", ".join(locked)},
                subject=record.row.subject,
            )
    content = jsontext.dumps(after)
    if content == record.profile_json:
        return Preview(before, after, content, [], record.row.index_epoch)
    row = record.row
    # A process that does not know of a newer index key yet would take the entries under it for those of another value.
    keyring = store.keyring_since(row.index_epoch)
    entries = identities.rows_for(after, tenant=row.tenant, subject=row.subject, keyring=keyring)
    return Preview(before, after, content, entries, keyring.index_epoch)


def _change(actor: Actor, lookup: Lookup, change: Any, *, version: int | None, lock: bool) -> UUID:
    record = find(actor, lookup, Permission.RECORD_CHANGE, lock=lock)
    record.require_active()
    record.require_version(version)
    visible.require_steps(actor, change, subject=record.row.subject)
    preview = preview_change(record, change)
    visible.require_change(actor, preview.before, preview.after, subject=record.row.subject)
    if preview.content == record.profile_json:
        _record_unchanged(actor, lookup, record)
        return record.token
    if actor.kind is ActorKind.PERSON:
        _require_self_service(record, preview)
    old = record.row
    entries = preview.entries
    following = old.version + 1
    new = old._replace(
        version=following,
        profile=record.key.seal(preview.content, profile_place(old.tenant, old.subject, following)),
        digests=b"".join(entry.digest for entry in entries),
        index_epoch=preview.index_epoch,
        changed=unix_now(),
    )
    body = webhooks.profile_change(
        record.token, old=orjson.Fragment(record.profile_json), new=orjson.Fragment(preview.content)
    )
    told = outbox.webhook_insert(old.tenant, body, sealer=record.key)
    _write(actor, lookup, record, new, entries, told=told)
    return record.token


def _require_self_service(record: OpenRecord, preview: Preview) -> None:
    """
    Raises:
        NeedsApproval: the person may not change this alone.
    """
    rules = schema.configured()
    if not settings.SELFSERVICE_USER_RECORD_CHANGE or (
        rules is not None and rules.changed("admin", preview.before, preview.after)
    ):
        raise NeedsApproval(subject=record.row.subject)


def _record_unchanged(actor: Actor, lookup: Lookup, record: OpenRecord) -> None:
    """The profile was read and a change was asked for, which turned out to be none: no new version."""
    detail = {**lookup.trace(), "version": record.row.version, "unchanged": True}
    trail.record(actor, RECORD_CHANGED, subject=record.row.subject, sealer=record.key, detail=detail)


def _write(
    actor: Actor,
    lookup: Lookup,
    record: OpenRecord,
    new: RecordRow,
    entries: list[IdentityRow],
    *,
    told: Insert | None,
) -> None:
    old = record.row
    event = trail.build(
        actor, RECORD_CHANGED, subject=old.subject, sealer=record.key, detail={**lookup.trace(), "version": new.version}
    )
    inserts = [storage.version_insert(old, replaced=new.changed), trail.insert(event)]
    if told is not None:
        inserts.append(told)
    if new.digests == old.digests:
        if not write_if(storage.replace_profile(old, new), inserts):
            raise _LostRace
        return
    had = old.digest_set
    added = [entry for entry in entries if entry.digest not in had]
    try:
        with atomically():
            if not write_if(storage.replace_profile(old, new), inserts):
                raise _LostRace
            for hook in hooks.before_identities_change:
                hook(actor, record)
            storage.delete_identities(old.tenant, old.subject, had - {entry.digest for entry in entries})
            if added:
                execute(*storage.identity_insert(old.tenant, [(old.subject, entry) for entry in added]).statement())
    except IntegrityError:
        refuse_if_taken(old.tenant, added, gettext_noop("duplicate %(field)s index"))
        raise _LostRace from None
