"""What the workflows hold under data keys."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q

from databunker.crypto.envelope import Place
from databunker.crypto.holdings import Holding

from .consents import words_place
from .models import Agreement, AgreementEvent, ImportProgress, state_place

__all__ = ["HOLDINGS"]


def _of_pending_words(rows: Sequence[AgreementEvent]) -> list[Sequence[Place] | None]:
    """Words are bound to whose agreement it is: as long as nobody is here, to the hash of the e-mail or phone."""
    agreements = {row.agreement for row in rows}
    holders = dict(Agreement.objects.filter(id__in=agreements).values_list("id", "digest"))
    found: list[Sequence[Place] | None] = []
    for row in rows:
        digest = holders.get(row.agreement)
        found.append([words_place(row, bytes(digest))] if digest else None)
    return found


def _of_imports(rows: Sequence[ImportProgress]) -> list[Sequence[Place]]:
    return [[state_place(row.tenant, bytes(row.source), row.step)] for row in rows]


HOLDINGS = [
    Holding(
        AgreementEvent,
        {"words": "words of pending agreements"},
        where=Q(subject=None, words__isnull=False),
        bound_to=(
            "tenant", "basis", "status", "text_version", "at", "starts", "ends", "actor_kind", "actor_token",
        ),
        places=_of_pending_words,
    ),
    Holding(
        ImportProgress,
        {"state": "states of imports"},
        bound_to=("tenant", "source", "step"),
        places=_of_imports,
    ),
]  # fmt: skip
