"""What stands of a person's rights, and when the person's time is over: seen, set and taken back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from databunker.access.permissions import Permission
from databunker.errors import BadRequest, Conflict
from databunker.pages.errors import explained
from gdpr import actions, queries
from gdpr.rights import Ground

from .base import UNPROCESSABLE, PersonPage
from .forms import ExpirationForm, ObjectForm, ReasonedForm, RestrictForm, TakeBackForm
from .words import EXPIRATION_NAMES, GROUND_NAMES

__all__ = [
    "CancelExpiration",
    "LiftRestriction",
    "ObjectForPerson",
    "PersonRights",
    "RestrictPerson",
    "StartExpiration",
    "WithdrawObjection",
]


class _RightsPage(PersonPage):
    """The page with all that stands and a form for each thing that can be done; `form` is the one that was sent."""

    template_name = "console/person_rights.html"
    permission = Permission.RIGHTS_READ
    tab = "console:person_rights"

    def show(self, person: UUID, *, status: int = 200, **filled: Any) -> HttpResponse:
        view = queries.look_at_person(self.actor, mode="token", identity=str(person))
        restriction, active = view.rights.restriction, not view.forgotten
        forms: dict[str, Any] = {}
        if active and self.may(Permission.RIGHTS_CHANGE):
            forms["lift" if restriction else "restrict"] = (
                ReasonedForm(name="lift") if restriction else RestrictForm(name="restrict")
            )
            forms["object"] = ObjectForm(briefs=queries.objectionable_briefs(self.actor))
            if view.rights.objections:
                forms["take_back"] = TakeBackForm(briefs=[one.brief for one in view.rights.objections])
        if active and self.may(Permission.RETENTION_MANAGE):
            forms["start"] = ExpirationForm()
            forms["cancel"] = ReasonedForm(name="cancel", needs_reason=True) if view.expiration.status else None
        return self.render(
            view=view,
            ground=GROUND_NAMES[Ground(restriction.terms.ground)] if restriction else "",
            expiration=EXPIRATION_NAMES.get(view.expiration.status, ""),
            may_erase=active and self.may(Permission.RECORD_FORGET),
            forms={**forms, **filled},
            status=status,
        )

    def done(self, told: str) -> HttpResponse:
        messages.success(self.request, told)
        return self.to("console:person_rights", self.person)

    @property
    def named(self) -> dict[str, str]:
        """Whom the actions are about."""
        return {"mode": "token", "identity": str(self.person)}


class PersonRights(_RightsPage):
    def get(self, request: HttpRequest, person: UUID) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self.show(person)


class RestrictPerson(_RightsPage):
    permission = Permission.RIGHTS_CHANGE

    def post(self, request: HttpRequest, person: UUID) -> HttpResponse:
        form = RestrictForm(request.POST, name="restrict")
        if form.is_valid():
            try:
                actions.restrict_processing(self.actor, **self.named, **form.cleaned_data)
            except Conflict as error:
                form.add_error(None, explained(error))
            else:
                return self.done(_("The data is kept, and applications don't process it any more."))
        return self.show(person, restrict=form, status=UNPROCESSABLE)


class LiftRestriction(_RightsPage):
    permission = Permission.RIGHTS_CHANGE

    def post(self, request: HttpRequest, person: UUID) -> HttpResponse:
        form = ReasonedForm(request.POST, name="lift")
        if not form.is_valid():
            return self.show(person, lift=form, status=UNPROCESSABLE)
        actions.lift_restriction(self.actor, **self.named, **form.cleaned_data)
        return self.done(_("The data may be processed again."))


class ObjectForPerson(_RightsPage):
    """The person has objected by letter or by telephone: it is put down here."""

    permission = Permission.RIGHTS_CHANGE

    def post(self, request: HttpRequest, person: UUID) -> HttpResponse:
        form = ObjectForm(request.POST, briefs=queries.objectionable_briefs(self.actor))
        if form.is_valid():
            try:
                actions.object_to_processing(self.actor, **self.named, **form.cleaned_data)
            except (BadRequest, Conflict) as error:
                form.add_error("brief", explained(error))
            else:
                return self.done(_("The objection stands, and whoever processes on that basis is told."))
        return self.show(person, object=form, status=UNPROCESSABLE)


class WithdrawObjection(_RightsPage):
    permission = Permission.RIGHTS_CHANGE

    def post(self, request: HttpRequest, person: UUID) -> HttpResponse:
        # Of which there is none any more, or never was: taking that back changes nothing.
        form = TakeBackForm(request.POST, briefs=[request.POST.get("brief", "")])
        if not form.is_valid():
            return self.show(person, take_back=form, status=UNPROCESSABLE)
        actions.withdraw_objection(self.actor, **self.named, **form.cleaned_data)
        return self.done(_("The objection is withdrawn."))


class StartExpiration(_RightsPage):
    permission = Permission.RETENTION_MANAGE

    def post(self, request: HttpRequest, person: UUID) -> HttpResponse:
        form = ExpirationForm(request.POST)
        if not form.is_valid():
            return self.show(person, start=form, status=UNPROCESSABLE)
        wish = {"expiration": form.endtime}
        actions.start_expiration(self.actor, **self.named, wish=wish, reason=form.cleaned_data["reason"])
        return self.done(_("The end is set."))


class CancelExpiration(_RightsPage):
    permission = Permission.RETENTION_MANAGE

    def post(self, request: HttpRequest, person: UUID) -> HttpResponse:
        form = ReasonedForm(request.POST, name="cancel", needs_reason=True)
        if not form.is_valid():
            return self.show(person, cancel=form, status=UNPROCESSABLE)
        actions.cancel_expiration(self.actor, **self.named, **form.cleaned_data)
        return self.done(_("The end is cancelled: the person is kept."))
