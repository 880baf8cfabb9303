"""Tags and filters that every template has, without loading them."""

from __future__ import annotations

import datetime as dt
import zlib
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from django import template
from django.conf import settings
from django.contrib.staticfiles import finders
from django.forms import BoundField, CheckboxInput
from django.template.context import RequestContext
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext

from databunker.pages import charts
from databunker.pages.icons import ICONS

__all__ = ["register"]

register = template.Library()
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@register.simple_tag
@cache
def asset(name: str) -> str:
    """The address of a file of ours; it changes with what is in the file, so that browsers may keep it for ever."""
    found = finders.find(name)
    if not isinstance(found, str):
        raise template.TemplateSyntaxError(f"there is no file {name}")
    return f"{settings.STATIC_URL}{name}?v={zlib.crc32(Path(found).read_bytes()):08x}"


@register.simple_tag
def icon(name: str) -> SafeString:
    """A small picture beside a word that says the same."""
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" focusable="false">{}</svg>',
        mark_safe(ICONS[name]),  # noqa: S308 - our own drawings
    )


@register.inclusion_tag("parts/field.html")
def field(bound: BoundField, help_text: str = "") -> dict[str, Any]:
    """A form's field with its label, its help, and what is wrong with it."""
    name = bound.auto_id
    told = help_text or bound.help_text
    described = " ".join(part for part, there in ((f"{name}-help", told), (f"{name}-error", bound.errors)) if there)
    attributes: dict[str, Any] = {}
    if described:
        attributes["aria-describedby"] = described
    if bound.errors:
        attributes["aria-invalid"] = "true"
    return {
        "field": bound,
        "input": bound.as_widget(attrs=attributes),
        "help": told,
        "name": name,
        "checkbox": isinstance(bound.field.widget, CheckboxInput),
    }


@register.inclusion_tag("parts/errors.html")
def form_errors(form: Any) -> dict[str, Any]:
    """What is wrong with a form, above it: where focus goes, with links to the fields."""
    return {"form": form, "fields": [bound for bound in form if bound.errors] if form.is_bound else []}


@register.inclusion_tag("parts/pagination.html")
def pagination(paging: Any, *, reload: bool = False) -> dict[str, Any]:
    """`reload`: more than the list changes with its pages; else see `in_place`."""
    return {"paging": paging, "boost": not reload}


@register.simple_tag
def in_place(label: str) -> SafeString:
    """On the section of a page's list: what has `hx-boost` in there changes the list instead of loading the page."""
    return format_html(
        'id="list" tabindex="-1" aria-label="{}" hx-target="#list" hx-select="#list" hx-swap="outerHTML"'
        ' hx-push-url="true" hx-select-oob="#list-actions,#foot" hx-indicator="#list"'
        ' hx-sync="#list:replace"',
        label,
    )


@register.simple_tag
def badge(text: str, tone: str = "") -> SafeString:
    """A state in a word. `tone`: good, warning, bad, info, or none."""
    return format_html('<span class="badge{}">{}</span>', f" {tone}" if tone else "", text)


@register.inclusion_tag("charts/bars.html")
def bar_chart(title: str, labels: Any, series: Any) -> dict[str, Any]:
    return {"chart": charts.bars(title, labels, series)}


@register.filter
def moment(seconds: int | None) -> SafeString | str:
    """A time in Unix seconds, in UTC and to the minute."""
    if not seconds:
        return ""
    when = dt.datetime.fromtimestamp(seconds, tz=dt.UTC)
    return format_html('<time datetime="{}">{} {}</time>', when.isoformat(), _day(when), f"{when:%H:%M}")


@register.filter
def day(seconds: int | None) -> SafeString | str:
    """The day of a time in Unix seconds."""
    if not seconds:
        return ""
    when = dt.datetime.fromtimestamp(seconds, tz=dt.UTC)
    return format_html('<time datetime="{}">{}</time>', when.date().isoformat(), _day(when))


def _day(when: dt.datetime) -> str:
    """With the month in letters: no country reads it as another day."""
    return formats.date_format(when, "j M Y", use_l10n=False)


@register.filter
def ago(seconds: int | None) -> str:
    """How long ago a time in Unix seconds is, roughly."""
    if not seconds:
        return gettext("never")
    past = max(int(timezone.now().timestamp()) - seconds, 0)
    if past < _MINUTE:
        return gettext("just now")
    if past < _HOUR:
        count = past // _MINUTE
        return ngettext("%(count)s minute ago", "%(count)s minutes ago", count) % {"count": count}
    if past < _DAY:
        count = past // _HOUR
        return ngettext("%(count)s hour ago", "%(count)s hours ago", count) % {"count": count}
    count = past // _DAY
    return ngettext("%(count)s day ago", "%(count)s days ago", count) % {"count": count}


_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


@register.filter
def browser(agent: str) -> str:
    """What a browser calls itself, in two words: enough for its owner to know it again."""
    names = [next((name for sign, name in signs if sign in agent), "") for signs in (_BROWSERS, _SYSTEMS)]
    return ", ".join(filter(None, names)) or agent[:40] or "–"


@register.filter
def short(token: UUID | str) -> str:
    """The beginning of a token, which is enough to tell one from another in a list."""
    return f"{str(token)[:8]}…"


@register.simple_tag(takes_context=True)
def current(context: RequestContext, *names: str) -> SafeString | str:
    """Marks a link of the navigation that leads to where one is."""
    match = getattr(context["request"], "resolver_match", None)
    here = match is not None and (match.view_name in names or getattr(context.get("page"), "section", "") in names)
    return mark_safe(' aria-current="page"') if here else ""
