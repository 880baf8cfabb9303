"""`GET /v1/receipt/{receipt}`: the proof of an erasure, for whoever knows its id."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpResponse

from audit.errors import NotSealed
from databunker.api.answers import answer, raw
from databunker.api.endpoint import Call, Endpoint
from databunker.api.openapi import Answer, Operation, ok, row, schemas
from databunker.erasure.events import RECEIPT_READ
from databunker.erasure.queries import read_receipt
from databunker.erasure.statement import FORMAT, KEPT_NOTHING, KEPT_PRESERVED
from databunker.errors import NotFound, Throttled

__all__ = ["Receipt"]

_HEX: schemas.Schema = {"type": "string", "pattern": "^([0-9a-f]{2})*$"}
_RECEIPT = row(
    format=schemas.constant(FORMAT),
    receipt=schemas.UUID,
    log={**schemas.TEXT, "description": "The audit trail in which the event stands"},
    event={**schemas.UUID, "description": "The event of the forgetting"},
    at=schemas.TIME,
    kept=schemas.one_of(KEPT_NOTHING, KEPT_PRESERVED),
    person={**_HEX, "description": "SHA-256 by which only those who know the person's token recognise the person"},
    key={**schemas.TEXT, "description": "The vault's public key"},
    signature={**_HEX, "description": "Ed25519, over the statement that docs/erasure.md describes"},
    proof={**schemas.OBJECT, "description": "The event's place in the signed tree of the audit trail"},
)
_SOON = "5"


class Receipt(Endpoint):
    """The receipt is complete a few seconds after the forgetting: once the event is sealed into the audit trail."""

    public: ClassVar = {"GET": RECEIPT_READ}

    @Operation(
        "Get the receipt of an erasure",
        description="Signed, without personal data; checked at `/receipt` or by `manage.py audit verify-receipt`. "
        "202 as long as the event is not sealed: ask again in a few seconds.",
        answer=ok(receipt=_RECEIPT),
        also={202: Answer(row(status=schemas.constant("ok"), result=schemas.constant("pending")))},
        refuses=(NotFound, Throttled),
    )
    def get(self, call: Call, receipt: str) -> HttpResponse:
        try:
            return answer(receipt=read_receipt(call.actor, receipt=receipt))
        except NotSealed:
            pending = raw(b'{"status":"ok","result":"pending"}', status=202)
            pending.headers["Retry-After"] = _SOON
            return pending
