"""The base of the portal's pages: a person, by the access token that the login gave."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.events import EventType
from databunker import refusals
from databunker.access import tokens
from databunker.access.actor import Actor, ActorKind
from databunker.errors import VaultError
from databunker.pages.views import Page

__all__ = ["SECTIONS", "PortalPage", "Section"]


class Section(NamedTuple):
    """An entry of the portal's navigation: what pages name as their section, and the page that it leads to."""

    name: str
    label: str | Promise
    view: str


SECTIONS = [
    Section("data", _("My data"), "portal:data"),
    Section("consents", _("Consents"), "portal:consents"),
    Section("requests", _("Requests"), "portal:requests"),
    Section("accesses", _("Who has seen it"), "portal:accesses"),
    Section("sign-ins", _("Sign-ins"), "portal:sign_ins"),
    Section("shares", _("Sharing"), "portal:shares"),
    Section("rights", _("My rights"), "portal:rights"),
]


class PortalPage(Page):
    """A page about the person who has come in, and nobody else: `self.token` is the person's token.

    `event` is that of the person's being refused.
    """

    section: ClassVar[str] = ""
    sections = SECTIONS
    event: ClassVar[EventType | None] = None

    token: str = ""

    def admit(self, request: HttpRequest) -> HttpResponseBase | None:  # noqa: ARG002 - Django's signature
        xtoken = self.session.get("xtoken", "")
        grant = tokens.lookup(xtoken) if xtoken else None
        if grant is None or grant.kind is not ActorKind.PERSON:
            # Too late, or forgotten meanwhile.
            if self.session.exists:
                self.session.end()
            return HttpResponseRedirect(reverse("portal:sign_in"))
        caller = self.actor
        self.token = self.session["token"]
        self.actor = Actor(
            kind=grant.kind, tenant=grant.tenant, token_id=grant.token_id, subject=grant.subject,
            request_id=caller.request_id, address=caller.address,
        )  # fmt: skip
        return None

    def refused(self, refusal: VaultError) -> None:
        if self.event is not None:
            refusals.record(self.actor, self.event, refusal)
