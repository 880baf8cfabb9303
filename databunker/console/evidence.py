"""The evidence of a request as a file, for a regulator."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.errors import NotSealed
from databunker.access.permissions import Permission
from databunker.accounts.queries import names_of
from gdpr.evidence_pack import evidence_pack
from gdpr.queries import read_evidence

from .pages import ConsolePage

__all__ = ["EvidencePack"]


class EvidencePack(ConsolePage):
    """By POST, as each is an act that the trail tells of."""

    section = "requests"
    permission = Permission.REQUEST_DECIDE
    dangerous = True

    def form_page(self) -> str:
        return f"{reverse('console:request', kwargs=self.kwargs)}#evidence"

    def post(self, request: HttpRequest, rtoken: UUID) -> HttpResponse:
        try:
            evidence = read_evidence(self.actor, rtoken=str(rtoken))
        except NotSealed:
            messages.warning(request, _("The newest events are not sealed yet: that takes some seconds. Try again."))
            return self.to("console:request", rtoken)
        numbers = {event.number for event in evidence.events if event.is_account}
        numbers |= {event.account for event in evidence.events}
        names = names_of({number for number in numbers if number is not None}, tenant=self.actor.tenant)
        return HttpResponse(
            evidence_pack(evidence, names=names),
            content_type="application/zip",
            headers={"Content-Disposition": f'attachment; filename="evidence-{rtoken}.zip"'},
        )
