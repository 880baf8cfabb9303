"""Shows shares to people and takes them back, on a terminal's second screen: there is nothing to scroll back to."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

from databunker.crypto.recovery import RecoverySecret
from databunker.crypto.shares import ShareError, Shares

__all__ = ["Terminal", "entered_shares", "hand_out", "shares_from", "shares_of"]

_SECOND_SCREEN, _FIRST_SCREEN, _CLEARED = "\x1b[?1049h", "\x1b[?1049l", "\x1b[2J\x1b[3J\x1b[H"
_COLUMNS = 3
_ASKED_BACK = 4
_TRIES = 3
_MAX_BYTES = 64 * 1024


class Terminal:
    """Speaks to the people in front of it."""

    @classmethod
    def required(cls) -> Terminal:
        """
        Raises:
            CommandError: there is none.
        """
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise CommandError("this is done at a terminal, so that no share is ever written to a file or a log")
        return cls()

    @contextmanager
    def second_screen(self) -> Iterator[None]:
        """What is written within is gone afterwards."""
        sys.stdout.write(_SECOND_SCREEN)
        try:
            yield
        finally:
            sys.stdout.write(_CLEARED + _FIRST_SCREEN)
            sys.stdout.flush()

    def clear(self) -> None:
        sys.stdout.write(_CLEARED)

    def say(self, text: str = "") -> None:
        sys.stdout.write(f"{text}\n")

    def ask(self, question: str) -> str:
        """
        Raises:
            CommandError: there is nobody any more.
        """
        sys.stdout.write(question)
        sys.stdout.flush()
        answer = sys.stdin.readline()
        if not answer:
            raise CommandError("stopped: nothing was changed")
        return answer.strip()

    def agrees(self, question: str) -> bool:
        return self.ask(f"{question} [y/N] ").lower() in ("y", "yes")


def hand_out(terminal: Terminal, words: list[str]) -> None:
    """Show each share to its holder, and have some of its words back.

    Raises:
        CommandError: a holder could not give them.
    """
    for number, share in enumerate(words, start=1):
        title = f"Share {number} of {len(words)}"
        for _ in range(_TRIES):
            _show(terminal, title, share.split())
            if _is_written_down(terminal, title, share.split()):
                break
            terminal.ask("That is not the word. Press Enter to see the share again. ")
        else:
            raise CommandError(f"share {number} was not written down: nothing was changed, and no share shown is good")


def _show(terminal: Terminal, title: str, words: list[str]) -> None:
    terminal.clear()
    terminal.say(f"{title}: for the eyes of its holder alone. Write it down, on paper.\n")
    rows = -(-len(words) // _COLUMNS)
    for row in range(rows):
        cells = [f"{at + 1:>4}. {words[at]:<12}" for at in range(row, len(words), rows)]
        terminal.say("".join(cells).rstrip())
    terminal.ask("\nPress Enter when it is written down and compared. ")


def _is_written_down(terminal: Terminal, title: str, words: list[str]) -> bool:
    """Whether some words, drawn by lot, come back from the paper."""
    terminal.clear()
    terminal.say(f"{title}: from the paper, please.\n")
    drawn = sorted(secrets.SystemRandom().sample(range(len(words)), _ASKED_BACK))
    return [terminal.ask(f"Word {at + 1}: ").lower() for at in drawn] == [words[at] for at in drawn]


def shares_of(terminal: Terminal) -> RecoverySecret:
    """Take shares until they are enough.

    Raises:
        CommandError: there is nobody any more.
        ShareError: they don't fit together.
    """
    shares = Shares()
    problem = ""
    while shares.missing is None or shares.missing:
        terminal.clear()
        if problem:
            terminal.say(f"{problem[0].upper()}{problem[1:]}. Try again.\n")
        of = "" if shares.missing is None else f" of {len(shares) + shares.missing}"
        terminal.say(
            f"Share {len(shares) + 1}{of}: all words on one line; of each the first four letters are enough.\n"
        )
        try:
            shares.add(terminal.ask("> "))
        except ShareError as error:
            problem = error.message
        else:
            problem = ""
    return shares.combined()


def shares_from(descriptor: int) -> RecoverySecret:
    """The shares that a program writes, one a line.

    Raises:
        CommandError: nothing can be read there.
        ShareError: they are no shares, too few, or don't fit together.
    """
    try:
        with os.fdopen(descriptor, "r", encoding="ascii", errors="replace") as file:
            lines = file.read(_MAX_BYTES).splitlines()
    except OSError as error:
        raise CommandError(f"the shares can't be read: {error.strerror}") from error
    return Shares.of(line for line in lines if line.strip()).combined()


def entered_shares(descriptor: int | None) -> RecoverySecret:
    """From the descriptor, where one is named, else from the terminal.

    Raises:
        CommandError, ShareError: see `shares_of` and `shares_from`.
    """
    if descriptor is not None:
        return shares_from(descriptor)
    terminal = Terminal.required()
    with terminal.second_screen():
        return shares_of(terminal)
