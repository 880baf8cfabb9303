"""What is installed: pinned, with hashes, from one place, and each thing for a reason that is written down."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
TOGETHER = ("requirements", "requirements-dev", "requirements-mysql", "requirements-otel")
LISTS = (*TOGETHER, "requirements-docs", "requirements-deploy")
_NAME = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)")


def normal(name: str) -> str:
    """As package indexes compare names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def asked_for(name: str) -> set[str]:
    """What a list asks for by name."""
    lines = (PROJECT / f"{name}.in").read_text(encoding="utf-8").splitlines()
    return {normal(found[1]) for line in lines if (found := _NAME.match(line))}


def pinned(name: str) -> dict[str, tuple[str, list[str]]]:
    """Version and hashes of each package that a lock has."""
    text = (PROJECT / f"{name}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)==(\S+)(.*)", line):
            found[normal(match[1])] = (match[2], re.findall(r"--hash=sha256:([0-9a-f]{64})\b", match[3]))
    return found


def described(name: str) -> dict[str, list[str]]:
    """The row of each package in docs/dependencies.md, by the list that it stands under."""
    text = (PROJECT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## `{re.escape(name)}\.txt`.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    found = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[0] != "Package" and not set(cells[0]) <= set("-"):
            for package in re.split(r", with |, ", cells[0]):
                found[normal(package)] = cells
    return found


@pytest.mark.parametrize("name", LISTS)
def test_every_package_has_its_reason_and_its_licence(name: str) -> None:
    found = described(name)
    assert set(found) == asked_for(name), "docs/dependencies.md and the list of packages differ"
    for package, cells in found.items():
        assert len(cells) == 4, package
        assert len(cells[1]) > 4, f"{package}: what is it for?"
        assert cells[2], f"{package}: under which licence?"


@pytest.mark.parametrize("name", LISTS)
def test_every_version_is_pinned_with_its_hashes(name: str) -> None:
    found = pinned(name)
    assert asked_for(name) <= set(found)
    assert all(hashes for _, hashes in found.values())
    lines = (PROJECT / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    for line in lines:
        assert not line.startswith(("-", "git+", "http")), "only pinned packages, from the index that is configured"
        assert "://" not in line or line.lstrip().startswith("#"), line


def test_the_lists_agree_on_versions() -> None:
    """One environment holds them all, but for the documentation site, which has one of its own."""
    versions: dict[str, set[str]] = {}
    for name in TOGETHER:
        for package, (version, _) in pinned(name).items():
            versions.setdefault(package, set()).add(version)
    assert {package: found for package, found in versions.items() if len(found) > 1} == {}


def test_everything_is_installed_by_hash() -> None:
    for path in ("Makefile", "README.md"):
        installs = [
            line for line in (PROJECT / path).read_text().splitlines() if "pip install" in line and "-r" in line
        ]
        assert all("--require-hashes" in line for line in installs), path
    assert "--require-hashes" in (PROJECT / "Makefile").read_text()


@pytest.mark.parametrize("folder", ["clients", "pages/browser"])
def test_the_node_packages_of_the_tests_are_pinned_by_hash(folder: str) -> None:
    lock = json.loads((PROJECT / "tests" / folder / "package-lock.json").read_text())
    packages = {
        name: package
        for name, package in lock["packages"].items()
        if name.startswith("node_modules/") and "link" not in package
    }
    assert packages
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
