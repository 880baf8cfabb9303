"""The console's door: name and password, second factor, and out again."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from databunker.access.actor import Actor
from databunker.accounts import actions, oidc, rows
from databunker.accounts.rows import OpenAccount
from databunker.errors import AccessDenied, NotFound, Throttled
from databunker.ids import unix_now
from databunker.pages.views import Page, safe_path

from .forms import BreakGlassForm, ConfirmForm, SecondFactorForm, SignInForm
from .pages import ConsolePage, client_agent

__all__ = [
    "BreakGlass",
    "Confirm",
    "Door",
    "SecondFactor",
    "SignIn",
    "SignOut",
    "SignedOut",
    "go_to",
    "next_of",
]

_HOUR = 3600
# Between password and second factor.
_PENDING_SECONDS = 300
# With the root token.
_ROOT_SECONDS = 900
_UNPROCESSABLE = 422


class Door(Page):
    """A page for those who are not in yet."""

    def admit(self, request: HttpRequest) -> HttpResponseBase | None:  # noqa: ARG002 - Django's signature
        return None

    def locked(self, error: Throttled) -> HttpResponse:
        response = self.render("console/locked.html", status=429, minutes=-(-error.retry_after // 60))
        response.headers["Retry-After"] = str(error.retry_after)
        return response

    @property
    def next(self) -> str:
        return next_of(self.request)

    def signed_in(self) -> Actor | None:
        """The account whose session it is, if there is one that may do anything."""
        if "account" not in self.session:
            return None
        account = rows.by_id(self.session["account"], tenant=self.actor.tenant)
        return account.actor(self.actor) if account.usable else None

    def ask_for_code(self, account: OpenAccount, *, then: str, how: str) -> HttpResponse:
        """One half is proved: on to the other."""
        self.session.begin(seconds=_PENDING_SECONDS, tenant=self.actor.tenant, pending=account.id, next=then, how=how)
        return self.to("console:sign_in_code")

    def let_in(self, account: OpenAccount, *, how: str, then: str) -> HttpResponse:
        actor = actions.sign_in(self.actor, account=account, how=how)
        self.session.begin(
            seconds=settings.CONSOLE_SESSION_HOURS * _HOUR,
            tenant=actor.tenant,
            account=account.id,
            confirmed=unix_now(),
            how=how,
            address=self.actor.address,
            **client_agent(self.request),
        )
        return go_to(then)


def next_of(request: HttpRequest) -> str:
    """Where somebody was going: a page of the console, or its first one."""
    asked = request.POST.get("next") or request.GET.get("next") or ""
    return safe_path(request, asked, under="/console/", default=reverse("console:dashboard"))


def go_to(path: str) -> HttpResponse:
    response = HttpResponseRedirect(path)
    response.status_code = 303
    return response


class SignIn(Door):
    template_name = "console/sign_in.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        if "account" in self.session or "root" in self.session:
            return go_to(next_of(request))
        return self._form(SignInForm())

    def _form(self, form: SignInForm, *, status: int = 200) -> HttpResponse:
        return self.render(
            form=form,
            next=self.next,
            break_glass=settings.CONSOLE_BREAK_GLASS,
            provider=settings.CONSOLE_OIDC_NAME if oidc.is_set_up() else "",
            status=status,
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        form = SignInForm(request.POST)
        if not form.is_valid():
            return self._form(form, status=_UNPROCESSABLE)
        try:
            account = actions.check_password(self.actor, **form.cleaned_data)
        except Throttled as error:
            return self.locked(error)
        except AccessDenied:
            form.add_error(None, _("The name or the password is wrong."))
            return self._form(form, status=_UNPROCESSABLE)
        if not account.has_second_factor:
            return self.let_in(account, how="password", then=self.next)
        return self.ask_for_code(account, then=self.next, how="password")


class SecondFactor(Door):
    """After the password. Whoever comes here without it is sent back."""

    template_name = "console/sign_in_code.html"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        if "pending" not in self.session:
            return self.to("console:sign_in")
        return self.render(form=SecondFactorForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        account = self._pending()
        if account is None:
            return self.to("console:sign_in")
        form = SecondFactorForm(request.POST)
        if not form.is_valid():
            return self.render(form=form, status=_UNPROCESSABLE)
        try:
            actions.check_second_factor(self.actor, account=account, code=form.cleaned_data["code"])
        except Throttled as error:
            return self.locked(error)
        except AccessDenied:
            form.add_error("code", _("This code is wrong, or has been used."))
            return self.render(form=form, status=_UNPROCESSABLE)
        then = safe_path(request, self.session["next"], under="/console/", default=reverse("console:dashboard"))
        return self.let_in(account, how=f"{self.session['how']} and second factor", then=then)

    def _pending(self) -> OpenAccount | None:
        if "pending" not in self.session:
            return None
        try:
            return rows.by_id(self.session["pending"], tenant=self.actor.tenant)
        except NotFound:
            return None


class BreakGlass(Door):
    """With the root token, where CONSOLE_BREAK_GLASS allows it."""

    template_name = "console/break_glass.html"

    def admit(self, request: HttpRequest) -> HttpResponseBase | None:  # noqa: ARG002 - Django's signature
        if not settings.CONSOLE_BREAK_GLASS:
            raise NotFound
        return None

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self.render(form=BreakGlassForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = BreakGlassForm(request.POST)
        if not form.is_valid():
            return self.render(form=form, status=_UNPROCESSABLE)
        token = form.cleaned_data["token"]
        try:
            actor = actions.break_glass(self.actor, token=token)
        except Throttled as error:
            return self.locked(error)
        except AccessDenied:
            form.add_error("token", _("This is no valid root token."))
            return self.render(form=form, status=_UNPROCESSABLE)
        self.session.begin(seconds=_ROOT_SECONDS, tenant=actor.tenant, root=token, confirmed=unix_now())
        return self.to("console:dashboard")


class SignOut(ConsolePage):
    first_steps = True

    def post(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        if self.account is not None:
            actions.revoke_session(self.actor, session=self.session.id)
        self.session.end()
        return self.to("console:signed_out")


class SignedOut(Door):
    template_name = "console/signed_out.html"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self.render()


class Confirm(ConsolePage):
    """Before something dangerous: is it still the same one who sits there?"""

    template_name = "console/confirm.html"

    def admit(self, request: HttpRequest) -> HttpResponseBase | None:
        elsewhere = super().admit(request)
        if elsewhere is None and self.account is None:
            # The root token can't be confirmed: it has to be typed anew.
            self.session.end()
            return self.to("console:break_glass")
        return elsewhere

    @property
    def provider(self) -> str:
        """Where somebody can confirm it who has nothing to confirm it with here."""
        linked = self.account is not None and self.account.row.identity is not None
        return settings.CONSOLE_OIDC_NAME if linked and oidc.is_set_up() else ""

    def _new_form(self, data: Any = None) -> ConfirmForm:
        account = self.account
        if account is None:
            raise AccessDenied
        return ConfirmForm(data, password=bool(account.private.password), code=account.has_second_factor)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render(form=self._new_form(), next=next_of(request))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self._new_form(request.POST)
        if form.is_valid():
            given = {"password": "", "code": ""} | form.cleaned_data
            try:
                actions.confirm(self.actor, **given)
            except AccessDenied:
                form.add_error(None, _("Password or code is wrong."))
            except Throttled:
                # Somebody else may sit there: out.
                self.session.end()
                raise
            else:
                self.session.rotate()
                self.session["confirmed"] = unix_now()
                return go_to(next_of(request))
        return self.render(form=form, next=next_of(request), status=_UNPROCESSABLE)
