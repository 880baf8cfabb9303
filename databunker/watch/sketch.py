"""HyperLogLog (Flajolet and others, 2007): about how many different values there were, in a kilobyte.

The values are keyed hashes, so their bits are as good as random and need no further hash. With 1,024 registers the
standard error is 3.25 %; while many registers are empty they are counted instead, which is nearly exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = ["EMPTY", "REGISTERS", "count", "with_values"]

REGISTERS = 1024
_INDEX_BITS = 10
_RANK_BITS = 54
_ALPHA = 0.7213 / (1 + 1.079 / REGISTERS)
_SMALL = 2.5 * REGISTERS
EMPTY = bytes(REGISTERS)


def with_values(sketch: bytes, values: Iterable[bytes]) -> bytes:
    """The sketch of what it has seen and of `values`, of 8 random bytes or more each."""
    registers = bytearray(sketch)
    for value in values:
        bits = int.from_bytes(value[:8], "big")
        index, rest = bits >> _RANK_BITS, bits & ((1 << _RANK_BITS) - 1)
        rank = _RANK_BITS - rest.bit_length() + 1
        registers[index] = max(registers[index], rank)
    return bytes(registers)


def count(sketch: bytes) -> int:
    """About how many different values it has seen."""
    estimate = _ALPHA * REGISTERS**2 / sum(2.0**-rank for rank in sketch)
    empty = sketch.count(0)
    if empty and estimate <= _SMALL:
        estimate = REGISTERS * math.log(REGISTERS / empty)
    return round(estimate)
