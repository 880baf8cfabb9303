"""Deliver what is due: claim a job, do it, take it off the table.

At least once: a job is deleted only after its receiver took it, so one whose deliverer died in between is delivered
again when the lease ends. Several processes and hosts may run this at once. No transaction is open while a receiver is
waited for.
"""

from __future__ import annotations

import enum
import logging
import secrets
from collections.abc import Callable, Sequence

from django.conf import settings

from databunker.crypto.errors import CryptoError
from databunker.ids import unix_now

from . import jobs, mail, sms, webhooks
from .errors import BadStatus, Undeliverable
from .jobs import Waiting
from .kinds import MAIL, SMS, WEBHOOK, Delivery
from .models import Job

__all__ = ["backoff", "deliver_due", "kinds", "lease_seconds", "register"]

_log = logging.getLogger("databunker.notify")

Handler = Callable[[Delivery], None]

# In the order of their haste: somebody may be waiting for a login code.
_handlers: dict[str, Handler] = {MAIL: mail.deliver, SMS: sms.deliver, WEBHOOK: webhooks.deliver}

_FIRST_DELAY, _LONGEST_DELAY = 10, 6 * 3600
_LEASE_MARGIN = 30
# A receiver that failed so often in a row is left alone until the next run, and with it all that waits for it.
_FAILURES_IN_A_ROW = 3
_DAY = 86_400


class _Outcome(enum.Enum):
    DELIVERED = enum.auto()
    FAILED = enum.auto()
    GONE = enum.auto()


def register(kind: str, handler: Handler) -> None:
    """Have jobs of another kind done here; `handler` raises whatever it likes where it must be tried again."""
    _handlers[kind] = handler


def kinds() -> tuple[str, ...]:
    """All that is delivered here; whoever has a thread for each lets no receiver wait for another."""
    return tuple(_handlers)


def deliver_due(limit: int = 100, *, only: Sequence[str] | None = None) -> int:
    """Claim and do what is due, at most `limit` jobs of each kind, or of the kinds in `only`; how many were done.

    Returns when nothing is due any more or the limit is reached, at the latest after three times
    NOTIFICATION_TIMEOUT_SECONDS for each kind whose receiver doesn't answer.
    """
    chosen = kinds() if only is None else tuple(only)
    jobs.forget_dead(chosen, older_than=unix_now() - settings.NOTIFICATION_DEAD_DAYS * _DAY)
    return sum(_deliver_kind(kind, limit) for kind in chosen)


def _deliver_kind(kind: str, limit: int) -> int:
    delivered = failures = 0
    for waiting in jobs.due(kind, limit=limit):
        outcome = _take_turn(waiting)
        if outcome is _Outcome.DELIVERED:
            delivered += 1
            failures = 0
        elif outcome is _Outcome.FAILED:
            failures += 1
            if failures == _FAILURES_IN_A_ROW:
                break
    return delivered


def lease_seconds() -> int:
    """Long enough for every wait of an attempt, mail's several steps included, to run into its timeout."""
    return 3 * int(settings.NOTIFICATION_TIMEOUT_SECONDS) + _LEASE_MARGIN


def _take_turn(waiting: Waiting) -> _Outcome:
    job = jobs.claim(waiting, seconds=lease_seconds())
    if job is None:
        return _Outcome.GONE
    if job.attempts > settings.NOTIFICATION_ATTEMPTS:
        # Each attempt took its process with it.
        return _bury(job, job.last_error or "Interrupted")
    if job.deadline is not None and unix_now() >= job.deadline:
        jobs.delete(job)
        return _Outcome.GONE
    try:
        payload = jobs.open_payload(job)
    except CryptoError as error:
        return _bury(job, type(error).__name__)
    if payload is None:
        jobs.delete(job)
        return _Outcome.GONE
    return _attempt(job, Delivery(job.id, payload))


def _attempt(job: Job, delivery: Delivery) -> _Outcome:
    try:
        _handlers[job.kind](delivery)
    except Undeliverable as error:
        return _bury(job, _named(error))
    except Exception as error:  # noqa: BLE001 - whatever becomes of one message, the next has its turn
        _put_off(job, _named(error))
        return _Outcome.FAILED
    jobs.delete(job)
    return _Outcome.DELIVERED


def _named(error: Exception) -> str:
    """What may be stored and logged of a failure: its kind. Others' texts may quote what was sent."""
    return str(error) if isinstance(error, BadStatus | Undeliverable) else type(error).__name__


def _put_off(job: Job, error: str) -> None:
    if job.attempts >= settings.NOTIFICATION_ATTEMPTS:
        _bury(job, error)
        return
    seconds = backoff(job.attempts)
    if job.deadline is not None and unix_now() + seconds >= job.deadline:
        jobs.delete(job)
        _log.warning("a %s could not be delivered before its deadline", job.kind, extra={"error": error})
        return
    jobs.postpone(job, seconds=seconds, error=error)


def backoff(attempts: int) -> int:
    """How long to wait after so many attempts: twice as long each time, up to six hours, less up to half by chance.

    So those who failed together don't come back together.
    """
    delay = min(_FIRST_DELAY << min(attempts - 1, 20), _LONGEST_DELAY)
    return delay - secrets.randbelow(delay // 2 + 1)


def _bury(job: Job, error: str) -> _Outcome:
    jobs.bury(job, error=error)
    _log.warning("a %s is a dead letter now: see `manage.py notifications list`", job.kind, extra={"error": error})
    return _Outcome.GONE
