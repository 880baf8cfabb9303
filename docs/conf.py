"""The documentation site: Markdown pages, as Sphinx and MyST read them. `make docs` builds it."""

import re
import tomllib
from pathlib import Path

from sphinx.application import Sphinx

_PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "Databunker in Django"
release = version = _PROJECT["version"]
copyright = "the contributors"  # noqa: A001 - Sphinx's name for it
author = "the contributors"

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
# Links to headings are the ones that forges make: `page.md#some-heading`.
myst_heading_anchors = 4
# Indented blocks are shown as they stand; fences name their language.
highlight_language = "text"
pygments_style = "friendly"
pygments_dark_style = "github-dark"
nitpicky = True
toc_object_entries = False

html_theme = "furo"
html_title = "Databunker in Django"
html_favicon = "../static/favicon.svg"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_last_updated_fmt = None
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1f4fa3", "color-brand-content": "#1f4fa3"},
    "dark_css_variables": {"color-brand-primary": "#8ab4ff", "color-brand-content": "#8ab4ff"},
}

# Pages that a repository has at its root: shown under project/, with their links turned.
_ROOT_PAGES = {
    "CHANGELOG.md": "project/changelog",
    "CODE_OF_CONDUCT.md": "project/conduct",
    "CONTRIBUTING.md": "project/contributing",
    "SECURITY.md": "project/reporting",
}


def _show_root_pages(app: Sphinx, docname: str, source: list[str]) -> None:
    root = app.srcdir.parent
    for name, shown in _ROOT_PAGES.items():
        if docname == shown:
            source[0] = (root / name).read_text(encoding="utf-8").replace("](docs/", "](../")
    up = "../" * docname.count("/")
    for name, shown in _ROOT_PAGES.items():
        source[0] = re.sub(rf"\]\((?:\.\./)*{re.escape(name)}", f"]({up}{shown}.md", source[0])


def setup(app: Sphinx) -> None:
    app.connect("source-read", _show_root_pages)
