"""Where packages above the vault take part in what happens to a person, in the same transaction.

They register in their `AppConfig.ready()`; the vault imports none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from databunker.access.actor import Actor

from .records import OpenRecord

__all__ = ["before_forgetting", "before_identities_change"]

Hook = Callable[[Actor, OpenRecord], Any]

# Called with the locked record, before its key is destroyed. Whoever keeps something of people deletes it here.
before_forgetting: list[Hook] = []
# Called with the record as it was, in the transaction in which some of its identities are replaced.
before_identities_change: list[Hook] = []
