#!/usr/bin/env python3
"""Look at a built site: every link within it leads somewhere, also its `#…`, and no page loads anything from elsewhere.

python scripts/check_site.py build/site            0, or 1 with what is broken
python scripts/check_site.py build/site --external also lists the addresses that pages link to; none is fetched
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

# What makes a browser load something, by tag; an `a` only leads there.
LOADED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "link": "href",
}
# Relations of a link that load nothing.
LEADING = {"canonical", "next", "prev", "search", "index", "alternate", "author"}
STYLESHEET_LOADS = re.compile(r"(?:url\(|@import\s+)\s*['\"]?((?:https?:)?//[^'\")\s]+)")


class Link(NamedTuple):
    target: str
    loads: bool


class Page(HTMLParser):
    """The links of a page, and what can be linked to in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[Link] = []
        self.anchors = {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(Link(given["href"], loads=False))
        elif (name := LOADED.get(tag)) and name in given:
            relations = set(given.get("rel", "").split())
            self.links.append(Link(given[name], loads=not (tag == "link" and relations & LEADING)))


class Site:
    """The files of a folder, as a web server would give them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(self.folder.rglob("*.html"))}

    def links(self) -> Iterator[tuple[Path, Link]]:
        for path, page in self.pages.items():
            yield from ((path, link) for link in page.links)

    def problems(self) -> Iterator[str]:
        if not self.pages:
            yield f"{self.folder}: no page at all"
        for path, link in self.links():
            if problem := self.problem(path, link):
                yield f"{path.relative_to(self.folder)}: {link.target}: {problem}"
        for path in self.folder.rglob("*.css"):
            for address in STYLESHEET_LOADS.findall(path.read_text(encoding="utf-8")):
                yield f"{path.relative_to(self.folder)}: loads {address}"

    def problem(self, path: Path, link: Link) -> str | None:
        split = urlsplit(link.target)
        if split.scheme == "data":
            return None
        if split.scheme or split.netloc:
            return "loaded from elsewhere" if link.loads else None
        target = path
        if split.path:
            target = (path.parent / unquote(split.path)).resolve()
            if target.is_dir():
                target /= "index.html"
        if not target.is_relative_to(self.folder) or not target.is_file():
            return "leads nowhere"
        if target.suffix == ".html" and unquote(split.fragment) not in self.pages[target].anchors:
            return "the page has no such heading"
        return None

    def external(self) -> list[str]:
        return sorted({link.target for _, link in self.links() if urlsplit(link.target).scheme in {"http", "https"}})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--external", action="store_true")
    options = parser.parse_args()
    site = Site(options.folder)
    problems = list(site.problems())
    print(*problems, sep="\n", end="\n" if problems else "")
    if options.external:
        print(*site.external(), sep="\n")
    print(f"{len(site.pages)} pages, {sum(1 for _ in site.links())} links, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
