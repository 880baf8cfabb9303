"""All that is kept of the person, to take along (GDPR Art. 15(3) and 20): for people to read, or for machines."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpRequest, HttpResponse

from audit.events import EventType
from databunker import jsontext
from databunker.errors import NotFound
from gdpr import events, queries

from .pages import PortalPage

__all__ = ["Report"]

_TYPES = {"json": "application/json", "pdf": "application/pdf"}


class Report(PortalPage):
    section = "data"
    event: ClassVar[EventType | None] = events.REPORT_READ

    def get(self, request: HttpRequest, form: str) -> HttpResponse:  # noqa: ARG002 - Django's signature
        if form not in _TYPES:
            raise NotFound
        content = jsontext.dumps(queries.read_report(self.actor, mode="token", identity=self.token))
        if form == "pdf":
            from gdpr.report_pdf import report_pdf  # noqa: PLC0415 - its libraries take a second to import

            content = report_pdf(jsontext.loads(content))
        name = f'attachment; filename="my-data.{form}"'
        return HttpResponse(content, content_type=_TYPES[form], headers={"Content-Disposition": name})
