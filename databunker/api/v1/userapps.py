"""`/v1/userapp` and `/v1/userapps`: what applications keep about people beside the profile."""

from __future__ import annotations

from typing import ClassVar

import orjson
from django.http import HttpResponse

from databunker.access.permissions import Permission
from databunker.api.answers import answer
from databunker.api.endpoint import Call, Endpoint, Rule
from databunker.api.openapi import Body, Link, Operation, ok, schemas
from databunker.errors import Conflict, NotFound
from gdpr import actions
from vault import events, queries

from .outcomes import ANOTHER_WAITS, FOLLOW_REQUEST, MAY_BE_REQUEST, answer_outcome, or_requested

__all__ = ["AllApps", "AppData", "PersonApps"]


_TOKEN = "$response.body#/token"  # noqa: S105 - where in the answer it stands


class AppData(Endpoint):
    """`/v1/userapp/{mode}/{identity}/{app}`: one application's data about one person."""

    rules: ClassVar = {
        "GET": Rule(Permission.APP_READ, events.APP_READ),
        "POST": Rule(Permission.APP_CHANGE, events.APP_STORED),
        "PUT": Rule(Permission.APP_CHANGE, events.APP_CHANGED),
        "DELETE": Rule(Permission.APP_CHANGE, events.APP_DELETED),
    }

    @Operation(
        "Read an application's data about a person",
        answer=ok(token=schemas.UUID, data=schemas.OBJECT),
        refuses=(NotFound, Conflict),
    )
    def get(self, call: Call, mode: str, identity: str, app: str) -> HttpResponse:
        found = queries.read_app_data(call.actor, mode=mode, identity=identity, app=app)
        return answer(token=str(found.token), data=orjson.Fragment(found.content))

    @Operation(
        "Store an application's data about a person",
        description=f"In the place of what was there. {MAY_BE_REQUEST}",
        body=Body(schemas.OBJECT),
        answer=or_requested(ok(token=schemas.UUID)),
        also=ANOTHER_WAITS,
        refuses=(NotFound,),
        links=(
            *[
                Link(f"userapps.AppData.{name}", mode="token", identity=_TOKEN, app="$request.path.app")
                for name in ("get", "put", "delete")
            ],
            *FOLLOW_REQUEST,
        ),
    )
    def post(self, call: Call, mode: str, identity: str, app: str) -> HttpResponse:
        return answer_outcome(
            actions.store_app_data(call.actor, mode=mode, identity=identity, app=app, data=call.object())
        )

    @Operation(
        "Change an application's data about a person",
        description=f"{schemas.HOW_TO_CHANGE} {MAY_BE_REQUEST}",
        body=Body(schemas.CHANGE),
        answer=or_requested(ok(token=schemas.UUID)),
        also=ANOTHER_WAITS,
        refuses=(NotFound,),
        links=FOLLOW_REQUEST,
    )
    def put(self, call: Call, mode: str, identity: str, app: str) -> HttpResponse:
        return answer_outcome(
            actions.change_app_data(call.actor, mode=mode, identity=identity, app=app, change=call.value())
        )

    @Operation(
        "Delete an application's data about a person",
        description=MAY_BE_REQUEST,
        answer=or_requested(ok(token=schemas.UUID)),
        also=ANOTHER_WAITS,
        refuses=(NotFound,),
        links=FOLLOW_REQUEST,
    )
    def delete(self, call: Call, mode: str, identity: str, app: str) -> HttpResponse:
        return answer_outcome(actions.delete_app_data(call.actor, mode=mode, identity=identity, app=app))


class PersonApps(Endpoint):
    """`GET /v1/userapp/{mode}/{identity}`: which applications keep something about the person."""

    rules: ClassVar = {"GET": Rule(Permission.APP_READ, events.APPS_LISTED)}

    @Operation(
        "List the applications that keep something about a person",
        answer=ok(token=schemas.UUID, apps=schemas.NAMES),
        refuses=(NotFound, Conflict),
    )
    def get(self, call: Call, mode: str, identity: str) -> HttpResponse:
        token, apps = queries.list_apps(call.actor, mode=mode, identity=identity)
        return answer(token=str(token), apps=apps)


class AllApps(Endpoint):
    """`GET /v1/userapps`: which applications keep something about anybody."""

    rules: ClassVar = {"GET": Rule(Permission.APP_LIST_ALL, events.APP_NAMES_LISTED)}

    @Operation("List the applications that keep something about anybody", answer=ok(apps=schemas.NAMES))
    def get(self, call: Call) -> HttpResponse:
        return answer(apps=queries.list_all_apps(call.actor))
