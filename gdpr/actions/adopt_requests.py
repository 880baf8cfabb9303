"""Requests from another vault: those that wait go on waiting, under the tokens and since the times that they have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.db.statements import atomically
from databunker.errors import BadRequest, Conflict
from vault import patch, references
from vault.actions import Fate
from vault.queries import record_of
from vault.records import OpenRecord

from ..events import REQUEST_ADOPTED
from ..models import Request, RequestAction
from ..requests import Past, Wish, request_digest, seal_past_request
from ..states import DECIDED
from ..touched import original_of, touched_paths
from .adopt import AdoptedPart, Alongside, adopt_each
from .requests.applying import app_data_of

__all__ = ["PastRequest", "adopt_requests"]


class PastRequest(NamedTuple):
    """`change` is the patch that was asked for, where there is one."""

    person: UUID
    action: RequestAction
    app: str
    brief: str
    change: Any
    past: Past


def adopt_requests(actor: Actor, *, items: Sequence[PastRequest], alongside: Alongside) -> list[AdoptedPart]:
    """Store requests, in one transaction. One that is here already stays.

    What an undecided change touches is compared, when it is approved, with what it was when it was adopted. Of the
    forgotten there are the bare facts: what was asked, when, and what became of it.

    Raises:
        AccessDenied: the actor may not decide on requests.
    """
    require(actor, Permission.REQUEST_DECIDE)

    def adopt(item: PastRequest) -> AdoptedPart:
        if Request.objects.filter(digest=request_digest(item.past.token, tenant=actor.tenant)).exists():
            return AdoptedPart(Fate.PRESENT)
        subject = references.subject_of(item.person, tenant=actor.tenant)
        record = record_of(actor.tenant, subject, lock=True)
        if record is None:
            return AdoptedPart(Fate.NOBODY)
        if record.forgotten and item.past.state not in DECIDED:
            return AdoptedPart(Fate.FORGOTTEN)
        try:
            row = seal_past_request(_wish(record, item), item.past, holder=record)
            with atomically():
                row.save(force_insert=True)
        except (BadRequest, Conflict) as error:
            return AdoptedPart(Fate.REFUSED, [f"the change that it asks for can't be made any more: {error.message}"])
        except IntegrityError:
            return AdoptedPart(Fate.REFUSED, ["another request about the same waits for a decision already"])
        detail = {"request": row.pk, "action": item.action.label}
        trail.record(actor, REQUEST_ADOPTED, subject=subject, sealer=record.key, detail=detail)
        return AdoptedPart(Fate.STORED)

    return adopt_each(items, adopt, alongside)


def _wish(record: OpenRecord, item: PastRequest) -> Wish:
    """
    Raises:
        BadRequest, Conflict: it waits for a decision, and can't be applied to what there is now.
    """
    verb = "change" if item.action is RequestAction.CHANGE_APP_DATA else ""
    wish = Wish(item.action, app=item.app, brief=item.brief, verb=verb, change=item.change)
    if item.change is None or item.past.state in DECIDED:
        return wish
    before = app_data_of(record, item.app) if verb else record.profile()
    if before is None:
        raise BadRequest("the application keeps nothing about the person")
    patch.apply(before, item.change, max_bytes=settings.MAX_BODY_BYTES)
    paths = tuple(touched_paths(before, item.change))
    return wish._replace(paths=paths, original=original_of(before, paths))
