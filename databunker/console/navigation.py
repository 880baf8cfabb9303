"""The console's navigation: an entry for each section, shown to those who may see it."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from databunker.access.actor import Actor
from databunker.access.permissions import Permission, allowed

__all__ = ["ACCESS_TABS", "ENTRIES", "Entry", "entries_for", "permitted"]


class Entry(NamedTuple):
    """`section` is what pages name as theirs, `view` the name of the page that the entry leads to.

    Of several entries of one section the first is shown whose page one may see.
    """

    section: str
    label: str | Promise
    view: str
    icon: str
    permission: Permission | None


ENTRIES = [
    Entry("dashboard", _("Dashboard"), "console:dashboard", "dashboard", None),
    Entry("requests", _("Requests"), "console:requests", "requests", Permission.REQUEST_LIST),
    Entry("people", _("People"), "console:people", "people", Permission.AUDIT_READ),
    Entry("bases", _("Legal bases"), "console:legal_bases", "bases", Permission.LEGAL_BASIS_READ),
    Entry("activities", _("Activities"), "console:activities", "register", Permission.ACTIVITY_READ),
    Entry("audit", _("Audit trail"), "console:audit", "audit", Permission.AUDIT_LIST_ALL),
    Entry("incidents", _("Incidents"), "console:incidents", "warning", Permission.AUDIT_LIST_ALL),
    Entry("accounts", _("Accounts"), "console:accounts", "accounts", Permission.ACCOUNT_READ),
    Entry("access", _("Access"), "console:tokens", "tokens", Permission.TOKEN_MANAGE),
    Entry("access", _("Access"), "console:settings", "tokens", Permission.CONFIGURATION_READ),
]
# The pages of the section "access", as tabs.
ACCESS_TABS = [
    Entry("tokens", _("Access tokens"), "console:tokens", "tokens", Permission.TOKEN_MANAGE),
    Entry("keys", _("Keys"), "console:keys", "keys", Permission.KEY_MANAGE),
    Entry("outgoing", _("Messages"), "console:outgoing", "webhooks", Permission.NOTIFICATION_MANAGE),
    Entry("jobs", _("Jobs"), "console:jobs", "jobs", Permission.CONFIGURATION_READ),
    Entry("settings", _("Settings"), "console:settings", "settings", Permission.CONFIGURATION_READ),
]


def entries_for(actor: Actor) -> list[Entry]:
    sections: dict[str, Entry] = {}
    for entry in permitted(actor, ENTRIES):
        sections.setdefault(entry.section, entry)
    return list(sections.values())


def permitted(actor: Actor, entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.permission is None or allowed(actor, entry.permission)]
