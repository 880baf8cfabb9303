"""Receipts: what a person is told about having been forgotten, for anybody to check without this vault.

A receipt's id is derived from the person's reference, so that a forgetting that is done again after a restore has the
same one. Of the id only a keyed hash is stored. docs/decisions/0009-erasure-receipts.md says what a receipt tells whom.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from audit import notes, proofs, statements
from audit.errors import NotSealed
from databunker.crypto import hashing, store
from databunker.crypto.encoding import pack
from databunker.crypto.errors import IntegrityFailure
from databunker.crypto.keyring import Purpose
from databunker.db.statements import Insert, execute
from databunker.ids import event_millis

from .models import Receipt
from .statement import FORMAT, KEPT_NOTHING, KEPT_PRESERVED, person_hash, statement

__all__ = ["StoredReceipt", "document", "find", "is_issued", "issue", "receipt_id"]


class StoredReceipt(NamedTuple):
    """The columns of `Receipt`, in order."""

    digest: bytes
    tenant: int
    subject: bytes
    event: UUID
    kept: bool
    person: bytes
    mac: bytes


def _key(use: bytes) -> bytes:
    return hashing.derive_key(store.current_keyring().secret(Purpose.REFERENCE), b"erasure-receipt", use)


def receipt_id(*, tenant: int, subject: bytes, generation: int) -> UUID:
    """Of the forgetting that began this generation of the record key: 122 bits that nobody guesses without the keys."""
    message = pack([b"%d" % tenant, subject, b"%d" % generation])
    return UUID(bytes=hashing.digest(message, key=_key(b"id")), version=4)


def _digest(receipt: UUID) -> bytes:
    return hashing.digest(receipt.bytes, key=_key(b"digest"))


def _mac(row: StoredReceipt) -> bytes:
    numbers = [b"%d" % number for number in (row.tenant, row.kept)]
    return hashing.mac(pack([row.digest, row.subject, row.event.bytes, row.person, *numbers]), key=_key(b"mac"))


def issue(receipt: UUID, *, tenant: int, subject: bytes, token: UUID, event: UUID, kept: bool) -> None:
    """In the transaction of the forgetting; `kept` says whether the record schema preserves something of the person."""
    person = person_hash(receipt=receipt, token=token)
    row = StoredReceipt(_digest(receipt), tenant, subject, event, kept, person, b"")
    row = row._replace(mac=_mac(row))
    execute(*Insert("erasure_receipt", StoredReceipt._fields, [row]).statement())


def is_issued(receipt: UUID) -> bool:
    return Receipt.objects.filter(pk=_digest(receipt)).exists()


def find(receipt: UUID) -> StoredReceipt | None:
    """
    Raises:
        IntegrityFailure: the row was changed in the database.
    """
    found = Receipt.objects.filter(pk=_digest(receipt)).values_list(*StoredReceipt._fields).first()
    if found is None:
        return None
    digest, tenant, subject, event, kept, person, mac = found
    row = StoredReceipt(bytes(digest), tenant, bytes(subject), event, kept, bytes(person), bytes(mac))
    if not hashing.same(row.mac, _mac(row)):
        raise IntegrityFailure("a receipt was changed in the database")
    return row


def document(receipt: UUID, row: StoredReceipt) -> dict[str, Any]:
    """The receipt as it is handed out: statement, signature and proof, by the keys and the tree as they are now.

    Raises:
        NotSealed: the sealer has not come to the event yet, or the newest signing key to the tree.
        TreeDamaged: the tree, or the event, is not what was signed.
    """
    proof = proofs.proof_of(row.event, tenant=row.tenant)
    newest = store.current_keyring().newest(Purpose.SIGNING).id
    if newest not in statements.key_numbers(proof.head.signatures):
        raise NotSealed
    stated = {
        "receipt": str(receipt),
        "log": proof.tree.origin,
        "event": str(row.event),
        "at": event_millis(row.event) // 1000,
        "kept": KEPT_PRESERVED if row.kept else KEPT_NOTHING,
        "person": row.person.hex(),
    }
    signed = proofs.sign(statement(**stated).encode())  # type: ignore[arg-type] # by name: all are text but the time
    key = notes.verifier_key(proof.tree.origin, signed.public_key)
    return {"format": FORMAT, **stated, "key": key, "signature": signed.signature.hex(), "proof": proof.document()}
