"""Why the erasure journal can't be written, read or trusted. For the operator; tells nothing of anybody in it."""

from __future__ import annotations

from databunker.errors import Unavailable, VaultError

__all__ = ["JournalError", "NotReplayed"]


class JournalError(VaultError):
    """The message says what is wrong and what to do."""

    code = "erasure_journal"


class NotReplayed(Unavailable):
    """A restored vault may hold people who were forgotten since: it must not serve."""
