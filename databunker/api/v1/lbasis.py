"""`/v1/lbasis`: legal bases."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse

from databunker.access.permissions import Permission
from databunker.api.answers import answer
from databunker.api.endpoint import Call, Endpoint, Rule
from databunker.api.openapi import Body, Link, Operation, ok, page, row, schemas
from databunker.errors import Conflict, NotFound
from gdpr import actions, events, queries
from gdpr.bases import Basis
from gdpr.inputs import MAX_TEXT
from gdpr.models import BasisStatus, BasisType

__all__ = ["BASIS", "Bases", "BasisOne", "basis_row"]

_TEXT = {**schemas.TEXT, "maxLength": MAX_TEXT}
_FLAG = {
    "description": "Also as 1 or 0, or as a word",
    "anyOf": [
        schemas.FLAG,
        {"type": "integer", "minimum": 0, "maximum": 1},
        schemas.one_of("true", "yes", "y", "on", "1", "false", "no", "n", "off", "0", ""),
    ],
}
_MODULE = {**schemas.TEXT, "maxLength": 64, "description": "Where it is asked for, such as `cookie-popup`"}
_BASIS_TYPE = {**schemas.one_of(*BasisType.values), "description": "GDPR Art. 6(1)"}
_WISH = row(
    optional={
        "brief": {**schemas.TEXT, "description": "Renames it"},
        "module": _MODULE,
        "shortdesc": _TEXT,
        "fulldesc": _TEXT,
        "requiredmsg": _TEXT,
        "basistype": {**_BASIS_TYPE, "default": BasisType.CONSENT.value},
        "usercontrol": _FLAG,
        "requiredflag": _FLAG,
    }
)
BASIS = row(
    brief=schemas.TEXT,
    status=schemas.one_of(*BasisStatus.labels),
    module=_MODULE,
    shortdesc=schemas.TEXT,
    fulldesc=schemas.TEXT,
    requiredmsg={**schemas.TEXT, "description": "For those who would refuse what is required"},
    textversion={**schemas.NUMBER, "description": "Of the three texts; the first is 1"},
    basistype=_BASIS_TYPE,
    usercontrol={**schemas.FLAG, "description": "People may withdraw by themselves"},
    requiredflag=schemas.FLAG,
    creationtime=schemas.TIME,
)


_BRIEF = "$request.path.brief"


class Bases(Endpoint):
    """`GET /v1/lbasis`: all legal bases."""

    rules: ClassVar = {"GET": Rule(Permission.LEGAL_BASIS_READ, events.LEGAL_BASES_LISTED)}

    @Operation("List the legal bases", description="Deleted ones too, oldest first. No pages.", answer=page(BASIS))
    def get(self, call: Call) -> HttpResponse:
        bases = queries.list_legal_bases(call.actor)
        return answer(total=len(bases), rows=[basis_row(basis) for basis in bases])


class BasisOne(Endpoint):
    """`/v1/lbasis/{brief}`: create, change, rename and delete one."""

    rules: ClassVar = {
        "POST": Rule(Permission.LEGAL_BASIS_CHANGE, events.LEGAL_BASIS_CHANGED),
        "DELETE": Rule(Permission.LEGAL_BASIS_CHANGE, events.LEGAL_BASIS_DELETED),
    }

    @Operation(
        "Create or change a legal basis",
        description="Changes the fields that are given. New texts are a new version; the older ones are kept for those "
        "who have agreed to them. A deleted basis is active again.",
        body=Body(_WISH),
        answer=ok(),
        refuses=(Conflict,),
        links=(
            Link("lbasis.BasisOne.delete", brief=_BRIEF),
            Link("agreements.AgreementOne.post", brief=_BRIEF, mode="email", identity="ann@example.com"),
            Link("agreements.Everyones.delete", brief=_BRIEF),
            Link("pactivity.ActivityOne.post", activity="letters", body={"legalbasis": _BRIEF}),
        ),
    )
    def post(self, call: Call, brief: str) -> HttpResponse:
        actions.save_legal_basis(call.actor, brief=brief, wish=call.object())
        return answer()

    @Operation(
        "Delete a legal basis",
        description="Where somebody has agreed to it, it stays as `deleted`, and the agreements are `revoked`. "
        "No processing activity rests on it any longer.",
        answer=ok(),
        refuses=(NotFound,),
    )
    def delete(self, call: Call, brief: str) -> HttpResponse:
        actions.delete_legal_basis(call.actor, brief=brief)
        return answer()


def basis_row(basis: Basis) -> dict[str, Any]:
    """A legal basis as v1 shows it."""
    row = basis.row
    return {
        "brief": row.brief,
        "status": row.get_status_display(),
        "module": row.module,
        **basis.texts._asdict(),
        "textversion": row.text_version,
        "basistype": row.basistype,
        "usercontrol": row.usercontrol,
        "requiredflag": row.requiredflag,
        "creationtime": row.created,
    }
