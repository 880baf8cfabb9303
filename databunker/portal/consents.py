"""On what the person's data is processed, what the person has agreed to, and the buttons to agree or not any more."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from audit.events import EventType
from gdpr import actions, events, queries
from gdpr.actions import TextsChanged
from gdpr.bases import Texts
from gdpr.queries import Choice, History, HistoryLine

from .pages import PortalPage
from .words import BASES, SAID, Words

__all__ = ["Accept", "Consent", "Consents", "Withdraw"]


class _Shown(NamedTuple):
    """A legal basis with its words. `said` is empty where the person has said nothing."""

    choice: Choice
    name: str
    kind: Words
    said: Words
    tone: str


def _shown(choice: Choice) -> _Shown:
    row, agreement = choice.basis.row, choice.agreement
    said, tone = SAID[agreement.status] if agreement else ("", "")
    name = choice.basis.texts.shortdesc or row.brief
    return _Shown(choice, name, BASES.get(row.basistype, row.basistype), said, tone)


class _ConsentPage(PortalPage):
    section = "consents"

    @property
    def me(self) -> dict[str, str]:
        return {"mode": "token", "identity": self.token}

    def choice(self, brief: str) -> Choice:
        """
        Raises:
            NotFound: nothing of this name is processed on, or was ever asked of the person.
        """
        return queries.read_choice(self.actor, brief=brief, **self.me)[0]


class Consents(_ConsentPage):
    template_name = "portal/consents.html"
    event: ClassVar[EventType | None] = events.AGREEMENTS_LISTED

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        shown = [_shown(choice) for choice in queries.list_choices(self.actor, **self.me)]
        return self.render(
            asked=[one for one in shown if one.choice.is_consent],
            held=[one for one in shown if not one.choice.is_consent],
        )


class _Line(NamedTuple):
    """One line of the history, with the texts as they were shown then."""

    line: HistoryLine
    said: Words
    tone: str
    texts: Texts | None


class Consent(_ConsentPage):
    """One of them, with its whole text and every change."""

    template_name = "portal/consent.html"
    event: ClassVar[EventType | None] = events.AGREEMENT_HISTORY_READ

    def get(self, request: HttpRequest, brief: str) -> HttpResponse:  # noqa: ARG002 - Django's signature
        choice, past = queries.read_choice(self.actor, brief=brief, **self.me)
        return self.render(shown=_shown(choice), lines=_lines(past) if past else [])


def _lines(past: History) -> list[_Line]:
    return [_Line(line, *SAID[line.status], past.texts.get(line.text_version)) for line in reversed(past.lines)]


_BY_HAND = {"agreementmethod": "portal"}


class Accept(_ConsentPage):
    event: ClassVar[EventType | None] = events.AGREEMENT_ACCEPTED

    def post(self, request: HttpRequest, brief: str) -> HttpResponse:
        choice = self.choice(brief)
        if not choice.may_accept:
            messages.error(request, _("There is nothing to agree to."))
            return self.to("portal:consents")
        wish = {"status": "yes", "textversion": request.POST.get("text") or "0", **_BY_HAND}
        try:
            actions.agree(self.actor, brief=brief, **self.me, wish=wish)
        except TextsChanged as refusal:
            self.refused(refusal)
            messages.warning(request, _("The text has changed. Please read it again before you agree."))
            return self.to("portal:consent", brief)
        messages.success(request, _("You have agreed. You can withdraw it at any time."))
        return self.to("portal:consents")


class Withdraw(_ConsentPage):
    event: ClassVar[EventType | None] = events.AGREEMENT_WITHDRAWN

    def post(self, request: HttpRequest, brief: str) -> HttpResponse:
        if not self.choice(brief).may_withdraw:
            messages.error(request, _("This does not rest on your consent, so that you can't withdraw it."))
            return self.to("portal:consents")
        asked = actions.withdraw(self.actor, brief=brief, **self.me, wish=_BY_HAND)
        if asked is not None:
            messages.success(request, _("Your wish was sent. Here you see what becomes of it."))
            return self.to("portal:request", asked.token)
        messages.success(request, _("You have withdrawn it."))
        return self.to("portal:consents")
