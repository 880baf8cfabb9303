"""Change a profile: why, the fields in clear, what would change, and only then the change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from databunker.access.actor import Actor
from databunker.access.permissions import Permission
from databunker.errors import BadRequest, Conflict, VaultError
from databunker.pages.diffs import differences
from databunker.pages.errors import explained, worded
from gdpr import queries
from vault import identities, schema
from vault.actions import change_record, preview_change
from vault.patch import equal
from vault.queries import profile_at
from vault.records import OpenRecord

from .base import UNPROCESSABLE, PersonPage
from .edit_form import EditForm, WhyForm

__all__ = ["EditPerson", "PreviewEdit", "SaveEdit"]


class _EditPage(PersonPage):
    template_name = "console/person_edit.html"
    permission = Permission.RECORD_CHANGE

    def show(self, form: EditForm) -> HttpResponse:
        return self.render(form=form, status=UNPROCESSABLE if form.is_bound and form.errors else 200)

    def opened(self, reason: str) -> tuple[Actor, OpenRecord]:
        """Who acts, for this reason, and the record in clear, which leaves an event."""
        actor = replace(self.actor, purpose=reason)
        return actor, queries.open_for_edit(actor, token=str(self.person), purpose=reason)

    def sent(self, request: HttpRequest) -> tuple[Actor, OpenRecord, EditForm] | HttpResponse:
        """The form that was sent, checked against the record as it is; or the first page, where no reason was said."""
        why = WhyForm(request.POST)
        if not why.is_valid():
            return self.render(why=why, status=UNPROCESSABLE)
        actor, record = self.opened(why.cleaned_data["reason"])
        form = EditForm(request.POST.dict(), profile=record.profile())
        if form.is_valid():
            _check(form, record)
        seen = form.cleaned_data.get("version")
        if seen != record.row.version:
            form.go_stale(record.row.version, (profile_at(record, seen) if seen else None) or {})
        return actor, record, form


def _check(form: EditForm, record: OpenRecord) -> None:
    """Put what the record schema and the rules for identities refuse where it was typed."""
    rules, after = schema.configured(), form.cleaned_data["after"]
    if rules:
        for fault in rules.faults(after):
            form.refuse(fault.path, worded(fault.rule, fault.places))
        for path in rules.changed("locked", record.profile(), after):
            form.refuse(tuple(path.split(".")), _("This field can't be changed."))
    if form.errors:
        return
    if equal(after, record.profile()):
        form.add_error(None, _("Nothing is changed yet."))
        return
    try:
        preview_change(record, whole(after))
    except (BadRequest, Conflict) as error:
        _refuse(form, error)


def whole(after: dict[str, Any]) -> list[dict[str, Any]]:
    """A JSON Patch that puts `after` in the place of what there is."""
    return [{"op": "replace", "path": "", "value": after}]


class EditPerson(_EditPage):
    """First why; then the profile opens."""

    def get(self, request: HttpRequest, person: UUID) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self.render(why=WhyForm())

    def post(self, request: HttpRequest, person: UUID) -> HttpResponse:  # noqa: ARG002 - of the address
        why = WhyForm(request.POST)
        if not why.is_valid():
            return self.render(why=why, status=UNPROCESSABLE)
        reason = why.cleaned_data["reason"]
        _actor, record = self.opened(reason)
        return self.show(EditForm(None, profile=record.profile(), reason=reason, version=record.row.version))


class PreviewEdit(_EditPage):
    """What would change, field by field; or back to the form as it was filled in."""

    def post(self, request: HttpRequest, person: UUID) -> HttpResponse:  # noqa: ARG002 - of the address
        sent = self.sent(request)
        if isinstance(sent, HttpResponse):
            return sent
        _actor, record, form = sent
        if form.errors or "again" in request.POST:
            return self.show(form)
        return self.render(
            "console/person_edit_preview.html",
            form=form,
            changes=differences(record.profile(), form.cleaned_data["after"]),
        )


class SaveEdit(_EditPage):
    """Exactly what the preview showed, or nothing where the record has changed since."""

    def post(self, request: HttpRequest, person: UUID) -> HttpResponse:
        sent = self.sent(request)
        if isinstance(sent, HttpResponse):
            return sent
        actor, record, form = sent
        if not form.errors:
            try:
                self._save(actor, person, record.row.version, form)
            except (BadRequest, Conflict) as error:
                _refuse(form, error)
            else:
                messages.success(request, _("The profile is changed."))
                return self.to("console:person", person)
        return self.show(form)

    def _save(self, actor: Actor, person: UUID, version: int, form: EditForm) -> None:
        change_record(
            actor, mode="token", identity=str(person), change=whole(form.cleaned_data["after"]), version=version
        )


def _refuse(form: EditForm, error: VaultError) -> None:
    """Tell of a refusal at the field of the identity that it names, or above all."""
    first, _space, rest = error.message.partition(" ")
    if isinstance(error, Conflict) and first == "duplicate":
        form.refuse((rest.split()[0],), _("Somebody else has this."))
    elif first in identities.configured():
        form.refuse((first,), explained(error))
    elif error.message == _NO_IDENTITY:
        form.add_error(None, _("Nobody could be looked up by what is left: one identity has to stay."))
    else:
        form.add_error(None, explained(error))


_NO_IDENTITY = "all user lookup fields are missing"  # see `vault.identities.rows_for`
