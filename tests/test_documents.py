"""What the documents name is there: tests, files, links and requirements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PAGES = [
    *sorted(PROJECT.glob("*.md")),
    *sorted((PROJECT / "docs").rglob("*.md")),
    *sorted((PROJECT / "examples").rglob("*.md")),
]
# Folders of ours; what a page names with a `*` or `…` in it stands for several files.
NAMED = re.compile(r"`((?:tests|databunker|vault|gdpr|audit|deploy|scripts|benchmarks|docs|examples)/[\w/.-]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def pages(pattern: re.Pattern[str]) -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        yield from ((page, found) for found in pattern.findall(page.read_text(encoding="utf-8")))


# What the commands of docs/deployment.md make: never part of the repository.
MADE = {"deploy/.env", "deploy/databunker.env", "deploy/vault.masterkey"}


def test_every_file_that_a_page_names_is_there() -> None:
    missing = [(page.name, name) for page, name in pages(NAMED) if name not in MADE and not (PROJECT / name).exists()]
    assert missing == []


def test_every_link_within_the_project_leads_somewhere() -> None:
    broken = []
    for page, link in pages(LINK):
        path, _, fragment = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        target = page.parent / path if path else page
        if target.is_relative_to(PROJECT / "docs" / "reference"):
            continue  # made when the site is built, whose links are checked then
        if not target.exists() or (fragment and fragment not in _fragments(target)):
            broken.append((page.name, link))
    assert broken == []


def test_every_alert_names_a_page_and_its_part() -> None:
    alerts = (PROJECT / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8")
    named = re.findall(r"runbook: (\S+)", alerts)
    assert len(named) == alerts.count("- alert:")
    for name in named:
        path, _, fragment = name.partition("#")
        assert (PROJECT / path).is_file(), name
        assert not fragment or fragment in _fragments(PROJECT / path), name


def test_every_page_has_its_place_in_the_site() -> None:
    """Sphinx is strict about it; here it is told before the site is built."""
    docs = PROJECT / "docs"
    listed = set(re.findall(r"^[\w/-]+$", (docs / "index.md").read_text(encoding="utf-8"), re.MULTILINE))
    pages = {str(page.relative_to(docs).with_suffix("")) for page in docs.rglob("*.md")}
    decisions = {page for page in pages if page.startswith("decisions/0")}
    assert pages - decisions - {"index"} <= listed, "name the page in a toctree of docs/index.md"
    assert listed - pages <= {"reference/index"}, "docs/index.md names a page that is not there"


def _fragments(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def rows(page: str) -> list[list[str]]:
    """The cells of every row of every table of a page, but for heads and rules."""
    lines = (PROJECT / "docs" / page).read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [row for row in cells if row[0] and not set(row[0]) <= set("-: ")]


@pytest.mark.parametrize("page", ["threat-model.md", "gdpr.md"])
def test_every_promise_names_a_test(page: str) -> None:
    promises = [row for row in rows(page) if len(row) >= 3 and "`tests/" in row[-1]]
    assert len(promises) >= 10
    heads = {"Article", "Attacker", "Asset", "Who"}
    about = [row for row in rows(page) if row[0] not in heads and len(row) == len(promises[0])]
    if page == "gdpr.md":
        assert about == promises


def test_every_requirement_of_the_standard_says_what_shows_it() -> None:
    requirement = re.compile(r"\d+(\.\d+){1,2}(–\d+\.\d+(\.\d+)?)?( \(3\))?")
    found = rows("asvs.md")
    assert len(found) > 120
    for row in found:
        if row[0] == "About":
            continue
        assert len(row) == 3, row
        assert all(requirement.fullmatch(part) for part in row[0].split(", ")), row
        assert all(row[1:]), row


# What a row of the standard may point at: a page, a file; or it says that nothing shows it, and why.
SHOWN = re.compile(
    r"\]\(|`(?:tests|databunker|vault|gdpr|audit|deploy|docs|templates|static)/|`pyproject\.toml`|n/a|\boperator\b|\bopen\b"
)


def test_every_requirement_of_the_standard_points_at_something() -> None:
    assert [row for row in rows("asvs.md") if row[0] != "About" and not SHOWN.search(row[2])] == []


@pytest.mark.parametrize("page", ["threat-model.md", "gdpr.md", "asvs.md", "security.md"])
def test_what_is_named_as_a_test_holds_tests(page: str) -> None:
    """Or is run by some that do, as what they share."""
    text = (PROJECT / "docs" / page).read_text(encoding="utf-8")
    named = {PROJECT / name for name in re.findall(r"`(tests/(?!support/)[\w/.-]+)`", text)}
    assert len(named) >= 10
    without = [path for path in named if not any("\ndef test_" in one.read_text() for one in _modules(path))]
    assert without == []


def _modules(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(path.rglob("test_*.py"))


def test_no_requirement_of_the_standard_is_named_twice() -> None:
    named = [part.removesuffix(" (3)") for row in rows("asvs.md") for part in row[0].split(", ") if part[:1].isdigit()]
    assert len(named) == len(set(named))


def test_the_changelog_keeps_its_form() -> None:
    """As https://keepachangelog.com has it: releases, newest first, each with kinds of change in one order."""
    text = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    releases = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert releases[0] == "Unreleased"
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d", one) for one in releases[1:])
    kinds = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    for release in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        found = re.findall(r"^### (.+)$", release, re.MULTILINE)
        assert found == [kind for kind in kinds if kind in found], "unknown, twice, or in another order"
        assert found, "nothing has changed"
