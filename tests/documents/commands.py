"""Commands of the vault wherever a document or a file of deploy/ names one, and whether the real parser knows them."""

from __future__ import annotations

import re
import shlex
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from django.core.management import get_commands, load_command_class
from django.core.management.base import CommandError

from tests.support.vaults import PROJECT

from .blocks import blocks

__all__ = ["DEPLOYED", "Named", "inline", "named_in", "wrong_with"]

OURS = {path.stem for path in PROJECT.glob("**/management/commands/*.py") if path.stem != "__init__"}
DEPLOYED = sorted(
    path for path in (PROJECT / "deploy").rglob("*") if path.is_file() and path.suffix not in {".json", ".pyc"}
)

_PROGRAM = r"(?:manage\.py|databunker|databunker-run)"
_SPAN = re.compile(r"`([^`]+)`", re.DOTALL)
# In a file: what stands behind the program's name, until the line, a quotation or a sentence ends.
_CALL = re.compile(rf"(?:^|[\s/`]){_PROGRAM} ((?:{'|'.join(sorted(OURS))})\b[^\n`'\"|&;()<>]*)")
# What stands for something that the reader puts in.
_STANDS_FOR = re.compile(r"invalid \w+ value: '([A-Z]+|<\w+>)'")

Named = tuple[str, ...]


def inline(page: Path) -> Iterator[Named]:
    """Of a page's text: `manage.py keys rotate`, and `keys rotate` alone where it names something of a command."""
    text = re.sub(r"^( *)```.*?^\1```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for span in _SPAN.findall(text):
        words = _words(" ".join(span.split()))
        if words[:1] and re.fullmatch(_PROGRAM, words[0]):
            yield tuple(words[1:])
        elif len(words) > 1 and words[0] in OURS and words[1].startswith("--"):
            yield tuple(words)


def fenced(page: Path) -> Iterator[Named]:
    for block in blocks(page):
        yield from _called(block.text.replace("\\\n", " "))


def named_in(file: Path) -> list[Named]:
    if file.suffix == ".md":
        return [*inline(file), *fenced(file)]
    return list(_called(file.read_text(encoding="utf-8")))


def _called(text: str) -> Iterator[Named]:
    for found in _CALL.findall(text):
        yield tuple(_words(found))


def _words(text: str) -> list[str]:
    try:
        words = shlex.split(text, comments=True)
    except ValueError:  # an apostrophe
        words = text.split()
    return [word for word in words if word != "…"]


@cache
def _parser(command: str) -> ArgumentParser:
    made = load_command_class(get_commands()[command], command)
    return made.create_parser("manage.py", command)


def wrong_with(named: Named) -> str:
    """What the command's own parser says against it; nothing where it is fine, or only not complete."""
    if not named or named[0].startswith("-"):
        return ""
    command, *rest = named
    if command not in get_commands():
        return f"there is no command {command}"
    parser = _parser(command)
    known = _options(parser)
    try:
        _, unknown = parser.parse_known_args(rest)
    except CommandError as error:
        said = str(error)
        if "are required" in said or "is required" in said or "expected" in said or _STANDS_FOR.search(said):
            missing = [word for word in rest if word.startswith("--") and word.partition("=")[0] not in known]
            return f"no option {missing}" if missing else ""
        return said
    except SystemExit:  # --help
        return ""
    return f"doesn't know {unknown}" if unknown else ""


def _options(parser: ArgumentParser) -> set[str]:
    found: set[str] = set()
    for action in parser._actions:
        found.update(action.option_strings)
        if isinstance(action, _SubParsersAction):
            for one in action.choices.values():
                found |= _options(one)
    return found
