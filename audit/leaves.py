"""An event as a leaf of the tree: its id, and the hash of its row.

The id stands beside the hash so that a leaf still says when its event was, once the event itself is gone by
retention. In the row's hash stand hashes in place of the person's reference and the sealed detail: so the rest of an
event can be shown and proved without them. The layout: docs/audit.md.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any
from uuid import UUID

from databunker.crypto.encoding import pack

from .trail import EventRow, canonical

__all__ = ["leaf_of", "row_hash", "shown"]

_FORMAT = b"databunker.event.1"


def leaf_of(event_id: UUID, row_hash_: bytes) -> bytes:
    return event_id.bytes + row_hash_


def row_hash(row: EventRow) -> bytes:
    """SHA-256 over all columns, the MAC among them: whoever has no key learns nothing of a value by guessing it."""
    pieces = [canonical(value) for value in row._replace(subject=None, detail=None)]
    pieces[_SUBJECT], pieces[_DETAIL] = _committed(row.subject), _committed(row.detail)
    return sha256(pack([_FORMAT, *pieces])).digest()


_SUBJECT, _DETAIL = EventRow._fields.index("subject"), EventRow._fields.index("detail")


def _committed(value: bytes | None) -> bytes:
    return canonical(None) if value is None else b"h" + sha256(value).digest()


def shown(row: EventRow) -> dict[str, Any]:
    """The columns as anybody may see them who may know of the event: enough to compute `row_hash` from."""
    return {
        "id": str(row.id),
        "tenant": row.tenant,
        "at": row.at,
        "type": row.type,
        "outcome": row.outcome,
        "actor_kind": row.actor_kind,
        "actor_token": row.actor_token,
        "subject_sha256": _hex(row.subject),
        "request": str(row.request),
        "detail_sha256": _hex(row.detail),
        "key_id": row.key_id,
        "mac": row.mac.hex(),
    }


def _hex(value: bytes | None) -> str | None:
    return None if value is None else sha256(value).hexdigest()
