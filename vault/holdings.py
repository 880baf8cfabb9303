"""What the vault's tables hold under data keys."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q

from databunker.crypto.envelope import Place
from databunker.crypto.holdings import Holding
from databunker.crypto.record_key import key_place

from .models import Record, Session
from .references import token_place
from .sessions import session_place

__all__ = ["HOLDINGS"]


def _of_records(rows: Sequence[Record]) -> list[Sequence[Place]]:
    return [
        (
            key_place(row.tenant, bytes(row.subject), row.generation),
            token_place(row.tenant, bytes(row.subject)),
        )
        for row in rows
    ]


def _of_sessions(rows: Sequence[Session]) -> list[Sequence[Place]]:
    return [
        [session_place(row.tenant, bytes(row.digest), field, row.expires) for field in (b"id", b"data")] for row in rows
    ]


HOLDINGS = [
    Holding(
        Record,
        {"wrapped_key": "record keys", "sealed_token": "tokens of people"},
        bound_to=("tenant", "subject", "generation"),
        places=_of_records,
        key_column="key_id",
    ),
    Holding(
        Session,
        {"sealed_id": "ids of sessions of nobody", "data": "sessions of nobody"},
        where=Q(generation=0),
        bound_to=("tenant", "digest", "expires"),
        places=_of_sessions,
    ),
]
