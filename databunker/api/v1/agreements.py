"""`/v1/agreement` and `/v1/agreements`: what people have agreed to, and how that came to be."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.http import HttpResponse

from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission
from databunker.api.answers import answer
from databunker.api.endpoint import Call, Endpoint, Rule
from databunker.api.openapi import Body, Link, Operation, ok, page, row, schemas
from databunker.errors import Conflict, NotFound
from gdpr import actions, events, queries
from gdpr.agreement_states import AgreementStatus

from .outcomes import ANOTHER_WAITS, FOLLOW_REQUEST, MAY_BE_REQUEST, answer_outcome, or_requested

__all__ = ["AgreementOne", "Everyones", "History", "PersonAgreements"]

_WORDS = {**schemas.TEXT, "maxLength": 1024}
_SAID = {
    "agreementmethod": {**_WORDS, "description": "How it was said", "default": "api"},
    "referencecode": _WORDS,
    "lastmodifiedby": _WORDS,
}
_WISH = row(
    optional={
        "status": {
            "type": ["string", "integer", "boolean"],
            "description": "`yes`, `y`, `accept`, `agree`, `approve`, `given`, `good`, `ok`, `on`, `true`, `active` or "
            "`1`: accepted. Anything else: not.",
            "default": "yes",
        },
        **_SAID,
        "textversion": {
            "type": ["integer", "string"],
            "description": "The version of the legal basis's texts that the person was shown, as `GET /v1/lbasis` "
            "tells it: 409 where they have changed since. Absent or empty: those that are shown now.",
            "examples": [1],
        },
        "starttime": {"type": ["integer", "string"], "description": "Unix time in seconds; 0 or empty: at once"},
        "expiration": {
            "type": ["string", "integer"],
            "description": "A period from `starttime` (or now) on, such as `10d`, or a Unix time. Absent, empty or 0: "
            "it lasts.",
            "examples": ["10d", 3600],
        },
    }
)
_SPOKEN = {
    "mode": {**schemas.TEXT, "description": "What the person was looked up by"},
    "who": {**schemas.TEXT, "description": "The identity that the person was looked up by"},
    "agreementmethod": schemas.TEXT,
    "referencecode": schemas.TEXT,
    "lastmodifiedby": schemas.TEXT,
}
_WHICH = {
    "status": schemas.one_of(*AgreementStatus.labels),
    "when": {**schemas.TIME, "description": "Unix time in seconds, of this change"},
    "starttime": {**schemas.TIME, "description": "Unix time in seconds; 0: at once"},
    "endtime": {**schemas.TIME, "description": "Unix time in seconds; 0: never"},
    "textversion": {**schemas.NUMBER, "description": "The texts of the legal basis that it was given to"},
}


def _or_empty(schema: schemas.Schema, description: str) -> schemas.Schema:
    return {"anyOf": [schema, schemas.constant("")], "description": description}


_AGREEMENT = row(
    brief=schemas.TEXT,
    token=_or_empty(schemas.UUID, "The person's; empty where nobody has the identity yet"),
    creationtime=schemas.TIME,
    **_WHICH,
    **_SPOKEN,
)
_LINE = row(
    by={**schemas.TEXT, "description": "Kind and number of the access token; `time` for what expired"},
    request=_or_empty(schemas.UUID, "The X-Request-ID of the call; empty for what expired"),
    **_WHICH,
    **_SPOKEN,
)
_TEXTS = row(textversion=schemas.NUMBER, shortdesc=schemas.TEXT, fulldesc=schemas.TEXT, requiredmsg=schemas.TEXT)
_BRIEF, _MODE, _IDENTITY = (f"$request.path.{part}" for part in ("brief", "mode", "identity"))

_ACCEPT = Rule(Permission.AGREEMENT_CHANGE, events.AGREEMENT_ACCEPTED)


class AgreementOne(Endpoint):
    """`/v1/agreement/{brief}/{mode}/{identity}`: accept, read and withdraw one person's agreement."""

    rules: ClassVar = {
        "GET": Rule(Permission.AGREEMENT_READ, events.AGREEMENT_READ),
        "POST": _ACCEPT,
        "DELETE": Rule(Permission.AGREEMENT_CHANGE, events.AGREEMENT_WITHDRAWN),
    }

    def gate(self, actor: Actor, rule: Rule) -> None:
        if not (settings.ANONYMOUS_AGREEMENTS and actor.kind is ActorKind.ANYONE and rule is _ACCEPT):
            super().gate(actor, rule)

    @Operation("Read a person's agreement", answer=ok(data=_AGREEMENT), refuses=(NotFound, Conflict))
    def get(self, call: Call, brief: str, mode: str, identity: str) -> HttpResponse:
        found = queries.read_agreement(call.actor, brief=brief, mode=mode, identity=identity)
        return answer(data=found.row())

    @Operation(
        "Accept, or refuse and withdraw, for a person",
        description="By `email` and `phone` also before somebody has this identity. Without a token only where "
        "`ANONYMOUS_AGREEMENTS` is set, and only to accept. A person withdraws alone what is under `usercontrol`. "
        f"{MAY_BE_REQUEST}",
        body=Body(_WISH),
        answer=or_requested(ok()),
        also=ANOTHER_WAITS,
        refuses=(NotFound,),
        links=(
            *[
                Link(f"agreements.{name}", brief=_BRIEF, mode=_MODE, identity=_IDENTITY)
                for name in ("AgreementOne.get", "AgreementOne.delete", "History.get")
            ],
            Link("agreements.PersonAgreements.get", mode=_MODE, identity=_IDENTITY),
            *FOLLOW_REQUEST,
        ),
    )
    def post(self, call: Call, brief: str, mode: str, identity: str) -> HttpResponse:
        wish = call.object()
        return answer_outcome(actions.agree(call.actor, brief=brief, mode=mode, identity=identity, wish=wish))

    @Operation(
        "Withdraw a person's agreement",
        description="Also where there was none: a refusal. A person withdraws alone what is under `usercontrol`. "
        f"{MAY_BE_REQUEST}",
        body=Body(row(optional=_SAID), required=False),
        answer=or_requested(ok()),
        also=ANOTHER_WAITS,
        refuses=(NotFound,),
        links=(Link("agreements.History.get", brief=_BRIEF, mode=_MODE, identity=_IDENTITY), *FOLLOW_REQUEST),
    )
    def delete(self, call: Call, brief: str, mode: str, identity: str) -> HttpResponse:
        wish = call.optional_object()
        return answer_outcome(actions.withdraw(call.actor, brief=brief, mode=mode, identity=identity, wish=wish))


class Everyones(Endpoint):
    """`DELETE /v1/agreement/{brief}`: revoke an agreement for everyone."""

    rules: ClassVar = {"DELETE": Rule(Permission.AGREEMENT_REVOKE_ALL, events.AGREEMENTS_REVOKED)}

    @Operation(
        "Revoke an agreement for everyone",
        description="Answers how many had given it.",
        answer=ok(revoked=schemas.NUMBER),
        refuses=(NotFound,),
    )
    def delete(self, call: Call, brief: str) -> HttpResponse:
        return answer(revoked=actions.revoke_agreements(call.actor, brief=brief))


class PersonAgreements(Endpoint):
    """`GET /v1/agreements/{mode}/{identity}`: all that the person was asked for and has answered."""

    rules: ClassVar = {"GET": Rule(Permission.AGREEMENT_READ, events.AGREEMENTS_LISTED)}

    @Operation(
        "List a person's agreements",
        description="One of each legal basis that was spoken of. No pages.",
        answer=page(_AGREEMENT),
        refuses=(NotFound, Conflict),
    )
    def get(self, call: Call, mode: str, identity: str) -> HttpResponse:
        found = queries.list_agreements(call.actor, mode=mode, identity=identity)
        return answer(total=len(found), rows=[agreement.row() for agreement in found])


class History(Endpoint):
    """`GET /v1/agreement/{brief}/{mode}/{identity}/history`: every change of it, with the texts as they were."""

    rules: ClassVar = {"GET": Rule(Permission.AGREEMENT_READ, events.AGREEMENT_HISTORY_READ)}

    @Operation(
        "Read how a person's agreement came to be",
        description="Every change, oldest first, and the texts that they speak of. No pages.",
        answer=ok(
            total=schemas.NUMBER,
            rows={"type": "array", "items": _LINE},
            texts={"type": "array", "items": _TEXTS, "description": "As they were shown, by version"},
        ),
        refuses=(NotFound, Conflict),
    )
    def get(self, call: Call, brief: str, mode: str, identity: str) -> HttpResponse:
        found = queries.read_history(call.actor, brief=brief, mode=mode, identity=identity)
        return answer(total=len(found.lines), rows=[line.row() for line in found.lines], texts=found.text_rows())
