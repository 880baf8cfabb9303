"""One request with all that a decision needs, and what may be done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from databunker.access.actor import Actor
from databunker.access.permissions import Permission
from databunker.accounts.queries import accounts_that_may
from databunker.errors import BadRequest, Conflict, NotFound
from databunker.ids import unix_now
from databunker.pages.diffs import Difference, differences, fields
from databunker.pages.errors import explained
from gdpr import actions, queries
from gdpr.models import RequestAction
from gdpr.notices import refusal_notice
from gdpr.queries import RequestView
from gdpr.requests import OpenRequest, holidays, seen_reasons
from gdpr.states import TRANSITIONS, UNDECIDED, Step
from vault import masking, patch

from .case_history import history_of
from .erasures import Erasure, erasure_told, shown_erasure
from .pages import ConsolePage
from .request_forms import AssignForm, CommentForm, ForgetForm, ReasonForm
from .requests import lines_of

__all__ = ["Assign", "Comment", "Decide", "OneRequest"]

_UNPROCESSABLE = 422


class _RequestPage(ConsolePage):
    """What is asked for, what it would change, whom it concerns, and what may be done with it."""

    template_name = "console/request.html"
    section = "requests"

    def show(
        self, rtoken: UUID, *, form: ReasonForm | None = None, comment: CommentForm | None = None, status: int = 200
    ) -> HttpResponse:
        """The page, with the one form that was filled in wrongly as it was."""
        view = queries.read_request(self.actor, rtoken=str(rtoken))
        found, now = view.request, unix_now()
        (line,) = lines_of(self.actor, [found])
        decides = self.may(Permission.REQUEST_DECIDE)
        return self.render(
            line=line,
            rtoken=rtoken,
            changes=_changes(view),
            erases=_erases(found),
            erasure=self._erasure(found) if decides and found.state in UNDECIDED and _erases(found) else None,
            person=[(path, value) for path, value in fields(masking.masked(found.holder.profile())) if path],
            history=history_of(self.actor, line),
            notice=seen_reasons(self.actor, found).get("notice", ""),
            assign=self._assign(found) if decides and found.state in UNDECIDED else None,
            comment=(comment or CommentForm()) if decides and not found.holder.forgotten else None,
            unpaused=found.clock.unpaused_due(holidays()),
            choices=self._choices(found, now, form),
            evidence=decides,
            status=status,
        )

    def _erasure(self, request: OpenRequest) -> Erasure:
        preview = queries.preview_erasure(self.actor, mode="token", identity=str(request.holder.token))
        return shown_erasure(preview, lapsing=preview.lapsing)

    def _assign(self, request: OpenRequest) -> AssignForm:
        accounts = accounts_that_may(Permission.REQUEST_DECIDE, tenant=self.actor.tenant)
        return AssignForm(accounts=accounts, initial={"account": request.stored.assignee or ""})

    def _choices(self, request: OpenRequest, now: int, filled: ReasonForm | None) -> list[tuple[Choice, ReasonForm]]:
        """What the account may do with the request now, each with its form."""
        if not self.may(Permission.REQUEST_DECIDE):
            return []
        clock, free = request.clock, holidays()
        late = {
            Step.EXTEND: clock.extended is not None or not clock.may_extend(now, free),
            Step.ASK_IDENTITY: clock.asked is not None or not clock.may_ask(now, free),
        }
        return [
            (choice, filled if filled and filled.step == name else choice.form(name, request))
            for name, choice in _CHOICES.items()
            if (request.state, choice.step) in TRANSITIONS and not late.get(choice.step, False)
        ]


class OneRequest(_RequestPage):
    permission = Permission.REQUEST_LIST

    def get(self, request: HttpRequest, rtoken: UUID) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self.show(rtoken)


class Decide(_RequestPage):
    """What is done with a request. Whoever comes second is told that the first has decided."""

    permission = Permission.REQUEST_DECIDE

    def form_page(self) -> str:
        return f"{reverse('console:request', args=[self.kwargs['rtoken']])}#{self.kwargs['step']}"

    def post(self, request: HttpRequest, rtoken: UUID, step: str) -> HttpResponse:
        choice = _CHOICES.get(step)
        if choice is None:
            raise NotFound
        found = queries.read_request(self.actor, rtoken=str(rtoken)).request
        if choice.forgets(found) and not self.is_fresh():
            return self.confirm()
        form = choice.form(step, found, request.POST)
        if not form.is_valid():
            return self.show(rtoken, form=form, status=_UNPROCESSABLE)
        try:
            outcome = choice.act(self.actor, str(rtoken), form.cleaned_data["reason"])
        except (BadRequest, Conflict) as error:
            messages.error(request, explained(error))
        else:
            messages.success(request, choice.told_of(found, outcome))
        return self.to("console:request", rtoken)


class Assign(_RequestPage):
    """Who looks after the request."""

    permission = Permission.REQUEST_DECIDE

    def post(self, request: HttpRequest, rtoken: UUID) -> HttpResponse:
        accounts = accounts_that_may(Permission.REQUEST_DECIDE, tenant=self.actor.tenant)
        form = AssignForm(request.POST, accounts=accounts)
        if not form.is_valid():
            raise BadRequest
        try:
            actions.assign_request(self.actor, rtoken=str(rtoken), account=form.chosen)
        except (BadRequest, Conflict) as error:
            messages.error(request, explained(error))
        else:
            name = accounts.get(form.chosen or 0)
            told = _("%(name)s looks after the request now.") % {"name": name} if name else _("Nobody is assigned now.")
            messages.success(request, told)
        return self.to("console:request", rtoken)


class Comment(_RequestPage):
    """What those who decide say to each other. The person doesn't see it."""

    permission = Permission.REQUEST_DECIDE

    def post(self, request: HttpRequest, rtoken: UUID) -> HttpResponse:
        form = CommentForm(request.POST)
        if not form.is_valid():
            return self.show(rtoken, comment=form, status=_UNPROCESSABLE)
        try:
            actions.comment_request(self.actor, rtoken=str(rtoken), comment=form.cleaned_data["comment"])
        except Conflict as error:
            messages.error(request, explained(error))
        return self.to("console:request", rtoken)


class Choice(NamedTuple):
    """One thing that may be done with a request: what it does, its button, and what is told before and afterwards."""

    step: Step
    act: Callable[[Actor, str, str], object]
    label: str | Promise
    told: str | Promise
    text: str | Promise = ""
    needs_reason: bool = False
    look: str = "quiet"

    @property
    def notice(self) -> str:
        """What the person is told beside the reason."""
        return refusal_notice() if self.step is Step.REFUSE else ""

    def forgets(self, request: OpenRequest) -> bool:
        """Whether the person is forgotten by it: that wants to be meant, by whoever is known to sit there."""
        return self.step is Step.APPROVE and _erases(request)

    def form(self, name: str, request: OpenRequest, data: Any = None) -> ReasonForm:
        if self.forgets(request):
            return ForgetForm(data, step=name, person=request.holder.token)
        return ReasonForm(data, step=name, needs_reason=self.needs_reason)

    def told_of(self, request: OpenRequest, outcome: object) -> str:
        """In words what has become of the request."""
        return erasure_told(waits=outcome is None) if self.forgets(request) else str(self.told)


_CHOICES: dict[str, Choice] = {
    "approve": Choice(
        Step.APPROVE,
        lambda actor, rtoken, reason: actions.approve_request(actor, rtoken=rtoken, reason=reason),
        gettext_lazy("Approve"),
        gettext_lazy("The request is approved, and what it asks for is done."),
        gettext_lazy("Exactly what is asked for is done, at once."),
        look="",
    ),
    "refuse": Choice(
        Step.REFUSE,
        lambda actor, rtoken, reason: actions.cancel_request(actor, rtoken=rtoken, reason=reason),
        gettext_lazy("Refuse"),
        gettext_lazy("The request is refused."),
        gettext_lazy(
            "The person must hear why, and how to act against it (Art. 12(4) GDPR). They are told the reason, and this:"
        ),
        needs_reason=True,
        look="danger",
    ),
    "extend": Choice(
        Step.EXTEND,
        lambda actor, rtoken, reason: actions.extend_request(actor, rtoken=rtoken, reason=reason),
        gettext_lazy("Take two further months"),
        gettext_lazy("There are two further months. The person must hear of it, and why, within the first month."),
        gettext_lazy("Where requests are complex or many (Art. 12(3) GDPR): once, and within the first month."),
        needs_reason=True,
    ),
    "ask-identity": Choice(
        Step.ASK_IDENTITY,
        lambda actor, rtoken, reason: actions.ask_for_identity(actor, rtoken=rtoken, reason=reason),
        gettext_lazy("Ask for proof of identity"),
        gettext_lazy("The clock stands still until the identity is proved."),
        gettext_lazy("Where there is reasonable doubt about who asks (Art. 12(6) GDPR): once. It stops the clock."),
        needs_reason=True,
    ),
    "verify-identity": Choice(
        Step.VERIFY_IDENTITY,
        lambda actor, rtoken, reason: actions.verify_identity(actor, rtoken=rtoken, reason=reason),
        gettext_lazy("The identity is proved"),
        gettext_lazy("The identity is proved, and the clock runs again."),
        gettext_lazy(
            "Say what has proved it, and keep no copy of documents. The trail tells that you have seen the proof."
        ),
        needs_reason=True,
    ),
}


def _erases(request: OpenRequest) -> bool:
    return request.action == RequestAction.FORGET_ME


def _changes(view: RequestView) -> list[Difference]:
    """What would be different, field by field."""
    wish, original = view.wish, view.original
    if wish.action == RequestAction.FORGET_ME:
        return [Difference(path, value, None) for path, value in fields(masking.masked(original)) if path]
    if wish.verb == "delete":
        return differences(original, None)
    if wish.verb == "store":
        return differences(original, wish.change)
    try:
        after = patch.apply(original or {}, wish.change, max_bytes=1 << 24)
    except (BadRequest, Conflict):
        # Of a narrowed view not all is there that the change needs: it is shown as it was sent.
        return [Difference(path, None, value) for path, value in fields(wish.change)]
    return differences(original, after)
