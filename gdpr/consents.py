"""Agreements in hand: how an event of one is sealed and opened, and what is shown of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import orjson

from databunker.crypto import hashing, store
from databunker.crypto.encoding import pack
from databunker.crypto.envelope import Place
from databunker.crypto.errors import IntegrityFailure
from vault.lookups import ByIdentity
from vault.records import OpenRecord

from .agreement_states import AgreementStatus
from .models import Agreement, AgreementEvent

__all__ = ["PENDING_MODES", "Holder", "Spoken", "Words", "last_events", "open_words", "seal_words", "words_place"]

# What a person who isn't there yet may be named by: people prove that these are theirs when they log in.
PENDING_MODES = frozenset({"email", "phone"})
_SPOKEN = frozenset({AgreementStatus.YES, AgreementStatus.NO})


class Words(NamedTuple):
    """How somebody accepted or withdrew: everything of an event that may be personal.

    `mode` and `who` are the identity that the agreement was given by; empty `who`: the person's token.
    """

    mode: str = "token"
    who: str = ""
    method: str = ""
    referencecode: str = ""
    lastmodifiedby: str = ""


class Holder(NamedTuple):
    """Whose agreement it is: a person's, or before that person exists an identity's.

    A new agreement of nobody stands under `digest`, one that is there already under any of `digests`: those of the
    identity under each index key that still lives.
    """

    tenant: int
    record: OpenRecord | None = None
    digest: bytes | None = None
    digests: tuple[bytes, ...] = ()

    @classmethod
    def of_nobody(cls, tenant: int, lookup: ByIdentity) -> Holder:
        return cls(tenant, digest=lookup.digest, digests=tuple(lookup.digests(tenant)))

    def of(self, row: Agreement) -> Holder:
        """The holder as this one of its agreements names it."""
        return self if self.record else self._replace(digest=row.digest)

    @property
    def subject(self) -> bytes | None:
        return self.record.row.subject if self.record else None

    @property
    def reference(self) -> bytes:
        """What the seal is bound to."""
        return self.subject or self.digest or b""

    def agreements(self) -> dict[str, object]:
        """The filter that finds the holder's rows."""
        if self.record:
            return {"tenant": self.tenant, "subject": self.subject}
        return {"tenant": self.tenant, "digest__in": self.digests}

    def seal(self, plaintext: bytes, place: Place) -> bytes:
        return self.record.key.seal(plaintext, place) if self.record else store.current_keyring().seal(plaintext, place)

    def open(self, sealed: bytes, place: Place) -> bytes:
        """
        Raises:
            IntegrityFailure, UnknownKey: changed, moved, or sealed under a key that is gone.
        """
        if self.record:
            return self.record.key.open(sealed, place)
        return store.unseal(sealed, place)


def words_place(event: AgreementEvent, reference: bytes) -> Place:
    """Bound to all that the event says but for the request's id, which is a trace and no statement."""
    numbers = (
        event.basis, event.number, event.status, event.text_version, event.at, event.starts, event.ends,
        event.actor_kind, event.actor_token,
    )  # fmt: skip
    row = pack([reference, *(str(number).encode() for number in numbers)])
    return Place(event.tenant, b"agreement", b"words", row)


def seal_words(event: AgreementEvent, words: Words, holder: Holder) -> None:
    """Put the words into an event that has its other columns already."""
    event.words = holder.seal(orjson.dumps(list(words)), words_place(event, holder.reference))


def open_words(event: AgreementEvent, holder: Holder) -> Words:
    """What was said; nothing where the event came by itself or from above.

    Raises:
        IntegrityFailure: the event is not as it was written.
    """
    if not hashing.same(event.subject or b"", holder.subject or b""):
        raise IntegrityFailure("an agreement's history belongs to somebody else")
    if event.words is not None:
        return Words(*orjson.loads(holder.open(event.words, words_place(event, holder.reference))))
    if event.status in _SPOKEN:
        raise IntegrityFailure("an agreement was invented in the database")
    return Words(mode="")


class Spoken(NamedTuple):
    """An agreement with its last event, and the words that were last spoken."""

    row: Agreement
    last: AgreementEvent
    words: Words

    @property
    def status(self) -> AgreementStatus:
        return AgreementStatus(self.row.status)


def last_events(rows: Iterable[Agreement], holder: Holder) -> list[Spoken]:
    """What the agreements of one holder say, checked against their history.

    Raises:
        IntegrityFailure: an agreement or its last event was changed in the database.
    """
    rows = list(rows)
    numbers = {number for row in rows for number in (row.number, row.said)}
    stored = AgreementEvent.objects.filter(agreement__in=[row.id for row in rows], number__in=numbers)
    events = {(event.agreement, event.number): event for event in stored}
    return [_spoken(row, events, holder) for row in rows]


def _spoken(row: Agreement, events: dict[tuple[int, int], AgreementEvent], holder: Holder) -> Spoken:
    last, said = events.get((row.id, row.number)), events.get((row.id, row.said))
    if (
        last is None
        or said is None
        or said.words is None
        or (last.status, last.basis, last.at, last.ends) != (row.status, row.basis, row.changed, row.ends)
        or (said.text_version, said.starts) != (row.text_version, row.starts)
    ):
        raise IntegrityFailure("an agreement does not say what its history says")
    if last is not said:
        open_words(last, holder.of(row))
    return Spoken(row, last, open_words(said, holder.of(row)))
