"""What the vault keeps about the person who looks, and the forms to correct it (GDPR Art. 15 and 16)."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from audit.events import EventType
from databunker import jsontext
from databunker.errors import BadRequest, Conflict
from gdpr import actions
from gdpr.actions import Outcome, Requested
from vault import events, queries, schema
from vault.schema import RecordSchema

from .documents import rows_of
from .edit_forms import EditForm
from .pages import PortalPage

__all__ = ["EditAppData", "EditData", "MyData"]

_MOST_ROWS = 2_000
_CONFLICT, _UNPROCESSABLE = 409, 422


class MyData(PortalPage):
    template_name = "portal/data.html"
    section = "data"
    event = events.RECORD_READ

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        record = queries.read_record(self.actor, mode="token", identity=self.token)
        rows = rows_of(jsontext.loads(record.profile_json))
        apps = queries.read_apps(self.actor, mode="token", identity=self.token)
        shown = [(app.app, rows_of(jsontext.loads(app.content))[:_MOST_ROWS]) for app in apps]
        return self.render(rows=rows[:_MOST_ROWS], apps=shown, more=len(rows) > _MOST_ROWS)


class _Document(NamedTuple):
    """What is edited, in the version that was read."""

    content: Any
    version: int
    rules: RecordSchema | None = None


class _Edit(PortalPage):
    template_name = "portal/edit.html"
    section = "data"

    def get(self, request: HttpRequest, app: str = "") -> HttpResponse:  # noqa: ARG002 - Django's signature
        found = self._read(app)
        return self._show(EditForm(document=found.content, version=found.version, rules=found.rules), app)

    def post(self, request: HttpRequest, app: str = "") -> HttpResponse:
        found = self._read(app)
        form = EditForm(request.POST, document=found.content, version=found.version, rules=found.rules)
        if not form.is_valid():
            return self._show(form, app, status=_UNPROCESSABLE)
        if form.cleaned_data["version"] != found.version:
            return self._too_late(form, app)
        change = form.change()
        if not change:
            messages.info(request, _("You have changed nothing."))
            return self.to("portal:data")
        try:
            outcome = self._change(app, change, found.version)
        except (BadRequest, Conflict) as refusal:
            self.refused(refusal)
            return self._refused_form(form, app, refusal)
        if isinstance(outcome, Requested):
            messages.success(request, _("Your change was sent for approval. Here you see what becomes of it."))
            return self.to("portal:request", outcome.token)
        messages.success(request, _("Saved."))
        return self.to("portal:data")

    def _refused_form(self, form: EditForm, app: str, refusal: BadRequest | Conflict) -> HttpResponse:
        waiting = refusal.shown.get("rtoken", "")
        if waiting:
            return self._show(form, app, status=_CONFLICT, waiting=waiting)
        if isinstance(refusal, Conflict) and self._read(app).version != form.cleaned_data["version"]:
            return self._too_late(form, app)
        form.tell(refusal)
        return self._show(form, app, status=_UNPROCESSABLE)

    def _too_late(self, form: EditForm, app: str) -> HttpResponse:
        """Somebody else was faster: nothing is saved, so that nothing of theirs is undone unseen."""
        return self._show(form, app, status=_CONFLICT, late=True)

    def _show(self, form: EditForm, app: str, *, status: int = 200, **told: Any) -> HttpResponse:
        return self.render(form=form, app=app, status=status, **told)

    @abstractmethod
    def _read(self, app: str) -> _Document: ...

    @abstractmethod
    def _change(self, app: str, change: list[dict[str, Any]], version: int) -> Outcome: ...


class EditData(_Edit):
    event: ClassVar[EventType | None] = events.RECORD_CHANGED

    def _read(self, app: str) -> _Document:  # noqa: ARG002 - as the other one
        record = queries.read_record(self.actor, mode="token", identity=self.token)
        return _Document(jsontext.loads(record.profile_json), record.row.version, schema.configured())

    def _change(self, app: str, change: list[dict[str, Any]], version: int) -> Outcome:  # noqa: ARG002 - as above
        return actions.change_profile(self.actor, mode="token", identity=self.token, change=change, version=version)


class EditAppData(_Edit):
    event: ClassVar[EventType | None] = events.APP_CHANGED

    def _read(self, app: str) -> _Document:
        found = queries.read_app_data(self.actor, mode="token", identity=self.token, app=app)
        return _Document(jsontext.loads(found.content), found.version)

    def _change(self, app: str, change: list[dict[str, Any]], version: int) -> Outcome:
        return actions.change_app_data(
            self.actor, mode="token", identity=self.token, app=app, change=change, version=version
        )
