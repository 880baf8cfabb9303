"""Forget a person: destroy the record key, and with it all that was sealed under it (GDPR Art. 17)."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

import orjson
from django.conf import settings
from django.utils.translation import gettext_noop

from audit import trail
from databunker import jsontext
from databunker.access.actor import Actor, ActorKind
from databunker.access.login_codes import delete_codes_of
from databunker.access.permissions import Permission
from databunker.access.tokens import delete_tokens_of
from databunker.crypto import store
from databunker.crypto.keyring import Purpose
from databunker.crypto.record_key import RecordKey
from databunker.db.statements import atomically, execute, retrying
from databunker.erasure import actions as erasure
from databunker.erasure import receipts
from databunker.errors import NeedsApproval
from databunker.ids import unix_now
from databunker.notify import outbox, webhooks

from .. import hooks, identities, lookups, references, schema, storage
from ..app_records import delete_app_data_of
from ..events import RECORD_FORGOTTEN
from ..lookups import Lookup
from ..models import RecordState
from ..queries import find
from ..records import OpenRecord, RecordRow, profile_place
from ..sessions import delete_sessions_of
from ..shares import delete_shares_of

__all__ = ["Forgotten", "forget_found", "forget_person"]


class Forgotten(NamedTuple):
    """The person's token, which stays for reference, and the id of the receipt.

    There is none for who came from another vault as forgotten already.
    """

    token: UUID
    receipt: UUID | None


def forget_person(actor: Actor, *, mode: str, identity: str, reason: str = "") -> Forgotten:
    """Forget the person for good. `reason` stands in the event and holds nothing personal: it outlives the person.

    What the record schema marks `preserve` is kept, with its identities, under a new record key. The old
    wrapped key is overwritten, so no copy of older ciphertexts, in archived versions, in events or on disk,
    can be opened with what the database holds. A forgotten person may be forgotten again to no effect; the receipt is
    the same.

    Raises:
        AccessDenied: the actor may not.
        NeedsApproval: the person may not decide this alone.
        NotFound: nobody has this token or identity.
    """
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)

    def attempt() -> Forgotten:
        with atomically():
            return _forget(actor, lookup, reason)

    return retrying(attempt)


def _forget(actor: Actor, lookup: Lookup, reason: str) -> Forgotten:
    record = find(actor, lookup, Permission.RECORD_FORGET, lock=True)
    if actor.kind is ActorKind.PERSON and not settings.SELFSERVICE_FORGET_ME:
        raise NeedsApproval(gettext_noop("being forgotten needs approval"), subject=record.row.subject)
    return Forgotten(record.token, forget_found(actor, record, reason=reason))


def forget_found(actor: Actor, record: OpenRecord, *, reason: str = "") -> UUID | None:
    """Forget the person of `record`, which the caller's transaction holds locked and the caller knows may be forgotten.

    The id of the receipt is returned, where there is one.

    `reason` stands in the event and holds nothing personal.

    Raises:
        IntegrityFailure, UnknownKey: the record was changed or moved in the database.
    """
    old, key = record.row, record.key
    kept = False
    if not record.forgotten:
        for hook in hooks.before_forgetting:
            hook(actor, record)
        new, digests, key, kept = _emptied(record)
        execute(*storage.replace(old, new))
        _delete_what_is_kept_of(record, digests)
    receipt = receipts.receipt_id(tenant=old.tenant, subject=old.subject, generation=key.generation)
    if not record.forgotten:
        # What the receiver is told must outlive the record key: until it is delivered a data key seals it.
        body = webhooks.forget_me(record.token, orjson.Fragment(record.profile_json), receipt=receipt)
        outbox.webhook(old.tenant, body, subject=old.subject)
    # The event says nothing of what was looked up, nor of the person's address: under the new key it would outlive
    # the person.
    teller = replace(actor, address="") if actor.kind in _MAY_BE_THE_PERSON else actor
    detail = {"message": reason} if reason else None
    event = trail.record(teller, RECORD_FORGOTTEN, subject=old.subject, sealer=key, detail=detail)
    if record.forgotten:
        return receipt if receipts.is_issued(receipt) else None
    receipts.issue(receipt, tenant=old.tenant, subject=old.subject, token=record.token, event=event, kept=kept)
    erasure.enter(tenant=old.tenant, subject=old.subject, generation=key.generation)
    return receipt


def _delete_what_is_kept_of(record: OpenRecord, digests: set[bytes]) -> None:
    """All rows of the person but the record, and the identities with these digests."""
    row = record.row
    storage.delete_versions(row.tenant, row.subject)
    delete_app_data_of(row.tenant, row.subject)
    delete_sessions_of(row.tenant, row.subject)
    delete_shares_of(row.tenant, row.subject)
    storage.delete_identities(row.tenant, row.subject, row.digest_set - digests)
    delete_tokens_of(row.subject, tenant=row.tenant)
    delete_codes_of(row.subject, tenant=row.tenant)
    outbox.delete_of(row.tenant, row.subject)


# Whoever comes by a link that was sent to the person is most likely the person.
_MAY_BE_THE_PERSON = frozenset({ActorKind.PERSON, ActorKind.ANYONE})


def _emptied(record: OpenRecord) -> tuple[RecordRow, set[bytes], RecordKey, bool]:
    """The record with a new key and nothing but the preserved fields, the digests that stay, the key, and whether there
    is anything preserved.
    """
    old = record.row
    keyring = store.keyring_since(old.index_epoch)
    rules = schema.configured()
    preserved = rules.preserved(record.profile()) if rules else {}
    kept = [
        digest
        for field, value in identities.extract(preserved, lenient=True)
        for digest in identities.identity_digests(field, value, tenant=old.tenant, keyring=keyring)
        if digest in old.digest_set
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
    return new, set(kept), key, bool(preserved)
