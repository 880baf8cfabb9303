"""How an application's session is sealed, and opened again."""

from __future__ import annotations

from uuid import UUID

from databunker.crypto import hashing, store
from databunker.crypto.envelope import Place
from databunker.crypto.keyring import Purpose
from databunker.errors import BadRequest
from databunker.ids import parse_token

from .models import Session
from .records import OpenRecord

__all__ = [
    "OpenSession",
    "delete_sessions_of",
    "parse_handle",
    "parse_session_id",
    "seal_session",
    "session_digest",
    "session_place",
]


def parse_session_id(text: str) -> UUID:
    """
    Raises:
        BadRequest: no UUID.
    """
    session_id = parse_token(text)
    if session_id is None:
        raise BadRequest("bad session format")
    return session_id


def parse_handle(text: str) -> bytes:
    """The digest in a session's handle; of what is none, one that no session has."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def session_digest(session_id: UUID, *, tenant: int) -> bytes:
    root = store.current_keyring().secret(Purpose.REFERENCE)
    key = hashing.derive_key(root, b"session", tenant.to_bytes(4, "big"))
    return hashing.digest(session_id.bytes, key=key)


def session_place(tenant: int, digest: bytes, field: bytes, expires: int) -> Place:
    """The end is bound to what ends: to move it in the database makes both unreadable."""
    return Place(tenant, b"session", field, digest, expires)


def seal_session(
    session_id: UUID, data: bytes, *, tenant: int, holder: OpenRecord | None, stored: int, expires: int
) -> Session:
    """A session not yet written; `data` is JSON. It dies with the record key of `holder`, where it has one."""
    digest = session_digest(session_id, tenant=tenant)
    sealer = holder.key if holder else store.current_keyring()
    return Session(
        tenant=tenant,
        digest=digest,
        subject=holder.row.subject if holder else None,
        generation=holder.row.generation if holder else 0,
        sealed_id=sealer.seal(session_id.bytes, session_place(tenant, digest, b"id", expires)),
        data=sealer.seal(data, session_place(tenant, digest, b"data", expires)),
        stored=stored,
        expires=expires,
    )


def delete_sessions_of(tenant: int, subject: bytes) -> None:
    Session.objects.filter(tenant=tenant, subject=subject).delete()


class OpenSession:
    """A stored session whose parts are decrypted when they are asked for. `holder` is whose it is."""

    def __init__(self, stored: Session, holder: OpenRecord | None) -> None:
        self.stored = stored
        self.holder = holder

    def _open(self, sealed: bytes, field: bytes) -> bytes:
        place = session_place(self.stored.tenant, bytes(self.stored.digest), field, self.stored.expires)
        if self.holder is not None:
            return self.holder.key.open(sealed, place)
        return store.unseal(sealed, place)

    @property
    def session_id(self) -> UUID:
        return UUID(bytes=self._open(bytes(self.stored.sealed_id), b"id"))

    @property
    def handle(self) -> str:
        """Names the session in forms; for whoever ends it, see `vault.actions.end_session`."""
        return bytes(self.stored.digest).hex()

    @property
    def data_json(self) -> bytes:
        """
        Raises:
            IntegrityFailure, UnknownKey: changed, moved, or sealed under a key that is gone.
        """
        return self._open(bytes(self.stored.data), b"data")
