"""The register of processing activities, as Art. 30 asks for it: kept here, and taken along as CSV or PDF."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from databunker.access.permissions import Permission
from databunker.errors import BadRequest, Conflict, NotFound, Outdated
from databunker.ids import unix_now
from databunker.pages.csvfiles import as_csv
from databunker.pages.paging import Paging
from gdpr import actions, queries
from gdpr.models import ARTICLE_30, BasisType, ProcessingActivity
from gdpr.queries import ActivityView

from .pages import ConsolePage
from .register_forms import BASIS_TYPES, FIELD_NAMES, ActivityForm, LinkForm

__all__ = [
    "Activities",
    "ActivitiesAsCsv",
    "ActivitiesAsPdf",
    "Activity",
    "DeleteActivity",
    "EditActivity",
    "Link",
    "NewActivity",
    "Unlink",
]

_UNPROCESSABLE = 422


class _ActivityPage(ConsolePage):
    section = "activities"
    permission = Permission.ACTIVITY_CHANGE
    must_confirm = False  # whether the page tells where that is done

    def may_run(self, form: ActivityForm, *, before: str = "") -> bool:
        """Whether the script is the one from `before`, or somebody fresh says another: it runs at the operator's sites.

        Else the form says so at its field, and what was typed stays.
        """
        if form.cleaned_data["script"] == before or self.is_fresh():
            return True
        self.must_confirm = True
        form.add_error("script", _("This runs at your sites. Confirm that it is you, then save again."))
        return False


class Activities(_ActivityPage):
    template_name = "console/activities.html"
    permission = Permission.ACTIVITY_READ

    def get(self, request: HttpRequest) -> HttpResponse:
        paging = Paging(request.GET)
        page = queries.look_at_activities(self.actor, offset=paging.offset, limit=paging.size)
        return self.render(
            lines=[(activity, [FIELD_NAMES[name] for name in activity.missing]) for activity in page.activities],
            paging=paging.of(page.total),
            controller=settings.CONTROLLER_CONTACT,
            officer=settings.DPO_CONTACT,
            may_change=self.may(Permission.ACTIVITY_CHANGE),
        )


class ActivitiesAsCsv(_ActivityPage):
    """A line for each activity, with all that the register knows of it."""

    permission = Permission.ACTIVITY_READ

    def get(self, request: HttpRequest) -> HttpResponseBase:  # noqa: ARG002 - Django's signature
        activities = queries.export_activities(self.actor, form="csv")
        own = ["activity", "title", "fulldesc", "applicableto"]
        header = [
            *own,
            "legalbasis",
            "basistypes",
            *ARTICLE_30,
            "controllercontact",
            "dpocontact",
            "created",
            "changed",
        ]
        contacts = [settings.CONTROLLER_CONTACT, settings.DPO_CONTACT]
        lines = [
            [
                *(getattr(one.row, name) for name in own),
                ", ".join(basis.row.brief for basis in one.bases),
                ", ".join(basis.row.basistype for basis in one.bases),
                *(getattr(one.row, name) for name in ARTICLE_30),
                *contacts,
                one.row.created,
                one.row.changed,
            ]
            for one in activities
        ]
        return as_csv(header, lines, filename="processing-activities.csv")


class ActivitiesAsPdf(_ActivityPage):
    """The register to hand over, in the language of the console."""

    permission = Permission.ACTIVITY_READ

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        from gdpr.register_pdf import Section, register_pdf  # noqa: PLC0415 - its libraries take a second to import

        activities = queries.export_activities(self.actor, form="pdf")
        content = register_pdf(
            title=_("Register of processing activities"),
            lead=_lead(len(activities)),
            sections=[Section(one.row.title, list(_facts(one))) for one in activities],
            language=get_language() or "en",
            page_of=_("Page {page} of {pages}"),
        )
        name = 'attachment; filename="processing-activities.pdf"'
        return HttpResponse(content, content_type="application/pdf", headers={"Content-Disposition": name})


def _lead(many: int) -> list[str]:
    from gdpr.pdf import moment  # noqa: PLC0415 - as above

    said = [
        (_("Controller"), settings.CONTROLLER_CONTACT),
        (_("Data protection officer"), settings.DPO_CONTACT),
        (_("State of"), moment(unix_now())),
        (_("Activities"), str(many)),
    ]
    return [_("Records of processing activities, Article 30 GDPR."), *(f"{name}: {text or '–'}" for name, text in said)]


def _facts(activity: ActivityView) -> Iterator[tuple[str, str]]:
    """What the register says, with its labels; what may be empty for good is left out where it is."""
    for name, label in FIELD_NAMES.items():
        text = _bases(activity) if name == "bases" else getattr(activity.row, name)
        if text or name in activity.missing or name == "transfers":
            yield str(label), text


def _bases(activity: ActivityView) -> str:
    return "\n".join(f"{basis.row.brief}: {BASIS_TYPES[BasisType(basis.row.basistype)]}" for basis in activity.bases)


class Activity(_ActivityPage):
    template_name = "console/activity.html"
    permission = Permission.ACTIVITY_READ

    def get(self, request: HttpRequest, activity: int) -> HttpResponse:  # noqa: ARG002 - Django's signature
        view = queries.look_at_activity(self.actor, number=activity)
        may_change = self.may(Permission.ACTIVITY_CHANGE)
        briefs = queries.list_linkable(self.actor, activity=view) if may_change else []
        return self.render(
            view=view,
            row=view.row,
            facts=[(name, label, getattr(view.row, name)) for name, label in FIELD_NAMES.items() if name != "bases"],
            bases=[(basis.row, BASIS_TYPES[BasisType(basis.row.basistype)]) for basis in view.bases],
            link=LinkForm(None, briefs=briefs) if briefs else None,
            may_change=may_change,
            may_see_bases=self.may(Permission.LEGAL_BASIS_READ),
        )


class NewActivity(_ActivityPage):
    template_name = "console/activity_form.html"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self.render(form=ActivityForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ActivityForm(request.POST)
        if form.is_valid() and self.may_run(form):
            name = form.cleaned_data["activity"]
            try:
                actions.save_activity(self.actor, activity=name, wish=form.cleaned_data, new=True)
            except Conflict:
                form.add_error("activity", _("Another activity has this name."))
            else:
                messages.success(request, _("The activity is in the register."))
                return self.to("console:activities")
        return self.render(form=form, status=_UNPROCESSABLE)


class EditActivity(_ActivityPage):
    template_name = "console/activity_form.html"

    def get(self, request: HttpRequest, activity: int) -> HttpResponse:  # noqa: ARG002 - Django's signature
        row = queries.look_at_activity(self.actor, number=activity).row
        return self.render(form=ActivityForm.of(_values(row)), row=row)

    def post(self, request: HttpRequest, activity: int) -> HttpResponse:
        row, form = queries.look_at_activity(self.actor, number=activity).row, ActivityForm(request.POST)
        if form.is_valid() and not form.is_outdated(_values(row)) and self.may_run(form, before=row.script):
            try:
                actions.save_activity(
                    self.actor, activity=row.activity, wish=form.cleaned_data, new=False, seen=_values(row)
                )
            except (NotFound, Outdated):  # by a moment: what was read above holds no more, or has another name
                row = queries.look_at_activity(self.actor, number=activity).row
                form.go_outdated(_values(row))
            except Conflict:
                form.add_error("activity", _("Another activity has this name."))
            else:
                messages.success(request, _("The activity is saved."))
                return self.to("console:activity", activity)
        return self.render(form=form, row=row, status=_UNPROCESSABLE)


def _values(row: ProcessingActivity) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ActivityForm.base_fields if name != "seen"}


class DeleteActivity(_ActivityPage):
    template_name = "console/delete_activity.html"

    def get(self, request: HttpRequest, activity: int) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self.render(view=queries.look_at_activity(self.actor, number=activity))

    def post(self, request: HttpRequest, activity: int) -> HttpResponse:
        row = queries.look_at_activity(self.actor, number=activity).row
        actions.delete_activity(self.actor, activity=row.activity)
        messages.success(request, _("The activity is out of the register."))
        return self.to("console:activities")


class Link(_ActivityPage):
    def form_page(self) -> str:
        return reverse("console:activity", args=[self.kwargs["activity"]])

    def post(self, request: HttpRequest, activity: int) -> HttpResponse:
        view = queries.look_at_activity(self.actor, number=activity)
        if view.row.script and not self.is_fresh():
            return self.confirm()
        form = LinkForm(request.POST, briefs=queries.list_linkable(self.actor, activity=view))
        if not form.is_valid():
            raise BadRequest
        actions.link_basis(self.actor, activity=view.row.activity, brief=form.cleaned_data["brief"])
        messages.success(request, _("The activity rests on this legal basis now."))
        return self.to("console:activity", activity)


class Unlink(_ActivityPage):
    def post(self, request: HttpRequest, activity: int) -> HttpResponse:
        view = queries.look_at_activity(self.actor, number=activity)
        actions.unlink_basis(self.actor, activity=view.row.activity, brief=request.POST.get("brief", ""))
        messages.success(request, _("The activity doesn't rest on this legal basis any more."))
        return self.to("console:activity", activity)
