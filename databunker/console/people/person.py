"""The profile of one person: masked, revealed for a purpose by field or as a whole, and handed over as a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from databunker import jsontext
from databunker.access.permissions import Permission
from databunker.errors import Conflict, NotFound
from databunker.pages.diffs import field_text
from gdpr import queries
from gdpr.queries import PersonView
from gdpr.rights import Ground
from vault.leaves import leaves, path_of

from .base import UNPROCESSABLE, PersonPage
from .forms import PurposeForm, RevealForm
from .words import EXPIRATION_NAMES, GROUND_NAMES

__all__ = ["Person", "Report", "RevealPerson"]


class Line(NamedTuple):
    """One field of the profile: its JSON Pointer, its path in words, and its value as text, masked or in clear."""

    pointer: str
    path: str
    text: str
    clear: bool


def _lines(masked: dict[str, Any], clear: Mapping[str, Any]) -> list[Line]:
    return [
        Line(pointer, path_of(pointer), field_text(clear.get(pointer, value)), pointer in clear)
        for pointer, value in leaves(masked).items()
        if pointer
    ]


class _ProfilePage(PersonPage):
    template_name = "console/person.html"
    permission = Permission.AUDIT_READ
    tab = "console:person"

    def show(
        self,
        person: UUID,
        *,
        reveal: RevealForm | None = None,
        clear: Mapping[str, Any] | None = None,
        status: int = 200,
    ) -> HttpResponse:
        """Masked but for what is `clear`, by its JSON Pointers; with the form that was filled in wrongly as it was."""
        view = queries.look_at_person(self.actor, mode="token", identity=str(person))
        restriction = view.rights.restriction
        lines = _lines(view.profile, clear or {})
        return self.render(
            view=view,
            lines=lines,
            reveal=reveal or (RevealForm() if self._may_reveal(view) else None),
            revealed=bool(clear),
            hidden=any(not line.clear for line in lines),
            ground=GROUND_NAMES[Ground(restriction.terms.ground)] if restriction else "",
            expiration=EXPIRATION_NAMES.get(view.expiration.status, ""),
            may_edit=self.may(Permission.RECORD_CHANGE) and self._may_reveal(view),
            may_report=self.may(Permission.REPORT_READ),
            status=status,
        )

    def _may_reveal(self, view: PersonView) -> bool:
        return self.may(Permission.RECORD_READ) and self.unmasked and not view.forgotten


class Person(_ProfilePage):
    def get(self, request: HttpRequest, person: UUID) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self.show(person)


class RevealPerson(_ProfilePage):
    """In clear, in the answer to this one form: nothing keeps it."""

    permission = Permission.RECORD_READ

    def post(self, request: HttpRequest, person: UUID) -> HttpResponse:
        self.require_unmasked()
        form = RevealForm(request.POST)
        if form.is_valid():
            try:
                return self.show(person, reveal=form, clear=self._revealed(person, form))
            except Conflict:
                form.add_error(None, _("The profile has changed meanwhile. Choose once more."))
        return self.show(person, reveal=form, status=UNPROCESSABLE)

    def _revealed(self, person: UUID, form: RevealForm) -> dict[str, Any]:
        token, purpose = str(person), form.cleaned_data["purpose"]
        if form.everything:
            return leaves(queries.reveal_person(self.actor, token=token, purpose=purpose))
        return queries.reveal_fields(self.actor, token=token, fields=form.chosen, purpose=purpose)


class Report(PersonPage):
    """All that is kept of the person, to hand it over: as JSON, or as a document to print. First what for."""

    template_name = "console/person_report.html"
    permission = Permission.REPORT_READ

    def get(self, request: HttpRequest, person: UUID) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self.render(form=PurposeForm())

    def post(self, request: HttpRequest, person: UUID) -> HttpResponse:
        form, wanted = PurposeForm(request.POST), request.POST.get("form", "pdf")
        if not form.is_valid():
            return self.render(form=form, status=UNPROCESSABLE)
        if wanted not in _TYPES:
            raise NotFound
        report = queries.read_report(
            self.actor, mode="token", identity=str(person), purpose=form.cleaned_data["purpose"]
        )
        content = jsontext.dumps(report)
        if wanted == "pdf":
            from gdpr.report_pdf import report_pdf  # noqa: PLC0415 - its libraries take a second to import

            content = report_pdf(jsontext.loads(content))
        name = f'attachment; filename="report.{wanted}"'
        return HttpResponse(content, content_type=_TYPES[wanted], headers={"Content-Disposition": name})


_TYPES = {"json": "application/json", "pdf": "application/pdf"}
