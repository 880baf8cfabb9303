"""What of accounts and sessions is sealed under data keys, so that it can be put under a newer one."""

from __future__ import annotations

from collections.abc import Sequence

from databunker.crypto.envelope import Place
from databunker.crypto.holdings import Holding

from . import rows, sessions
from .models import Account, WebSession

__all__ = ["HOLDINGS"]


def _of_accounts(found: Sequence[Account]) -> list[Sequence[Place]]:
    return [(rows.place(row.tenant, row.digest),) for row in found]


def _of_sessions(found: Sequence[WebSession]) -> list[Sequence[Place]]:
    return [(sessions.place(row.tenant, row.digest),) for row in found]


HOLDINGS = [
    Holding(Account, {"private": "accounts"}, bound_to=("tenant", "digest"), places=_of_accounts),
    Holding(WebSession, {"data": "sessions of pages"}, bound_to=("tenant", "digest"), places=_of_sessions),
]
