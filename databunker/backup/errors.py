"""Why a backup can't be made, read or restored. For the operator; tells nothing of what stands in it."""

from __future__ import annotations

from databunker.errors import VaultError

__all__ = ["BackupError"]


class BackupError(VaultError):
    """The message says what is wrong and what to do."""

    code = "backup"
