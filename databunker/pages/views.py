"""The base of every page: who may see it is decided in one place, and so is what becomes of a failure."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View

from databunker import refusals
from databunker.access.actor import Actor
from databunker.accounts.sessions import Session
from databunker.callers import anyone
from databunker.errors import Unavailable, VaultError

from .errors import refusal_page

__all__ = ["Page", "safe_path"]


class Page(View):
    """One page. `get` and `post` may raise refusals; `self.actor` is who asks, `self.session` what we know of them."""

    template_name: ClassVar[str] = ""

    actor: Actor
    session: Session

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.actor = anyone(request)
        self.session = request.session  # type: ignore[assignment] # ours, see databunker.pages.middleware

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return self.admit(request) or super().dispatch(request, *args, **kwargs)
        except Exception as error:
            refusal = refusals.as_refusal(error)
            if refusal is None or isinstance(refusal, Unavailable):
                raise  # is logged and told of where all faults are: databunker.pages.errors.server_error
            self.refused(refusal)
            return refusal_page(request, refusal)

    @abstractmethod
    def admit(self, request: HttpRequest) -> HttpResponseBase | None:
        """Find out who asks, and set `self.actor`; an answer where that one must go somewhere else first.

        Raises:
            VaultError: the page is not for that one.
        """

    def refused(self, refusal: VaultError) -> None:
        """Leave the event of a refusal, where there is one to leave."""

    def render(self, template: str = "", *, status: int = 200, **context: Any) -> HttpResponse:
        """The page, or another template in its place."""
        return render(self.request, template or self.template_name, {"page": self, **context}, status=status)

    def to(self, name: str, *args: Any, **kwargs: Any) -> HttpResponseRedirect:
        """On to another page, by GET: loading that anew does nothing twice."""
        response = HttpResponseRedirect(reverse(name, args=args, kwargs=kwargs))
        response.status_code = 303
        return response


def safe_path(request: HttpRequest, path: str, *, under: str = "/", default: str) -> str:
    """`path` where it is an address of ours that begins so, else `default`: nobody is led away from here."""
    ours = url_has_allowed_host_and_scheme(path, allowed_hosts=None, require_https=request.is_secure())
    return path if ours and path.startswith(under) and "\\" not in path else default
