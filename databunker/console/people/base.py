"""What the pages about one person share: their tabs, and where a mistake is shown."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from databunker.access.permissions import Permission
from databunker.errors import AccessDenied
from vault import identities, masking
from vault.records import OpenRecord

from ..pages import ConsolePage

__all__ = ["UNPROCESSABLE", "PersonPage", "Tab", "known_by"]

UNPROCESSABLE = 422


def known_by(record: OpenRecord) -> list[tuple[str, str]]:
    """What somebody can be looked up by: names of fields and their values, masked."""
    profile = record.profile()
    found = [(name, profile[name]) for name in identities.configured() if profile.get(name) is not None]
    return [(name, masking.masked_field(name, value)) for name, value in found]


class Tab(NamedTuple):
    view: str
    label: str | Promise
    permission: Permission


_TABS = [
    Tab("console:person", gettext_lazy("Profile"), Permission.AUDIT_READ),
    Tab("console:person_data", gettext_lazy("Further data"), Permission.APP_READ),
    Tab("console:person_agreements", gettext_lazy("Agreements"), Permission.AGREEMENT_READ),
    Tab("console:person_requests", gettext_lazy("Requests"), Permission.REQUEST_READ),
    Tab("console:person_rights", gettext_lazy("Rights and retention"), Permission.RIGHTS_READ),
    Tab("console:person_trail", gettext_lazy("Who has seen it"), Permission.AUDIT_READ),
]


class PersonPage(ConsolePage):
    """A page about the person whose token stands in the address; `tab` is the one that is marked."""

    section = "people"
    tab: str = ""

    @property
    def tabs(self) -> list[Tab]:
        return [tab for tab in _TABS if self.may(tab.permission)]

    @property
    def person(self) -> UUID:
        person: UUID = self.kwargs["person"]
        return person

    @property
    def unmasked(self) -> bool:
        """Whether the account may ever see values in clear."""
        scope = self.actor.scope
        return not (scope and scope.masked)

    def require_unmasked(self) -> None:
        """
        Raises:
            AccessDenied: the account never sees values in clear.
        """
        if not self.unmasked:
            raise AccessDenied
