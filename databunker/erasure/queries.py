"""Read a receipt."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.conf import settings

from audit import trail
from databunker.access import throttle
from databunker.access.actor import Actor
from databunker.crypto import signing, store
from databunker.crypto.keyring import Purpose
from databunker.errors import NotFound
from databunker.ids import parse_token

from . import receipts
from .events import RECEIPT_READ

__all__ = ["public_keys", "read_receipt"]


def public_keys() -> list[bytes]:
    """The keys that this vault signs with and has signed with."""
    keys = store.current_keyring().of_purpose(Purpose.SIGNING)
    return [signing.public_key_of(key.secret) for key in keys]


def read_receipt(actor: Actor, *, receipt: str) -> dict[str, Any]:
    """The receipt with this id, for whoever knows it.

    Raises:
        Throttled: this client has asked for too many.
        NotFound: there is none.
        NotSealed: it is complete in a moment.
        IntegrityFailure, TreeDamaged: it was changed in the database, or the trail was.
    """
    limit = throttle.parse_limit(settings.RECEIPTS_PER_ADDRESS)
    throttle.take(limit, tenant=actor.tenant, what=b"receipt", who=throttle.address_key(actor.address))
    token = parse_token(receipt)
    row = receipts.find(token) if token else None
    if token is None or row is None:
        raise NotFound("receipt not found")
    document = receipts.document(token, row)
    # Whoever asks is most likely the person, whose address must not outlive the record.
    trail.record(replace(actor, tenant=row.tenant, address=""), RECEIPT_READ, subject=row.subject)
    return document
