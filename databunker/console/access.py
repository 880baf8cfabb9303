"""The base of the pages under "Access", which are tabs of one section."""

from __future__ import annotations

from typing import ClassVar

from .navigation import ACCESS_TABS, Entry, permitted
from .pages import ConsolePage

__all__ = ["AccessPage"]


class AccessPage(ConsolePage):
    """`tab` is the section of the tab that is marked."""

    section = "access"
    tab: ClassVar[str] = ""

    @property
    def tabs(self) -> list[Entry]:
        return permitted(self.actor, ACCESS_TABS)
