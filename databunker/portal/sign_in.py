"""The portal's door: an e-mail address or telephone number, a captcha, and the code that was sent.

Whether there is such a person is told by nothing: see gdpr/actions/login.py.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from audit.events import EventType
from databunker import periods, refusals
from databunker.access import captcha
from databunker.access.captcha import CaptchaRefused
from databunker.errors import AccessDenied, BadRequest, Conflict, Throttled, VaultError
from databunker.pages.views import Page
from gdpr import actions, events

from .forms import CodeForm, SignInForm, mode_of
from .pages import PortalPage

__all__ = ["Code", "SignIn", "SignOut"]

_UNPROCESSABLE = 422


class _Door(Page):
    """For those who are not in yet. A refusal leaves the event that it leaves at the API."""

    event: EventType

    def admit(self, request: HttpRequest) -> HttpResponseBase | None:  # noqa: ARG002 - Django's signature
        return None

    def refused(self, refusal: VaultError) -> None:
        refusals.record(self.actor, self.event, refusal)

    def slow_down(self, error: Throttled) -> HttpResponse:
        self.refused(error)
        response = self.render("portal/locked.html", status=429, minutes=-(-error.retry_after // 60))
        response.headers["Retry-After"] = str(error.retry_after)
        return response


class SignIn(_Door):
    template_name = "portal/sign_in.html"
    event = events.LOGIN_CODE_SENT

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        if "xtoken" in self.session:
            return self.to("portal:data")
        return self._form(SignInForm())

    def _form(self, form: SignInForm, *, status: int = 200) -> HttpResponse:
        """With a new captcha: each is good for one try."""
        new = captcha.new_captcha(tenant=self.actor.tenant)
        return self.render(form=form, captcha=new, status=status)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = SignInForm(request.POST)
        if form.is_valid():
            try:
                actions.send_login_code(self.actor, **form.wish, language=get_language() or "")
            except Throttled as error:
                return self.slow_down(error)
            except CaptchaRefused as error:
                self.refused(error)
                form.add_error("answer", _("These are not the digits, or it took too long. Here is another picture."))
            except BadRequest as error:
                self.refused(error)
                form.add_error("identity", _("This is neither an e-mail address nor a telephone number."))
            except Conflict as error:
                self.refused(error)
                form.add_error("identity", _not_set_up(form.cleaned_data["identity"]))
            else:
                return self.render("portal/code.html", **_code_page(form.cleaned_data["identity"]))
        return self._form(form, status=_UNPROCESSABLE)


def _not_set_up(identity: str) -> str:
    if mode_of(identity) == "email":
        return _("Nobody can sign in by e-mail here. Use a telephone number.")
    return _("Nobody can sign in by telephone here. Use an e-mail address.")


def _code_page(identity: str, form: CodeForm | None = None) -> dict[str, Any]:
    return {"form": form or CodeForm(initial={"identity": identity}), "identity": identity}


class Code(_Door):
    template_name = "portal/code.html"
    event = events.LOGIN_REFUSED

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self.to("portal:sign_in")

    def post(self, request: HttpRequest) -> HttpResponse:
        form = CodeForm(request.POST)
        identity = request.POST.get("identity", "")
        if not form.is_valid():
            return self.render(status=_UNPROCESSABLE, **_code_page(identity, form))
        try:
            done = actions.log_in(self.actor, **form.wish)
        except Throttled as error:
            return self.slow_down(error)
        except (AccessDenied, BadRequest) as error:
            self.refused(error)
            form.add_error("code", _("This code is wrong, too old, or used already."))
            return self.render(status=_UNPROCESSABLE, **_code_page(identity, form))
        seconds = periods.seconds_of(settings.LOGIN_TOKEN_LIFE)
        self.session.begin(seconds=seconds, tenant=self.actor.tenant, xtoken=str(done.xtoken), token=str(done.token))
        return self.to("portal:data")


class SignOut(PortalPage):
    """The access token of the login ends with it: it is good for nothing else."""

    event = events.SIGN_IN_ENDED

    def post(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        if self.actor.token_id is not None:
            actions.end_sign_in(self.actor, mode="token", identity=self.token, number=self.actor.token_id)
        self.session.end()
        return self.to("portal:sign_in")
