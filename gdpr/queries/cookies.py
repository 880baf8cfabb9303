"""What a cookie popup needs to know, before anybody has logged in."""

from __future__ import annotations

from typing import NamedTuple

from databunker.access.actor import Actor

from ..bases import Basis
from .registers import ActivityView, active_bases, activities_with_bases

__all__ = ["CookieSettings", "cookie_settings"]

_MODULE = "cookie-popup"


class CookieSettings(NamedTuple):
    """What is asked, and which activities run a script once it is agreed to."""

    bases: list[Basis]
    scripts: list[ActivityView]


def cookie_settings(actor: Actor) -> CookieSettings:
    """For everyone; no event, as nothing in it is personal."""
    bases = active_bases(actor.tenant, module=_MODULE)
    activities = activities_with_bases(actor.tenant, bases)
    return CookieSettings(bases, [activity for activity in activities if activity.row.script and activity.bases])
