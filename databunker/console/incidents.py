"""What looked wrong: tokens and accounts that read unusually many people, canaries that were read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from databunker.access import tokens
from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission
from databunker.accounts.queries import names_of
from databunker.pages.paging import Paging
from databunker.watch.incidents import (
    MAX_REASON,
    IncidentView,
    acknowledge_incident,
    list_incidents,
    read_incident,
)
from databunker.watch.models import IncidentKind

from .audit_forms import KIND_NAMES
from .pages import ConsolePage

__all__ = ["Incidents", "OneIncident"]

_UNPROCESSABLE = 422
INCIDENT_NAMES: dict[IncidentKind, str | Promise] = {
    IncidentKind.HOUR: gettext_lazy("unusually many people in an hour"),
    IncidentKind.DAY: gettext_lazy("unusually many people in a day"),
    IncidentKind.CANARY: gettext_lazy("a canary was read"),
}


class Line(NamedTuple):
    """An incident in words; `name` is that of the account or the label of the token, `by` who acknowledged it."""

    incident: IncidentView
    what: str | Promise
    who: str | Promise
    name: str
    by: str


def _lines(actor: Actor, found: Iterable[IncidentView]) -> list[Line]:
    incidents = list(found)
    accounts = {one.token_id for one in incidents if one.actor_kind is ActorKind.ACCOUNT}
    accounts |= {one.acknowledged_by for one in incidents if one.acknowledged_kind is ActorKind.ACCOUNT}
    keys = {one.token_id for one in incidents if one.actor_kind in (ActorKind.ADMIN, ActorKind.ROOT)}
    names = names_of({number for number in accounts if number}, tenant=actor.tenant)
    labels = tokens.labels_of({number for number in keys if number}, tenant=actor.tenant)
    return [_line(one, names, labels) for one in incidents]


def _line(one: IncidentView, names: dict[int, str], labels: dict[int, str]) -> Line:
    known = names if one.actor_kind is ActorKind.ACCOUNT else labels
    by = ""
    if one.acknowledged_kind is not None:
        by = names.get(one.acknowledged_by or 0, "") if one.acknowledged_kind is ActorKind.ACCOUNT else ""
        by = by or str(KIND_NAMES[one.acknowledged_kind])
    return Line(one, INCIDENT_NAMES[one.kind], KIND_NAMES[one.actor_kind], known.get(one.token_id or 0, ""), by)


class Incidents(ConsolePage):
    template_name = "console/incidents.html"
    section = "incidents"
    permission = Permission.AUDIT_LIST_ALL

    def get(self, request: HttpRequest) -> HttpResponse:
        paging = Paging(request.GET)
        everything = request.GET.get("show") == "all"
        total, found = list_incidents(self.actor, offset=paging.offset, limit=paging.size, only_open=not everything)
        return self.render(lines=_lines(self.actor, found), paging=paging.of(total), everything=everything)


class AcknowledgeForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("What it was"),
        max_length=MAX_REASON,
        help_text=gettext_lazy("It stands in the audit trail. Don't name people whose data is in the vault."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class OneIncident(ConsolePage):
    template_name = "console/incident.html"
    section = "incidents"
    permission = Permission.AUDIT_LIST_ALL

    def get(self, request: HttpRequest, incident: int) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self._show(incident, AcknowledgeForm())

    def post(self, request: HttpRequest, incident: int) -> HttpResponse:
        form = AcknowledgeForm(request.POST)
        if not form.is_valid() and self.may(Permission.INCIDENT_MANAGE):
            return self._show(incident, form, status=_UNPROCESSABLE)
        acknowledge_incident(self.actor, number=incident, reason=form.cleaned_data.get("reason", ""))
        messages.success(request, _("The incident is acknowledged."))
        return self.to("console:incidents")

    def _show(self, number: int, form: AcknowledgeForm, *, status: int = 200) -> HttpResponse:
        (line,) = _lines(self.actor, [read_incident(self.actor, number=number)])
        return self.render(line=line, form=form, decides=self.may(Permission.INCIDENT_MANAGE), status=status)
