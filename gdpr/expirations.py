"""A person's expiration: what may become of it, how its link is sealed, and how it ends with the person."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from databunker.access.actor import Actor
from databunker.crypto import hashing, store
from databunker.crypto.envelope import Place
from databunker.crypto.keyring import Purpose
from databunker.errors import BadRequest
from databunker.ids import unix_now
from vault.records import OpenRecord

from .models import Expiration, ExpirationStatus

__all__ = ["STEPS", "Step", "close", "link_digest", "open_link", "parse_status", "seal_expiration", "take", "upon"]

_WAIT, _RETAIN, _EXPIRED = ExpirationStatus.WAIT, ExpirationStatus.RETAIN, ExpirationStatus.EXPIRED


class Step(NamedTuple):
    """What a verb leads from, and to; None: there is no expiration any more."""

    sources: frozenset[ExpirationStatus]
    target: ExpirationStatus | None


# Whoever is forgotten has no way back; whoever waits or was kept may be started anew, by an expiration in its place.
STEPS: dict[str, Step] = {
    "cancel": Step(frozenset({_WAIT, _RETAIN}), None),
    "retain": Step(frozenset({_WAIT, _RETAIN}), _RETAIN),
    "delete": Step(frozenset({_WAIT, _RETAIN}), _EXPIRED),
    "expire": Step(frozenset({_WAIT}), _EXPIRED),
    "forget": Step(frozenset({_WAIT, _RETAIN}), _EXPIRED),
}
# What an expiration may start as: `retain` waits for the holder of the link and never ends by itself.
_STARTS = {status.label: status for status in (_WAIT, _RETAIN)}


def parse_status(value: object) -> ExpirationStatus:
    """The status that an expiration starts with; none is `wait`.

    Raises:
        BadRequest: no such status.
    """
    if value is None or value == "":
        return _WAIT
    status = _STARTS.get(value.lower()) if isinstance(value, str) else None
    if status is None:
        raise BadRequest(f"status must be one of: {', '.join(_STARTS)}")
    return status


def link_digest(link: UUID) -> bytes:
    """Over all tenants: whoever follows a link names none."""
    root = store.current_keyring().secret(Purpose.REFERENCE)
    return hashing.digest(link.bytes, key=hashing.derive_key(root, b"expiration-link"))


def _place(tenant: int, digest: bytes, status: int, endtime: int) -> Place:
    return Place(tenant, b"expiration", ExpirationStatus(status).label.encode(), digest, endtime)


def seal_expiration(
    link: UUID, *, holder: OpenRecord, status: ExpirationStatus, endtime: int, started_by: int | None
) -> Expiration:
    """An expiration not yet written. Its link dies with the record key of `holder`, whose end it is."""
    row, digest = holder.row, link_digest(link)
    return Expiration(
        tenant=row.tenant,
        subject=row.subject,
        status=status,
        endtime=endtime,
        digest=digest,
        sealed_token=holder.key.seal(link.bytes, _place(row.tenant, digest, status, endtime)),
        started=unix_now(),
        started_by=started_by,
    )


def open_link(stored: Expiration, holder: OpenRecord) -> UUID | None:
    """The token of the link, or None where it was used.

    Raises:
        IntegrityFailure: it was moved, or its end or status was changed in the database.
    """
    if stored.digest is None or stored.sealed_token is None:
        return None
    place = _place(stored.tenant, stored.digest, stored.status, stored.endtime)
    return UUID(bytes=holder.key.open(stored.sealed_token, place))


def upon(record: OpenRecord) -> Expiration | None:
    """The person's expiration."""
    return Expiration.objects.filter(tenant=record.row.tenant, subject=record.row.subject).first()


def take(record: OpenRecord, verb: str) -> bool:
    """Take the step `verb` upon the person's expiration, whose link is of no use afterwards; whether there was one.

    In a transaction that holds `record` locked.
    """
    sources, target = STEPS[verb]
    found = Expiration.objects.filter(tenant=record.row.tenant, subject=record.row.subject, status__in=sources)
    if target is None:
        return found.delete()[0] > 0
    changed: dict[str, object] = {"status": target, "digest": None, "sealed_token": None}
    if target is _RETAIN:
        changed["endtime"] = 0
    return found.update(**changed) > 0


def close(actor: Actor, record: OpenRecord) -> None:  # noqa: ARG001 - the signature of `vault.hooks`
    """The end of whoever is forgotten, in whatever way: nothing but the status and the time is left."""
    take(record, "forget")
