"""Erasure journals as files that an operator names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from databunker.erasure.entries import Entry, read_lines
from databunker.erasure.errors import JournalError

from .files import reading

__all__ = ["check_journals", "entries_of"]


def entries_of(names: Sequence[str]) -> Iterator[Entry]:
    """The entries of all these journals, one file after the other; `-` is standard input.

    Raises:
        JournalError: a file can't be read, or is no journal of this vault's; the message names it.
    """
    for name in names:
        try:
            with reading(name) as (file, _):
                yield from read_lines(file)
        except OSError as error:
            raise JournalError(f"{name}: the journal can't be read: {error.strerror}") from None
        except JournalError as error:
            raise JournalError(f"{name}: {error.message}") from None


def check_journals(names: Sequence[str]) -> None:
    """That they can be opened: a restore that takes an hour should not end at a mistyped name.

    Raises:
        JournalError: one can't.
    """
    for name in names:
        try:
            with reading(name):
                pass
        except OSError as error:
            raise JournalError(f"{name}: the journal can't be read: {error.strerror}") from None
