"""`/v1/sharedrecord` and `/v1/get`: parts of people's data for others to read, for a while."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson
from django.http import HttpResponse

from databunker.access.permissions import Permission
from databunker.api.answers import answer
from databunker.api.endpoint import Call, Endpoint, Rule
from databunker.api.openapi import Body, Link, Operation, ok, page, row, schemas
from databunker.errors import AccessDenied, Conflict, NotFound
from vault import actions, events, queries
from vault.shares import OpenShare

__all__ = ["PersonShares", "ShareOne", "SharedData"]


_WISH = {
    "type": "object",
    "properties": {
        "fields": {**schemas.TEXT, "description": "Comma list, dots for what is nested; none: everything"},
        "app": {**schemas.TEXT, "description": "Share this application's data"},
        "session": {**schemas.TEXT, "description": "Share this session"},
        "partner": {**schemas.TEXT, "description": "Who is to read it: for the audit trail"},
        "expiration": schemas.EXPIRATION,
    },
    "additionalProperties": False,
}
_SHARE = row(
    record=schemas.UUID,
    when=schemas.TIME,
    endtime=schemas.TIME,
    fields=schemas.TEXT,
    app=schemas.TEXT,
    session=schemas.TEXT,
    partner=schemas.TEXT,
)


class PersonShares(Endpoint):
    """`/v1/sharedrecord/{mode}/{identity}`: share a part of a person's data, and see what is shared."""

    rules: ClassVar = {
        "GET": Rule(Permission.SHARE_MANAGE, events.SHARES_LISTED),
        "POST": Rule(Permission.SHARE_MANAGE, events.SHARE_CREATED),
    }

    @Operation("List what is shared of a person", answer=page(_SHARE), refuses=(NotFound, Conflict))
    def get(self, call: Call, mode: str, identity: str) -> HttpResponse:
        shares = queries.list_shares(call.actor, mode=mode, identity=identity)
        return answer(total=len(shares), rows=[_row(share) for share in shares])

    @Operation(
        "Share a part of a person's data for a while",
        description="The profile, or an application's data, or a session. Whoever knows the id may read it.",
        body=Body(_WISH),
        answer=ok(record=schemas.UUID),
        refuses=(NotFound, Conflict),
        links=(
            Link("shares.SharedData.get", record="$response.body#/record"),
            Link("shares.ShareOne.delete", record="$response.body#/record"),
        ),
    )
    def post(self, call: Call, mode: str, identity: str) -> HttpResponse:
        share_id = actions.create_share(call.actor, mode=mode, identity=identity, wish=call.object())
        return answer(record=str(share_id))


class ShareOne(Endpoint):
    """`DELETE /v1/sharedrecord/{record}`: take a share back."""

    rules: ClassVar = {"DELETE": Rule(Permission.SHARE_MANAGE, events.SHARE_REVOKED)}

    @Operation("Take a share back", answer=ok(), refuses=(NotFound,))
    def delete(self, call: Call, record: str) -> HttpResponse:
        actions.revoke_share(call.actor, share=record)
        return answer()


class SharedData(Endpoint):
    """`GET /v1/get/{record}`: what is shared under this id, for anybody who knows it."""

    public: ClassVar = {"GET": events.SHARE_READ}

    @Operation(
        "Read what is shared",
        description="The fields as they are now. Expired, revoked and unknown are refused alike.",
        answer=ok(data=schemas.OBJECT, optional={"app": schemas.TEXT, "session": schemas.UUID}),
        refuses=(AccessDenied,),
    )
    def get(self, call: Call, record: str) -> HttpResponse:
        shared = queries.read_share(call.actor, share=record)
        source = {name: value for name in ("app", "session") if (value := getattr(shared.terms, name))}
        return answer(**source, data=orjson.Fragment(shared.data))


def _row(share: OpenShare) -> dict[str, Any]:
    terms = share.terms
    return {
        "record": str(share.share_id),
        "when": share.stored.created,
        "endtime": share.stored.expires,
        "fields": ",".join(terms.fields),
        "app": terms.app,
        "session": terms.session,
        "partner": terms.partner,
    }
