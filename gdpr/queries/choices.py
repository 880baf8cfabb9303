"""What a person may agree to, and what the person has said to it."""

from __future__ import annotations

from typing import NamedTuple

from databunker.access.actor import Actor

from ..agreement_states import AgreementStatus
from ..bases import Basis, with_texts
from ..models import BasisStatus, BasisType, LegalBasis
from .agreements import AgreementView, list_agreements

__all__ = ["Choice", "list_choices"]


class Choice(NamedTuple):
    """A legal basis with the texts that are shown now; `agreement` is None where nothing was said about it yet."""

    basis: Basis
    agreement: AgreementView | None

    @property
    def given(self) -> bool:
        return self.agreement is not None and self.agreement.status == AgreementStatus.YES.label

    @property
    def outdated(self) -> bool:
        """Given to texts that have changed since."""
        row = self.basis.row
        return self.agreement is not None and self.given and self.agreement.text_version != row.text_version

    @property
    def is_open(self) -> bool:
        """Whether it can still be agreed to."""
        return self.basis.row.status == BasisStatus.ACTIVE


def list_choices(actor: Actor, *, mode: str, identity: str) -> list[Choice]:
    """Every consent that is asked for, and whatever else the person has agreed to or refused, oldest first.

    Raises:
        BadRequest, AccessDenied, NotFound: see `list_agreements`, whose event it leaves.
    """
    said = {view.brief: view for view in list_agreements(actor, mode=mode, identity=identity)}
    rows = LegalBasis.objects.filter(tenant=actor.tenant).order_by("id")
    shown = [row for row in rows if row.brief in said or _asks(row)]
    return [Choice(basis, said.get(basis.row.brief)) for basis in with_texts(shown)]


def _asks(row: LegalBasis) -> bool:
    """Other bases than consent don't wait for anybody's word."""
    return row.status == BasisStatus.ACTIVE and row.basistype == BasisType.CONSENT
