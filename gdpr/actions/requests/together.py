"""Approve several requests of one kind, each in a transaction of its own; only such as harm nobody if done by habit."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

from django.db import transaction

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.db.statements import atomically, retrying
from databunker.errors import BadRequest, VaultError

from ...events import REQUEST_APPROVED, REQUESTS_COUNTED
from ...inputs import checked_reason
from ...models import RequestAction
from .decide import approve_request

__all__ = ["MOST_TOGETHER", "Approval", "approve_together", "try_approvals"]

MOST_TOGETHER = 50


class Approval(NamedTuple):
    """What became of one request, or would: `problem` says why it was not approved; None: it was."""

    rtoken: str
    problem: VaultError | None


def try_approvals(actor: Actor, rtokens: Iterable[str], *, action: RequestAction) -> list[Approval]:
    """Whether each could be approved now, found out by doing it and taking it back.

    Raises:
        AccessDenied: the actor may not decide.
        BadRequest: there are too many.
    """

    def attempt(rtoken: str) -> Approval:
        try:
            with atomically():
                approve_request(actor, rtoken=rtoken, together=True)
                transaction.set_rollback(True)
        except VaultError as problem:
            return Approval(rtoken, problem)
        return Approval(rtoken, None)

    given = _few(actor, rtokens)
    found = [retrying(partial(attempt, rtoken)) for rtoken in given]
    ready = sum(one.problem is None for one in found)
    trail.record(actor, REQUESTS_COUNTED, detail={"action": action.label, "total": len(found), "ready": ready})
    return found


def approve_together(actor: Actor, rtokens: Iterable[str], *, reason: Any = "") -> list[Approval]:
    """Approve each by itself: what can't be approved stops no other.

    Raises:
        AccessDenied: the actor may not decide.
        BadRequest: there are too many, or the reason is no text or too long.
    """
    text = checked_reason(reason)

    def approve(rtoken: str) -> Approval:
        try:
            approve_request(actor, rtoken=rtoken, reason=text, together=True)
        except VaultError as problem:
            trail.refuse(actor, REQUEST_APPROVED, problem)
            return Approval(rtoken, problem)
        return Approval(rtoken, None)

    return [approve(rtoken) for rtoken in _few(actor, rtokens)]


def _few(actor: Actor, rtokens: Iterable[str]) -> list[str]:
    """Each once."""
    require(actor, Permission.REQUEST_DECIDE)
    found = list(dict.fromkeys(rtokens))
    if len(found) > MOST_TOGETHER:
        raise BadRequest(f"at most {MOST_TOGETHER} requests are approved together")
    return found
