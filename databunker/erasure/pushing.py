"""The journal outside of the database, by HTTP: each entry is posted to ERASURE_JOURNAL_URL, through the outbox."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction

from databunker.db.statements import execute
from databunker.notify import jobs, webhooks
from databunker.notify.errors import NotConfigured
from databunker.notify.kinds import Delivery

from . import outside
from .entries import Entry, as_line

__all__ = ["KIND", "deliver", "have_it_outside"]

KIND = "erasure"


def have_it_outside(entry: Entry) -> None:
    """Once the caller's transaction is committed: into the file at once, to the URL a moment later."""
    if settings.ERASURE_JOURNAL_URL:
        # Nobody's, so that no forgetting takes it off the table.
        execute(*jobs.insert(jobs.build(entry.tenant, kind=KIND, topic=KIND, payload=as_line(entry))).statement())
    if settings.ERASURE_JOURNAL_FILE:
        transaction.on_commit(outside.flush_soon, robust=True)


def deliver(delivery: Delivery) -> None:
    """
    Raises:
        NotConfigured: ERASURE_JOURNAL_URL was unset meanwhile.
        OSError, OutgoingError, HTTPException: see `outgoing.send`.
    """
    if not settings.ERASURE_JOURNAL_URL:
        raise NotConfigured
    webhooks.post(settings.ERASURE_JOURNAL_URL, delivery)
