"""`/v1/userapp` and `/v1/userapps`: what applications keep about people beside the profile."""

from __future__ import annotations

from typing import ClassVar

import orjson
from django.http import HttpResponse

from databunker.access.permissions import Permission
from databunker.api.answers import answer
from databunker.api.endpoint import Call, Endpoint, Rule
from vault import actions, events, queries

__all__ = ["AllApps", "AppData", "PersonApps"]


class AppData(Endpoint):
    """`/v1/userapp/{mode}/{identity}/{app}`: one application's data about one person."""

    rules: ClassVar = {
        "GET": Rule(Permission.APP_READ, events.APP_READ),
        "POST": Rule(Permission.APP_CHANGE, events.APP_STORED),
        "PUT": Rule(Permission.APP_CHANGE, events.APP_CHANGED),
        "DELETE": Rule(Permission.APP_CHANGE, events.APP_DELETED),
    }

    def get(self, call: Call, mode: str, identity: str, app: str) -> HttpResponse:
        token, data = queries.read_app_data(call.actor, mode=mode, identity=identity, app=app)
        return answer(token=str(token), data=orjson.Fragment(data))

    def post(self, call: Call, mode: str, identity: str, app: str) -> HttpResponse:
        token = actions.store_app_data(call.actor, mode=mode, identity=identity, app=app, data=call.object())
        return answer(token=str(token))

    def put(self, call: Call, mode: str, identity: str, app: str) -> HttpResponse:
        token = actions.change_app_data(call.actor, mode=mode, identity=identity, app=app, change=call.value())
        return answer(token=str(token))

    def delete(self, call: Call, mode: str, identity: str, app: str) -> HttpResponse:
        token = actions.delete_app_data(call.actor, mode=mode, identity=identity, app=app)
        return answer(token=str(token))


class PersonApps(Endpoint):
    """`GET /v1/userapp/{mode}/{identity}`: which applications keep something about the person."""

    rules: ClassVar = {"GET": Rule(Permission.APP_READ, events.APPS_LISTED)}

    def get(self, call: Call, mode: str, identity: str) -> HttpResponse:
        token, apps = queries.list_apps(call.actor, mode=mode, identity=identity)
        return answer(token=str(token), apps=apps)


class AllApps(Endpoint):
    """`GET /v1/userapps`: which applications keep something about anybody."""

    rules: ClassVar = {"GET": Rule(Permission.APP_LIST_ALL, events.APP_NAMES_LISTED)}

    def get(self, call: Call) -> HttpResponse:
        return answer(apps=queries.list_all_apps(call.actor))
