"""Who holds an identity, for packages above that keep things of people.

They check the permission and write the event themselves: these reads are steps of their acts.
"""

from __future__ import annotations

from collections.abc import Sequence

from databunker.db.statements import for_update

from .. import storage
from ..records import OpenRecord

__all__ = ["holders_of", "record_of"]


def holders_of(tenant: int, digests: Sequence[bytes]) -> dict[bytes, bytes]:
    """The references of the people who hold these unique identities, by digest."""
    return storage.taken(tenant, digests)


def record_of(tenant: int, subject: bytes, *, lock: bool = False, skip_locked: bool = False) -> OpenRecord | None:
    """The record of this reference; with `lock` no other transaction changes it until the caller's ends.

    With `skip_locked` too, None also where another transaction is at work on the record.
    """
    return storage.by_subject(tenant, subject, suffix=for_update(skip_locked=skip_locked) if lock else "")
