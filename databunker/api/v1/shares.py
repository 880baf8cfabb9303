"""`/v1/sharedrecord` and `/v1/get`: parts of people's data for others to read, for a while."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson
from django.http import HttpResponse

from databunker.access.permissions import Permission
from databunker.api.answers import answer
from databunker.api.endpoint import Call, Endpoint, Rule
from vault import actions, events, queries
from vault.shares import OpenShare

__all__ = ["PersonShares", "ShareOne", "SharedData"]


class PersonShares(Endpoint):
    """`/v1/sharedrecord/{mode}/{identity}`: share a part of a person's data, and see what is shared."""

    rules: ClassVar = {
        "GET": Rule(Permission.SHARE_MANAGE, events.SHARES_LISTED),
        "POST": Rule(Permission.SHARE_MANAGE, events.SHARE_CREATED),
    }

    def get(self, call: Call, mode: str, identity: str) -> HttpResponse:
        shares = queries.list_shares(call.actor, mode=mode, identity=identity)
        return answer(total=len(shares), rows=[_row(share) for share in shares])

    def post(self, call: Call, mode: str, identity: str) -> HttpResponse:
        share_id = actions.create_share(call.actor, mode=mode, identity=identity, wish=call.object())
        return answer(record=str(share_id))


class ShareOne(Endpoint):
    """`DELETE /v1/sharedrecord/{record}`: take a share back."""

    rules: ClassVar = {"DELETE": Rule(Permission.SHARE_MANAGE, events.SHARE_REVOKED)}

    def delete(self, call: Call, record: str) -> HttpResponse:
        actions.revoke_share(call.actor, share=record)
        return answer()


class SharedData(Endpoint):
    """`GET /v1/get/{record}`: what is shared under this id, for anybody who knows it."""

    public: ClassVar = {"GET": events.SHARE_READ}

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
