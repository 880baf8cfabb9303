"""Somebody is looked up by what the person is known by."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from databunker.access.permissions import Permission
from databunker.errors import BadRequest, Conflict, NotFound
from databunker.pages.errors import explained
from gdpr import queries

from ..pages import ConsolePage
from ..request_forms import FindRequestsForm
from .base import UNPROCESSABLE

__all__ = ["People", "may_browse"]


def may_browse(page: ConsolePage) -> bool:
    return settings.LIST_USERS != "off" and page.may(Permission.RECORD_LIST)


class People(ConsolePage):
    """Look-up by POST: no identity stands in an address, and nobody is browsed here."""

    template_name = "console/people.html"
    section = "people"
    permission = Permission.AUDIT_READ

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self.render(find=FindRequestsForm(), may_browse=may_browse(self))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = FindRequestsForm(request.POST)
        if form.is_valid():
            try:
                found = queries.look_at_person(self.actor, **form.cleaned_data)
            except (BadRequest, Conflict, NotFound) as error:
                form.add_error("identity", _("Nobody has this.") if isinstance(error, NotFound) else explained(error))
            else:
                return self.to("console:person", found.token)
        return self.render(find=form, may_browse=may_browse(self), status=UNPROCESSABLE)
