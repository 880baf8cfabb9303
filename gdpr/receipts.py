"""Under which id the receipt of a person's erasure is found: known before it is carried out."""

from __future__ import annotations

from uuid import UUID

from databunker.erasure import receipts
from vault.records import OpenRecord

__all__ = ["receipt_of"]


def receipt_of(record: OpenRecord) -> UUID:
    """Of who is forgotten that of the last erasure, of anybody else that of the next.

    So people can be told of it in time: once they are forgotten nobody knows how to reach them.
    """
    row = record.row
    generation = row.generation if record.forgotten else row.generation + 1
    return receipts.receipt_id(tenant=row.tenant, subject=row.subject, generation=generation)
