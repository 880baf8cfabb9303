"""Decide a request: approve it and do what it asks for, refuse it, or take it back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext_noop

from audit import trail
from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission
from databunker.db.statements import atomically, retrying
from databunker.errors import Conflict

from ...events import REQUEST_APPROVED, REQUEST_CANCELED
from ...inputs import checked_reason
from ...notices import mail_step, refusal_notice
from ...requests import OpenRequest, step
from ...states import Step
from .applying import apply_wish
from .locking import lock_request

__all__ = ["approve_request", "cancel_request"]


def approve_request(actor: Actor, *, rtoken: str, reason: Any = "", together: bool = False) -> UUID | None:
    """Do exactly what was asked for, once, as the one who approves; approval and change in one transaction.

    The id of the receipt is returned where somebody was forgotten. `together`: it is one of several, of which nobody
    looks at each.

    Raises:
        AccessDenied: the actor may not decide.
        NotFound: there is no such request.
        Conflict: decided already, proof of identity is awaited, or what it would change has changed meanwhile: then
            it stays open.
        BadRequest: the change no longer fits the record schema: it stays open, too.
    """
    text = checked_reason(reason)

    def attempt() -> UUID | None:
        with atomically():
            request = lock_request(actor, rtoken=rtoken, permission=Permission.REQUEST_DECIDE)
            wish = request.wish()
            if together and not wish.is_harmless:
                raise Conflict(gettext_noop("this has to be decided by itself"), subject=bytes(request.stored.subject))
            step(actor, request, Step.APPROVE, reason=text)
            row = request.stored
            trail.record(
                actor, REQUEST_APPROVED, subject=bytes(row.subject), sealer=request.holder.key, detail=_detail(request)
            )
            return apply_wish(actor, request.holder, wish)

    return retrying(attempt)


def cancel_request(actor: Actor, *, rtoken: str, reason: Any = "") -> None:
    """The person takes the request back; anybody else refuses it, and the person is told why and what can be done.

    Raises:
        AccessDenied: the actor may not.
        NotFound: there is no such request.
        Conflict: decided already.
    """
    text = checked_reason(reason)
    taken = Step.CANCEL if actor.kind is ActorKind.PERSON else Step.REFUSE

    def attempt() -> None:
        with atomically():
            request = lock_request(actor, rtoken=rtoken, permission=Permission.REQUEST_CANCEL)
            refused = taken is Step.REFUSE
            step(actor, request, taken, reason=text, notice=refusal_notice() if refused else "")
            if refused:
                mail_step(request, taken, reason=text)
            subject = bytes(request.stored.subject)
            trail.record(actor, REQUEST_CANCELED, subject=subject, sealer=request.holder.key, detail=_detail(request))

    retrying(attempt)


def _detail(request: OpenRequest) -> dict[str, Any]:
    app, brief = request.about()
    return {"request": request.stored.pk, "action": request.action.label, "app": app, "brief": brief}
