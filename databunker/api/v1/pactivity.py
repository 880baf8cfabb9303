"""`/v1/pactivity`: the register of processing activities."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse

from databunker.access.permissions import Permission
from databunker.api.answers import answer
from databunker.api.endpoint import Call, Endpoint, Rule
from databunker.api.openapi import Body, Link, Operation, ok, page, row, schemas
from databunker.errors import Conflict, NotFound
from gdpr import actions, events, queries
from gdpr.inputs import MAX_TEXT
from gdpr.models import ARTICLE_30
from gdpr.queries import ActivityView

from .lbasis import BASIS, basis_row

__all__ = ["Activities", "ActivityBasis", "ActivityOne"]

_TEXT = {**schemas.TEXT, "maxLength": MAX_TEXT}
_SAFEGUARDS = "What makes the transfers lawful: an adequacy decision, standard contractual clauses, …"
_ARTICLE_30 = {
    "controller": "Joint controllers and representatives, with their contact details",
    "purposes": "What the data is processed for",
    "datasubjects": "Categories of people",
    "datacategories": "Categories of their data",
    "recipients": "Categories of recipients",
    "transfers": "Third countries and international organisations that data goes to",
    "safeguards": _SAFEGUARDS,
    "retention": "When which categories of data are erased",
    "security": "Technical and organisational measures",
}
_SCRIPT = {**_TEXT, "description": "What a web page runs where the legal bases are agreed to"}
_WISH = row(
    optional={
        "activity": {**schemas.TEXT, "description": "Renames it"},
        "title": {**_TEXT, "description": "Its name, if not given"},
        "script": _SCRIPT,
        "fulldesc": _TEXT,
        "applicableto": _TEXT,
        **{name: {**_TEXT, "description": what} for name, what in _ARTICLE_30.items()},
        "legalbasis": {**_TEXT, "description": "A comma list of briefs: the legal bases that it rests on from now on"},
    }
)
_ACTIVITY = row(
    activity=schemas.TEXT,
    title=schemas.TEXT,
    script=_SCRIPT,
    fulldesc=schemas.TEXT,
    applicableto=schemas.TEXT,
    **{name: {**schemas.TEXT, "description": what} for name, what in _ARTICLE_30.items()},
    legalbasis={**schemas.TEXT, "description": "The briefs of its legal bases, as a comma list"},
    briefs={"type": "array", "items": BASIS, "description": "Its legal bases"},
    creationtime=schemas.TIME,
)
_NAME = "$request.path.activity"


class Activities(Endpoint):
    """`GET /v1/pactivity`: all processing activities with their legal bases."""

    rules: ClassVar = {"GET": Rule(Permission.ACTIVITY_READ, events.ACTIVITIES_LISTED)}

    @Operation("List the processing activities", description="Oldest first. No pages.", answer=page(_ACTIVITY))
    def get(self, call: Call) -> HttpResponse:
        found = queries.list_activities(call.actor)
        return answer(total=len(found), rows=[_row(activity) for activity in found])


class ActivityOne(Endpoint):
    """`/v1/pactivity/{activity}`: create, change, rename and delete one."""

    rules: ClassVar = {
        "POST": Rule(Permission.ACTIVITY_CHANGE, events.ACTIVITY_CHANGED),
        "DELETE": Rule(Permission.ACTIVITY_CHANGE, events.ACTIVITY_DELETED),
    }

    @Operation(
        "Create or change a processing activity",
        description="Changes the fields that are given.",
        body=Body(_WISH),
        answer=ok(),
        refuses=(NotFound, Conflict),
        links=(
            Link("pactivity.ActivityOne.delete", activity=_NAME),
            *[
                Link(f"pactivity.ActivityBasis.{method}", activity=_NAME, brief="core-send-email-on-login")
                for method in ("post", "delete")
            ],
        ),
    )
    def post(self, call: Call, activity: str) -> HttpResponse:
        actions.save_activity(call.actor, activity=activity, wish=call.object())
        return answer()

    @Operation("Delete a processing activity", answer=ok(), refuses=(NotFound,))
    def delete(self, call: Call, activity: str) -> HttpResponse:
        actions.delete_activity(call.actor, activity=activity)
        return answer()


class ActivityBasis(Endpoint):
    """`/v1/pactivity/{activity}/{brief}`: let an activity rest on a legal basis, or no longer."""

    rules: ClassVar = {
        "POST": Rule(Permission.ACTIVITY_CHANGE, events.ACTIVITY_LINKED),
        "DELETE": Rule(Permission.ACTIVITY_CHANGE, events.ACTIVITY_UNLINKED),
    }

    @Operation(
        "Let a processing activity rest on a legal basis",
        answer=ok(),
        refuses=(NotFound,),
        links=(Link("pactivity.ActivityBasis.delete", activity=_NAME, brief="$request.path.brief"),),
    )
    def post(self, call: Call, activity: str, brief: str) -> HttpResponse:
        actions.link_basis(call.actor, activity=activity, brief=brief)
        return answer()

    @Operation("Let a processing activity no longer rest on a legal basis", answer=ok(), refuses=(NotFound,))
    def delete(self, call: Call, activity: str, brief: str) -> HttpResponse:
        actions.unlink_basis(call.actor, activity=activity, brief=brief)
        return answer()


def _row(activity: ActivityView) -> dict[str, Any]:
    row = activity.row
    return {
        "activity": row.activity,
        "title": row.title,
        "script": row.script,
        "fulldesc": row.fulldesc,
        "applicableto": row.applicableto,
        **{name: getattr(row, name) for name in ARTICLE_30},
        "legalbasis": ",".join(basis.row.brief for basis in activity.bases),
        "briefs": [basis_row(basis) for basis in activity.bases],
        "creationtime": row.created,
    }
