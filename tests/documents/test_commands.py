"""What the documents tell to type works: every block of shell commands is run, a page after the other."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from django.core.management import get_commands

from tests.support.vaults import PROJECT

from .before import BEFORE, SETTINGS
from .blocks import PAGES, Block, blocks
from .stage import stage

COMMAND = re.compile(r"^ {4,}(?:\$ )?(?:manage\.py|curl|make|export|npm|pip|python3?|\.venv/bin/\w+) \S")


def name(page: Path) -> str:
    return str(page.relative_to(PROJECT))


RUN = [page for page in PAGES if any(block.runs for block in blocks(page))]
ALL = [pytest.param(block, id=f"{name(page)}:{block.line}") for page in PAGES for block in blocks(page)]


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN, ids=name)
def test_a_page_can_be_followed(page: Path, tmp_path: Path) -> None:
    with stage(tmp_path, **SETTINGS.get(name(page), {})) as here:
        done = here.run(BEFORE.get(name(page), ""), [block for block in blocks(page) if block.runs])
    assert done.code == 0, f"{done.out[-2000:]}\n{done.err[-4000:]}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_stand_in_fences(page: Path) -> None:
    """Where the tests find them. Fences are taken out first: what is indented in one is part of it."""
    text = re.sub(r"^( *)```.*?^\1```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert [line for line in text.splitlines() if COMMAND.match(line)] == []


@pytest.mark.parametrize("block", ALL)
def test_a_mark_says_why(block: Block) -> None:
    assert not block.mark or block.refused or re.fullmatch(r"not run: .{20,}", block.mark)


@pytest.mark.parametrize("block", ALL)
def test_a_shell_can_read_it(block: Block) -> None:
    done = subprocess.run(["bash", "-n", "-c", block.text], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", [one for one in ALL if not one.values[0].runs])  # type: ignore[attr-defined]
def test_what_is_not_run_names_what_there_is(block: Block) -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for called in re.findall(r"^make ([a-z -]+)", block.text, re.MULTILINE):
        assert set(called.split()) <= targets
    commands = {path.stem for path in PROJECT.glob("**/management/commands/*.py")} | set(get_commands())
    assert set(re.findall(r"manage\.py (\w+)", block.text)) <= commands


def test_few_are_not_run() -> None:
    marked = [one for page in PAGES for one in blocks(page) if not one.runs]
    assert len(marked) <= len(ALL) / 3
