"""The console's navigation: an entry for each section, shown to those who may see it."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from databunker.access.actor import Actor
from databunker.access.permissions import Permission, allowed

__all__ = ["ENTRIES", "Entry", "entries_for"]


class Entry(NamedTuple):
    """`section` is what pages name as theirs, `view` the name of the page that the entry leads to."""

    section: str
    label: str | Promise
    view: str
    icon: str
    permission: Permission | None


ENTRIES = [
    Entry("dashboard", _("Dashboard"), "console:dashboard", "dashboard", None),
    Entry("requests", _("Requests"), "console:requests", "requests", Permission.REQUEST_LIST),
    Entry("people", _("People"), "console:people", "people", Permission.AUDIT_READ),
    Entry("audit", _("Audit trail"), "console:audit", "audit", Permission.AUDIT_LIST_ALL),
    Entry("accounts", _("Accounts"), "console:accounts", "accounts", Permission.ACCOUNT_READ),
]


def entries_for(actor: Actor) -> list[Entry]:
    return [entry for entry in ENTRIES if entry.permission is None or allowed(actor, entry.permission)]
