"""`/v1/user` and `/v1/users`: people's records."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson
from django.conf import settings
from django.http import HttpResponse

from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission
from databunker.api import bodies
from databunker.api.answers import answer
from databunker.api.endpoint import Call, Endpoint, Rule
from databunker.errors import BadRequest
from vault import actions, events, identities, queries
from vault.actions import Candidate, Created
from vault.records import OpenRecord

__all__ = ["Bulk", "Unlock", "User", "UserCreate", "Users"]


class UserCreate(Endpoint):
    """`POST /v1/user`: store a profile, get a token."""

    rules: ClassVar = {"POST": Rule(Permission.RECORD_CREATE, events.RECORD_CREATED)}

    def gate(self, actor: Actor, rule: Rule) -> None:
        if not (settings.CREATE_USER_WITHOUT_ACCESS_TOKEN and actor.kind is ActorKind.ANYONE):
            super().gate(actor, rule)

    def post(self, call: Call) -> HttpResponse:
        token = actions.create_record(call.actor, profile=call.object())
        return answer(token=str(token))


class User(Endpoint):
    """`/v1/user/{mode}/{identity}`: read, change and forget the person with this token or identity."""

    rules: ClassVar = {
        "GET": Rule(Permission.RECORD_READ, events.RECORD_READ),
        "PUT": Rule(Permission.RECORD_CHANGE, events.RECORD_CHANGED),
        "DELETE": Rule(Permission.RECORD_FORGET, events.RECORD_FORGOTTEN),
    }

    def get(self, call: Call, mode: str, identity: str) -> HttpResponse:
        if identities.is_shared(mode):
            return self._holders(call, mode, identity)
        record = queries.read_record(call.actor, mode=mode, identity=identity)
        return answer(token=str(record.token), data=orjson.Fragment(record.profile_json))

    def _holders(self, call: Call, mode: str, identity: str) -> HttpResponse:
        """Several people may share this identity: a page of them."""
        offset, limit = call.paging()
        page = queries.list_holders(call.actor, mode=mode, identity=identity, offset=offset, limit=limit)
        rows = [{"token": str(record.token), "data": orjson.Fragment(record.profile_json)} for record in page.records]
        return answer(total=page.total, rows=rows)

    def put(self, call: Call, mode: str, identity: str) -> HttpResponse:
        token = actions.change_record(call.actor, mode=mode, identity=identity, change=call.value())
        return answer(token=str(token))

    def delete(self, call: Call, mode: str, identity: str) -> HttpResponse:
        actions.forget_person(call.actor, mode=mode, identity=identity)
        return answer(result="done")


class Users(Endpoint):
    """`POST /v1/users?offset&limit`: a page of everyone, where LIST_USERS allows it."""

    rules: ClassVar = {"POST": Rule(Permission.RECORD_LIST, events.RECORDS_LISTED)}

    def post(self, call: Call) -> HttpResponse:
        offset, limit = call.paging()
        page = queries.list_records(call.actor, offset=offset, limit=limit, unlock=_unlock_in(call))
        return answer(total=page.total, rows=[_listed(record) for record in page.records])


class Unlock(Endpoint):
    """`POST /v1/users/unlock`: a UUID that opens `POST /v1/users` to the same token for 60 seconds."""

    rules: ClassVar = {"POST": Rule(Permission.RECORD_LIST, events.UNLOCK_GRANTED)}

    def post(self, call: Call) -> HttpResponse:
        return answer(unlockuuid=queries.open_unlock(call.actor))


class Bulk(Endpoint):
    """`POST /v1/users/bulk`: up to 4,000 new people, each record standing alone."""

    rules: ClassVar = {"POST": Rule(Permission.RECORD_CREATE, events.RECORDS_LOADED)}

    def post(self, call: Call) -> HttpResponse:
        body = bodies.read_object(call.request, limit=settings.MAX_BULK_BODY_BYTES)
        records = body.get("records")
        if not isinstance(records, list) or set(body) != {"records"}:
            raise BadRequest('send {"records": [profile, …]}')
        if len(records) > actions.MAX_RECORDS:
            raise BadRequest(f"at most {actions.MAX_RECORDS} records a call")
        results = actions.create_records(call.actor, profiles=[_candidate(record) for record in records])
        rows: list[dict[str, Any]] = [
            {"token": str(result.token)} if isinstance(result, Created) else {"error": result.reason, "index": index}
            for index, result in enumerate(results)
        ]
        return answer(created=sum(isinstance(result, Created) for result in results), rows=rows)


def _candidate(record: Any) -> Candidate:
    """A refusal in the place of what is no profile, so that the records around it go in."""
    if not isinstance(record, dict):
        return BadRequest("a record must be an object")
    return record


def _unlock_in(call: Call) -> str | None:
    """The body is optional: the peer's clients send none."""
    if call.request.META.get("CONTENT_LENGTH") in (None, "", "0"):
        return None
    unlock = call.object().get("unlockuuid")
    if unlock is not None and not isinstance(unlock, str):
        raise BadRequest("unlockuuid must be text")
    return unlock


def _listed(record: OpenRecord) -> dict[str, Any]:
    return {"token": str(record.token), "private": orjson.Fragment(record.profile_json)}
