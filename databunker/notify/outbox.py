"""What goes out, written in the transaction of what it tells of: it is told if and only if it happened.

Nothing is sent here. `delivery` sends what is due, at least once, in another process; so a receiver that is slow or
dead slows no caller. See `jobs` for the keys that payloads are sealed under: give the person's record key as `sealer`
wherever the message concerns somebody who isn't forgotten by the same transaction.
"""

from __future__ import annotations

from typing import Any

import orjson
from django.conf import settings

from databunker import jsontext
from databunker.crypto.record_key import RecordKey
from databunker.db.statements import Insert, execute

from . import jobs
from .jobs import JobRow, delete_of
from .kinds import MAIL, SMS, WEBHOOK

__all__ = ["delete_of", "mail", "sms", "webhook", "webhook_insert", "webhook_job"]


def webhook_job(
    tenant: int, body: dict[str, Any], *, subject: bytes | None = None, sealer: RecordKey | None = None
) -> JobRow | None:
    """A webhook not yet written; None where NOTIFICATION_URL is unset. See `webhooks` for the bodies."""
    if not settings.NOTIFICATION_URL:
        return None
    payload = jsontext.dumps(body)
    return jobs.build(tenant, kind=WEBHOOK, topic=body["action"], payload=payload, subject=subject, sealer=sealer)


def webhook_insert(
    tenant: int, body: dict[str, Any], *, subject: bytes | None = None, sealer: RecordKey | None = None
) -> Insert | None:
    """A webhook for whoever writes it together with other rows; None where NOTIFICATION_URL is unset."""
    job = webhook_job(tenant, body, subject=subject, sealer=sealer)
    return None if job is None else jobs.insert(job)


def webhook(
    tenant: int, body: dict[str, Any], *, subject: bytes | None = None, sealer: RecordKey | None = None
) -> None:
    """Send `body` to NOTIFICATION_URL, if that is set, once the caller's transaction is committed."""
    _write(webhook_job(tenant, body, subject=subject, sealer=sealer))


def mail(
    tenant: int,
    *,
    to: str,
    subject_line: str,
    text: str,
    subject: bytes | None = None,
    sealer: RecordKey | None = None,
    deadline: int | None = None,
) -> bool:
    """Send a mail once the caller's transaction is committed; whether a mail server is set at all (EMAIL_HOST).

    After `deadline` (Unix seconds) it isn't tried any more, and is gone without a trace.
    """
    if not settings.EMAIL_HOST:
        return False
    payload = orjson.dumps({"to": to, "subject": subject_line, "text": text})
    _write(jobs.build(tenant, kind=MAIL, payload=payload, subject=subject, sealer=sealer, deadline=deadline))
    return True


def sms(
    tenant: int,
    *,
    to: str,
    text: str,
    subject: bytes | None = None,
    sealer: RecordKey | None = None,
    deadline: int | None = None,
) -> bool:
    """Send a text message likewise; whether a gateway is set at all (SMS_URL)."""
    if not settings.SMS_URL:
        return False
    payload = orjson.dumps({"to": to, "text": text})
    _write(jobs.build(tenant, kind=SMS, payload=payload, subject=subject, sealer=sealer, deadline=deadline))
    return True


def _write(job: JobRow | None) -> None:
    if job is not None:
        execute(*jobs.insert(job).statement())
