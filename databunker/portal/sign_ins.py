"""Where the person is signed in, which sessions applications keep, and what is shared: each with an end."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from audit.events import EventType
from databunker import jsontext
from databunker.errors import NotFound
from databunker.pages.paging import Paging
from gdpr import actions, queries
from gdpr import events as workflows
from vault import actions as vault
from vault import events
from vault.queries import list_sessions, list_shares
from vault.sessions import OpenSession

from .documents import Row, rows_of
from .pages import PortalPage

__all__ = ["EndSession", "EndShare", "EndSignIn", "MyShares", "SignIns"]

_MOST_ROWS = 100


class _SessionLine(NamedTuple):
    session: OpenSession
    rows: list[Row]


class SignIns(PortalPage):
    template_name = "portal/sign_ins.html"
    section = "sign-ins"
    event: ClassVar[EventType | None] = workflows.SIGN_INS_LISTED

    def get(self, request: HttpRequest) -> HttpResponse:
        me: dict[str, Any] = {"mode": "token", "identity": self.token}
        paging = Paging(request.GET)
        page = list_sessions(self.actor, **me, offset=paging.offset, limit=paging.size)
        sessions = [_SessionLine(one, rows_of(jsontext.loads(one.data_json))[:_MOST_ROWS]) for one in page.sessions]
        return self.render(
            sign_ins=queries.list_sign_ins(self.actor, **me), sessions=sessions, paging=paging.of(page.total)
        )


class EndSignIn(PortalPage):
    event: ClassVar[EventType | None] = workflows.SIGN_IN_ENDED

    def post(self, request: HttpRequest) -> HttpResponse:
        number = request.POST.get("sign_in", "")
        if not (number.isascii() and number.isdecimal() and len(number) < _DIGITS):
            raise NotFound
        actions.end_sign_in(self.actor, mode="token", identity=self.token, number=int(number))
        if int(number) == self.actor.token_id:
            self.session.end()
            return self.to("portal:sign_in")
        messages.success(request, _("You are signed out there, within a minute."))
        return self.to("portal:sign_ins")


_DIGITS = 19


class EndSession(PortalPage):
    event: ClassVar[EventType | None] = events.SESSION_DELETED

    def post(self, request: HttpRequest) -> HttpResponse:
        vault.end_session(self.actor, mode="token", identity=self.token, handle=request.POST.get("session", ""))
        messages.success(request, _("The session is over."))
        return self.to("portal:sign_ins")


class MyShares(PortalPage):
    template_name = "portal/shares.html"
    section = "shares"
    event: ClassVar[EventType | None] = events.SHARES_LISTED

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self.render(shares=list_shares(self.actor, mode="token", identity=self.token))


class EndShare(PortalPage):
    """The id, for which the data is to be had, comes in the form and stands in no address."""

    event: ClassVar[EventType | None] = events.SHARE_REVOKED

    def post(self, request: HttpRequest) -> HttpResponse:
        vault.revoke_share(self.actor, share=request.POST.get("share", ""))
        messages.success(request, _("It is not shared any more."))
        return self.to("portal:shares")
