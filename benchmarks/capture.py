"""The SQL that the product sends for each kind of work, taken from the product itself.

    python -m benchmarks.capture requests FILE             (in the environment of a vault that `manage.py init` made)
    python -m benchmarks.capture load PEOPLE FILE

pgbench is then given these very statements, so that "the same SQL" needs no second copy of it to keep in step.
For requests, values that say which person is meant are replaced by names, for `pgbench.py` to put other people in
their place; for a load the file has finished SQL.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple
from uuid import UUID

import orjson
from psycopg2 import extensions

from benchmarks.errors import HarnessError
from benchmarks.inprocess import Caller
from benchmarks.people import people
from benchmarks.server import Vault, run_python

__all__ = [
    "NEXT_VERSION",
    "VERSION",
    "Script",
    "Sent",
    "captured_load",
    "captured_requests",
    "describe",
    "main",
    "prepared_by",
]

# The captured change turns version 41 of a profile into 42: numbers that no other parameter has.
VERSION, NEXT_VERSION = 41, 42
IDENTITIES = ("login", "email", "phone")
EVENT_ID_VERSION = 7  # ids of events are time-ordered UUIDs, those of requests are not
UUID_DIGITS = re.compile(r"[0-9a-f]{32}")
PREPARE = re.compile(r"PREPARE (\w+)\b")


class Sent(NamedTuple):
    """A statement as the driver got it. `data` is what a COPY read.

    `atomic` says that it is part of a transaction of several statements, `begins` that it is the first of them.
    """

    sql: str
    parameters: tuple[Any, ...]
    atomic: bool
    begins: bool
    text: bytes = b""
    data: str = ""


def _listen(hear: Callable[[Sent], None], *, literal: bool = False) -> None:
    """Have `hear` called for each statement of every connection that is opened from now on.

    It listens at the driver, below everything that the product and Django may do differently when somebody
    listens higher up. With `literal` it also hears the statements with their values filled in.
    """
    from django.db.backends.signals import connection_created

    class Cursor(extensions.cursor):  # type: ignore[misc]
        def execute(self, query: str, parameters: Any = None) -> None:
            text = self.mogrify(query, parameters) if literal else b""
            hear(Sent(query, tuple(parameters or ()), *self.transaction(), text))
            super().execute(query, parameters)

        def copy_expert(self, sql: str, file: IO[str], *size: int) -> None:
            data = file.read()
            hear(Sent(sql, (), *self.transaction(), sql.encode(), data))
            super().copy_expert(sql, io.StringIO(data), *size)

        def transaction(self) -> tuple[bool, bool]:
            atomic = not self.connection.autocommit
            idle = self.connection.info.transaction_status == extensions.TRANSACTION_STATUS_IDLE
            return atomic, atomic and idle

    def opened(connection: Any, **_: object) -> None:
        connection.connection.cursor_factory = Cursor

    connection_created.connect(opened, weak=False)


def describe(value: Any, known: dict[bytes | int, str]) -> list[Any]:
    """A parameter as [kind, value] in JSON: what it is, or the name of what it stands for."""
    if isinstance(value, memoryview | bytearray):
        value = bytes(value)
    if isinstance(value, bytes | int) and value in known:
        return ["known", known[value]]
    if isinstance(value, str) and UUID_DIGITS.fullmatch(value):
        value = UUID(hex=value)  # as the product sends one
    match value:
        case None:
            return ["null", None]
        case bytes():
            return ["bytes", value.hex()]
        case UUID():
            return ["event" if value.version == EVENT_ID_VERSION else "uuid", str(value)]
        case bool() | str():
            return ["text", str(value)]
        case int():
            return ["number", value]
    raise TypeError(f"no description for a {type(value).__name__} parameter")


def prepared_by(heard: Sequence[Sent]) -> dict[str, str]:
    """The statements that a session prepared, by name."""
    found = ((PREPARE.match(sent.sql), sent.sql) for sent in heard)
    return {match.group(1): sql for match, sql in found if match}


def _described(heard: Sequence[Sent], known: dict[bytes | int, str]) -> list[Any]:
    return [
        {
            "sql": sent.sql,
            "parameters": [describe(value, known) for value in sent.parameters],
            "atomic": sent.atomic,
            "begins": sent.begins,
        }
        for sent in heard
    ]


def _names(token: str, person: dict[str, Any]) -> dict[bytes | int, str]:
    """What this person's hashes stand for."""
    from databunker.access.models import DEFAULT_TENANT
    from vault.lookups import parse

    names: dict[bytes | int, str] = {
        parse(mode, person[mode], tenant=DEFAULT_TENANT).digest: mode  # type: ignore[union-attr]
        for mode in IDENTITIES
    }
    return {parse("token", token, tenant=DEFAULT_TENANT).subject: "subject", **names}  # type: ignore[union-attr]


def capture_requests() -> dict[str, Any]:
    """The statements of each kind of request, as sent once everything that is cached or prepared is so."""
    heard: list[Sent] = []
    _listen(heard.append)
    caller = Caller()

    def statements_of(act: Callable[[], Any]) -> tuple[list[Sent], Any]:
        before = len(heard)
        answer = act()
        return heard[before:], answer

    eve, ann, bob = people(3, seed=1, shape="small")
    caller.json("POST", "/v1/user", eve)
    token = caller.json("POST", "/v1/user", ann)["token"]
    for number in range(VERSION - 1):
        caller.json("PUT", f"/v1/user/token/{token}", {"job": f"job {number}"})
    reads = {"get_token": f"/v1/user/token/{token}", "get_email": f"/v1/user/email/{ann['email']}"}
    works = {}
    for work, path in reads.items():
        caller.json("GET", path)
        works[work] = _described(statements_of(partial(caller.json, "GET", path))[0], _names(token, ann))
    update, _ = statements_of(lambda: caller.json("PUT", f"/v1/user/token/{token}", {"job": "another job"}))
    create, created = statements_of(lambda: caller.json("POST", "/v1/user", bob))
    works["update"] = _described(update, {**_names(token, ann), VERSION: "version", NEXT_VERSION: "next_version"})
    works["create"] = _described(create, _names(created["token"], bob))
    return {"prepared": prepared_by(heard), "works": works}


class Script:
    """Writes each statement that it hears, with its values filled in, as a script for psql."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._open = False
        self.statements = 0

    def hear(self, sent: Sent) -> None:
        if sent.begins or not sent.atomic:
            self.close()
        if sent.begins:
            self._out.write(b"BEGIN;\n")
            self._open = True
        self._out.write(sent.text.rstrip(b"; \n") + b";\n")
        if sent.data:
            self._out.write(f"{sent.data}\\.\n".encode())
        self.statements += 1

    def close(self) -> None:
        """Commit what is open."""
        if self._open:
            self._out.write(b"COMMIT;\n")
            self._open = False


def capture_load(people_file: Path, file: Path) -> None:
    """What `manage.py load` sends for this file, so that it can be sent again without the product.

    Raises:
        HarnessError: nothing was heard.
    """
    import django
    from django.core.management import call_command

    django.setup()
    with file.open("wb") as out:
        script = Script(out)
        _listen(script.hear, literal=True)
        call_command("load", str(people_file))
        script.close()
    if not script.statements:
        raise HarnessError("the product sent no SQL from this process while loading")


def captured_requests(vault: Vault) -> dict[str, Any]:
    """As `capture_requests`, in a process of its own."""
    out = vault.folder / "requests.json"
    run_python("-m", "benchmarks.capture", "requests", str(out), vault=vault)
    found: dict[str, Any] = orjson.loads(out.read_bytes())
    return found


def captured_load(vault: Vault, people_file: Path) -> Path:
    """As `capture_load`, in a process of its own; the file."""
    out = vault.folder / "load.sql"
    run_python("-m", "benchmarks.capture", "load", str(people_file), str(out), vault=vault)
    return out


def main(arguments: Sequence[str]) -> int:
    """Capture in this very process, whose environment names the vault."""
    what, *files = arguments
    if what == "load":
        capture_load(Path(files[0]), Path(files[1]))
    else:
        Path(files[0]).write_bytes(orjson.dumps(capture_requests(), option=orjson.OPT_INDENT_2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
