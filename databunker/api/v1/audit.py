"""`/v1/audit`: who did what."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson
from django.http import HttpResponse

from audit import events, proofs, queries
from databunker.access.permissions import Permission
from databunker.api.answers import answer
from databunker.api.endpoint import Call, Endpoint, Rule
from databunker.api.openapi import PAGING, Link, Operation, Query, ok, page, row, schemas
from databunker.errors import Conflict, NotFound
from vault import history
from vault.history import EventPage, EventView

__all__ = ["AllEvents", "EventOne", "EventProof", "PersonEvents", "PublicKey", "TreeHead"]

_MICROS = 1_000_000


_READ_FIRST = (Link("audit.EventOne.get", atoken="$response.body#/rows/0/atoken"),)


class PersonEvents(Endpoint):
    """`GET /v1/audit/list/{token}`: the events of one person, newest first."""

    rules: ClassVar = {"GET": Rule(Permission.AUDIT_READ, events.TRAIL_LISTED)}

    @Operation(
        "List what was done with a person's data",
        description="Newest first; also of a forgotten person.",
        query=PAGING,
        answer=page(schemas.EVENT),
        refuses=(NotFound,),
        links=_READ_FIRST,
    )
    def get(self, call: Call, token: str) -> HttpResponse:
        offset, limit = call.paging()
        return _page(history.list_events(call.actor, token=token, offset=offset, limit=limit))


class AllEvents(Endpoint):
    """`GET /v1/audit/admin`: everybody's events, newest first."""

    rules: ClassVar = {"GET": Rule(Permission.AUDIT_LIST_ALL, events.TRAIL_LISTED_ALL)}

    @Operation(
        "List what was done with anybody's data",
        description="Newest first. Not every token sees whom an event concerns, and can read on from here.",
        query=PAGING,
        answer=page(schemas.EVENT),
        links=_READ_FIRST,
    )
    def get(self, call: Call) -> HttpResponse:
        offset, limit = call.paging()
        return _page(history.list_all_events(call.actor, offset=offset, limit=limit))


class EventOne(Endpoint):
    """`GET /v1/audit/get/{atoken}`: one event with the profile before and after the change it tells of."""

    rules: ClassVar = {"GET": Rule(Permission.AUDIT_READ, events.EVENT_READ)}

    @Operation(
        "Read an event",
        description="With the profile before and after a change, while the person exists; masked for a token that may "
        "not read people.",
        answer=ok(event=schemas.EVENT_DETAIL),
        refuses=(NotFound,),
    )
    def get(self, call: Call, atoken: str) -> HttpResponse:
        found = history.read_event(call.actor, event_id=atoken)
        event = _row(found.view)
        for name, profile in (("before", found.before), ("after", found.after)):
            if profile is not None:
                event[name] = orjson.Fragment(profile)
        if found.debug or found.view.message:
            event["debug"] = found.debug or found.view.message
        return answer(event=event)


_HASH: schemas.Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "SHA-256, in hex"}
_HASHES: schemas.Schema = {"type": "array", "items": _HASH}
_NOTE: schemas.Schema = {"type": "string", "description": "The tree head as a signed note (c2sp.org/tlog-checkpoint)"}


class TreeHead(Endpoint):
    """`GET /v1/audit/head`: the newest signed head of the trail's tree."""

    rules: ClassVar = {"GET": Rule(Permission.AUDIT_LIST_ALL, events.HEAD_READ)}

    @Operation(
        "Read the signed head of the trail",
        description="Keep it: it shows later that nothing before it was changed or removed.",
        query=(
            Query(
                "old",
                "The size of a head that you hold: the answer proves that the tree began as that one",
                {"type": "integer", "minimum": 0, "default": 0},
            ),
        ),
        answer=ok(
            origin=schemas.TEXT, size=schemas.NUMBER, root=_HASH, when=schemas.TIME, head=_NOTE, consistency=_HASHES
        ),
        refuses=(NotFound,),
    )
    def get(self, call: Call) -> HttpResponse:
        tree, head, consistency = queries.read_head(call.actor, old=call.number("old", 0))
        return answer(
            origin=tree.origin,
            size=head.size,
            root=head.root.hex(),
            when=head.at,
            head=head.note(tree),
            consistency=[hash_.hex() for hash_ in consistency],
        )


class EventProof(Endpoint):
    """`GET /v1/audit/proof/{atoken}`: that one event stands in the signed tree."""

    rules: ClassVar = {"GET": Rule(Permission.AUDIT_READ, events.PROOF_READ)}

    @Operation(
        "Prove an event",
        description="The event's place in the signed tree, for whoever has the public key: see `audit/verifier.py`. "
        "409 in the seconds before it is sealed.",
        answer=ok(
            proof=row(
                format=schemas.constant(proofs.PROOF_FORMAT),
                event=schemas.OBJECT,
                position=schemas.NUMBER,
                path=_HASHES,
                head=_NOTE,
            )
        ),
        refuses=(NotFound, Conflict),
    )
    def get(self, call: Call, atoken: str) -> HttpResponse:
        return answer(proof=history.prove_event(call.actor, event_id=atoken).document())


class PublicKey(Endpoint):
    """`GET /v1/audit/key`: what the trail's heads are verified with. Nothing personal, so no event."""

    public: ClassVar = {"GET": None}

    @Operation(
        "Read the public key of the trail",
        description="As verifiers of signed notes take it. `keys` has those that signed earlier, too, oldest first.",
        answer=ok(key=schemas.TEXT, keys=schemas.NAMES),
        refuses=(NotFound,),
    )
    def get(self, call: Call) -> HttpResponse:
        keys = proofs.public_keys(tenant=call.actor.tenant)
        return answer(key=keys[-1], keys=keys)


def _page(page: EventPage) -> HttpResponse:
    return answer(total=page.total, rows=[_row(event) for event in page.events])


def _row(event: EventView) -> dict[str, Any]:
    return {
        "atoken": "" if event.id is None else str(event.id),
        "when": event.at // _MICROS,
        "who": event.who,
        "mode": event.mode,
        "identity": event.identity,
        "record": "" if event.token is None else str(event.token),
        "app": event.app,
        "purpose": event.purpose,
        "title": event.title,
        "status": event.outcome,
        "msg": event.message,
        "more": event.more,
    }
