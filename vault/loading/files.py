"""The two files of a load together: rejected records, and tokens where they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..actions import Rejected, Result
from .errors import LoadRefused
from .formats import Entry
from .outputs import OutputFile, reject_line, token_line
from .progress import Progress
from .source import Source

__all__ = ["Files", "open_files"]


class Files:
    """Open, and no other load writes to them."""

    def __init__(self, rejects: OutputFile, tokens: OutputFile | None) -> None:
        self._rejects = rejects
        self._tokens = tokens
        self._all = [rejects] if tokens is None else [rejects, tokens]

    def check_apart(self, source: Source) -> None:
        """
        Raises:
            LoadRefused: one of them is the input.
        """
        if any(file.is_same_as(source.stream) for file in self._all):
            raise LoadRefused("--rejects and --tokens must be other files than the input")

    def require_empty(self) -> None:
        """
        Raises:
            LoadRefused: something stands in one of them.
        """
        for file in self._all:
            file.require_empty()

    def require_own(self, known: Progress) -> None:
        """
        Raises:
            LoadRefused: they are not the files that the load wrote until `known`.
        """
        if self._tokens is None and known.tokens_size:
            raise LoadRefused("the earlier run of this input wrote a file of tokens: name it with --tokens")
        if self._tokens is not None and known.created_records and not known.tokens_size:
            raise LoadRefused(
                f"the earlier run of this input stored {known.created_records:,} people without --tokens: "
                "go on without it"
            )
        self._rejects.require_own(known.tag, known.rejects_size)
        if self._tokens is not None:
            self._tokens.require_own(known.tag, known.tokens_size)

    def begin(self, known: Progress) -> None:
        """Cut off what was written after `known` was committed."""
        self._rejects.begin(known.rejects_size)
        if self._tokens is not None:
            self._tokens.begin(known.tokens_size)

    def write(self, known: Progress, entries: Iterable[Entry], results: list[Result]) -> Progress:
        """Tell durably what became of a batch; where the load is with it. Not done until that is committed.

        Raises:
            LoadStopped: a file can't be written.
        """
        pairs = list(zip(entries, results, strict=True))
        rejects = [reject_line(known.tag, entry, to.reason) for entry, to in pairs if isinstance(to, Rejected)]
        tokens_size = known.tokens_size
        if self._tokens is not None:
            tokens = [token_line(known.tag, entry, to.token) for entry, to in pairs if not isinstance(to, Rejected)]
            tokens_size = self._tokens.put(tokens_size, b"".join(tokens))
        return known._replace(
            position=known.position + len(results),
            created_records=known.created_records + len(results) - len(rejects),
            rejected_records=known.rejected_records + len(rejects),
            rejects_size=self._rejects.put(known.rejects_size, b"".join(rejects)),
            tokens_size=tokens_size,
        )


@contextmanager
def open_files(rejects: Path, tokens: Path | None) -> Iterator[Files]:
    """
    Raises:
        LoadRefused: both are the same; or see `OutputFile`.
    """
    if tokens is not None and tokens.resolve() == rejects.resolve():
        raise LoadRefused("--rejects and --tokens must be two files")
    with ExitStack() as opened:
        yield Files(
            opened.enter_context(OutputFile(rejects, option="--rejects")),
            opened.enter_context(OutputFile(tokens, option="--tokens")) if tokens else None,
        )
