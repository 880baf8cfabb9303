"""Which tables of the other vault are taken over, in which order, and which are not."""

from __future__ import annotations

from collections.abc import Mapping

from .agreements import Agreements
from .belongings import APP_TABLE, AppData, Sessions, Shares
from .entries import Reading, Stage
from .people import People
from .registers import Activities, LegalBases
from .requests import Requests
from .trail import Trail

__all__ = ["APPEND_ONLY", "plan"]

# Rows that never change and have no key here by which they would be known again.
APPEND_ONLY = {Trail.name}


def plan(reading: Reading, tables: Mapping[str, int]) -> tuple[list[Stage], dict[str, int]]:
    """What is taken over, and what is left out, with its rows.

    People come before what is sealed under their keys, legal bases before agreements, application data before the
    requests to change it.
    """
    apps = [AppData(reading, name) for name in tables if name == "userapps" or name.startswith(APP_TABLE)]
    registers: list[Stage] = [LegalBases(reading), Activities(reading)]
    of_people: list[Stage] = [Sessions(reading), Shares(reading), Agreements(reading), Requests(reading)]
    wanted: list[Stage] = [*registers, People(reading), *apps, *of_people, Trail(reading)]
    stages = [stage for stage in wanted if stage.table in tables]
    taken = {stage.table for stage in stages}
    return stages, {name: rows for name, rows in tables.items() if name not in taken and rows}
