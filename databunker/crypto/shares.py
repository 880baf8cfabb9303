"""A recovery secret as words on paper, for several people, of whom some are enough (SLIP-39)."""

from __future__ import annotations

from collections.abc import Iterable

from shamir_mnemonic import MnemonicError, Share, combine_mnemonics, generate_mnemonics
from shamir_mnemonic.wordlist import WORDLIST

from databunker.errors import BadRequest

from .recovery import SEED_BYTES, RecoverySecret

__all__ = ["MAX_SHARES", "ShareError", "Shares", "split"]

# What SLIP-39 can number.
MAX_SHARES = 16
# SLIP-39: no two words of its list begin with the same four letters.
_PREFIX = 4
_BY_PREFIX = {word[:_PREFIX]: word for word in WORDLIST}


def _whole(word: str) -> str:
    """The word of the list that begins so, if there is just one."""
    found = _BY_PREFIX.get(word[:_PREFIX], word)
    return found if found.startswith(word) else word


class ShareError(BadRequest):
    """A share, or a set of them, that can't be used. Says why, and none of its words."""

    code = "share"


def split(secret: RecoverySecret, *, threshold: int, shares: int) -> list[str]:
    """So many `shares` of 33 words, of which `threshold` give the secret back and fewer give nothing.

    Raises:
        ShareError: one can't split it so.
    """
    if not 2 <= threshold <= shares <= MAX_SHARES:  # noqa: PLR2004 - one share alone would be the secret itself
        raise ShareError(f"at least 2 shares must be needed, and there can be {MAX_SHARES} at the most")
    groups: list[list[str]] = generate_mnemonics(1, [(threshold, shares)], secret.seed, iteration_exponent=0)
    return groups[0]


class Shares:
    """The shares that were entered so far; they belong together, and no two are the same."""

    def __init__(self) -> None:
        self._taken: dict[int, str] = {}
        self._first: Share | None = None

    def __len__(self) -> int:
        return len(self._taken)

    @property
    def missing(self) -> int | None:
        """How many more are needed; None before the first, which says so."""
        return None if self._first is None else max(self._first.member_threshold - len(self._taken), 0)

    def add(self, text: str) -> None:
        """One share; of each word the first four letters are enough.

        Raises:
            ShareError: it is no share, one that was entered already, or one of another split.
        """
        words = " ".join(_whole(word) for word in text.lower().split())
        try:
            share = Share.from_mnemonic(words)
        except MnemonicError:
            raise ShareError("this is no share: a word is wrong, missing or in the wrong place") from None
        if len(share.value) != SEED_BYTES or share.group_count != 1 or share.group_index != 0:
            raise ShareError("this share was not made by a vault")
        if self._first is None:
            self._first = share
        elif share.group_parameters() != self._first.group_parameters():
            raise ShareError("this share belongs to another split than those before it")
        if share.index in self._taken:
            raise ShareError("this share was entered already")
        self._taken[share.index] = words

    @classmethod
    def of(cls, texts: Iterable[str]) -> Shares:
        """
        Raises:
            ShareError: see `add`.
        """
        shares = cls()
        for text in texts:
            shares.add(text)
        return shares

    def combined(self) -> RecoverySecret:
        """
        Raises:
            ShareError: too few, or they don't fit together.
        """
        if self._first is None or self.missing:
            needed = f": {self.missing} more are needed" if self.missing else ""
            raise ShareError(f"too few shares{needed}")
        chosen = list(self._taken.values())[: self._first.member_threshold]
        try:
            return RecoverySecret(combine_mnemonics(chosen))
        except MnemonicError:
            raise ShareError("these shares don't fit together") from None
