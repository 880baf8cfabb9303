"""What becomes of a person's requests when the person is forgotten."""

from __future__ import annotations

from audit import trail
from databunker.access.actor import Actor
from vault.records import OpenRecord

from ...events import REQUEST_APPROVED, REQUEST_CANCELED
from ...models import Request, RequestAction
from ...requests import OpenRequest, empty, step
from ...states import DECIDED, State, Step

__all__ = ["close_requests_of"]


def close_requests_of(actor: Actor, record: OpenRecord) -> None:
    """In the transaction of the forgetting, with the record locked: bare facts stay, and no request stays open.

    A request to be forgotten is fulfilled by it, whoever made it happen; the others have lost their subject. Their
    events say nothing more: under the person's key it could not be read, under another it would outlive the person.
    """
    row = record.row
    found = Request.objects.select_for_update().filter(tenant=row.tenant, subject=row.subject)
    rows = list(found.defer("original", "change"))  # up to two megabytes each, and of no use here
    if not rows:
        return
    for stored in rows:
        if State(stored.state) in DECIDED:
            continue
        fulfilled = stored.action == RequestAction.FORGET_ME
        step(actor, OpenRequest(stored, record), Step.FULFIL if fulfilled else Step.LAPSE)
        trail.record(actor, REQUEST_APPROVED if fulfilled else REQUEST_CANCELED, subject=row.subject, sealer=record.key)
    empty(row.tenant, row.subject)
