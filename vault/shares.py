"""Shared records: what is shared of a person, how that is sealed, and how it is picked out."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

import orjson

from databunker.crypto import hashing, store
from databunker.crypto.envelope import Place
from databunker.crypto.keyring import Purpose
from databunker.errors import BadRequest

from .models import SharedRecord
from .records import OpenRecord

__all__ = ["OpenShare", "Terms", "delete_shares_of", "picked", "seal_share", "share_digest", "split_fields"]

_MAX_FIELDS = 100
_MAX_FIELDS_LENGTH = 4096


class Terms(NamedTuple):
    """What is shared: `fields` (dotted paths; none: all) of the profile, of an application's data, or of a session.

    `partner` says with whom, for the audit trail.
    """

    fields: list[str]
    app: str = ""
    session: str = ""
    partner: str = ""


def share_digest(share_id: UUID) -> bytes:
    """Over all tenants: whoever reads a shared record names none."""
    root = store.current_keyring().secret(Purpose.REFERENCE)
    return hashing.digest(share_id.bytes, key=hashing.derive_key(root, b"shared-record"))


def _place(tenant: int, digest: bytes, field: bytes, expires: int) -> Place:
    """The end is bound to what ends: to move it in the database makes both unreadable."""
    return Place(tenant, b"share", field, digest, expires)


def seal_share(share_id: UUID, terms: Terms, *, holder: OpenRecord, created: int, expires: int) -> SharedRecord:
    """A share not yet written."""
    row, digest = holder.row, share_digest(share_id)
    return SharedRecord(
        digest=digest,
        tenant=row.tenant,
        subject=row.subject,
        generation=row.generation,
        sealed_id=holder.key.seal(share_id.bytes, _place(row.tenant, digest, b"id", expires)),
        terms=holder.key.seal(orjson.dumps(terms._asdict()), _place(row.tenant, digest, b"terms", expires)),
        created=created,
        expires=expires,
    )


def delete_shares_of(tenant: int, subject: bytes) -> None:
    SharedRecord.objects.filter(tenant=tenant, subject=subject).delete()


class OpenShare:
    """A stored share whose parts are decrypted when they are asked for. `holder` is whose data it is."""

    def __init__(self, stored: SharedRecord, holder: OpenRecord) -> None:
        self.stored = stored
        self.holder = holder

    def _open(self, sealed: bytes, field: bytes) -> bytes:
        return self.holder.key.open(
            sealed, _place(self.stored.tenant, bytes(self.stored.digest), field, self.stored.expires)
        )

    @property
    def share_id(self) -> UUID:
        return UUID(bytes=self._open(bytes(self.stored.sealed_id), b"id"))

    @property
    def terms(self) -> Terms:
        """
        Raises:
            IntegrityFailure: changed, moved, or sealed under a key that was destroyed.
        """
        return Terms(**orjson.loads(self._open(bytes(self.stored.terms), b"terms")))


def split_fields(text: str) -> list[str]:
    """The dotted paths of a comma list.

    Raises:
        BadRequest: an empty path, or too many.
    """
    if not text.strip():
        return []
    if len(text) > _MAX_FIELDS_LENGTH:
        raise BadRequest(f"fields has at most {_MAX_FIELDS_LENGTH} characters")
    fields = [field.strip() for field in text.split(",")]
    if len(fields) > _MAX_FIELDS or not all(name for field in fields for name in field.split(".")):
        raise BadRequest(f"fields is a comma list of at most {_MAX_FIELDS} names, with dots for what is nested")
    return fields


def picked(document: dict[str, Any], fields: list[str], *, token: UUID) -> dict[str, Any]:
    """The fields of `document` that are there, nested as they are; `token` is the person's token."""
    if not fields:
        return document
    found: dict[str, Any] = {}
    for field in fields:
        if field == "token" and "token" not in document:
            found["token"] = str(token)
            continue
        _copy(document, found, field.split("."))
    return found


def _copy(source: dict[str, Any], target: dict[str, Any], path: list[str]) -> None:
    *parents, last = path
    trail = []
    for name in parents:
        below = source.get(name)
        if not isinstance(below, dict):
            return
        trail.append(name)
        source = below
    if last not in source:
        return
    for name in trail:
        target = target.setdefault(name, {})
    target[last] = source[last]
