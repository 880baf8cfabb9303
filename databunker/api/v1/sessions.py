"""`/v1/session` and `/v1/sessions`: sessions of applications."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson
from django.http import HttpResponse

from databunker.access.permissions import Permission
from databunker.api.answers import answer
from databunker.api.endpoint import Call, Endpoint, Rule
from vault import actions, events, queries
from vault.sessions import OpenSession

__all__ = ["PersonSessions", "SessionOne"]


class SessionOne(Endpoint):
    """`/v1/session/{session}`: one session under an id that the application chose."""

    rules: ClassVar = {
        "GET": Rule(Permission.SESSION_READ, events.SESSION_READ),
        "POST": Rule(Permission.SESSION_CHANGE, events.SESSION_STORED),
        "DELETE": Rule(Permission.SESSION_CHANGE, events.SESSION_DELETED),
    }

    def get(self, call: Call, session: str) -> HttpResponse:
        return answer(**_row(queries.read_session(call.actor, session=session)))

    def post(self, call: Call, session: str) -> HttpResponse:
        session_id = actions.store_session(call.actor, session=session, data=call.object())
        return answer(session=str(session_id))

    def delete(self, call: Call, session: str) -> HttpResponse:
        actions.delete_session(call.actor, session=session)
        return answer()


class PersonSessions(Endpoint):
    """`GET /v1/sessions/{mode}/{identity}?offset&limit`: the sessions of a person, newest first."""

    rules: ClassVar = {"GET": Rule(Permission.SESSION_READ, events.SESSIONS_LISTED)}

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
