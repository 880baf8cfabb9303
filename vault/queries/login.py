"""Who would log in: the one look-up that needs no permission, as it is the code that has to prove who asks."""

from __future__ import annotations

from databunker.db.statements import for_update

from .. import storage
from ..lookups import ByIdentity
from ..records import OpenRecord

__all__ = ["find_for_login"]


def find_for_login(tenant: int, lookup: ByIdentity) -> OpenRecord | None:
    """The person whose identity it is, locked until the transaction ends; None: nobody, or forgotten.

    The same statements are sent whoever has the identity, and no profile is read, so that neither the answer nor the
    time tells who is in the vault. The record has no profile to be asked for. Writes no event: the caller does.
    """
    record = storage.holder_without_profile(tenant, lookup.digest, suffix=for_update())
    return None if record is None or record.forgotten else record
