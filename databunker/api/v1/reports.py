"""`GET /v1/user/{mode}/{identity}/report`: everything about a person."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.http import HttpResponse
from django.utils import translation

from databunker import jsontext
from databunker.access.permissions import Permission
from databunker.api.answers import answer, raw
from databunker.api.endpoint import Call, Endpoint, Rule
from databunker.api.openapi import Answer, Operation, Query, ok, schemas
from databunker.errors import BadRequest, Conflict, NotFound
from gdpr import events, queries

__all__ = ["Report"]

_FORMATS = ("json", "pdf")


class Report(Endpoint):
    """`?format=json` (as usual) or `?format=pdf`, to print."""

    rules: ClassVar = {"GET": Rule(Permission.REPORT_READ, events.REPORT_READ)}

    @Operation(
        "Read everything about a person",
        description="To hand it to the person: as JSON, or as a document to print, in MAIL_LANGUAGE.",
        query=(Query("format", "What to answer", {"type": "string", "enum": list(_FORMATS), "default": "json"}),),
        answer=(ok(report=schemas.OBJECT), Answer(schemas.BINARY, "application/pdf")),
        refuses=(NotFound, Conflict),
    )
    def get(self, call: Call, mode: str, identity: str) -> HttpResponse:
        wanted = call.request.GET.get("format", "json").lower()
        if wanted not in _FORMATS:
            raise BadRequest(f"format must be one of {', '.join(_FORMATS)}")
        report = queries.read_report(call.actor, mode=mode, identity=identity)
        if wanted == "json":
            return answer(report=report)
        from gdpr.report_pdf import report_pdf  # noqa: PLC0415 - its libraries take a second to import

        with translation.override(settings.MAIL_LANGUAGE):
            content = report_pdf(jsontext.loads(jsontext.dumps(report)))
        response = raw(content, content_type="application/pdf")
        response.headers["Content-Disposition"] = 'attachment; filename="report.pdf"'
        return response
