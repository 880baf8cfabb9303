"""Webhooks, mails and text messages on their way out, for administrators. What they say is never shown."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from databunker.access.permissions import Permission
from databunker.errors import BadRequest
from databunker.ids import parse_token
from databunker.notify.kinds import MAIL, SMS, SWITCHES, WEBHOOK
from databunker.notify.models import JobState
from databunker.pages.paging import Paging
from vault.actions import drop_notifications, replay_notifications
from vault.queries import count_notifications, list_notifications

from .access import AccessPage

__all__ = ["Drop", "Outgoing", "Retry"]

KIND_NAMES: dict[str, str | Promise] = {
    WEBHOOK: gettext_lazy("webhook"),
    MAIL: gettext_lazy("mail"),
    SMS: gettext_lazy("text message"),
}


class Channel(NamedTuple):
    """One kind of message: whether any are sent, by which setting, and how many wait and are dead."""

    name: str | Promise
    on: bool
    setting: str
    waiting: int
    dead: int


class _OutgoingPage(AccessPage):
    tab = "outgoing"
    permission = Permission.NOTIFICATION_MANAGE

    def channels(self) -> list[Channel]:
        counts = {(one.kind, one.state): one.number for one in count_notifications(self.actor)}
        return [
            Channel(
                KIND_NAMES[kind],
                bool(getattr(settings, setting)),
                setting,
                counts.get((kind, JobState.DUE), 0),
                counts.get((kind, JobState.DEAD), 0),
            )
            for kind, setting in SWITCHES.items()
        ]


class Outgoing(_OutgoingPage):
    """Dead letters, or what waits for its turn."""

    template_name = "console/outgoing.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        paging = Paging(request.GET)
        waiting = request.GET.get("show") == "waiting"
        state = JobState.DUE if waiting else JobState.DEAD
        total, found = list_notifications(self.actor, state=state, offset=paging.offset, limit=paging.size)
        rows = [(one, KIND_NAMES.get(one.kind, one.kind)) for one in found]
        return self.render(
            rows=rows,
            channels=self.channels(),
            waiting=waiting,
            paging=paging.of(total),
            days=settings.NOTIFICATION_DEAD_DAYS,
        )


class Retry(_OutgoingPage):
    def post(self, request: HttpRequest) -> HttpResponse:
        count = replay_notifications(self.actor, ids=_chosen(request.POST))
        told = ngettext("%(count)s message is tried again.", "%(count)s messages are tried again.", count)
        messages.success(request, told % {"count": count})
        return self.to("console:outgoing")


class Drop(_OutgoingPage):
    """First a page that says how many go, then the form of that page."""

    template_name = "console/drop_messages.html"
    dangerous = True

    def get(self, request: HttpRequest) -> HttpResponse:
        chosen = _chosen(request.GET)
        count = sum(channel.dead for channel in self.channels()) if chosen is None else len(chosen)
        return self.render(chosen=chosen, count=count)

    def post(self, request: HttpRequest) -> HttpResponse:
        count = drop_notifications(self.actor, ids=_chosen(request.POST))
        told = ngettext("%(count)s message is dropped.", "%(count)s messages are dropped.", count)
        messages.success(request, told % {"count": count})
        return self.to("console:outgoing")


def _chosen(query: QueryDict) -> list[UUID] | None:
    """Which messages a form names; None: all dead ones.

    Raises:
        BadRequest: none.
    """
    if query.get("all"):
        return None
    found = [job_id for text in query.getlist("id") if (job_id := parse_token(text))]
    if not found:
        raise BadRequest(_("no message is chosen"))
    return found
