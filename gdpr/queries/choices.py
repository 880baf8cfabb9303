"""What a person's data is processed on, what of it waits for the person's word, and what the person has said."""

from __future__ import annotations

from typing import NamedTuple

from databunker.access.actor import Actor
from databunker.errors import NotFound

from ..agreement_states import AgreementStatus
from ..bases import Basis, with_texts
from ..models import BasisStatus, BasisType, LegalBasis
from .agreements import AgreementView, History, list_agreements, read_history_on

__all__ = ["Choice", "list_choices", "read_choice"]


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
    def is_consent(self) -> bool:
        """Whether it rests on the person's word alone (GDPR Art. 6(1)(a)): given and taken back as the person likes."""
        return self.basis.row.basistype == BasisType.CONSENT

    @property
    def may_accept(self) -> bool:
        return self.is_consent and self._is_open and (not self.given or self.outdated)

    @property
    def may_withdraw(self) -> bool:
        """What rests on a contract, on the law or on somebody's interest is not withdrawn (Art. 7(3))."""
        return self.is_consent and self._is_open and self.given

    @property
    def _is_open(self) -> bool:
        return self.basis.row.status == BasisStatus.ACTIVE


def list_choices(actor: Actor, *, mode: str, identity: str) -> list[Choice]:
    """Every legal basis that is in use, and whatever else the person has agreed to or refused, oldest first.

    Raises:
        BadRequest, AccessDenied, NotFound: see `list_agreements`, whose event it leaves.
    """
    said = {view.brief: view for view in list_agreements(actor, mode=mode, identity=identity)}
    rows = LegalBasis.objects.filter(tenant=actor.tenant).order_by("id")
    shown = [row for row in rows if row.brief in said or row.status == BasisStatus.ACTIVE]
    return [Choice(basis, said.get(basis.row.brief)) for basis in with_texts(shown)]


def read_choice(actor: Actor, *, brief: str, mode: str, identity: str) -> tuple[Choice, History | None]:
    """One of them, with the history of what was said to it.

    Raises:
        BadRequest, AccessDenied: see `read_history_on`, whose event it leaves.
        NotFound: no such person, or nothing of this name is in use or was ever spoken of.
    """
    row = LegalBasis.objects.filter(tenant=actor.tenant, brief=brief).first()
    said = read_history_on(actor, row, mode=mode, identity=identity) if row else None
    if row is None or (said is None and row.status != BasisStatus.ACTIVE):
        raise NotFound("legal basis not found", subject=actor.subject)
    (basis,) = with_texts([row])
    return (Choice(basis, None), None) if said is None else (Choice(basis, said[0]), said[1])
