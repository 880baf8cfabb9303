"""Who looks after a request, and what those who decide say to each other about it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_noop

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission
from databunker.accounts.queries import accounts_that_may
from databunker.db.statements import atomically, retrying
from databunker.errors import BadRequest, Conflict

from ...events import REQUEST_ASSIGNED, REQUEST_COMMENTED
from ...inputs import checked_reason
from ...requests import assign
from ...states import UNDECIDED
from .locking import lock_request

__all__ = ["assign_request", "comment_request"]


def assign_request(actor: Actor, *, rtoken: str, account: int | None) -> None:
    """Give an undecided request to an account that may decide it; None: to nobody.

    Raises:
        AccessDenied, NotFound: see `approve_request`.
        BadRequest: there is no such account, or it may not decide.
        Conflict: decided already.
    """

    def attempt() -> None:
        with atomically():
            request = lock_request(actor, rtoken=rtoken, permission=Permission.REQUEST_DECIDE)
            row = request.stored
            if account is not None and account not in accounts_that_may(Permission.REQUEST_DECIDE, tenant=actor.tenant):
                raise BadRequest(gettext_noop("this account may not decide requests"), subject=bytes(row.subject))
            if request.state not in UNDECIDED:
                raise Conflict(
                    gettext_noop("wrong status: %(status)s"),
                    places={"status": request.state.label},
                    subject=bytes(row.subject),
                )
            assign(request, account)
            detail = {"request": row.pk, "action": request.action.label, "account": account}
            trail.record(actor, REQUEST_ASSIGNED, subject=bytes(row.subject), sealer=request.holder.key, detail=detail)

    retrying(attempt)


def comment_request(actor: Actor, *, rtoken: str, comment: Any) -> None:
    """Say something about a request that the person doesn't see.

    It stands in the event, sealed under the person's key: nobody changes it, and it is gone with the person.

    Raises:
        AccessDenied, NotFound: see `approve_request`.
        BadRequest: no text, or too long.
        Conflict: the person was forgotten: what was said now would outlive that.
    """
    text = checked_reason(comment, needed="a comment")

    def attempt() -> None:
        with atomically():
            request = lock_request(actor, rtoken=rtoken, permission=Permission.REQUEST_DECIDE)
            row = request.stored
            if request.holder.forgotten:
                raise Conflict(gettext_noop("the person was forgotten"), subject=bytes(row.subject))
            detail = {"request": row.pk, "action": request.action.label, "comment": text}
            trail.record(actor, REQUEST_COMMENTED, subject=bytes(row.subject), sealer=request.holder.key, detail=detail)

    retrying(attempt)
