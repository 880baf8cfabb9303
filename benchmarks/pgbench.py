"""The other yardstick: pgbench sends the product's own SQL, and so shows what the database alone can do.

It works on copies of the product's tables (same DDL, same indexes, the same ciphertexts) in a schema beside them,
where the person number i has the reference md5("subject-i") and so can be named without a look-up.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.database import ScratchDatabase
from benchmarks.errors import HarnessError

__all__ = ["SCHEMA", "Outcome", "command", "copy_tables", "drop_tables", "parse", "run", "script"]

SCHEMA = "pgbench"
DRAWN = [r"\set n :n + 1", r"\set r random(100000000000, 999999999999)"]
# A person of the vault, or for `create` one of so many that none comes twice.
SOMEBODY = r"\set i random(1, :people)"
NOBODY_YET = r"\set i random(100000000000000000, 999999999999999999)"
FIRST_NUMBER = 10_000_000  # of eight digits, as the first part of a UUID has
NUMBERS_A_RUN = 200_000
MAX_THREADS = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    rate: float
    latency_ms: float
    transactions: int


def script(statements: Sequence[dict[str, Any]], prepared: dict[str, str], *, fresh: bool) -> str:
    """A pgbench script of captured statements; `fresh` where they write a person that is not there yet.

    What the product has prepared in its sessions, `prepared` by name, each client prepares once.

    Raises:
        HarnessError: nothing was captured, or a statement has other parameters than its text says.
    """
    if not statements:
        raise HarnessError("the product sent no SQL for this work, so there is nothing to give to pgbench")
    lines = [*DRAWN, NOBODY_YET if fresh else SOMEBODY, *_preparing(statements, prepared)]
    reads_version = _mentions(statements, "version")
    is_open, events = False, 0
    for number, statement in enumerate(statements):
        if is_open and (statement["begins"] or not statement["atomic"]):
            lines.append("COMMIT;")
        if statement["begins"]:
            lines.append("BEGIN;")
        is_open = statement["atomic"]
        values = []
        for kind, value in statement["parameters"]:
            events += kind == "event"
            values.append(_literal(kind, value, events))
        keeps_row = number == 0 and reads_version
        lines.append(_filled(statement["sql"], values) + (r" \gset r_" if keeps_row else ";"))
    if is_open:
        lines.append("COMMIT;")
    return "\n".join([*lines, ""])


def _preparing(statements: Sequence[dict[str, Any]], prepared: dict[str, str]) -> list[str]:
    """The statements that a client prepares before its first transaction."""
    text = "\n".join(statement["sql"] for statement in statements)
    wanted = [sql for name, sql in prepared.items() if re.search(rf"\bEXECUTE {name}\b", text)]
    return [r"\if :ready = 0", *(f"{sql};" for sql in wanted), r"\set ready 1", r"\endif"] if wanted else []


def _mentions(statements: Sequence[dict[str, Any]], name: str) -> bool:
    return any(["known", name] in [list(pair) for pair in statement["parameters"]] for statement in statements)


def _filled(sql: str, values: list[str]) -> str:
    parts = sql.rstrip("; \n").split("%s")
    if len(parts) != len(values) + 1:
        raise HarnessError(f"captured {len(values)} parameters for a statement with {len(parts) - 1}")
    # `\;` keeps statements together that the product sends as one message.
    texts = [part.replace("%%", "%").replace(";", r"\;") for part in parts]
    return "".join(text + value for text, value in zip(texts, [*values, ""], strict=True))


def _literal(kind: str, value: Any, event_number: int) -> str:
    """As the driver would write it, except that people, versions and the ids of events differ each time."""
    forms = {
        "null": "NULL",
        "number": str(value),
        "text": "'" + str(value).replace("'", "''") + "'",
        "bytes": rf"'\x{value}'::bytea",
        "uuid": f"'{value}'::uuid",
        "event": f"':n-0000-7000-8{event_number:03}-:r'::uuid",
        "known": _named(value),
    }
    return forms[kind]


def _named(name: object) -> str:
    versions = {"version": ":r_version", "next_version": ":r_version + 1"}
    return versions.get(str(name), f"decode(md5('{name}-:i'), 'hex')")


def copy_tables(database: ScratchDatabase) -> None:
    """Copies of the product's tables in SCHEMA, with the vault's people under references that can be computed."""
    database.execute(f"CREATE SCHEMA {SCHEMA}")
    tables = database.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ '^(vault|audit)_'"
    )
    for (table,) in tables:
        database.execute(f"CREATE TABLE {SCHEMA}.{table} (LIKE public.{table} INCLUDING ALL)")
    subject = "decode(md5('subject-' || n), 'hex')"
    numbered = "(SELECT tenant, subject, row_number() OVER (ORDER BY id) AS n FROM public.vault_record) numbered"
    _copy(database, "vault_record", numbered, {"subject": subject})
    _copy(
        database, "vault_identity", numbered,
        {"subject": subject, "digest": "decode(md5(source.field || '-' || n), 'hex')"},
    )  # fmt: skip
    database.execute(
        f"SELECT setval(pg_get_serial_sequence('{SCHEMA}.vault_record', 'id'), max(id)) FROM {SCHEMA}.vault_record"
    )


def drop_tables(database: ScratchDatabase) -> None:
    database.execute(f"DROP SCHEMA {SCHEMA} CASCADE")


def _copy(database: ScratchDatabase, table: str, numbered: str, changed: dict[str, str]) -> None:
    columns = [
        name
        for (name,) in database.execute(
            "SELECT column_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND table_name = %s ORDER BY ordinal_position",
            [table],
        )
    ]
    chosen = ", ".join(changed.get(name, f"source.{name}") for name in columns)
    database.execute(
        f"INSERT INTO {SCHEMA}.{table} ({', '.join(columns)}) "
        f"SELECT {chosen} FROM public.{table} source JOIN {numbered} USING (tenant, subject)"
    )


def command(url: str, file: Path, *, connections: int, seconds: float, people: int, run_number: int) -> list[str]:
    """`run_number` must differ among the runs on one database: ids of events are counted from it."""
    return [
        "pgbench", "-n", "-M", "simple", "-c", str(connections), "-j", str(min(MAX_THREADS, connections)),
        "-T", str(max(1, round(seconds))), "-D", f"people={people}",
        "-D", f"n={FIRST_NUMBER + run_number * NUMBERS_A_RUN}", "-D", "ready=0", "-f", str(file), url,
    ]  # fmt: skip


def run(arguments: list[str]) -> Outcome:
    """
    Raises:
        HarnessError: pgbench failed, or one of its clients did.
    """
    environment = {**os.environ, "PGOPTIONS": f"-c search_path={SCHEMA}"}
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise HarnessError(f"pgbench failed: {done.stderr.strip()[-500:]}")
    return parse(done.stdout)


def parse(text: str) -> Outcome:
    """
    Raises:
        HarnessError: there are no figures in `text`, or transactions failed.
    """
    failed = re.search(r"^number of failed transactions: (\d+)", text, re.MULTILINE)
    if failed and int(failed.group(1)):
        raise HarnessError(f"{failed.group(1)} transactions of pgbench failed")
    tps = re.search(r"^tps = ([\d.]+) \(without initial connection time\)", text, re.MULTILINE)
    latency = re.search(r"^latency average = ([\d.]+) ms", text, re.MULTILINE)
    count = re.search(r"^number of transactions actually processed: (\d+)", text, re.MULTILINE)
    if not (tps and latency and count):
        raise HarnessError(f"pgbench printed no figures: {text.strip()[-500:]}")
    return Outcome(rate=float(tps.group(1)), latency_ms=float(latency.group(1)), transactions=int(count.group(1)))
