"""Audit event types of the vault as a whole."""

from audit.events import register

__all__ = ["BACKUP_CREATED", "BACKUP_RESTORED"]

BACKUP_CREATED = register(150, "backup.create", "took a backup")
BACKUP_RESTORED = register(151, "backup.restore", "restored a backup")
