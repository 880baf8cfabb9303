"""The settings in force. Secrets are hidden."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse

from databunker.access.permissions import Permission
from databunker.configuration import HIDDEN, read_configuration
from databunker.settings.environment import SETTINGS, Setting

from .access import AccessPage

__all__ = ["Settings"]


class Row(NamedTuple):
    """`value` is as it would be written; empty where nothing is set. `changed`: it is not what it is by itself."""

    name: str
    value: str
    hidden: bool
    changed: bool
    meaning: str


class Settings(AccessPage):
    template_name = "console/settings.html"
    tab = "settings"
    permission = Permission.CONFIGURATION_READ

    def get(self, request: HttpRequest) -> HttpResponse:
        changed = request.GET.get("show") == "changed"
        values = read_configuration(self.actor)
        groups = []
        for name, members in groupby(SETTINGS, key=lambda setting: setting.group):
            rows = [_row(setting, values[setting.name]) for setting in members]
            shown = [row for row in rows if row.changed or not changed]
            if shown:
                groups.append((name, shown))
        return self.render(groups=groups, changed=changed)


def _row(setting: Setting, value: Any) -> Row:
    return Row(setting.name, _written(value), value == HIDDEN, value != setting.default, _plain(setting.meaning))


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, list) else str(value)


_LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")


def _plain(meaning: str) -> str:
    """Without what is for docs/configuration.md alone."""
    return _LINK.sub(r"\1", meaning).replace("`", "")
