"""Approve several requests of one kind: first how many of them could be, then what became of each."""

from __future__ import annotations

from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from databunker.access.permissions import Permission
from databunker.errors import NotFound
from databunker.ids import parse_token
from databunker.pages.errors import explained
from databunker.pages.paging import Paging
from gdpr import actions, queries
from gdpr.actions import MOST_TOGETHER
from gdpr.models import RequestAction
from gdpr.states import State

from .pages import ConsolePage
from .request_forms import ACTION_NAMES, ReasonForm
from .requests import Line, lines_of

__all__ = ["ApprovedTogether", "Together"]

_UNPROCESSABLE = 422


class Tried(NamedTuple):
    """One request, why it can't be approved with the others (empty: it can), and whether it is to be."""

    line: Line
    rtoken: str
    problem: str
    chosen: bool


class Result(NamedTuple):
    """What became of one request; `problem` is empty where it was approved."""

    rtoken: str
    problem: str


class Together(ConsolePage):
    """The undecided requests of a kind, what is due first coming first; on a page as many as are approved together.

    Each is tried out. Approved is what was shown and chosen, and no more.
    """

    template_name = "console/together.html"
    section = "requests"
    permission = Permission.REQUEST_DECIDE

    def get(self, request: HttpRequest, kind: str) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self._show(_action(kind), ReasonForm(None, step="together"))

    def post(self, request: HttpRequest, kind: str) -> HttpResponse:
        action, form = _action(kind), ReasonForm(request.POST, step="together")
        chosen = [rtoken for rtoken in request.POST.getlist("request") if parse_token(rtoken)]
        if not chosen and form.is_valid():
            form.add_error(None, _("Choose at least one request."))
        if not form.is_valid():
            return self._show(action, form, chosen=chosen, status=_UNPROCESSABLE)
        done = actions.approve_together(self.actor, chosen, reason=form.cleaned_data["reason"])
        self.session["approved"] = [[one.rtoken, explained(one.problem) if one.problem else ""] for one in done]
        return self.to("console:approved_together")

    def _show(
        self, action: RequestAction, form: ReasonForm, *, chosen: list[str] | None = None, status: int = 200
    ) -> HttpResponse:
        """The page; with those `chosen`, where somebody has chosen already."""
        paging = Paging(self.request.GET, size=MOST_TOGETHER)
        page = queries.list_requests(
            self.actor, status=State.OPEN.label, action=action, offset=paging.offset, limit=paging.size
        )
        lines = {str(line.request.token): line for line in lines_of(self.actor, page.requests)}
        found = actions.try_approvals(self.actor, lines, action=action)
        tried = [
            Tried(lines[rtoken], rtoken, explained(problem) if problem else "", chosen is None or rtoken in chosen)
            for rtoken, problem in found
        ]
        return self.render(
            form=form,
            kind=action.label,
            name=ACTION_NAMES[action],
            tried=tried,
            ready=sum(not one.problem for one in tried),
            paging=paging.of(page.total),
            status=status,
        )


def _action(kind: str) -> RequestAction:
    """
    Raises:
        NotFound: there is no such kind, or each of it has to be decided by itself.
    """
    action = next((one for one in RequestAction if one.label == kind), None)
    if action is None or action is RequestAction.FORGET_ME:
        raise NotFound
    return action


class ApprovedTogether(ConsolePage):
    """What became of those that were approved last."""

    template_name = "console/approved_together.html"
    section = "requests"
    permission = Permission.REQUEST_DECIDE

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        results = [Result(*one) for one in self.session.get("approved", [])]
        return self.render(results=results, approved=sum(not one.problem for one in results))
