"""People: looked up by what they are known by, seen masked, revealed for a purpose, and forgotten after a preview."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from databunker import jsontext
from databunker.access.permissions import Permission
from databunker.errors import BadRequest, Conflict, NotFound
from databunker.pages.diffs import fields
from databunker.pages.errors import explained
from gdpr import actions, queries
from gdpr.actions import MAX_REASON, Scheduled
from gdpr.queries import ErasurePreview, Part, Why
from gdpr.rights import Ground

from .pages import ConsolePage
from .request_forms import FindRequestsForm

__all__ = ["Erase", "KeepPerson", "LiftRestriction", "People", "Person", "Report", "RestrictPerson", "RevealPerson"]

_UNPROCESSABLE = 422
GROUND_NAMES: dict[Ground, str | Promise] = {
    Ground.ACCURACY: gettext_lazy("the data is said to be wrong, and that is being verified"),
    Ground.UNLAWFUL: gettext_lazy("the processing is unlawful, and the data is not to be erased"),
    Ground.CLAIMS: gettext_lazy("the person needs the data for legal claims"),
    Ground.OBJECTION: gettext_lazy("the person has objected, and that is being weighed"),
}
PART_NAMES: dict[Part, str | Promise] = {
    Part.FIELDS: gettext_lazy("Fields of the profile"),
    Part.IDENTITIES: gettext_lazy("Identities to be found by"),
    Part.VERSIONS: gettext_lazy("Earlier profiles"),
    Part.APPS: gettext_lazy("Application data"),
    Part.APP_VERSIONS: gettext_lazy("Earlier application data"),
    Part.SESSIONS: gettext_lazy("Sessions"),
    Part.SHARES: gettext_lazy("Shared records"),
    Part.AGREEMENTS: gettext_lazy("Agreements"),
    Part.REQUESTS: gettext_lazy("Requests"),
    Part.RIGHTS: gettext_lazy("Exercised rights"),
    Part.EVENTS: gettext_lazy("Events"),
    Part.RECEIPT: gettext_lazy("Receipt"),
}
WHY_NAMES: dict[Why, str | Promise] = {
    Why.PRESERVED: gettext_lazy("The record schema preserves them."),
    Why.ACCOUNTABILITY: gettext_lazy("The bare facts show what was asked for and decided."),
    Why.TRAIL: gettext_lazy("They show who did what; what they say about the person can't be read any more."),
    Why.PROOF: gettext_lazy("It proves the erasure."),
}


class PurposeForm(forms.Form):
    purpose = forms.CharField(
        label=gettext_lazy("Purpose"),
        max_length=MAX_REASON,
        help_text=gettext_lazy("What you need it for. It stands in the trail, and the person can read it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class RestrictForm(forms.Form):
    ground = forms.ChoiceField(label=gettext_lazy("Ground"), choices=list(GROUND_NAMES.items()))
    reason = forms.CharField(
        label=gettext_lazy("Reason"), required=False, max_length=MAX_REASON, widget=forms.Textarea(attrs={"rows": 2})
    )


class EraseForm(forms.Form):
    """Typed, as what it does can't be undone: the beginning of the token that the page shows."""

    token = forms.CharField(
        label=gettext_lazy("First eight characters of the token"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), required=False, max_length=MAX_REASON)

    def __init__(self, data: Any, *, person: UUID) -> None:
        super().__init__(data)
        self._person = person

    def clean_token(self) -> str:
        typed: str = self.cleaned_data["token"].strip().lower().rstrip("…")
        shortest = 8
        if len(typed) < shortest or not str(self._person).startswith(typed):
            raise forms.ValidationError(_("This is not the beginning of this person's token."))
        return typed


class People(ConsolePage):
    """Look-up by POST: no identity stands in an address, and nobody is browsed."""

    template_name = "console/people.html"
    section = "people"
    permission = Permission.AUDIT_READ

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self.render(find=FindRequestsForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = FindRequestsForm(request.POST)
        if form.is_valid():
            try:
                found = queries.look_at_person(self.actor, **form.cleaned_data)
            except (BadRequest, Conflict, NotFound) as error:
                form.add_error("identity", _("Nobody has this.") if isinstance(error, NotFound) else explained(error))
            else:
                return self.to("console:person", found.token)
        return self.render(find=form, status=_UNPROCESSABLE)


class _PersonPage(ConsolePage):
    template_name = "console/person.html"
    section = "people"
    permission = Permission.AUDIT_READ

    def show(self, person: UUID, *, status: int = 200, **filled: Any) -> HttpResponse:
        """Masked, unless `profile` in clear is given; with the form that was filled in wrongly as it was."""
        view = queries.look_at_person(self.actor, mode="token", identity=str(person))
        restriction = view.rights.restriction
        shown = {
            "person": person,
            "view": view,
            "ground": GROUND_NAMES[Ground(restriction.terms.ground)] if restriction else "",
            "profile": [(path, value) for path, value in fields(filled.pop("profile", view.profile)) if path],
            "reveal": PurposeForm() if self._may_reveal(view) else None,
            "restrict": RestrictForm() if self.may(Permission.RIGHTS_CHANGE) and not view.forgotten else None,
            "may_erase": self.may(Permission.RECORD_FORGET) and not view.forgotten,
            "may_report": self.may(Permission.REPORT_READ),
            "may_trail": self.may(Permission.AUDIT_LIST_ALL),
        }
        return self.render(**{**shown, **filled}, status=status)

    def _may_reveal(self, view: queries.PersonView) -> bool:
        scope = self.actor.scope
        return self.may(Permission.RECORD_READ) and not (scope and scope.masked) and not view.forgotten


class Person(_PersonPage):
    def get(self, request: HttpRequest, person: UUID) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self.show(person)


class RevealPerson(_PersonPage):
    """In clear, in the answer to this one form: nothing keeps it."""

    permission = Permission.RECORD_READ

    def post(self, request: HttpRequest, person: UUID) -> HttpResponse:
        form = PurposeForm(request.POST)
        if not form.is_valid():
            return self.show(person, reveal=form, status=_UNPROCESSABLE)
        profile = queries.reveal_person(self.actor, token=str(person), purpose=form.cleaned_data["purpose"])
        return self.show(person, profile=profile, revealed=True)


class Report(ConsolePage):
    """All that is kept of the person, to hand it over: as JSON, or as a document to print."""

    section = "people"
    permission = Permission.REPORT_READ

    def get(self, request: HttpRequest, person: UUID, form: str) -> HttpResponse:  # noqa: ARG002 - Django's signature
        if form not in _TYPES:
            raise NotFound
        content = jsontext.dumps(queries.read_report(self.actor, mode="token", identity=str(person)))
        if form == "pdf":
            from gdpr.report_pdf import report_pdf  # noqa: PLC0415 - its libraries take a second to import

            content = report_pdf(jsontext.loads(content))
        name = f'attachment; filename="report.{form}"'
        return HttpResponse(content, content_type=_TYPES[form], headers={"Content-Disposition": name})


_TYPES = {"json": "application/json", "pdf": "application/pdf"}


class RestrictPerson(_PersonPage):
    permission = Permission.RIGHTS_CHANGE

    def post(self, request: HttpRequest, person: UUID) -> HttpResponse:
        form = RestrictForm(request.POST)
        if not form.is_valid():
            return self.show(person, restrict=form, status=_UNPROCESSABLE)
        actions.restrict_processing(self.actor, mode="token", identity=str(person), **form.cleaned_data)
        messages.success(request, _("The data is kept, and applications don't process it any more."))
        return self.to("console:person", person)


class LiftRestriction(_PersonPage):
    permission = Permission.RIGHTS_CHANGE

    def post(self, request: HttpRequest, person: UUID) -> HttpResponse:
        actions.lift_restriction(self.actor, mode="token", identity=str(person))
        messages.success(request, _("The data may be processed again."))
        return self.to("console:person", person)


class KeepPerson(_PersonPage):
    """Withdraw an erasure that waits."""

    permission = Permission.RIGHTS_CHANGE

    def post(self, request: HttpRequest, person: UUID) -> HttpResponse:
        actions.withdraw_erasure(self.actor, mode="token", identity=str(person))
        messages.success(request, _("The erasure is withdrawn."))
        return self.to("console:person", person)


class Erase(ConsolePage):
    """What would be erased and kept, and the button behind a word that is typed."""

    template_name = "console/erase.html"
    section = "people"
    permission = Permission.RECORD_FORGET

    def get(self, request: HttpRequest, person: UUID) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self._show(person, EraseForm(None, person=person))

    def post(self, request: HttpRequest, person: UUID) -> HttpResponse:
        form = EraseForm(request.POST, person=person)
        if not form.is_valid():
            return self._show(person, form, status=_UNPROCESSABLE)
        outcome = actions.forget_me(self.actor, mode="token", identity=str(person), reason=form.cleaned_data["reason"])
        waits = isinstance(outcome, Scheduled)
        told = _("The erasure waits, and can be withdrawn until then.") if waits else _("The person is forgotten.")
        messages.success(request, told)
        return self.to("console:person", person)

    def _show(self, person: UUID, form: EraseForm, *, status: int = 200) -> HttpResponse:
        preview = queries.preview_erasure(self.actor, mode="token", identity=str(person))
        return self.render(
            person=person,
            form=form,
            preview=preview,
            erased=[(PART_NAMES[part.part], part) for part in preview.erased],
            kept=[(PART_NAMES[part.part], WHY_NAMES[part.why], part) for part in preview.kept],
            lapsing=preview.fulfilled + preview.lapsing,
            days=_days(preview),
            status=status,
        )


def _days(preview: ErasurePreview) -> int:
    day = 86_400
    return -(-preview.waits // day)
