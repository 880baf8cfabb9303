"""What somebody does with the own account: password, second factor, recovery codes, sessions."""

from __future__ import annotations

from typing import Any

import segno
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from databunker.accounts import actions, oidc, queries, second_factor
from databunker.accounts.passwords import WeakPassword
from databunker.errors import AccessDenied
from databunker.pages.views import safe_path

from .forms import ROLE_NAMES, CodeForm, PasswordForm
from .pages import ConsolePage

__all__ = ["EndSession", "OwnAccount", "Password", "RecoveryCodes", "SetSecondFactor"]

_UNPROCESSABLE = 422
_ISSUER = "Databunker"


class _OwnPage(ConsolePage):
    """The holder of the root token has no account, and so none of these pages."""

    section = "own"

    def admit(self, request: HttpRequest) -> Any:
        elsewhere = super().admit(request)
        if elsewhere is None and self.account is None:
            raise AccessDenied
        return elsewhere


class OwnAccount(_OwnPage):
    template_name = "console/own_account.html"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        account = self.account
        assert account is not None  # noqa: S101 - see `admit`
        return self.render(
            sessions=queries.own_sessions(self.actor),
            codes_left=queries.own_codes_left(account),
            role=ROLE_NAMES[account.role],
            provider=settings.CONSOLE_OIDC_NAME if oidc.is_set_up() else "",
        )


class Password(_OwnPage):
    template_name = "console/password.html"
    first_steps = True

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self.render(form=PasswordForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = PasswordForm(request.POST)
        if form.is_valid():
            old, new = form.cleaned_data["old"], form.cleaned_data["new"]
            try:
                self.session.rotate()
                actions.change_password(self.actor, old=old, new=new, keep=self.session.id)
            except WeakPassword as error:
                form.add_error("new", error.reasons)
            except AccessDenied:
                form.add_error("old", _("This is not your password."))
            else:
                messages.success(request, _("Your password is changed. All other sessions of yours have ended."))
                return self.to("console:own_account")
        return self.render(form=form, status=_UNPROCESSABLE)


class SetSecondFactor(_OwnPage):
    """A secret is shown once, and becomes the account's when a code proves that an app has it."""

    template_name = "console/second_factor.html"
    first_steps = True

    def admit(self, request: HttpRequest) -> Any:
        elsewhere = super().admit(request)
        if elsewhere is None and self.account is not None and self.account.has_second_factor and not self.is_fresh():
            return self.confirm()
        return elsewhere

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        self.session["totp"] = second_factor.new_secret().hex()
        return self._form(CodeForm())

    def _form(self, form: CodeForm, *, status: int = 200) -> HttpResponse:
        secret = bytes.fromhex(self.session["totp"])
        return self.render(form=form, qr=_qr(self._uri(secret)), secret=second_factor.spelled(secret), status=status)

    def _uri(self, secret: bytes) -> str:
        name = self.account.private.name if self.account else ""
        return second_factor.provisioning_uri(secret, account=name, issuer=_ISSUER)

    def post(self, request: HttpRequest) -> HttpResponse:
        if "totp" not in self.session:
            return self.to("console:second_factor")
        form = CodeForm(request.POST)
        if not form.is_valid():
            return self._form(form, status=_UNPROCESSABLE)
        secret = bytes.fromhex(self.session["totp"])
        try:
            codes = actions.set_second_factor(self.actor, secret=secret, code=form.cleaned_data["code"])
        except AccessDenied:
            form.add_error("code", _("This code is wrong. Look at the clock of your device if it is so again."))
            return self._form(form, status=_UNPROCESSABLE)
        self.session.pop("totp")
        self.session.rotate()
        return self.render("console/recovery_codes.html", codes=codes, next=_onward(request))


def _onward(request: HttpRequest) -> str:
    return safe_path(request, request.GET.get("next", ""), under="/console/", default=reverse("console:own_account"))


def _qr(uri: str) -> SafeString:
    """As SVG in the page: no picture of a secret gets into any cache."""
    svg = segno.make(uri, error="m").svg_inline(
        border=4, dark="#000", light="#fff", svgclass="qr", lineclass=None, omitsize=True
    )
    return mark_safe(svg)  # noqa: S308 - of the library, from an address that we have quoted


class RecoveryCodes(_OwnPage):
    """New ones in the place of the old."""

    template_name = "console/recovery_codes.html"
    dangerous = True

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self.render("console/new_recovery_codes.html")

    def post(self, request: HttpRequest) -> HttpResponse:
        return self.render(codes=actions.make_recovery_codes(self.actor), next=_onward(request))


class EndSession(_OwnPage):
    def post(self, request: HttpRequest, session: str) -> HttpResponse:
        actions.revoke_session(self.actor, session=session)
        if session == self.session.id:
            self.session.end()
            return self.to("console:signed_out")
        messages.success(request, _("The session has ended."))
        return self.to("console:own_account")
