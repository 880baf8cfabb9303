"""The agreement that a person asks to withdraw from, as it is now."""

from __future__ import annotations

from typing import Any

from databunker.access.actor import Actor
from vault.records import OpenRecord

from ...agreement_states import AgreementStatus
from ...binding import settle
from ...models import Agreement, LegalBasis

__all__ = ["agreement_of"]


def agreement_of(actor: Actor, record: OpenRecord, brief: str) -> Any:
    """What is said about it, or None where nothing is; in the caller's transaction, with the record locked.

    `number` counts the changes: while it is the same, so is the agreement.
    """
    settle(actor, record)
    row = record.row
    basis = LegalBasis.objects.filter(tenant=row.tenant, brief=brief).values_list("id", flat=True).first()
    if basis is None:
        return None
    found = Agreement.objects.filter(tenant=row.tenant, subject=row.subject, basis=basis).first()
    if found is None:
        return None
    return {
        "brief": brief,
        "status": AgreementStatus(found.status).label,
        "textversion": found.text_version,
        "when": found.changed,
        "number": found.number,
    }
