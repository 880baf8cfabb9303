"""The base of the console's pages: who is signed in, what that one may see, and whether it is still that one."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from databunker.access import tokens
from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission, allowed, require_some
from databunker.accounts import actions, rows
from databunker.accounts.rows import OpenAccount
from databunker.accounts.sessions import Session
from databunker.errors import NotFound, VaultError
from databunker.ids import unix_now
from databunker.pages.views import Page

from .navigation import Entry, entries_for

__all__ = ["OPENID_CONNECT", "ConsolePage", "client_agent", "is_fresh"]

OPENID_CONNECT = "OpenID Connect"  # how somebody has signed in who did it there
_MAX_AGENT = 200
_MINUTE = 60


class ConsolePage(Page):
    """A page for whoever has signed in at the console.

    `permission` is what a role needs to see it at all; actions and queries check again, for whatever is concerned.
    `section` is the entry of the navigation that it belongs to. A page that is `dangerous` wants to know anew who it
    is, where that was asked long ago. `first_steps` are the pages that somebody gets to whose account is not ready.
    """

    permission: ClassVar[Permission | None] = None
    section: ClassVar[str] = ""
    dangerous: ClassVar[bool] = False
    first_steps: ClassVar[bool] = False

    account: OpenAccount | None = None

    def admit(self, request: HttpRequest) -> HttpResponseBase | None:  # noqa: ARG002 - Django's signature
        found = self._who_acts()
        if found is None:
            return self._elsewhere("console:sign_in")
        self.actor = found
        if not self.first_steps and (step := self._next_step()):
            return self._elsewhere(step)
        if self.permission is not None:
            require_some(self.actor, self.permission)
        if self.dangerous and not self.is_fresh():
            return self.confirm()
        return None

    def refused(self, refusal: VaultError) -> None:
        if self.actor.kind is not ActorKind.ANYONE:
            actions.refuse_page(self.actor, refusal)

    def may(self, permission: Permission) -> bool:
        """Whether to show what needs this permission."""
        return allowed(self.actor, permission)

    @property
    def opens_people(self) -> bool:
        """Whether a person's token leads to the person's page."""
        return self.may(Permission.AUDIT_READ)

    @property
    def navigation(self) -> list[Entry]:
        return entries_for(self.actor)

    @property
    def who(self) -> str:
        return self.account.shown_name if self.account else self.actor.kind.label

    def is_fresh(self) -> bool:
        return is_fresh(self.session)

    def confirm(self) -> HttpResponse:
        """To the page that asks anew who it is, and back."""
        return self._elsewhere("console:confirm")

    def _who_acts(self) -> Actor | None:
        if "root" in self.session:
            grant = tokens.lookup(self.session["root"])
            if settings.CONSOLE_BREAK_GLASS and grant is not None and grant.kind is ActorKind.ROOT:
                caller = self.actor
                return Actor(
                    ActorKind.ROOT, grant.tenant, grant.token_id, request_id=caller.request_id, address=caller.address
                )
        elif "account" in self.session:
            try:
                account = rows.by_id(self.session["account"], tenant=self.actor.tenant)
            except NotFound:
                account = None
            if account is not None and account.usable:
                self.account = account
                return account.actor(self.actor)
        if self.session.exists and "pending" not in self.session:
            self.session.end()
        return None

    def _next_step(self) -> str:
        """The page that an account has to visit first, or nothing."""
        if self.account is None:
            return ""
        if self.account.private.first:
            return "console:password"
        elsewhere = settings.CONSOLE_OIDC_SECOND_FACTOR and self.session.get("how") == OPENID_CONNECT
        if settings.CONSOLE_SECOND_FACTOR == "required" and not self.account.has_second_factor and not elsewhere:
            return "console:second_factor"
        return ""

    def _elsewhere(self, name: str) -> HttpResponse:
        """There, and back here afterwards: to the page itself, as what a form has sent can't be sent again."""
        address = self.request.get_full_path() if self.request.method == "GET" else self.form_page()
        there = f"{reverse(name)}?{urlencode({'next': address})}"
        if getattr(self.request, "htmx", None):
            return HttpResponseClientRedirect(there)
        response = HttpResponseRedirect(there)
        response.status_code = 303
        return response

    def form_page(self) -> str:
        """The address of the page with the form that is sent here."""
        return self.request.path if hasattr(self, "get") else reverse("console:dashboard")


def is_fresh(session: Session) -> bool:
    """Whether it was asked lately who it is whose session it is."""
    return bool(unix_now() - session.get("confirmed", 0) < settings.CONSOLE_CONFIRM_MINUTES * _MINUTE)


def client_agent(request: HttpRequest) -> dict[str, Any]:
    """What a session keeps about where it was begun, for its owner to recognise it."""
    return {"agent": request.META.get("HTTP_USER_AGENT", "")[:_MAX_AGENT]}
