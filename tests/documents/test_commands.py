"""What the documents tell to type works: every block of shell commands is run, a page after the other."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.vaults import PROJECT

from .before import BEFORE, SETTINGS
from .blocks import PAGES, Block, blocks
from .commands import DEPLOYED, named_in, wrong_with
from .stage import Stage, stage

COMMAND = re.compile(r"^ {4,}(?:\$ )?(?:manage\.py|curl|make|export|npm|pip|python3?|\.venv/bin/\w+) \S")


def name(page: Path) -> str:
    return str(page.relative_to(PROJECT))


def tutorials() -> list[str]:
    """In the order of the index."""
    listed = re.findall(r"^tutorials/[\w-]+$", (PROJECT / "docs/index.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert {f"docs/{one}.md" for one in listed} == {name(page) for page in PAGES if page.parent.name == "tutorials"}
    return [f"docs/{one}.md" for one in listed]


BEGINNING = ["README.md", "docs/quickstart.md", *tutorials(), "docs/examples.md", "examples/django-shop/README.md"]
# Tells what the demonstration has beside, and shows commands of a vault of one's own.
ELSEWHERE = {"docs/console.md"}
RUN = [page for page in PAGES if any(block.runs for block in blocks(page))]
ALL = [pytest.param(block, id=f"{name(page)}:{block.line}") for page in PAGES for block in blocks(page)]


def follow(here: Stage, page: Path) -> None:
    done = here.run(BEFORE.get(name(page), ""), [block for block in blocks(page) if block.runs])
    assert done.code == 0, f"{name(page)}: {done.out[-2000:]}\n{done.err[-4000:]}"


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in RUN if name(page) not in BEGINNING], ids=name)
def test_a_page_can_be_followed(page: Path, tmp_path: Path) -> None:
    with stage(tmp_path, **SETTINGS.get(name(page), {})) as here:
        follow(here, page)


@pytest.mark.slow
def test_newcomers_can_follow_all_that_they_are_shown_on_one_vault(tmp_path: Path) -> None:
    """That of `make demo`, page after page, with what the pages before have left in it."""
    with stage(tmp_path, company=True) as here:
        for page in BEGINNING:
            follow(here, PROJECT / page)


def test_whatever_is_said_of_the_demonstration_is_run_on_it() -> None:
    said = {name(page) for page in RUN if "`make demo`" in page.read_text(encoding="utf-8")}
    assert said - ELSEWHERE <= set(BEGINNING)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_stand_in_fences(page: Path) -> None:
    """Where the tests find them. Fences are taken out first: what is indented in one is part of it."""
    text = re.sub(r"^( *)```.*?^\1```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert [line for line in text.splitlines() if COMMAND.match(line)] == []


# What no test can run: each is a place where a reader is alone, so there shall be few.
NEVER = {"docs/deployment.md": 9, "docs/keys.md": 1, "docs/performance.md": 1, "docs/upgrading.md": 3}
RUNS_IT = re.compile(r"(?<![\w/])(tests/[\w/.-]+|scripts/smoke\.py|\.ci/run)")


@pytest.mark.parametrize("block", [one for one in ALL if one.values[0].mark])  # type: ignore[attr-defined]
def test_a_mark_names_the_test_that_runs_it_or_says_that_none_can(block: Block) -> None:
    if block.refused:
        return
    kind, _, reason = block.mark.partition(": ")
    assert kind in {"not run", "never run"}
    assert len(reason) >= 20
    named = [PROJECT / one.rstrip(".") for one in RUNS_IT.findall(reason)]
    assert all(one.exists() for one in named), reason
    if kind == "not run":
        assert named, "it names no test"
    for one in named:
        assert one.suffix != ".py" or "def test_" in one.read_text() or one.parent.name == "scripts"


def test_what_is_never_run_is_known() -> None:
    marks = {name(page): [one.mark for one in blocks(page) if one.mark.startswith("never")] for page in PAGES}
    assert {page: len(found) for page, found in marks.items() if found} == NEVER


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
    for path in re.findall(r"(?<![\w/])deploy/[\w/.*-]+", block.text):
        assert list(PROJECT.glob(path)) or path in MADE, path


# By the commands of docs/deployment.md themselves.
MADE = {"deploy/.env", "deploy/databunker.env", "deploy/vault.masterkey"}


@pytest.mark.parametrize("file", [*PAGES, *DEPLOYED], ids=name)
def test_every_command_that_is_named_is_known_with_its_options(file: Path) -> None:
    wrong = {" ".join(named): said for named in named_in(file) if (said := wrong_with(named))}
    assert wrong == {}


def test_a_wrong_option_is_found() -> None:
    assert wrong_with(("restore", "FILE", "--jornal", "x"))
    assert wrong_with(("restore", "--jornal"))
    assert wrong_with(("keys", "rotat"))
    assert wrong_with(("nothing",))
    assert not wrong_with(("keys", "rotate", "--purpose", "audit"))
