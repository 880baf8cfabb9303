"""Chance that falls the same way each time: every demonstration is of the same people. Good for nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

__all__ = ["Dice"]

T = TypeVar("T")
_WORD = (1 << 64) - 1


class Dice:
    """SplitMix64: the same numbers for the same seed."""

    def __init__(self, seed: str) -> None:
        self._state = int.from_bytes(seed.encode())

    def bits(self) -> int:
        """64 of them."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _WORD
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _WORD
        return mixed ^ (mixed >> 31)

    def randint(self, least: int, most: int) -> int:
        """One of these numbers and those between them."""
        return least + self.bits() % (most - least + 1)

    def random(self) -> float:
        """From 0 up to 1."""
        return self.bits() / (_WORD + 1)

    def choice(self, among: Sequence[T]) -> T:
        return among[self.bits() % len(among)]

    def sample(self, among: Sequence[T], number: int) -> list[T]:
        """So many different ones."""
        left = list(among)
        return [left.pop(self.bits() % len(left)) for _ in range(number)]
