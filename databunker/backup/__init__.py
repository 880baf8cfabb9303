"""The whole vault as one encrypted file that any of the three databases takes back. The format: docs/backup.md."""

from .actions import create_backup
from .checking import Checked, verify_vault
from .errors import BackupError
from .reading import verify_backup
from .restoring import Recovery, Restored, restore_backup
from .writing import Backup

__all__ = [
    "Backup",
    "BackupError",
    "Checked",
    "Recovery",
    "Restored",
    "create_backup",
    "restore_backup",
    "verify_backup",
    "verify_vault",
]
