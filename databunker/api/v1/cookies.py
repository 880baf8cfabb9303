"""`GET /v1/sys/cookiesettings`: what a cookie popup asks, and what runs once it is agreed to."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpResponse

from databunker import ui
from databunker.api.answers import answer
from databunker.api.endpoint import Call, Endpoint
from databunker.api.openapi import Operation, ok, row, schemas
from gdpr import queries

from .lbasis import BASIS, basis_row

__all__ = ["CookieSettings"]


class CookieSettings(Endpoint):
    """For everyone: nothing in it is personal."""

    public: ClassVar = {"GET": None}

    @Operation(
        "Read what a cookie popup asks and runs",
        answer=ok(
            ui=schemas.UI,
            rows={"type": "array", "items": BASIS, "description": "The active legal bases of module `cookie-popup`"},
            scripts={
                "type": "array",
                "items": row(script=schemas.TEXT, briefs=schemas.NAMES),
                "description": "What to run once one of these briefs is agreed to",
            },
        ),
    )
    def get(self, call: Call) -> HttpResponse:
        found = queries.cookie_settings(call.actor)
        scripts = [
            {"script": activity.row.script, "briefs": [basis.row.brief for basis in activity.bases]}
            for activity in found.scripts
        ]
        return answer(ui=ui.ui_configuration(), rows=[basis_row(basis) for basis in found.bases], scripts=scripts)
