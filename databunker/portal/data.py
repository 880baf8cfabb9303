"""What the vault keeps about the person who looks."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse

from databunker import jsontext
from vault import events, queries

from .pages import PortalPage

__all__ = ["MyData", "Row", "rows_of"]

_MOST_ROWS = 2_000


class Row(NamedTuple):
    """One value with the names that lead to it, in words: `address: city`."""

    label: str
    value: Any


def rows_of(value: Any, path: tuple[str, ...] = ()) -> list[Row]:
    """Every value inside `value`, in order; what is empty is told as such."""
    if isinstance(value, dict) and value:
        return [row for name, inner in value.items() for row in rows_of(inner, (*path, _readable(name)))]
    if isinstance(value, list) and value:
        return [row for number, inner in enumerate(value, 1) for row in rows_of(inner, (*path, str(number)))]
    return [Row(": ".join(path), "" if value in ({}, [], None) else value)]


def _readable(name: str) -> str:
    """`first_name` and `firstName` as people write it."""
    spaced = "".join(f" {sign.lower()}" if sign.isupper() else sign for sign in name) if not name.isupper() else name
    words = spaced.replace("_", " ").replace("-", " ").split()
    text = " ".join(words) or name
    return text[:1].upper() + text[1:]


class MyData(PortalPage):
    template_name = "portal/data.html"
    section = "data"
    event = events.RECORD_READ

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        record = queries.read_record(self.actor, mode="token", identity=self.token)
        rows = rows_of(jsontext.loads(record.profile_json))
        _, apps = queries.list_apps(self.actor, mode="token", identity=self.token)
        data = [(app, self._rows_of_app(app)) for app in apps]
        return self.render(rows=rows[:_MOST_ROWS], apps=data, more=len(rows) > _MOST_ROWS)

    def _rows_of_app(self, app: str) -> list[Row]:
        found = queries.read_app_data(self.actor, mode="token", identity=self.token, app=app)
        return rows_of(jsontext.loads(found.content))
