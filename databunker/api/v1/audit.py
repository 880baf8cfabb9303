"""`/v1/audit`: who did what."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson
from django.http import HttpResponse

from audit import events
from databunker.access.permissions import Permission
from databunker.api.answers import answer
from databunker.api.endpoint import Call, Endpoint, Rule
from vault import history
from vault.history import EventPage, EventView

__all__ = ["AllEvents", "EventOne", "PersonEvents"]

_MICROS = 1_000_000


class PersonEvents(Endpoint):
    """`GET /v1/audit/list/{token}`: the events of one person, newest first."""

    rules: ClassVar = {"GET": Rule(Permission.AUDIT_READ, events.TRAIL_LISTED)}

    def get(self, call: Call, token: str) -> HttpResponse:
        offset, limit = call.paging()
        return _page(history.list_events(call.actor, token=token, offset=offset, limit=limit))


class AllEvents(Endpoint):
    """`GET /v1/audit/admin`: everybody's events, newest first."""

    rules: ClassVar = {"GET": Rule(Permission.AUDIT_LIST_ALL, events.TRAIL_LISTED_ALL)}

    def get(self, call: Call) -> HttpResponse:
        offset, limit = call.paging()
        return _page(history.list_all_events(call.actor, offset=offset, limit=limit))


class EventOne(Endpoint):
    """`GET /v1/audit/get/{atoken}`: one event with the profile before and after the change it tells of."""

    rules: ClassVar = {"GET": Rule(Permission.AUDIT_READ, events.EVENT_READ)}

    def get(self, call: Call, atoken: str) -> HttpResponse:
        found = history.read_event(call.actor, event_id=atoken)
        event = _row(found.view)
        for name, profile in (("before", found.before), ("after", found.after)):
            if profile is not None:
                event[name] = orjson.Fragment(profile)
        if found.view.message:
            event["debug"] = found.view.message
        return answer(event=event)


def _page(page: EventPage) -> HttpResponse:
    return answer(total=page.total, rows=[_row(event) for event in page.events])


def _row(event: EventView) -> dict[str, Any]:
    return {
        "atoken": str(event.id),
        "when": event.at // _MICROS,
        "who": event.who,
        "mode": event.mode,
        "identity": event.identity,
        "record": "" if event.token is None else str(event.token),
        "app": event.app,
        "title": event.title,
        "status": event.outcome,
        "msg": event.message,
        "more": event.version is not None,
    }
