"""Restriction of processing (GDPR Art. 18): the data is kept, and processed for nothing until that is lifted.

While it stands, what processes a person's data is refused to applications and to whoever holds a shared record:
reading, changing and sharing it, reports, and forgetting the person. The person still sees and changes the own data,
and those at the console work on the matter itself. Consents, requests and events are no use of the data and go on.

Art. 18(2) has exceptions, such as legal claims: a call whose purpose RESTRICTED_PURPOSES names is let through.
"""

from __future__ import annotations

from django.conf import settings

from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission
from databunker.errors import ProcessingRestricted

from .records import OpenRecord

__all__ = ["binds", "require_free"]

_PROCESSING = frozenset(
    {
        Permission.RECORD_READ,
        Permission.RECORD_CHANGE,
        Permission.RECORD_FORGET,
        Permission.APP_READ,
        Permission.APP_CHANGE,
        Permission.SESSION_READ,
        Permission.SESSION_CHANGE,
        Permission.SHARE_MANAGE,
        Permission.REPORT_READ,
    }
)
_FREE = frozenset({ActorKind.PERSON, ActorKind.ACCOUNT, ActorKind.OPERATOR})


def binds(actor: Actor, record: OpenRecord) -> bool:
    """Whether the record is restricted, for one to whom that matters."""
    return record.restricted and actor.kind not in _FREE and actor.purpose not in _allowed()


def require_free(actor: Actor, record: OpenRecord, permission: Permission) -> None:
    """
    Raises:
        ProcessingRestricted: the record is restricted, and what needs `permission` is processing.
    """
    if permission in _PROCESSING and binds(actor, record):
        raise ProcessingRestricted(subject=record.row.subject)


def _allowed() -> frozenset[str]:
    return frozenset(purpose.lower() for purpose in settings.RESTRICTED_PURPOSES)
