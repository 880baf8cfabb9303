"""`/v1/session` and `/v1/sessions`: sessions of applications."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson
from django.http import HttpResponse

from databunker.access.permissions import Permission
from databunker.api.answers import answer
from databunker.api.endpoint import Call, Endpoint, Rule
from databunker.api.openapi import PAGING, Body, Link, Operation, ok, page, row, schemas
from databunker.errors import Conflict, NotFound
from vault import actions, events, queries
from vault.sessions import OpenSession

__all__ = ["PersonSessions", "SessionOne"]


_SESSION = {"session": schemas.UUID, "when": schemas.TIME, "data": schemas.OBJECT}


class SessionOne(Endpoint):
    """`/v1/session/{session}`: one session under an id that the application chose."""

    rules: ClassVar = {
        "GET": Rule(Permission.SESSION_READ, events.SESSION_READ),
        "POST": Rule(Permission.SESSION_CHANGE, events.SESSION_STORED),
        "DELETE": Rule(Permission.SESSION_CHANGE, events.SESSION_DELETED),
    }

    @Operation("Read a session", answer=ok(**_SESSION), refuses=(NotFound, Conflict))
    def get(self, call: Call, session: str) -> HttpResponse:
        return answer(**_row(queries.read_session(call.actor, session=session)))

    @Operation(
        "Store a session",
        description="In the place of what was there. The first of token, login, email, phone, custom in the body that "
        "somebody has ties the session to that person: it is gone when the person is forgotten.",
        body=Body({"type": "object", "properties": {"expiration": schemas.EXPIRATION}}),
        answer=ok(session=schemas.UUID),
        refuses=(Conflict,),
        links=tuple(
            Link(f"sessions.SessionOne.{method}", session="$response.body#/session") for method in ("get", "delete")
        ),
    )
    def post(self, call: Call, session: str) -> HttpResponse:
        session_id = actions.store_session(call.actor, session=session, data=call.object())
        return answer(session=str(session_id))

    @Operation("Delete a session", description="Also where there is none.", answer=ok())
    def delete(self, call: Call, session: str) -> HttpResponse:
        actions.delete_session(call.actor, session=session)
        return answer()


class PersonSessions(Endpoint):
    """`GET /v1/sessions/{mode}/{identity}?offset&limit`: the sessions of a person, newest first."""

    rules: ClassVar = {"GET": Rule(Permission.SESSION_READ, events.SESSIONS_LISTED)}

    @Operation(
        "List a person's sessions",
        description="Newest first.",
        query=PAGING,
        answer=page(row(**_SESSION)),
        refuses=(NotFound, Conflict),
    )
    def get(self, call: Call, mode: str, identity: str) -> HttpResponse:
        offset, limit = call.paging()
        page = queries.list_sessions(call.actor, mode=mode, identity=identity, offset=offset, limit=limit)
        return answer(total=page.total, rows=[_row(session) for session in page.sessions])


def _row(session: OpenSession) -> dict[str, Any]:
    return {
        "session": str(session.session_id),
        "when": session.stored.stored,
        "data": orjson.Fragment(session.data_json),
    }
