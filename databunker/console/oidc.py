"""Signing in, linking and confirming at an OpenID Connect provider.

What has to be remembered until the browser comes back travels with it, sealed, in a cookie for that one answer:
strangers leave nothing in the database.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

import orjson
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from databunker.accounts import actions, oidc
from databunker.accounts.oidc import Identity, Started
from databunker.crypto.errors import CryptoError
from databunker.errors import AccessDenied, NotFound, Throttled
from databunker.ids import unix_now

from .pages import OPENID_CONNECT, ConsolePage, is_fresh
from .sign_in import Door, go_to, next_of

__all__ = ["Callback", "ConfirmThere", "Link", "Start"]

_SECONDS = 600
_PATH = "/console/oidc/"
_SIGN_IN, _LINK, _CONFIRM = "sign-in", "link", "confirm"


def _cookie() -> str:
    return "__Secure-oidc" if settings.PAGES_HTTPS else "oidc"


def _redirect_uri(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("console:oidc_callback"))


def _send_there(page: Any, purpose: str) -> HttpResponse:
    request: HttpRequest = page.request
    started = oidc.start(redirect_uri=_redirect_uri(request), anew=purpose == _CONFIRM)
    kept = {
        "started": asdict(started),
        "purpose": purpose,
        "account": page.session.get("account"),
        "next": next_of(request),
        "until": unix_now() + _SECONDS,
    }
    sealed = oidc.seal_kept(orjson.dumps(kept), tenant=page.actor.tenant)
    response = HttpResponseRedirect(started.address)
    response.set_cookie(
        _cookie(),
        urlsafe_b64encode(sealed).decode(),
        max_age=_SECONDS,
        path=_PATH,
        secure=settings.PAGES_HTTPS,
        httponly=True,
        samesite="Lax",
    )
    return response


class _Provided(ConsolePage):
    """A page that is there where a provider is."""

    def admit(self, request: HttpRequest) -> HttpResponseBase | None:
        if not oidc.is_set_up():
            raise NotFound
        return super().admit(request)


class Start(Door):
    def admit(self, request: HttpRequest) -> HttpResponseBase | None:  # noqa: ARG002 - Django's signature
        if not oidc.is_set_up():
            raise NotFound
        return None

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return _send_there(self, _SIGN_IN)


class Link(_Provided):
    """Let the own account sign in at the provider."""

    dangerous = True

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        if self.account is None:
            raise AccessDenied
        return _send_there(self, _LINK)


class ConfirmThere(_Provided):
    """For accounts that have neither password nor second factor here."""

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        if self.account is None or self.account.row.identity is None:
            raise AccessDenied
        return _send_there(self, _CONFIRM)


class Callback(Door):
    """Where the provider sends the browser back to."""

    template_name = "console/oidc_refused.html"

    def admit(self, request: HttpRequest) -> HttpResponseBase | None:  # noqa: ARG002 - Django's signature
        if not oidc.is_set_up():
            raise NotFound
        return None

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        try:
            kept = self._kept()
            identity = self._proved(kept)
            response = self._go_on(kept, identity)
        except Throttled as error:
            response = self.locked(error)
        except AccessDenied:
            response = self.render(status=403)
        response.delete_cookie(_cookie(), path=_PATH, samesite="Lax")
        return response

    def _kept(self) -> dict[str, Any]:
        """
        Raises:
            AccessDenied: this browser was not sent there, or too long ago.
        """
        try:
            sealed = urlsafe_b64decode(self.request.COOKIES.get(_cookie(), ""))
            kept: dict[str, Any] = orjson.loads(oidc.open_kept(sealed, tenant=self.actor.tenant))
        except (CryptoError, binascii.Error, ValueError):
            raise AccessDenied from None
        if kept["until"] <= unix_now():
            raise AccessDenied
        return kept

    def _proved(self, kept: dict[str, Any]) -> Identity:
        query = self.request.GET
        return oidc.finish(
            started=Started(**kept["started"]),
            state=query.get("state", ""),
            code=query.get("code", ""),
            issuer=query.get("iss", ""),
            redirect_uri=_redirect_uri(self.request),
            anew=kept["purpose"] == _CONFIRM,
        )

    def _go_on(self, kept: dict[str, Any], identity: Identity) -> HttpResponse:
        if kept["purpose"] == _SIGN_IN:
            return self._sign_in(identity, kept["next"])
        acts = self.signed_in()
        if acts is None or acts.token_id != kept["account"]:
            raise AccessDenied  # who has begun it has signed out, or it was begun elsewhere and brought here
        if kept["purpose"] == _LINK:
            if not is_fresh(self.session):
                return go_to(f"{reverse('console:confirm')}?{urlencode({'next': reverse('console:own_account')})}")
            actions.link_identity(acts, identity=identity)
            messages.success(self.request, _("Your account is linked."))
            return self.to("console:own_account")
        actions.confirm_by_identity(acts, identity=identity)
        self.session.rotate()
        self.session["confirmed"] = unix_now()
        return go_to(kept["next"])

    def _sign_in(self, identity: Identity, then: str) -> HttpResponse:
        account = actions.find_by_identity(self.actor, identity=identity)
        if account.has_second_factor and not settings.CONSOLE_OIDC_SECOND_FACTOR:
            return self.ask_for_code(account, then=then, how=OPENID_CONNECT)
        return self.let_in(account, how=OPENID_CONNECT, then=then)
