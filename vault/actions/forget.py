"""Forget a person: destroy the record key, and with it all that was sealed under it (GDPR Art. 17)."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from django.conf import settings

from audit import trail
from databunker import jsontext
from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission
from databunker.access.tokens import delete_tokens_of
from databunker.crypto import store
from databunker.crypto.keyring import Purpose
from databunker.crypto.record_key import RecordKey
from databunker.db.statements import atomically, execute, retrying
from databunker.errors import NeedsApproval
from databunker.ids import unix_now

from .. import identities, lookups, references, schema, storage
from ..app_records import delete_app_data_of
from ..events import RECORD_FORGOTTEN
from ..lookups import Lookup
from ..models import RecordState
from ..queries import find
from ..records import OpenRecord, RecordRow, profile_place
from ..sessions import delete_sessions_of
from ..shares import delete_shares_of

__all__ = ["forget_person"]


def forget_person(actor: Actor, *, mode: str, identity: str) -> UUID:
    """Forget the person for good; the token, which stays for reference.

    What the record schema marks `preserve` is kept, with its identities, under a new record key. The old
    wrapped key is overwritten, so no copy of older ciphertexts, in archived versions, in events or on disk,
    can be opened with what the database holds. A forgotten person may be forgotten again to no effect.

    Raises:
        AccessDenied: the actor may not.
        NeedsApproval: the person may not decide this alone.
        NotFound: nobody has this token or identity.
    """
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)

    def attempt() -> UUID:
        with atomically():
            return _forget(actor, lookup)

    return retrying(attempt)


def _forget(actor: Actor, lookup: Lookup) -> UUID:
    record = find(actor, lookup, Permission.RECORD_FORGET, lock=True)
    old = record.row
    if actor.kind is ActorKind.PERSON and not settings.SELFSERVICE_FORGET_ME:
        raise NeedsApproval("being forgotten needs approval", subject=old.subject)
    token, key = record.token, record.key
    if not record.forgotten:
        new, kept, key = _emptied(record)
        execute(*storage.replace(old, new))
        storage.delete_versions(old.tenant, old.subject)
        delete_app_data_of(old.tenant, old.subject)
        delete_sessions_of(old.tenant, old.subject)
        delete_shares_of(old.tenant, old.subject)
        storage.delete_identities(old.tenant, old.subject, old.digest_set - kept)
        delete_tokens_of(old.subject, tenant=old.tenant)
    # The event says nothing of what was looked up, nor of the person's address: under the new key it would outlive
    # the person.
    teller = replace(actor, address="") if actor.kind is ActorKind.PERSON else actor
    trail.record(teller, RECORD_FORGOTTEN, subject=old.subject, sealer=key)
    return token


def _emptied(record: OpenRecord) -> tuple[RecordRow, set[bytes], RecordKey]:
    """The record with a new key and nothing but the preserved fields, the digests that stay, and the key."""
    old = record.row
    keyring = store.current_keyring()
    rules = schema.configured()
    preserved = rules.preserved(record.profile()) if rules else {}
    kept = [
        identities.identity_digest(field, value, tenant=old.tenant, keyring=keyring)
        for field, value in identities.extract(preserved, lenient=True)
    ]
    key = RecordKey.fresh(tenant=old.tenant, subject=old.subject, generation=old.generation + 1)
    version = old.version + 1
    new = old._replace(
        state=RecordState.FORGOTTEN.value,
        version=version,
        generation=key.generation,
        key_id=keyring.newest(Purpose.DATA).id,
        sealed_token=references.seal_token(record.token, tenant=old.tenant, subject=old.subject, keyring=keyring),
        wrapped_key=key.wrap(keyring),
        profile=key.seal(jsontext.dumps(preserved), profile_place(old.tenant, old.subject, version)),
        digests=b"".join(sorted(kept)),
        changed=unix_now(),
    )
    return new, set(kept), key
