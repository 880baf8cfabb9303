"""Look for thousands of values, in every spelling that could give them away, in megabytes of anything.

How: most bytes of a vault are as good as random, so nearly nothing in them looks like the beginning of a value.
The text is read in words of four bytes, and a word that occurs near the beginning of a needle makes the place
worth a closer look. Any occurrence of a needle of seven bytes or more contains such a word, whatever its
alignment. Shorter needles are looked for by one regular expression, built as a tree.
"""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

__all__ = ["Found", "Needles", "leaks", "personal_values", "spellings"]

_WORD = 4
_SURE = 2 * _WORD - 1
_BLOCK = 1 << 11


class Found(NamedTuple):
    value: str
    spelling: str
    sure: bool
    """Whether so many bytes can't be there by chance."""


def personal_values(value: Any) -> Iterator[str]:
    """What could tell of a person in a JSON value: texts of five characters or more and numbers of six digits."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from personal_values(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from personal_values(inner)
    elif isinstance(value, str) and len(value) >= 5:
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool) and len(repr(value).strip("-0.")) >= 6:
        yield repr(value)


def spellings(value: str | bytes) -> Iterator[tuple[str, bytes]]:
    """The ways in which a value might be written, each with its name."""
    raw = value if isinstance(value, bytes) else value.encode()
    yield "raw", raw
    yield "hex", raw.hex().encode()
    yield "HEX", raw.hex().upper().encode()
    for offset in range(3):
        yield from ((f"base64 at {offset}", text) for text in _base64_at(raw, offset))
    if isinstance(value, str):
        yield "UTF-16", value.encode("utf-16-le")
        yield "URL", quote(value, safe="").encode()
        yield "JSON", json.dumps(value, ensure_ascii=True)[1:-1].encode()
        yield "JSON in UTF-8", json.dumps(value, ensure_ascii=False)[1:-1].encode()


def _base64_at(raw: bytes, offset: int) -> Iterator[bytes]:
    """What is sure to stand in the base64 of anything that holds `raw` after `offset` (modulo 3) bytes."""
    padded = base64.b64encode(bytes(offset) + raw + bytes(3))
    first, last = -(-offset * 8 // 6), (offset + len(raw)) * 8 // 6
    text = padded[first:last]
    yield text
    yield text.translate(bytes.maketrans(b"+/", b"-_"))


class Needles:
    """Everything to look for. `known` is text that is there anyway, without any person: values in it are left out."""

    def __init__(self, values: Iterable[str | bytes], *, known: Iterable[bytes] = ()) -> None:
        wanted = set(values)
        everyday = b"\n".join(known)
        common = {found.value for found in Needles(wanted).find(everyday)} if everyday else set()
        self.left_out = {value for value in wanted if _shown(value) in common}
        self._spelled: dict[bytes, tuple[str, str]] = {}
        for value in wanted - self.left_out:
            for name, text in spellings(value):
                self._spelled.setdefault(text, (_shown(value), name))
        self._longest = max(map(len, self._spelled), default=0)
        self._by_word: dict[int, list[bytes]] = defaultdict(list)
        short = []
        for text in self._spelled:
            if len(text) < _SURE:
                short.append(text)
            else:
                for offset in range(_WORD):
                    self._by_word[_word(text[offset : offset + _WORD])].append(text)
        self._short = re.compile(_tree(short)) if short else None

    def __len__(self) -> int:
        return len(self._spelled)

    def find(self, data: bytes) -> list[Found]:
        """What of it stands in `data`, each once; digits within longer numbers or identifiers are no find."""
        texts = set(self._long_in(data))
        if self._short is not None:
            texts.update(self._short.findall(data))
        return [
            Found(*self._spelled[text], sure=len(text) >= _SURE)
            for text in sorted(texts)
            if not text.isdigit() or _stands_alone(text, data)
        ]

    def _long_in(self, data: bytes) -> Iterator[bytes]:
        words = self._by_word.keys()
        for start in range(0, len(data), _BLOCK):
            block = data[start : start + _BLOCK]
            whole = memoryview(block)[: len(block) // _WORD * _WORD]
            near = words & set(whole.cast("I"))
            if near:
                # A needle may begin before the block, or end after it.
                around = data[max(0, start - _WORD) : start + _BLOCK + self._longest]
                yield from (text for word in near for text in self._by_word[word] if text in around)


def _stands_alone(digits: bytes, data: bytes) -> bool:
    at = data.find(digits)
    while at >= 0:
        before, after = data[at - 1 : at] if at else b"", data[at + len(digits) : at + len(digits) + 1]
        if not before.isalnum() and not after.isalnum():
            return True
        at = data.find(digits, at + 1)
    return False


def _shown(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.hex()


def _word(four: bytes) -> int:
    return memoryview(four).cast("I")[0]


def _tree(texts: Iterable[bytes]) -> bytes:
    """A regular expression for any of `texts`, none of which it tries in vain beyond their first difference."""
    branches: dict[int, list[bytes]] = defaultdict(list)
    for text in texts:
        if not text:
            return b""
        branches[text[0]].append(text[1:])
    return b"(?:%s)" % b"|".join(re.escape(bytes([first])) + _tree(rest) for first, rest in sorted(branches.items()))


def leaks(needles: Needles, data: bytes) -> list[Found]:
    """What can't be chance: among millions of random bytes a needle of five or six may turn up, but hardly three."""
    found = needles.find(data)
    unsure = {one.value for one in found if not one.sure}
    return [one for one in found if one.sure or len(unsure) >= _BEYOND_CHANCE]


_BEYOND_CHANCE = 3
