"""What the trail holds under detail keys: written once, and never sealed anew."""

from __future__ import annotations

from django.db.models import Q

from databunker.crypto.holdings import Holding
from databunker.crypto.keyring import Purpose

from .events import Outcome
from .models import Event

__all__ = ["HOLDINGS"]

HOLDINGS = [
    Holding(
        Event,
        {"detail": "details of events of nobody"},
        where=(Q(subject=None) | ~Q(outcome=Outcome.OK.value)) & Q(detail__isnull=False),
        purpose=Purpose.DETAIL,
    )
]
