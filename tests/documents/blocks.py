"""The commands that the documents show."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import NamedTuple

from tests.support.vaults import PROJECT

__all__ = ["PAGES", "Block", "block_with", "blocks"]

PAGES = [
    *sorted(PROJECT.glob("*.md")),
    *sorted((PROJECT / "docs").rglob("*.md")),
    *sorted(PROJECT.glob("examples/**/*.md")),
]
_FENCE = re.compile(
    r"^(?:[ ]*<!--[ ](?P<mark>[^\n]*?)[ ]-->\n)?(?P<indent>[ ]*)```sh\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A fence of shell commands. A comment on the line above it may hold a mark.

    `not run: reason` names the test that runs the same, `never run: reason` says why none can; `refused` says that the
    vault must refuse each of its calls.
    """

    line: int
    text: str
    mark: str

    @property
    def runs(self) -> bool:
        return not self.mark.startswith(("not run", "never run"))

    @property
    def refused(self) -> bool:
        return self.mark == "refused"


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(text.count("\n", 0, found.start("text")), textwrap.dedent(found["text"]), found["mark"] or "")
        for found in _FENCE.finditer(text)
    ]


def block_with(page: str, text: str) -> Block:
    """The one of a page that has these words."""
    (found,) = [block for block in blocks(PROJECT / page) if text in block.text]
    return found
