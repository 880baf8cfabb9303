"""Everything that is sealed under keys of the keyring, of all apps."""

from __future__ import annotations

import audit.holdings
import databunker.accounts.holdings
import databunker.notify.holdings
import gdpr.holdings
import vault.holdings
from databunker.crypto.holdings import Holding
from databunker.crypto.keyring import Purpose

__all__ = ["HOLDINGS", "under"]

HOLDINGS: list[Holding] = [
    *vault.holdings.HOLDINGS,
    *gdpr.holdings.HOLDINGS,
    *databunker.notify.holdings.HOLDINGS,
    *databunker.accounts.holdings.HOLDINGS,
    *audit.holdings.HOLDINGS,
]


def under(purpose: Purpose) -> list[Holding]:
    """What is sealed under keys of this purpose."""
    return [holding for holding in HOLDINGS if holding.purpose is purpose]
