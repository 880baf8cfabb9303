"""`manage.py keys status`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import orjson
from django.core.management.base import BaseCommand

from databunker.access.actor import operator
from databunker.crypto.index_keys import Phase
from databunker.crypto.keyring import KeyState
from databunker.keys import KeyStatus, Status, key_status
from databunker.keys.status import PURPOSES

from .verb import Verb

__all__ = ["VERB"]

_DAY = 86_400


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")


def _run(command: BaseCommand, options: dict[str, Any]) -> None:
    status = key_status(operator())
    command.stdout.write(_as_json(status) if options["json"] else "\n".join(_lines(status)))


def _as_json(status: Status) -> str:
    keys = [{**key._asdict(), "purpose": key.purpose.value} for key in status.keys]
    found = {
        "keys": keys,
        "outdated": status.outdated,
        "overdue": [key.id for key in status.overdue],
        "index": {"phase": status.index_phase.value, "behind": status.behind},
    }
    return orjson.dumps(found, option=orjson.OPT_INDENT_2).decode()


def _lines(status: Status) -> list[str]:
    lines = [line for key in status.keys for line in _of_key(key)]
    if status.outdated:
        lines += ["", f"{status.outdated:,} values are under an older data key: `manage.py keys rewrap`."]
    if status.index_phase is not Phase.STEADY:
        on_its_way = f"{status.index_phase}, {status.behind:,} records are to be written before the next step"
        lines += ["", f"A new index key is on its way ({on_its_way}): `manage.py keys reindex` goes on."]
    elif status.behind:
        lines += ["", f"{status.behind:,} records have yet to be indexed anew: `manage.py keys reindex --keep-key`."]
    if status.overdue:
        old = ", ".join(f"{key.purpose} key {key.id}" for key in status.overdue)
        lines += ["", f"Older than KEY_LIFETIME: {old}. Make a new one with `manage.py keys rotate`."]
    return lines


def _of_key(key: KeyStatus) -> list[str]:
    state = key.state if key.state is not KeyState.LIVE else "in use" if key.newest else "old"
    lines = [f"{key.id:>5}  {key.purpose:<9}  {key.age // _DAY:>5} days  {state:<8}  {PURPOSES[key.purpose]}"]
    return lines + [f"{count:>22,} {what}" for what, count in (key.sealed or {}).items()]


VERB = Verb("status", "show each key, its age, and how much is sealed under it", _run, _add_arguments)
