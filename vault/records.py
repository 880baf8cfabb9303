"""A person's record, sealed for the database and opened again."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.translation import gettext_noop

from databunker import jsontext
from databunker.crypto import store
from databunker.crypto.envelope import Place
from databunker.crypto.hashing import DIGEST_BYTES
from databunker.crypto.keyring import Keyring, Purpose
from databunker.crypto.record_key import RecordKey
from databunker.errors import Conflict, NotFound
from databunker.ids import new_token, unix_now

from . import identities, references
from .identities import IdentityRow
from .models import RecordState

__all__ = ["OpenRecord", "RecordRow", "SealedRecord", "profile_place", "seal_adopted", "seal_new"]


class RecordRow(NamedTuple):
    """The columns of `vault.models.Record` but for its number, in order."""

    tenant: int
    subject: bytes
    state: int
    version: int
    generation: int
    key_id: int
    sealed_token: bytes
    wrapped_key: bytes
    profile: bytes
    digests: bytes
    index_epoch: int
    created: int
    changed: int

    @property
    def digest_set(self) -> set[bytes]:
        """The digests of the record's identities."""
        return {self.digests[at : at + DIGEST_BYTES] for at in range(0, len(self.digests), DIGEST_BYTES)}


class SealedRecord(NamedTuple):
    """What was just sealed and waits to be written: the record, its blind index, and the key to seal its event."""

    token: UUID
    row: RecordRow
    identities: list[IdentityRow]
    key: RecordKey

    def without(self, fields: Collection[str]) -> SealedRecord:
        """The same without the identities of these fields."""
        kept = [entry for entry in self.identities if entry.field not in fields]
        return self._replace(row=self.row._replace(digests=b"".join(entry.digest for entry in kept)), identities=kept)


def profile_place(tenant: int, subject: bytes, version: int) -> Place:
    """The same for a current and an archived profile: archiving moves the ciphertext as it is."""
    return Place(tenant, b"record", b"profile", subject, version)


def seal_new(profile: dict[str, Any], content: bytes, *, tenant: int) -> SealedRecord:
    """A new person: token, record key, sealed profile and blind index entries; `content` is the profile as JSON.

    Raises:
        BadRequest: see `identities.rows_for`.
    """
    token, keyring = new_token(), store.current_keyring()
    subject = references.subject_of(token, tenant=tenant, keyring=keyring)
    found = identities.rows_for(profile, tenant=tenant, subject=subject, keyring=keyring)
    return _sealed(keyring, token, subject, content, found, state=RecordState.ACTIVE, tenant=tenant)


def seal_adopted(token: UUID, profile: dict[str, Any] | None, *, tenant: int) -> SealedRecord:
    """A person who has a token already, from elsewhere. None: one who was forgotten there, of whom only that is left.

    Identities that can't be looked up have no entry in the blind index; there may be none at all.
    """
    keyring = store.current_keyring()
    subject = references.subject_of(token, tenant=tenant, keyring=keyring)
    if profile is None:
        return _sealed(keyring, token, subject, b"{}", [], state=RecordState.FORGOTTEN, tenant=tenant)
    found = identities.usable_rows_for(profile, tenant=tenant, subject=subject, keyring=keyring)
    return _sealed(keyring, token, subject, jsontext.dumps(profile), found, state=RecordState.ACTIVE, tenant=tenant)


def _sealed(
    keyring: Keyring,
    token: UUID,
    subject: bytes,
    content: bytes,
    found: list[IdentityRow],
    *,
    state: RecordState,
    tenant: int,
) -> SealedRecord:
    key = RecordKey.fresh(tenant=tenant, subject=subject)
    now = unix_now()
    row = RecordRow(
        tenant=tenant,
        subject=subject,
        state=state.value,
        version=1,
        generation=key.generation,
        key_id=keyring.newest(Purpose.DATA).id,
        sealed_token=references.seal_token(token, tenant=tenant, subject=subject, keyring=keyring),
        wrapped_key=key.wrap(keyring),
        profile=key.seal(content, profile_place(tenant, subject, 1)),
        digests=b"".join(entry.digest for entry in found),
        index_epoch=keyring.index_epoch,
        created=now,
        changed=now,
    )
    return SealedRecord(token, row, found, key)


class OpenRecord:
    """A stored record whose parts are decrypted when they are asked for, once each."""

    __slots__ = ("_key", "_profile_json", "_token", "row")

    def __init__(self, row: RecordRow, *, token: UUID | None = None) -> None:
        """`token` may be given where the caller knows it."""
        self.row = row
        self._token = token
        self._key: RecordKey | None = None
        self._profile_json: bytes | None = None

    @property
    def key(self) -> RecordKey:
        """
        Raises:
            IntegrityFailure, UnknownKey: the wrapped key was changed or moved, or its data key is gone.
        """
        if self._key is None:
            row = self.row
            self._key = RecordKey.unwrap(
                row.wrapped_key,
                keyring=store.keyring_with(row.key_id),
                tenant=row.tenant,
                subject=row.subject,
                generation=row.generation,
            )
        return self._key

    @property
    def token(self) -> UUID:
        """
        Raises:
            IntegrityFailure, UnknownKey: the sealed token was changed or moved, or its data key is gone.
        """
        if self._token is None:
            row = self.row
            self._token = references.open_token(
                row.sealed_token, tenant=row.tenant, subject=row.subject, keyring=store.keyring_with(row.key_id)
            )
        return self._token

    @property
    def profile_json(self) -> bytes:
        """The profile as compact JSON, exactly as it was stored.

        Raises:
            IntegrityFailure: the sealed profile was changed or moved.
        """
        if self._profile_json is None:
            self._profile_json = self.open_profile(self.row.profile, self.row.version)
        return self._profile_json

    def open_profile(self, sealed: bytes, version: int) -> bytes:
        """A current or archived profile of this person."""
        return self.key.open(sealed, profile_place(self.row.tenant, self.row.subject, version))

    def profile(self) -> dict[str, Any]:
        document: dict[str, Any] = jsontext.loads(self.profile_json)
        return document

    @property
    def forgotten(self) -> bool:
        return self.row.state == RecordState.FORGOTTEN

    @property
    def restricted(self) -> bool:
        """Whether the data is stored and not processed, see `vault.restriction`."""
        return self.row.state == RecordState.RESTRICTED

    def require_active(self) -> None:
        """
        Raises:
            NotFound: the person was forgotten.
        """
        if self.forgotten:
            raise NotFound(subject=self.row.subject)

    def require_version(self, version: int | None) -> None:
        """For whoever has seen the record at `version` and means that one; None: whichever it is.

        Raises:
            Conflict: it was changed since.
        """
        if version is not None and version != self.row.version:
            raise Conflict(gettext_noop("the record has changed meanwhile"), subject=self.row.subject)
