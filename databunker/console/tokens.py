"""Access tokens of applications, for administrators: which there are, what they may, and when they were last used."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from databunker.access.models import TokenKind
from databunker.access.permissions import Permission
from databunker.access.roles import Role
from databunker.access.scopes import Scope
from databunker.pages.paging import Paging
from databunker.watch.incidents import unusual_tokens
from vault.actions import issue_token, revoke_token
from vault.queries import TokenView, page_of_tokens, read_token

from .access import AccessPage
from .token_forms import NewTokenForm

__all__ = ["NewToken", "Revoke", "Token", "Tokens"]

_UNPROCESSABLE = 422
_KINDS: dict[str, str | Promise] = {"admin": gettext_lazy("application"), "root": gettext_lazy("root token")}
_LIST_NAMES: dict[str, str | Promise] = {
    "routes": gettext_lazy("Routes"),
    "fields": gettext_lazy("Fields"),
    "addresses": gettext_lazy("Networks"),
    "purposes": gettext_lazy("Purposes"),
}


class Line(NamedTuple):
    """A token in words: `roles` and `permissions` are what its scope allows, `narrowed` that it has further limits."""

    token: TokenView
    kind: str | Promise
    state: str
    tone: str
    roles: list[str]
    permissions: list[str]
    narrowed: bool
    unusual: bool


def _line(token: TokenView, *, unusual: bool) -> Line:
    state, tone = _state(token)
    scope = token.scope
    allow = list(scope.allow) if scope else []
    roles = [name for name in allow if name in _ROLES]
    narrowed = scope is not None and (scope.masked or any(getattr(scope, name) for name in _LIST_NAMES))
    permissions = [name for name in allow if name not in _ROLES]
    return Line(token, _KINDS[token.kind], state, tone, roles, permissions, narrowed, unusual)


_ROLES = frozenset(Role)


def _state(token: TokenView) -> tuple[str, str]:
    if token.revoked is not None:
        return _("revoked"), "bad"
    return (_("expired"), "") if token.expired else (_("valid"), "good")


class _TokenPage(AccessPage):
    tab = "tokens"
    permission = Permission.TOKEN_MANAGE


class Tokens(_TokenPage):
    template_name = "console/tokens.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        paging = Paging(request.GET)
        everything = request.GET.get("show") == "all"
        total, found = page_of_tokens(self.actor, usable=not everything, offset=paging.offset, limit=paging.size)
        unusual = unusual_tokens(self.actor.tenant)
        lines = [_line(token, unusual=token.number in unusual) for token in found]
        return self.render(lines=lines, paging=paging.of(total), everything=everything)


class NewToken(_TokenPage):
    """The token stands in the answer to its form, and nowhere else any more."""

    template_name = "console/new_token.html"
    dangerous = True

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self.render(form=NewTokenForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = NewTokenForm(request.POST)
        if not form.is_valid():
            return self.render(form=form, status=_UNPROCESSABLE)
        text, row = issue_token(
            self.actor, kind=TokenKind.ADMIN, label=form.cleaned_data["label"], expires=form.expires, scope=form.scope
        )
        return self.render("console/made_token.html", text=text, number=row.pk, label=row.label)


class Token(_TokenPage):
    template_name = "console/token.html"

    def get(self, request: HttpRequest, token: int) -> HttpResponse:  # noqa: ARG002 - Django's signature
        found = read_token(self.actor, row=token)
        incident = unusual_tokens(self.actor.tenant).get(token)
        return self.render(
            line=_line(found, unusual=incident is not None), lists=_lists(found.scope), incident=incident
        )


def _lists(scope: Scope | None) -> list[tuple[Any, tuple[str, ...]]]:
    """What narrows the token beside its permissions, by name."""
    if scope is None:
        return []
    return [(title, getattr(scope, name)) for name, title in _LIST_NAMES.items() if getattr(scope, name)]


class Revoke(_TokenPage):
    dangerous = True

    def post(self, request: HttpRequest, token: int) -> HttpResponse:
        revoke_token(self.actor, row=token)
        messages.success(request, _("The token is revoked, and refused from now on."))
        return self.to("console:token", token)
