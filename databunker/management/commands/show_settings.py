from __future__ import annotations

from argparse import ArgumentParser
from itertools import groupby
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from databunker.settings.environment import SETTINGS, Setting


class Command(BaseCommand):
    help = "Show every setting and its value in force (secrets hidden), or the documentation of all settings."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's interface

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--markdown", action="store_true", help="print docs/configuration.md")

    def handle(self, *, markdown: bool, **_: Any) -> None:
        self.stdout.write(as_markdown() if markdown else as_values())


def as_values() -> str:
    return "\n".join(f"{setting.name}={_value(setting)}" for setting in SETTINGS)


def _value(setting: Setting) -> str:
    value = getattr(settings, setting.name)
    if setting.secret:
        return "(set)" if value else "(not set)"
    return ",".join(value) if isinstance(value, list) else str(value)


def as_markdown() -> str:
    """docs/configuration.md: a table for each group of settings."""
    lines = [
        "# Configuration",
        "",
        "Everything is configured by environment variables, or by lines `NAME=value` in a file `.env` beside",
        "`manage.py` (another path by `DATABUNKER_ENV_FILE`). The environment wins over the file. A value that can't",
        "be used stops the start with a message that names the variable. `manage.py show_settings` prints what is in",
        "force. This page is made by `make docs-config` from `databunker/settings/environment.py`.",
    ]
    for group, members in groupby(SETTINGS, key=lambda setting: setting.group):
        lines += ["", f"## {group}", "", "| Variable | Default | Meaning |", "|---|---|---|"]
        lines += [f"| `{setting.name}` | {_default(setting)} | {_meaning(setting)} |" for setting in members]
    return "\n".join(lines)


def _default(setting: Setting) -> str:
    default = ",".join(setting.default) if isinstance(setting.default, list) else str(setting.default)
    if isinstance(setting.default, bool):
        default = default.lower()
    return f"`{default}`" if default else "unset"


def _meaning(setting: Setting) -> str:
    return setting.meaning.replace("|", "\\|")
