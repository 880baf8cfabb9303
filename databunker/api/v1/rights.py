"""`/v1/rights`, `/v1/restriction`, `/v1/objection`, `/v1/erasure`: what a person has exercised, and takes back."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse

from databunker.access.permissions import Permission
from databunker.api.answers import answer
from databunker.api.endpoint import Call, Endpoint, Rule
from databunker.api.openapi import Body, Operation, ok, row, schemas
from databunker.errors import BadRequest, Conflict, NotFound
from gdpr import actions, events, queries
from gdpr.rights import Ground

__all__ = ["Erasure", "Objection", "Restriction", "Rights"]

_REASON: schemas.Schema = {**schemas.TEXT, "maxLength": actions.MAX_REASON}
_BRIEF: schemas.Schema = {**schemas.TEXT, "description": "A legal basis; without one all that people may object to"}
_RIGHT = {"since": schemas.TIME, "who": schemas.TEXT, "reason": schemas.TEXT}
_GROUND = schemas.one_of(*Ground)
_RECEIPT: schemas.Schema = {
    **schemas.UUID,
    "description": "The id that the receipt of the erasure will have, for `GET /v1/receipt/{receipt}`: tell the person "
    "in time, as nobody can be reached afterwards",
}
_STANDING: dict[str, schemas.Schema] = {
    "restriction": {"anyOf": [row(**_RIGHT, ground=_GROUND), {"type": "null"}]},
    "objections": {"type": "array", "items": row(brief=schemas.TEXT, **_RIGHT)},
    "erasure": {"anyOf": [row(**_RIGHT, due=schemas.TIME, receipt=_RECEIPT), {"type": "null"}]},
}
_PART = row(
    part=schemas.TEXT,
    number=schemas.NUMBER,
    names={**schemas.NAMES, "description": "Fields or applications; never values"},
    optional={"why": schemas.TEXT, "until": {"anyOf": [schemas.TIME, {"type": "null"}]}},
)
_PARTS: schemas.Schema = {"type": "array", "items": _PART}


class Rights(Endpoint):
    """`GET /v1/rights/{mode}/{identity}`: what stands."""

    rules: ClassVar = {"GET": Rule(Permission.RIGHTS_READ, events.RIGHTS_READ)}

    @Operation(
        "Read which rights a person has exercised",
        description="Restriction of processing (GDPR Art. 18), objections (Art. 21), and an erasure that can still be "
        "withdrawn. Ask before you process on a legal basis that people may object to.",
        answer=ok(**_STANDING),
        refuses=(NotFound, Conflict),
    )
    def get(self, call: Call, mode: str, identity: str) -> HttpResponse:
        return answer(**queries.read_rights(call.actor, mode=mode, identity=identity).row())


class Restriction(Endpoint):
    """`/v1/restriction/{mode}/{identity}`: restrict the processing of a person's data, and lift that."""

    rules: ClassVar = {
        "POST": Rule(Permission.RIGHTS_CHANGE, events.PROCESSING_RESTRICTED),
        "DELETE": Rule(Permission.RIGHTS_CHANGE, events.RESTRICTION_LIFTED),
    }

    @Operation(
        "Restrict the processing of a person's data",
        description="It is kept, and applications get 409 for what would process it, until the restriction is lifted.",
        body=Body(row(ground=_GROUND, optional={"reason": _REASON})),
        answer=ok(),
        refuses=(NotFound, Conflict),
    )
    def post(self, call: Call, mode: str, identity: str) -> HttpResponse:
        said = _said(call.object(), "ground", "reason")
        actions.restrict_processing(
            call.actor, mode=mode, identity=identity, ground=said.get("ground"), reason=said.get("reason", "")
        )
        return answer()

    @Operation(
        "Lift the restriction of processing",
        description="Of a restriction that somebody else has set a person is refused. Tell the person first.",
        body=Body(row(optional={"reason": _REASON}), required=False),
        answer=ok(),
        refuses=(NotFound, Conflict),
    )
    def delete(self, call: Call, mode: str, identity: str) -> HttpResponse:
        said = _said(call.optional_object(), "reason")
        actions.lift_restriction(call.actor, mode=mode, identity=identity, reason=said.get("reason", ""))
        return answer()


class Objection(Endpoint):
    """`/v1/objection/{mode}/{identity}`: object to processing, on one legal basis or in general, and withdraw that."""

    rules: ClassVar = {
        "POST": Rule(Permission.RIGHTS_CHANGE, events.OBJECTION_MADE),
        "DELETE": Rule(Permission.RIGHTS_CHANGE, events.OBJECTION_WITHDRAWN),
    }

    @Operation(
        "Object to the processing of a person's data",
        description="On a basis of the type legitimate-interest or public-interest; a consent is withdrawn instead.",
        body=Body(row(optional={"brief": _BRIEF, "reason": _REASON}), required=False),
        answer=ok(),
        refuses=(NotFound, Conflict),
    )
    def post(self, call: Call, mode: str, identity: str) -> HttpResponse:
        said = _said(call.optional_object(), "brief", "reason")
        actions.object_to_processing(
            call.actor, mode=mode, identity=identity, brief=_brief(said), reason=said.get("reason", "")
        )
        return answer()

    @Operation(
        "Withdraw an objection",
        body=Body(row(optional={"brief": _BRIEF}), required=False),
        answer=ok(),
        refuses=(NotFound, Conflict),
    )
    def delete(self, call: Call, mode: str, identity: str) -> HttpResponse:
        said = _said(call.optional_object(), "brief")
        actions.withdraw_objection(call.actor, mode=mode, identity=identity, brief=_brief(said))
        return answer()


class Erasure(Endpoint):
    """`/v1/erasure/{mode}/{identity}`: what forgetting would erase and keep; and one that waits is withdrawn."""

    rules: ClassVar = {
        "GET": Rule(Permission.RECORD_FORGET, events.ERASURE_PREVIEWED),
        "DELETE": Rule(Permission.RIGHTS_CHANGE, events.ERASURE_WITHDRAWN),
    }

    @Operation(
        "Look at what forgetting a person would erase and keep",
        description="`due` says when a scheduled erasure is carried out; `waits` for how many seconds a new one waits.",
        answer=ok(
            erased=_PARTS,
            kept=_PARTS,
            fulfilled=schemas.NUMBER,
            lapsing=schemas.NUMBER,
            restricted=schemas.FLAG,
            due={"anyOf": [schemas.TIME, {"type": "null"}]},
            waits=schemas.NUMBER,
        ),
        refuses=(NotFound, Conflict),
    )
    def get(self, call: Call, mode: str, identity: str) -> HttpResponse:
        preview = queries.preview_erasure(call.actor, mode=mode, identity=identity)
        parts = {name: [part._asdict() for part in getattr(preview, name)] for name in ("erased", "kept")}
        return answer(**{**preview._asdict(), **parts})

    @Operation("Withdraw an erasure that waits", answer=ok(), refuses=(NotFound, Conflict))
    def delete(self, call: Call, mode: str, identity: str) -> HttpResponse:
        actions.withdraw_erasure(call.actor, mode=mode, identity=identity)
        return answer()


def _said(body: dict[str, Any], *known: str) -> dict[str, Any]:
    """
    Raises:
        BadRequest: there are further fields: a mistyped `brief` would object to everything.
    """
    if set(body) - set(known):
        raise BadRequest(f"the body has only: {', '.join(known)}")
    return body


def _brief(said: dict[str, Any]) -> str:
    brief = said.get("brief", "")
    if not isinstance(brief, str):
        raise BadRequest("brief must be text")
    return brief
