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
from databunker.api.openapi import PAGING, Body, Link, Operation, either, ok, page, row, schemas
from databunker.errors import BadRequest, Conflict, NotFound
from gdpr import actions as wishes
from gdpr.queries import ExpirationView, expirations_of
from vault import actions, events, identities, queries
from vault.actions import Candidate, Created
from vault.records import OpenRecord

from .outcomes import ANOTHER_WAITS, FOLLOW_REQUEST, MAY_BE_REQUEST, answer_outcome, or_requested

__all__ = ["Bulk", "Unlock", "User", "UserCreate", "Users"]


_NEW_TOKEN = "$response.body#/token"  # noqa: S105 - where in the answer it stands


class UserCreate(Endpoint):
    """`POST /v1/user`: store a profile, get a token."""

    rules: ClassVar = {"POST": Rule(Permission.RECORD_CREATE, events.RECORD_CREATED)}

    def gate(self, actor: Actor, rule: Rule) -> None:
        if not (settings.CREATE_USER_WITHOUT_ACCESS_TOKEN and actor.kind is ActorKind.ANYONE):
            super().gate(actor, rule)

    @Operation(
        "Store a person",
        description="The token is what an application keeps instead of the person's data.",
        body=Body(schemas.NEW_PROFILE),
        answer=ok(token=schemas.UUID),
        refuses=(Conflict,),
        links=(
            *[Link(f"users.User.{method}", mode="token", identity=_NEW_TOKEN) for method in ("get", "put", "delete")],
            Link("userapps.PersonApps.get", mode="token", identity=_NEW_TOKEN),
            Link("userapps.AppData.post", mode="token", identity=_NEW_TOKEN, app="shop"),
            Link("sessions.PersonSessions.get", mode="token", identity=_NEW_TOKEN),
            Link("shares.PersonShares.get", mode="token", identity=_NEW_TOKEN),
            Link("shares.PersonShares.post", mode="token", identity=_NEW_TOKEN),
            Link("agreements.PersonAgreements.get", mode="token", identity=_NEW_TOKEN),
            Link("agreements.AgreementOne.post", brief="core-send-email-on-login", mode="token", identity=_NEW_TOKEN),
            Link("reports.Report.get", mode="token", identity=_NEW_TOKEN),
            Link("requests.PersonRequests.get", mode="token", identity=_NEW_TOKEN),
            Link("audit.PersonEvents.get", token=_NEW_TOKEN),
        ),
    )
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

    @Operation(
        "Read a person's record",
        description="Of a field that several people may share: a page of those who have it.",
        query=PAGING,
        answer=either(
            ok(token=schemas.UUID, data=schemas.PROFILE),
            page(row(token=schemas.UUID, data=schemas.PROFILE)),
        ),
        refuses=(NotFound, Conflict),
    )
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

    @Operation(
        "Change a person's record",
        description=f"{schemas.HOW_TO_CHANGE} {MAY_BE_REQUEST}",
        body=Body(schemas.CHANGE),
        answer=or_requested(ok(token=schemas.UUID)),
        also=ANOTHER_WAITS,
        refuses=(NotFound,),
        links=FOLLOW_REQUEST,
    )
    def put(self, call: Call, mode: str, identity: str) -> HttpResponse:
        return answer_outcome(wishes.change_profile(call.actor, mode=mode, identity=identity, change=call.value()))

    @Operation(
        "Forget a person",
        description="The token and what the record schema preserves stay; all else is unreadable from now on. "
        "`receipt` is the id of the proof, see `/v1/receipt/{receipt}`. Where there is a cooling-off time, what a "
        f"person asks for waits until `due`. {MAY_BE_REQUEST}",
        answer=either(
            or_requested(ok(result=schemas.constant("done"), optional={"receipt": schemas.UUID})),
            ok(result=schemas.constant("scheduled"), due=schemas.TIME),
        ),
        also=ANOTHER_WAITS,
        refuses=(NotFound,),
        links=FOLLOW_REQUEST,
    )
    def delete(self, call: Call, mode: str, identity: str) -> HttpResponse:
        outcome = wishes.forget_me(call.actor, mode=mode, identity=identity)
        if isinstance(outcome, wishes.Scheduled):
            return answer(result="scheduled", due=outcome.due)
        receipt = {"receipt": str(outcome.receipt)} if isinstance(outcome, wishes.Done) and outcome.receipt else {}
        return answer_outcome(outcome, result="done", **receipt)


class Users(Endpoint):
    """`POST /v1/users?offset&limit`: a page of everyone, where LIST_USERS allows it."""

    rules: ClassVar = {"POST": Rule(Permission.RECORD_LIST, events.RECORDS_LISTED)}

    @Operation(
        "List everyone",
        description="Open only where the setting `LIST_USERS` says so, and with an unlock where it says `unlock`.",
        query=PAGING,
        body=Body(row(optional={"unlockuuid": schemas.UUID}), required=False),
        answer=page(
            row(
                token=schemas.UUID,
                private=schemas.PROFILE,
                optional={"endtime": schemas.TIME, "expstatus": schemas.TEXT},
            )
        ),
    )
    def post(self, call: Call) -> HttpResponse:
        offset, limit = call.paging()
        page = queries.list_records(call.actor, offset=offset, limit=limit, unlock=_unlock_in(call))
        ends = expirations_of(call.actor, [record.row.subject for record in page.records])
        rows = [_listed(record, ends.get(record.row.subject)) for record in page.records]
        return answer(total=page.total, rows=rows)


class Unlock(Endpoint):
    """`POST /v1/users/unlock`: a UUID that opens `POST /v1/users` to the same token for 60 seconds."""

    rules: ClassVar = {"POST": Rule(Permission.RECORD_LIST, events.UNLOCK_GRANTED)}

    @Operation(
        "Unlock the listing for 60 seconds",
        answer=ok(unlockuuid=schemas.UUID),
        links=(Link("users.Users.post", body={"unlockuuid": "$response.body#/unlockuuid"}),),
    )
    def post(self, call: Call) -> HttpResponse:
        return answer(unlockuuid=queries.open_unlock(call.actor))


class Bulk(Endpoint):
    """`POST /v1/users/bulk`: up to 4,000 new people, each record standing alone."""

    rules: ClassVar = {"POST": Rule(Permission.RECORD_CREATE, events.RECORDS_LOADED)}

    @Operation(
        "Store many people",
        description="Each record stands alone; the rows are in the order of the records.",
        body=Body(
            {
                "type": "object",
                "properties": {
                    "records": {"type": "array", "items": schemas.NEW_PROFILE, "maxItems": actions.MAX_RECORDS}
                },
                "required": ["records"],
                "additionalProperties": False,
            },
            form=False,
        ),
        answer=ok(
            created=schemas.NUMBER,
            rows={
                "type": "array",
                "items": {"anyOf": [row(token=schemas.UUID), row(error=schemas.TEXT, index=schemas.NUMBER)]},
            },
        ),
    )
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
    unlock = call.optional_object().get("unlockuuid")
    if unlock is not None and not isinstance(unlock, str):
        raise BadRequest("unlockuuid must be text")
    return unlock


def _listed(record: OpenRecord, end: ExpirationView | None) -> dict[str, Any]:
    row = {"token": str(record.token), "private": orjson.Fragment(record.profile_json)}
    return row if end is None else row | {"endtime": end.endtime, "expstatus": end.status}
