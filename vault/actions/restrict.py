"""Mark a record as restricted, or as free again: a step of `gdpr.actions.rights`, which knows why and tells of it."""

from __future__ import annotations

from .. import storage
from ..models import RecordState
from ..records import OpenRecord

__all__ = ["mark_restricted"]


def mark_restricted(record: OpenRecord, *, restricted: bool) -> None:
    """In the caller's transaction, which holds `record`, of somebody who isn't forgotten, locked."""
    storage.set_state(record.row, RecordState.RESTRICTED if restricted else RecordState.ACTIVE)
