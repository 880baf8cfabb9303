"""The register of legal bases: how many agree to each, its texts, and what takes agreements back for everyone."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from databunker.access.permissions import Permission
from databunker.errors import Conflict, NotFound, Outdated
from databunker.pages.paging import Paging
from gdpr import actions, queries
from gdpr.agreement_states import AgreementStatus
from gdpr.models import BasisStatus, BasisType
from gdpr.queries import BasisLine, BasisView

from .pages import ConsolePage
from .register_forms import BASIS_TYPES, DeleteBasisForm, LegalBasisForm, RevokeForm

__all__ = ["DeleteBasis", "EditBasis", "LegalBases", "LegalBasis", "NewBasis", "RevokeAgreements"]

_UNPROCESSABLE = 422
# `status` too: saving a deleted one lets it come back, which nobody should do unseen.
_FIELDS = ("brief", "basistype", "module", "usercontrol", "requiredflag", "status")


class _BasisPage(ConsolePage):
    section = "bases"
    permission = Permission.LEGAL_BASIS_CHANGE


class LegalBases(_BasisPage):
    template_name = "console/legal_bases.html"
    permission = Permission.LEGAL_BASIS_READ

    def get(self, request: HttpRequest) -> HttpResponse:
        paging = Paging(request.GET)
        page = queries.look_at_bases(self.actor, offset=paging.offset, limit=paging.size)
        lines = [self._line(line) for line in page.lines]
        return self.render(
            lines=lines, paging=paging.of(page.total), may_change=self.may(Permission.LEGAL_BASIS_CHANGE)
        )

    def _line(self, line: BasisLine) -> dict[str, Any]:
        row, counts = line.basis.row, line.agreements
        return {
            "row": row,
            "texts": line.basis.texts,
            "kind": BASIS_TYPES[BasisType(row.basistype)],
            "deleted": row.status == BasisStatus.DELETED,
            "accepted": _some(counts[AgreementStatus.YES]),
            "withdrawn": _some(counts[AgreementStatus.NO]),
        }


def _some(many: int) -> str:
    """As far as it was counted; the page of the basis counts them all."""
    return str(many) if many <= queries.COUNTED else _("over %(many)s") % {"many": queries.COUNTED}


class LegalBasis(_BasisPage):
    template_name = "console/legal_basis.html"
    permission = Permission.LEGAL_BASIS_READ

    def get(self, request: HttpRequest, basis: int) -> HttpResponse:  # noqa: ARG002 - Django's signature
        view = queries.look_at_basis(self.actor, number=basis)
        row = view.basis.row
        deleted = row.status == BasisStatus.DELETED
        return self.render(
            view=view,
            row=row,
            deleted=deleted,
            kind=BASIS_TYPES[BasisType(row.basistype)],
            versions=[(one, _counts(one.agreements)) for one in view.versions],
            in_all=_counts(view.agreements),
            older=_older(view),
            may_change=self.may(Permission.LEGAL_BASIS_CHANGE),
            may_revoke=self.may(Permission.AGREEMENT_REVOKE_ALL) and not deleted,
            may_see_activities=self.may(Permission.ACTIVITY_READ),
        )


def _counts(counts: dict[AgreementStatus, int]) -> dict[str, int]:
    return {status.name.lower(): many for status, many in counts.items()}


def _older(view: BasisView) -> str:
    many = view.to_older_texts
    if not many:
        return ""
    return ngettext(
        "%(many)s agreement was given to older texts than those that are shown now.",
        "%(many)s agreements were given to older texts than those that are shown now.",
        many,
    ) % {"many": many}


class NewBasis(_BasisPage):
    template_name = "console/legal_basis_form.html"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self.render(form=LegalBasisForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = LegalBasisForm(request.POST)
        if form.is_valid():
            try:
                actions.save_legal_basis(self.actor, brief=form.cleaned_data["brief"], wish=form.cleaned_data, new=True)
            except Conflict:
                form.add_error("brief", _("Another legal basis has this name."))
            else:
                messages.success(request, _("The legal basis is created."))
                return self.to("console:legal_bases")
        return self.render(form=form, status=_UNPROCESSABLE)


class EditBasis(_BasisPage):
    template_name = "console/legal_basis_form.html"

    def get(self, request: HttpRequest, basis: int) -> HttpResponse:  # noqa: ARG002 - Django's signature
        view = queries.look_at_basis(self.actor, number=basis)
        return self._show(view, LegalBasisForm.of(_values(view)))

    def post(self, request: HttpRequest, basis: int) -> HttpResponse:
        view, form = queries.look_at_basis(self.actor, number=basis), LegalBasisForm(request.POST)
        if form.is_valid() and not form.is_outdated(_values(view)):
            try:
                brief = view.basis.row.brief
                actions.save_legal_basis(self.actor, brief=brief, wish=form.cleaned_data, new=False, seen=_values(view))
            except (NotFound, Outdated):  # by a moment: what was read above holds no more, or has another name
                view = queries.look_at_basis(self.actor, number=basis)
                form.go_outdated(_values(view))
            except Conflict:
                form.add_error("brief", _("Another legal basis has this name."))
            else:
                messages.success(request, _("The legal basis is saved."))
                return self.to("console:legal_basis", basis)
        return self._show(view, form, status=_UNPROCESSABLE)

    def _show(self, view: BasisView, form: LegalBasisForm, *, status: int = 200) -> HttpResponse:
        deleted = view.basis.row.status == BasisStatus.DELETED
        return self.render(form=form, row=view.basis.row, view=view, deleted=deleted, status=status)


def _values(view: BasisView) -> dict[str, Any]:
    return {**{name: getattr(view.basis.row, name) for name in _FIELDS}, **view.basis.texts._asdict()}


class DeleteBasis(_BasisPage):
    """What goes with it, and the button behind its name, typed."""

    template_name = "console/delete_basis.html"
    dangerous = True

    def get(self, request: HttpRequest, basis: int) -> HttpResponse:  # noqa: ARG002 - Django's signature
        view = queries.look_at_basis(self.actor, number=basis)
        return self._show(view, DeleteBasisForm(None, brief=view.basis.row.brief))

    def post(self, request: HttpRequest, basis: int) -> HttpResponse:
        view = queries.look_at_basis(self.actor, number=basis)
        form = DeleteBasisForm(request.POST, brief=view.basis.row.brief)
        if not form.is_valid():
            return self._show(view, form, status=_UNPROCESSABLE)
        actions.delete_legal_basis(self.actor, brief=view.basis.row.brief)
        messages.success(request, _("The legal basis is deleted."))
        return self.to("console:legal_bases")

    def _show(self, view: BasisView, form: DeleteBasisForm, *, status: int = 200) -> HttpResponse:
        ever = sum(view.agreements.values())
        return self.render(view=view, row=view.basis.row, ever=ever, form=form, status=status)


class RevokeAgreements(_BasisPage):
    """How many people that concerns, and the button behind the name of the basis and a reason."""

    template_name = "console/revoke_agreements.html"
    permission = Permission.AGREEMENT_REVOKE_ALL
    dangerous = True

    def get(self, request: HttpRequest, basis: int) -> HttpResponse:  # noqa: ARG002 - Django's signature
        preview = queries.preview_revocation(self.actor, number=basis)
        return self.render(preview=preview, row=preview.row, form=RevokeForm(None, brief=preview.row.brief))

    def post(self, request: HttpRequest, basis: int) -> HttpResponse:
        preview = queries.preview_revocation(self.actor, number=basis)
        form = RevokeForm(request.POST, brief=preview.row.brief)
        if not form.is_valid():
            return self.render(preview=preview, row=preview.row, form=form, status=_UNPROCESSABLE)
        many = actions.revoke_agreements(self.actor, brief=preview.row.brief, reason=form.cleaned_data["reason"])
        told = ngettext("%(many)s agreement is revoked.", "%(many)s agreements are revoked.", many) % {"many": many}
        messages.success(request, told)
        return self.to("console:legal_basis", basis)
