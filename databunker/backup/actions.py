"""Take a backup."""

from __future__ import annotations

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.ids import new_token

from .events import BACKUP_CREATED
from .writing import Backup

__all__ = ["create_backup"]


def create_backup(actor: Actor) -> Backup:
    """The whole vault as it is now, with the event of this backup in it.

    Raises:
        AccessDenied: the actor may not.
        KeyringError, MasterKeyError, DatabaseError: see `Backup`.
    """
    require(actor, Permission.BACKUP_CREATE)
    backup = new_token()
    trail.record(actor, BACKUP_CREATED, detail={"backup": str(backup)})
    return Backup(backup.bytes)
