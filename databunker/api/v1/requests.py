"""`/v1/requests` and `/v1/request`: what people may not do alone waits here for a decision."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse

from databunker.access.actor import Actor
from databunker.access.permissions import Permission
from databunker.api.answers import answer
from databunker.api.endpoint import Call, Endpoint, Rule
from databunker.api.openapi import PAGING, Body, Link, Operation, Query, ok, page, row, schemas
from databunker.errors import BadRequest, Conflict, NotFound
from gdpr import actions, events, queries
from gdpr.models import RequestAction
from gdpr.requests import OpenRequest, holidays, seen_reasons
from gdpr.states import State

__all__ = ["Extension", "IdentityProof", "PersonRequests", "RequestOne", "Requests"]


_NO_TIME_YET: schemas.Schema = {
    "type": ["integer", "null"],
    "description": "Unix time in seconds; null: it never happened",
}
_TIMES: dict[str, schemas.Schema] = {
    "state": schemas.one_of(*[state.label for state in State]),
    "duetime": {
        **_NO_TIME_YET,
        "description": "The last second for an answer; null while it awaits proof of identity",
    },
    "unpausedduetime": {**schemas.TIME, "description": "The same, had nobody asked for proof of identity"},
    "extendtime": _NO_TIME_YET,
    "identityasktime": _NO_TIME_YET,
    "identityprooftime": _NO_TIME_YET,
}
_ABOUT: dict[str, schemas.Schema] = {
    "app": {**schemas.TEXT, "description": "The application whose data is to change"},
    "brief": {**schemas.TEXT, "description": "The legal basis of the agreement to withdraw from"},
}
_FACTS: dict[str, schemas.Schema] = {
    "rtoken": {
        "anyOf": [schemas.UUID, schemas.constant("")],
        "description": "The request; empty where the person is forgotten",
    },
    "token": {**schemas.UUID, "description": "The person's token"},
    "action": schemas.one_of(*[action.label for action in RequestAction]),
    "when": {**schemas.TIME, "description": "When its state changed last, in Unix seconds"},
    "creationtime": schemas.TIME,
    "reason": {**schemas.TEXT, "description": "Why it was decided so"},
    "more": {**schemas.FLAG, "description": "There is a `change`"},
    **_TIMES,
    "extendreason": schemas.TEXT,
    "identityreason": schemas.TEXT,
    "proofreason": {**schemas.TEXT, "description": "What has proved the identity"},
    "notice": {**schemas.TEXT, "description": "What the person was told, when refused, of the ways to act against it"},
    "decidetime": _NO_TIME_YET,
    "decidedby": {**schemas.TEXT, "description": "Kind and number of the access token; empty while undecided"},
}
_REQUEST = row(**_FACTS, **_ABOUT, status=schemas.one_of(*dict.fromkeys(state.status for state in State)))
_DETAIL: dict[str, schemas.Schema] = {
    **_ABOUT,
    "verb": {
        **schemas.one_of("store", "change", "delete"),
        "description": "What is to be done to the application's data",
    },
    "change": {
        "type": ["object", "array"],
        "description": "As it was sent: a merge patch, a JSON Patch, new data of an application, or a withdrawal",
    },
}
_STATUS = Query(
    "status",
    "Only those in this status or state; the undecided come oldest first, others newest first",
    {
        **schemas.one_of(*dict.fromkeys(word for state in State for word in (state.status, state.label))),
        "default": State.OPEN.status,
    },
)
_REASON: schemas.Schema = {**schemas.TEXT, "maxLength": actions.MAX_REASON}
_NEEDED_REASON: schemas.Schema = {**_REASON, "minLength": 1, "pattern": r"\S"}
_DECISION = Body(row(optional={"reason": _REASON}), required=False)
_PROOF: schemas.Schema = {
    "anyOf": [
        row(proof=schemas.constant("ask"), reason=_NEEDED_REASON),
        row(proof=schemas.constant("verified"), optional={"reason": _REASON}),
    ]
}
_DONE = ok(result=schemas.constant("done"))
_CLOCK = ok(**_TIMES)


def _next(*operations: str, rtoken: str) -> tuple[Link, ...]:
    """What can be done with the request that stands there."""
    return tuple(Link(f"requests.{name}", rtoken=rtoken) for name in operations)


_LOOK_AT_FIRST = _next("RequestOne.get", rtoken="$response.body#/rows/0/rtoken")
_DECIDE = ("RequestOne.post", "RequestOne.delete", "Extension.post", "IdentityProof.post")
_LOOK_AGAIN = _next("RequestOne.get", rtoken="$request.path.rtoken")


class Requests(Endpoint):
    """`GET /v1/requests?status&offset&limit`: everybody's."""

    rules: ClassVar = {"GET": Rule(Permission.REQUEST_LIST, events.REQUESTS_LISTED)}

    @Operation(
        "List everybody's requests",
        description="Those that wait for a decision, unless another status is asked for.",
        query=(_STATUS, *PAGING),
        answer=page(_REQUEST),
        links=_LOOK_AT_FIRST,
    )
    def get(self, call: Call) -> HttpResponse:
        offset, limit = call.paging()
        status = call.request.GET.get("status", "") or "open"
        page = queries.list_requests(call.actor, status=status, offset=offset, limit=limit)
        return answer(total=page.total, rows=[_row(call.actor, request) for request in page.requests])


class PersonRequests(Endpoint):
    """`GET /v1/requests/{mode}/{identity}?offset&limit`: those of one person."""

    rules: ClassVar = {"GET": Rule(Permission.REQUEST_READ, events.REQUESTS_LISTED)}

    @Operation(
        "List a person's requests",
        description="In any state, newest first. Of a forgotten person, by token: the bare facts.",
        query=PAGING,
        answer=page(_REQUEST),
        refuses=(NotFound, Conflict),
        links=_LOOK_AT_FIRST,
    )
    def get(self, call: Call, mode: str, identity: str) -> HttpResponse:
        offset, limit = call.paging()
        page = queries.list_requests_of(call.actor, mode=mode, identity=identity, offset=offset, limit=limit)
        return answer(total=page.total, rows=[_row(call.actor, request) for request in page.requests])


class RequestOne(Endpoint):
    """`/v1/request/{rtoken}`: look at a request, approve it, refuse it or take it back."""

    rules: ClassVar = {
        "GET": Rule(Permission.REQUEST_READ, events.REQUEST_READ),
        "POST": Rule(Permission.REQUEST_DECIDE, events.REQUEST_APPROVED),
        "DELETE": Rule(Permission.REQUEST_CANCEL, events.REQUEST_CANCELED),
    }

    @Operation(
        "Look at a request",
        description="With the change as it was sent and what it touches as it was then; to be forgotten: the profile.",
        answer=ok(
            **_FACTS,
            original={**schemas.OBJECT, "description": "What the change touches, as it was when the person asked"},
            optional=_DETAIL,
        ),
        refuses=(NotFound,),
        links=_next(*_DECIDE, rtoken="$request.path.rtoken"),
    )
    def get(self, call: Call, rtoken: str) -> HttpResponse:
        view = queries.read_request(call.actor, rtoken=rtoken)
        row = {name: value for name, value in _row(call.actor, view.request).items() if name != "status"}
        for name in ("app", "brief"):
            if not row[name]:
                del row[name]
        if view.wish.verb:
            row["verb"] = view.wish.verb
        if view.wish.change is not None:
            row["change"] = view.wish.change
        return answer(**row, original=view.original)

    @Operation(
        "Approve a request",
        description="Does exactly what was asked for, or nothing: 409 where what it touches has changed since, and "
        "where it is decided already or awaits proof of identity. To be forgotten: with the id of the `receipt`.",
        body=_DECISION,
        answer=ok(result=schemas.constant("done"), optional={"receipt": schemas.UUID}),
        refuses=(NotFound, Conflict),
        links=_LOOK_AGAIN,
    )
    def post(self, call: Call, rtoken: str) -> HttpResponse:
        receipt = actions.approve_request(call.actor, rtoken=rtoken, reason=call.optional_object().get("reason", ""))
        return answer(result="done", **({"receipt": str(receipt)} if receipt else {}))

    @Operation(
        "Refuse a request, or take it back",
        description="By the person it is taken back; by anybody else it is refused.",
        body=_DECISION,
        answer=_DONE,
        refuses=(NotFound, Conflict),
        links=_LOOK_AGAIN,
    )
    def delete(self, call: Call, rtoken: str) -> HttpResponse:
        actions.cancel_request(call.actor, rtoken=rtoken, reason=call.optional_object().get("reason", ""))
        return answer(result="done")


class Extension(Endpoint):
    """`POST /v1/request/{rtoken}/extend`: two further months, with a reason."""

    rules: ClassVar = {"POST": Rule(Permission.REQUEST_DECIDE, events.REQUEST_EXTENDED)}

    @Operation(
        "Take two further months for a request",
        description="Once, and within the first month.",
        body=Body(row(reason=_NEEDED_REASON)),
        answer=_CLOCK,
        refuses=(NotFound, Conflict),
        links=_LOOK_AGAIN,
    )
    def post(self, call: Call, rtoken: str) -> HttpResponse:
        reason = call.optional_object().get("reason", "")
        return answer(**_times(actions.extend_request(call.actor, rtoken=rtoken, reason=reason)))


class IdentityProof(Endpoint):
    """`POST /v1/request/{rtoken}/identity`: ask for proof of identity, and say that it was given."""

    rules: ClassVar = {"POST": Rule(Permission.REQUEST_DECIDE, events.REQUEST_IDENTITY)}

    @Operation(
        "Ask for proof of identity, or say that it was given",
        description="`ask` stops the clock, once and while it runs; `verified` starts it again. The reason says why "
        "there is doubt, or what has proved it.",
        body=Body(_PROOF),
        answer=_CLOCK,
        refuses=(NotFound, Conflict),
        links=_LOOK_AGAIN,
    )
    def post(self, call: Call, rtoken: str) -> HttpResponse:
        body = call.optional_object()
        if body.get("proof") == "ask":
            request = actions.ask_for_identity(call.actor, rtoken=rtoken, reason=body.get("reason", ""))
        elif body.get("proof") == "verified":
            request = actions.verify_identity(call.actor, rtoken=rtoken, reason=body.get("reason", ""))
        else:
            raise BadRequest('proof must be "ask" or "verified"')
        return answer(**_times(request))


def _times(request: OpenRequest) -> dict[str, Any]:
    """What the law counts, in Unix seconds; `duetime` is null while proof of identity is awaited."""
    clock, free = request.clock, holidays()
    return {
        "state": request.state.label,
        "duetime": clock.due(free),
        "unpausedduetime": clock.unpaused_due(free),
        "extendtime": clock.extended,
        "identityasktime": clock.asked,
        "identityprooftime": clock.verified,
    }


def _row(actor: Actor, request: OpenRequest) -> dict[str, Any]:
    app, brief = request.about()
    token, reasons, stored = request.token, seen_reasons(actor, request), request.stored
    return {
        "rtoken": str(token) if token else "",
        "token": str(request.holder.token),
        "action": request.action.label,
        "status": request.state.status,
        "when": stored.changed,
        "creationtime": stored.created,
        "reason": reasons.get("decision", ""),
        "app": app,
        "brief": brief,
        "more": request.has_change,
        **_times(request),
        "extendreason": reasons.get("extension", ""),
        "identityreason": reasons.get("identity", ""),
        "proofreason": reasons.get("proof", ""),
        "notice": reasons.get("notice", ""),
        "decidetime": stored.decided,
        "decidedby": request.decided_by,
    }
