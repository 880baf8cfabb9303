"""What the outbox holds under data keys."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q

from databunker.crypto.envelope import Place
from databunker.crypto.holdings import Holding

from .jobs import payload_place
from .models import Job

__all__ = ["HOLDINGS"]


def _of_jobs(rows: Sequence[Job]) -> list[Sequence[Place]]:
    return [[payload_place(row.tenant, row.id, row.kind)] for row in rows]


HOLDINGS = [
    Holding(
        Job,
        {"payload": "messages of nobody"},
        where=Q(generation=0),
        bound_to=("tenant", "kind"),
        places=_of_jobs,
        key_column="key_id",
    )
]
