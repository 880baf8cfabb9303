"""The person's rights: to have the use of the data restricted, and to object (GDPR Art. 18 and 21)."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.events import EventType
from databunker.access.actor import ActorKind
from databunker.errors import Conflict
from gdpr import actions, events, queries
from gdpr.actions import MAX_REASON
from gdpr.bases import Basis
from gdpr.rights import Ground

from .pages import PortalPage
from .receipts import receipt_address
from .words import GROUNDS

__all__ = ["Lift", "Object", "Restrict", "Rights", "WithdrawErasure", "WithdrawObjection"]

_UNPROCESSABLE = 422


def _reason() -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("Reason"), required=False, max_length=MAX_REASON, widget=forms.Textarea(attrs={"rows": 2})
    )


class RestrictForm(forms.Form):
    """Its fields and those of the other form on the page have ids of their own."""

    ground = forms.ChoiceField(label=gettext_lazy("Why"), choices=list(GROUNDS.items()))
    reason = _reason()

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="restrict-%s")


class ObjectForm(forms.Form):
    """`brief` is empty for all that may be objected to."""

    brief = forms.ChoiceField(label=gettext_lazy("To what"), required=False)
    reason = _reason()

    def __init__(self, data: Any = None, *, bases: list[Basis]) -> None:
        super().__init__(data, auto_id="object-%s")
        named = [(basis.row.brief, basis.texts.shortdesc or basis.row.brief) for basis in bases]
        self.fields["brief"].choices = [  # type: ignore[attr-defined]
            ("", _("everything that may be objected to")),
            *named,
        ]


class _RightsPage(PortalPage):
    template_name = "portal/rights.html"
    section = "rights"

    @property
    def me(self) -> dict[str, str]:
        return {"mode": "token", "identity": self.token}

    def show(self, *, status: int = 200, **filled: Any) -> HttpResponse:
        rights, bases = queries.read_rights(self.actor, **self.me), queries.list_objectionable(self.actor)
        names = {basis.row.brief: basis.texts.shortdesc for basis in bases}
        restriction = rights.restriction
        shown = {
            "rights": rights,
            "ground": GROUNDS[Ground(restriction.terms.ground)] if restriction else "",
            "may_lift": restriction is not None and restriction.terms.by is ActorKind.PERSON,
            "receipt": receipt_address(self.request, rights.receipt) if rights.receipt else "",
            "objections": [(names.get(one.brief) or one.brief, one) for one in rights.objections],
            "restrict": RestrictForm(),
            "object": ObjectForm(bases=bases),
        }
        return self.render(**{**shown, **filled}, status=status)


class Rights(_RightsPage):
    event: ClassVar[EventType | None] = events.RIGHTS_READ

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self.show()


class Restrict(_RightsPage):
    event: ClassVar[EventType | None] = events.PROCESSING_RESTRICTED

    def post(self, request: HttpRequest) -> HttpResponse:
        form = RestrictForm(request.POST)
        if form.is_valid():
            try:
                actions.restrict_processing(self.actor, **self.me, **form.cleaned_data)
            except Conflict as refusal:
                self.refused(refusal)
                form.add_error(None, _("The use of your data is restricted already."))
            else:
                messages.success(request, _("Your data is kept, and not used any more."))
                return self.to("portal:rights")
        return self.show(restrict=form, status=_UNPROCESSABLE)


class Lift(_RightsPage):
    event: ClassVar[EventType | None] = events.RESTRICTION_LIFTED

    def post(self, request: HttpRequest) -> HttpResponse:
        actions.lift_restriction(self.actor, **self.me)
        messages.success(request, _("Your data may be used again."))
        return self.to("portal:rights")


class Object(_RightsPage):
    event: ClassVar[EventType | None] = events.OBJECTION_MADE

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ObjectForm(request.POST, bases=queries.list_objectionable(self.actor))
        if form.is_valid():
            try:
                actions.object_to_processing(self.actor, **self.me, **form.cleaned_data)
            except Conflict as refusal:
                self.refused(refusal)
                form.add_error("brief", _("You have objected to this already."))
            else:
                messages.success(request, _("Your objection is recorded, and those who use your data are told."))
                return self.to("portal:rights")
        return self.show(object=form, status=_UNPROCESSABLE)


class WithdrawObjection(_RightsPage):
    event: ClassVar[EventType | None] = events.OBJECTION_WITHDRAWN

    def post(self, request: HttpRequest) -> HttpResponse:
        actions.withdraw_objection(self.actor, **self.me, brief=request.POST.get("brief", ""))
        messages.success(request, _("You have taken back the objection."))
        return self.to("portal:rights")


class WithdrawErasure(_RightsPage):
    event: ClassVar[EventType | None] = events.ERASURE_WITHDRAWN

    def post(self, request: HttpRequest) -> HttpResponse:
        actions.withdraw_erasure(self.actor, **self.me)
        messages.success(request, _("Your data stays: the deletion is called off."))
        return self.to("portal:rights")
