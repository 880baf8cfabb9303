"""What moves the date by which a request must be answered: an extension, and doubt about who is asking."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_noop

from audit import trail
from audit.events import EventType
from databunker.access.actor import Actor
from databunker.access.permissions import Permission
from databunker.db.statements import atomically, retrying
from databunker.errors import Conflict
from databunker.ids import unix_now

from ...events import REQUEST_EXTENDED, REQUEST_IDENTITY
from ...inputs import checked_reason
from ...notices import mail_step
from ...requests import OpenRequest, holidays, step
from ...states import Step, advance
from .locking import lock_request

__all__ = ["ask_for_identity", "extend_request", "verify_identity"]


def extend_request(actor: Actor, *, rtoken: str, reason: Any) -> OpenRequest:
    """Take two further months, once, and within the first, in which the person must be told the reason: Art. 12(3).

    Raises:
        AccessDenied, NotFound: see `approve_request`.
        BadRequest: without a reason.
        Conflict: decided already, extended already, or the first month is over.
    """

    def check(request: OpenRequest) -> None:
        if request.stored.extended is not None:
            raise Conflict(gettext_noop("extended already"), subject=bytes(request.stored.subject))
        if not request.clock.may_extend(unix_now(), holidays()):
            raise Conflict(
                gettext_noop("the first month is over, in which it could be extended"),
                subject=bytes(request.stored.subject),
            )

    text = checked_reason(reason, needed="an extension")
    return _take(actor, rtoken, Step.EXTEND, check, REQUEST_EXTENDED, reason=text, why="extension")


def ask_for_identity(actor: Actor, *, rtoken: str, reason: Any) -> OpenRequest:
    """Stop the clock, once, where there is reasonable doubt about who is asking: Art. 12(6).

    Raises:
        AccessDenied, NotFound: see `approve_request`.
        BadRequest: without a reason.
        Conflict: decided already, asked already, or the time is over.
    """

    def check(request: OpenRequest) -> None:
        if request.stored.asked is not None:
            raise Conflict(
                gettext_noop("proof of identity was asked for already"), subject=bytes(request.stored.subject)
            )
        if not request.clock.may_ask(unix_now(), holidays()):
            raise Conflict(gettext_noop("the time for an answer is over"), subject=bytes(request.stored.subject))

    text = checked_reason(reason, needed="asking for proof of identity")
    return _take(actor, rtoken, Step.ASK_IDENTITY, check, REQUEST_IDENTITY, reason=text, why="identity")


def verify_identity(actor: Actor, *, rtoken: str, reason: Any = "") -> OpenRequest:
    """The person has proved who is asking: the clock runs again. The reason says what the proof was.

    Raises:
        AccessDenied, NotFound: see `approve_request`.
        BadRequest: the reason is no text, or too long.
        Conflict: decided already, or no proof is awaited.
    """
    text = checked_reason(reason)
    return _take(actor, rtoken, Step.VERIFY_IDENTITY, lambda _: None, REQUEST_IDENTITY, reason=text, why="proof")


def _take(
    actor: Actor,
    rtoken: str,
    taken: Step,
    check: Callable[[OpenRequest], None],
    event: EventType,
    *,
    reason: str = "",
    why: str = "",
) -> OpenRequest:
    def attempt() -> OpenRequest:
        with atomically():
            request = lock_request(actor, rtoken=rtoken, permission=Permission.REQUEST_DECIDE)
            advance(request.state, taken)
            check(request)
            step(actor, request, taken, reason=reason, why=why)
            mail_step(request, taken, reason=reason)
            row = request.stored
            detail = {"request": row.pk, "action": request.action.label, "step": taken.value}
            trail.record(actor, event, subject=bytes(row.subject), sealer=request.holder.key, detail=detail)
            return request

    return retrying(attempt)
